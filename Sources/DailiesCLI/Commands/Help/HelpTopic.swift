import DailiesCore

/// The topics of `dailies help TOPIC`.
enum HelpTopic: String, CaseIterable {
    case states
    case exitCodes = "exit-codes"
    case manifests
    case money
    case pace
    case files
    case recovery
    case configuration

    var text: String {
        switch self {
        case .states: Self.statesText
        case .exitCodes: Self.exitCodesText
        case .manifests: Self.manifestsText
        case .money: Self.moneyText
        case .pace: Self.paceText
        case .files: Self.filesText
        case .recovery: Self.recoveryText
        case .configuration: Self.configurationText
        }
    }

    private static let statesText = """
        The states of a task, as shown by `status`, `export` and the `state` column of the store:

          queued      waiting for a slot, being submitted, uncertain (sent, outcome unknown), or queued at the
                      provider
          running     rendering at the provider
          completed   rendered and paid; the clip is saved or will be downloaded
          failed      finished without a clip, usually not charged; `dailies retry` queues it again
          cancelled   cancelled with `dailies cancel`, or removed from its manifest

        An uncertain task is never resubmitted just to find out what happened. It is looked up by its submission
        key, and stays uncertain until the provider answers or you decide with `dailies reconcile`.

        Count tasks by state:
          sqlite3 dailies.sqlite "select state, count(*), sum(credits) from task group by state"

        Show the history of one task:
          dailies explain KEY
        """

    private static let exitCodesText: String = {
        let lines = ExitCode.allCases.map { code in
            "  " + DisplayWidth.padded("\(code.rawValue)", to: 5) + code.meaning
        }
        let order = ExitCode.precedence.map { "\($0.rawValue)" }.joined(separator: ", ")
        return "Exit codes:\n\n" + lines.joined(separator: "\n")
            + "\n\nIf several apply, the first one in this order is returned:\n  \(order)"
            + "\n\nThe exit code is 1 if standard output cannot be written, for example because the disk is full. If"
            + "\nthe reader closes the pipe early, as `head` does, a command that only prints stops without an error."
    }()

    private static let manifestsText = """
        A manifest lists the clips to render. It is a YAML, JSON, JSONL, CSV or TSV file, identified by its extension.

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
        style_preset, and model-specific fields. Fields of the runner: id, tags, priority (higher first), output,
        matrix, repeat (takes of one request) and vars (values for {{NAME}} in prompts). JSONL has one task per line.
        CSV has one column per field; tags use tags.NAME. To rename or ignore columns:
          dailies plan sheet.csv --map Length=duration_seconds --map Notes=

        image_init is a URL, or the path of a PNG, JPEG or WebP image relative to the manifest's folder. In YAML,
        quote text that contains " #" or starts with ! or &.

        A task is identified by its id, or by its content if it has no id, never by its position. Moving, retagging or
        reformatting a task does not render it again, and neither does a change of line endings. A changed request
        needs --accept-changes or a new id.

        All errors are reported together, and nothing is submitted. Likely mistakes (a prompt such as #REF!, a space
        after a model name) are warnings; --strict makes them errors:
          dailies plan campaign.yaml
        Get completion and validation in your editor with the JSON Schema:
          dailies schema > manifest.schema.json
        """

    private static let moneyText = """
        Before a run: `dailies plan MANIFEST` estimates the cost, low to high, and sends nothing. Prices come from the
        service's latest bills in this store, otherwise from your --rates, otherwise from the prices that the
        provider publishes. An unknown price is shown as unknown, never as 0.

        `dailies prices` shows all known prices. One or two bills far from the others are ignored as outliers. --rates
        and --max-credits-per-task override bills, with a warning. `dailies prices forget MODEL` discards the
        bills of a model as a source of prices.

        During a run: `--budget 500` limits a batch over all its runs, and `--budget tag:client=acme=120` limits the
        tasks with a tag. Both are stored. With --budget-mode cautious, a task starts only if the settled credits, the
        reserved credits and its own maximum cost fit every budget. A quote more than 10 % above the highest known
        price is cancelled while that is free, and stops its model. A bill that far above its quote also stops its
        model. Tasks cancelled because of a budget or a quote return to the queue.

        After a run: `dailies report --by model,day` adds up bills exactly. It lists tasks that failed but were charged,
        were cancelled and charged, or were paid but not saved, and superseded takes.

        How double charges are prevented: each attempt has one submission key. An attempt is resubmitted only with that
        key, only if the provider is known to honor it, and only while the provider is sure to remember it
        (--key-memory). A provider task belongs to one attempt. A new attempt starts only with `dailies retry`,
        --retries after a free failure, or --accept-changes.
        """

    private static let recoveryText = """
        After Ctrl-C, a crash, a power cut, a full disk or a lost network, run the same command again. `dailies
        resume` does the same without a manifest. Finished tasks are kept, tasks at the provider are polled, and only
        requests that provably never arrived are submitted.

          exit 6, uncertain        dailies reconcile               query the provider, show the evidence
          you found the task id    dailies reconcile --adopt KEY=TASK_ID
          give up on it            dailies reconcile --assume-lost KEY
          exit 9, not saved        dailies resume                  download paid clips while they are available
          saved clips are gone     dailies fetch --missing         find them with dailies status --check-files
          exit 3, failed           dailies retry --state failed    then run again
          exit 7, out of credits   add credits to the account, then run again
          exit 8, budget           run again with a higher --budget
          exit 64, no API          set the correct --base-url (fixed for a batch after its first accepted submit)
          exit 11, in use          another run is using the store; wait for it to finish
          exit 129, 130, 143       stopped by a signal; run again

        The latest changes are in a log next to the store (dailies.sqlite-wal). Move both files together, and copy them
        with `dailies store backup`. Mount the folder into a container, not the file. Do not create hard links: a
        store with two names is refused.

        The store, its log, index, lock and backups have mode 0600, regardless of the umask. Clips get 0644; pages and
        plans 0666; folders 0777; each minus the umask.

        During a run, from another terminal:
          dailies status --watch          show progress
          dailies pause, dailies unpause  stop and resume submission
          dailies concurrency 10          change the number of tasks in flight
          dailies cancel KEY, dailies retry KEY
          kill -USR1 PID                  print a status summary
        """

    /// Wraps text to the line width of the other topics.
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
        Settings come from, in order of precedence: command-line options, the environment, the project file in the
        manifest's folder (or the current folder), your user file, and the defaults. `dailies doctor` shows the source
        of each setting.

          project file   dailies.yaml or .dailies.yaml
          user file      $XDG_CONFIG_HOME/dailies/config.yaml (default folder: ~/.config)

        A user file, with the same names as the options, with _ or -:

          api_key_file: ~/.bytespike-key
          budget: [500, "tag:client=acme=120"]
          concurrency: 25
          no_download: false              # a flag: true or false, yes or no, on or off

        A project file may come from another person. It may tighten these options but never loosen them, and may not
        raise a stored budget:

        \(folded(OptionRule.tighter.joined(separator: ", ") + "."))

        It may also set \(OptionRule.any.joined(separator: ", ")). A run starts by printing
        what the project file changed. Your user file may set all of these and, in addition, these:

        \(folded(OptionRule.own.joined(separator: ", ") + "."))

        api_key_command runs with sh; the first line of its output is the key. A key file may be a FIFO or <(command).
        Both must finish within 60 s. A key file that others can read causes a warning.
        Environment: DAILIES_STORE, BYTESPIKE_BASE_URL, BYTESPIKE_API_KEY. An API key is never the value of an option.
        HTTPS_PROXY and HTTP_PROXY set an http:// proxy. NO_PROXY lists hosts to reach directly (names, suffixes,
        addresses, 10.0.0.0/8, *). Lowercase names take precedence. SSL_CERT_FILE replaces the system's certificates.
        `rehearse` ignores all of these variables.
        """
}

extension ExitCode {
    /// The description in help texts.
    var meaning: String {
        switch self {
        case .success: "success: all tasks completed, and all clips saved unless downloads are off"
        case .unexpected: "unexpected error"
        case .workToDo: "`plan --detailed-exitcode` only: there are tasks to run"
        case .someFailed: "finished; some tasks failed"
        case .stoppedEarly: "stopped early with work remaining; run again"
        case .uncertain: "some outcomes are unknown; run `dailies reconcile`"
        case .accountRefused: "out of credits, or access denied (402, 403)"
        case .budgetReached: "budget reached"
        case .unsaved: "some paid clips are not saved"
        case .storeLocked: "the store is in use by another run"
        case .usage: "usage error, or an unusable argument (such as a base URL without an API)"
        case .refused: "manifest or batch refused; nothing was submitted"
        case .keyRefused: "API key missing or refused"
        case .hungUp: "clean stop after SIGHUP"
        case .interrupted: "clean stop after SIGINT"
        case .terminated: "clean stop after SIGTERM"
        }
    }
}
