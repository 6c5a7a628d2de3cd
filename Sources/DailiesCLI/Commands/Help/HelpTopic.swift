import DailiesCore

/// What `dailies help TOPIC` explains.
enum HelpTopic: String, CaseIterable {
    case states
    case exitCodes = "exit-codes"
    case manifests
    case money
    case recovery
    case configuration

    var text: String {
        switch self {
        case .states: Self.statesText
        case .exitCodes: Self.exitCodesText
        case .manifests: Self.manifestsText
        case .money: Self.moneyText
        case .recovery: Self.recoveryText
        case .configuration: Self.configurationText
        }
    }

    private static let statesText = """
        The state of a task, as `status`, `export` and the column `state` of the store have it:

          queued      waits here for a slot; or its submit is in the air; or it is uncertain: sent, and
                      nobody knows yet what became of it; or it waits at the provider
          running     renders
          completed   rendered and paid; its clip is saved, or about to be
          failed      over, usually free of charge; `dailies retry` lets it wait again
          cancelled   over: by `dailies cancel`, or since it no longer stands in its manifest

        Nothing is sent twice to find out what happened: an uncertain task is asked for by its submission key, and
        stays uncertain until that, or your word (`dailies reconcile`), says more.

        How many stand where:
          sqlite3 dailies.sqlite "select state, count(*), sum(credits) from task group by state"

        One task's whole story:
          dailies explain KEY
        """

    private static let exitCodesText: String = {
        let lines = ExitCode.allCases.map { code in
            "  " + DisplayWidth.padded("\(code.rawValue)", to: 5) + code.meaning
        }
        let order = ExitCode.precedence.map { "\($0.rawValue)" }.joined(separator: ", ")
        return "What a command returns:\n\n" + lines.joined(separator: "\n")
            + "\n\nWhere several hold, the first in this order is returned:\n  \(order)"
            + "\n\nWhen standard output cannot be written (a full disk), the code is 1. A reader that closes the pipe early,"
            + "\nas `head` does, ends a command that only prints, and changes no code."
    }()

    private static let manifestsText = """
        A manifest says what to render: YAML, JSON, JSONL or CSV, told apart by the file's ending.

          batch: misty-forest            # optional; default: the file's name
          defaults: {model: seedance-2.0-pro, duration_seconds: 8, resolution: 1080p}
          tasks:
            - id: dolly                  # optional; default: derived from the content
              prompt: "A cinematic dolly shot through a misty pine forest at dawn"
              tags: {client: acme}
            - id: takes
              prompt: "A stag looks up between the trees"
              matrix: {seed: [1, 2, 3], aspect_ratio: [16:9, 9:16]}

        Fields of the request: model, prompt, duration_seconds, resolution, aspect_ratio, seed, image_init,
        style_preset, and those of the model. Fields of the runner: id, tags, priority (higher first), output,
        matrix. JSONL has one task a line; CSV has a column for each field, tags as tags.NAME. Columns that are called
        otherwise: --map Length=duration_seconds --map Notes= (passed over).

        image_init is a URL, or the path of a PNG, JPEG or WebP image from the manifest's folder. In YAML put texts
        that hold " #", or begin with ! or &, in quotes.

        A task is known by its id, or without one by its content; never by its place. Moving, re-tagging or
        re-formatting it renders nothing again, and neither do other line ends. A changed request needs
        --accept-changes, or a new id.

        Every mistake is named at once, and nothing is submitted. What may be one is a warning (a prompt such as
        #REF!, a blank after a model's name), and an error with --strict:
          dailies plan campaign.yaml
        Editors complete and check manifests by their schema:
          dailies schema > manifest.schema.json
        """

    private static let moneyText = """
        Before: `dailies plan MANIFEST` says what the clips will cost, low to high, and sends nothing. Prices come
        from the service's latest bills in this store, else from your --rates, else from what the provider
        publishes. An unknown price is called unknown, never 0.

        `dailies prices` shows all that is known of prices. One bill or two far from the others decide nothing;
        --rates and --max-credits-per-task win against bills, with a warning; `dailies prices forget MODEL` drops
        what bills said.

        During: `--budget 500` caps a batch over all its runs, `--budget tag:client=acme=120` the tasks with a tag;
        both are stored. With --budget-mode cautious nothing starts unless what is settled, what is reserved and
        the most that it may cost fit under every cap. A quote more than 10 % above the highest known price is
        cancelled while that is free, and stops its model; so does a bill that far above its quote. What a budget or
        a quote cancels waits again by itself.

        After: `dailies report --by model,day` adds up bills exactly, and names failed but charged, cancelled and
        charged, paid but not saved, and superseded takes.

        What is never paid for twice: an attempt has one submission key, and is sent again only under that key, only
        where the provider is known to honour it, and no later than it surely remembers it (--key-memory). A task of
        the provider belongs to one attempt. A new attempt follows only by `dailies retry`, --retries after a free
        failure, or --accept-changes.
        """

    private static let recoveryText = """
        After Ctrl-C, a crash, a power cut, a full disk, a lost network: type the same command again. `dailies
        resume` does the same without a manifest. What is done stays done, what is at the provider is asked for,
        and only what provably never arrived is submitted.

          exit 6, uncertain        dailies reconcile               asks, and shows the evidence
          you found its task id    dailies reconcile --adopt KEY=TASK_ID
          you give it up           dailies reconcile --assume-lost KEY
          exit 9, not saved        dailies resume                  fetches paid clips while they can be had
          exit 3, failed           dailies retry --state failed    then run again
          exit 7, out of money     fill the wallet, then run again
          exit 8, budget           run again with a higher --budget
          exit 64, no API          give the right --base-url; a batch belongs to one once it has accepted a submit
          exit 11, in use          another runner works on the store; one at a time
          exit 129, 130, 143       a signal stopped it: run again

        The latest changes are in a log next to the store (dailies.sqlite-wal). Move both files together, copy with
        `dailies store backup`, mount the folder into a container and not the file, and make no hard links: a store
        with two names is refused.

        The store, its log, index and lock and its copies have mode 0600, whatever the umask. Clips get 0644, pages,
        plans and man pages 0666, folders 0777, each less the umask.

        While a run goes on, from another terminal:
          dailies status --watch          how it stands
          dailies pause, dailies unpause  submit nothing more, go on
          dailies concurrency 10          more or fewer in flight
          dailies cancel KEY, dailies retry KEY
          kill -USR1 PID                  it says how it stands
        """

    /// In lines of the width of the other texts.
    private static func folded(_ text: String) -> String {
        var lines = [""]
        for word in text.split(separator: " ") {
            let line = lines[lines.count - 1]
            if line.count + word.count < 104 {
                lines[lines.count - 1] = line.isEmpty ? String(word) : line + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines.joined(separator: "\n")
    }

    private static let configurationText = """
        Options on the command line come first, then the environment, then a file beside the manifest (or in the
        present folder), then your own file; then the defaults. `dailies doctor` shows where each value is from.

          beside the manifest   dailies.yaml, .dailies.yaml or .dailies.toml
          your own              $XDG_CONFIG_HOME/dailies/config.yaml or config.toml (~/.config without the variable)

          api_key_file: ~/.bytespike-key  # names are those of the options, with _ or -
          budget: [500, "tag:client=acme=120"]
          concurrency: 25
          no_download: false              # a flag: true or false, yes or no, on or off

        The folder of a manifest may be somebody else's. The file in it may make these tighter, never looser than
        they are without it; a budget never higher than the stored one:

        \(folded(OptionRule.tighter.joined(separator: ", ") + "."))

        It may also set \(OptionRule.any.joined(separator: ", ")). A run says at its head
        what it changed. Your own file may set all of these, and alone:

        \(folded(OptionRule.own.joined(separator: ", ") + "."))

        api_key_command is run by sh; the key is its first line. A key file may be a FIFO or <(command). Both have
        60 s. A warning names a key file that others can read.
        Environment: DAILIES_STORE, BYTESPIKE_BASE_URL, BYTESPIKE_API_KEY. A key is never an option's value.
        HTTPS_PROXY and HTTP_PROXY name an http:// proxy, NO_PROXY who is reached without it (names, their endings,
        addresses, 10.0.0.0/8, *); lowercase names win. SSL_CERT_FILE names certificates that take the place of the
        system's. `rehearse` uses none of them.
        """
}

extension ExitCode {
    /// As the manual has it.
    var meaning: String {
        switch self {
        case .success: "everything completed and saved (or not asked to be saved)"
        case .unexpected: "unexpected error"
        case .workToDo: "`plan --detailed-exitcode` only: there is work"
        case .someFailed: "finished, some tasks failed"
        case .stoppedEarly: "stopped early, work outstanding: run again"
        case .uncertain: "some outcomes uncertain: run `dailies reconcile`"
        case .accountRefused: "out of money or account refused (402, 403)"
        case .budgetReached: "budget reached"
        case .unsaved: "paid clips not saved"
        case .storeLocked: "another runner holds the store"
        case .usage: "usage, or what was named cannot be used (no API at the base URL)"
        case .refused: "manifest or batch refused (nothing was submitted)"
        case .keyRefused: "key missing or refused"
        case .hungUp: "SIGHUP after a clean stop"
        case .interrupted: "SIGINT after a clean stop"
        case .terminated: "SIGTERM after a clean stop"
        }
    }
}
