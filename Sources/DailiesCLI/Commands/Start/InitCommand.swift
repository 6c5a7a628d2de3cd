import ArgumentParser
import DailiesCore
import Foundation

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Create an example manifest and a configuration file.",
        discussion: """
            Writes \(InitFiles.manifestName) and \(InitFiles.configurationName) to the current folder or the given \
            one. Both contain comments. If either file exists, writes neither.

            Examples:
              dailies init && dailies rehearse \(InitFiles.manifestName)
              dailies init campaign

            Exit codes: 0 success, 64 one of the files exists.
            """)

    @Argument(
        help: ArgumentHelp(
            "The folder, created if it does not exist (default: the current folder).", valueName: "folder"))
    var folder = "."

    func run() throws {
        guard !folder.isEmpty else { throw Stop(.usage, "the folder name is empty; use . for the current folder") }
        let files = InitFiles.all.map { (path: folder == "." ? $0.name : folder + "/" + $0.name, text: $0.text) }
        if let path = files.map(\.path).first(where: FileManager.default.fileExists) {
            throw Stop(.usage, "\(path) already exists; nothing was written")
        }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for file in files {
                // Another process may have created it a moment ago.
                try Data(file.text.utf8).write(to: URL(fileURLWithPath: file.path), options: .withoutOverwriting)
            }
        } catch {
            throw Stop(.unexpected, "cannot write to \(folder): \(ErrorFormatter.of(error))")
        }
        for file in files { Console.out("wrote \(SafeText.escaped(file.path))") }
        let manifest = files[0].path
        Console.out("try it without a key or costs: \(ShellWord.line(["dailies", "rehearse", manifest]))")
        Console.out("see what it would cost:        \(ShellWord.line(["dailies", "plan", manifest]))")
    }
}

/// The files that `dailies init` writes. Tests read both as a manifest and a configuration.
enum InitFiles {
    static let manifestName = "first.yaml"
    static let configurationName = "dailies.yaml"

    static var all: [(name: String, text: String)] {
        [(manifestName, manifest), (configurationName, configuration)]
    }

    private static let manifest = """
        # The clips to render. `dailies help manifests` lists all fields, `dailies models` all models.
        # Put comments on separate lines: after a text, a # might be part of it.

        # The name of the batch in reports, and the folder for its clips.
        batch: first

        # Defaults for all tasks. `dailies report --by tag:client` adds up costs by tag.
        defaults:
          model: seedance-fast
          duration_seconds: 4
          aspect_ratio: "16:9"
          tags: {client: example}

        tasks:
          # This clip is saved as renders/first/harbor.mp4.
          - id: harbor
            prompt: A fishing boat leaves a harbor at dawn, gulls circling, slow pan to the right
          - id: street
            prompt: Rain on a city street at night, neon signs in the puddles, locked camera
            aspect_ratio: "9:16"
          # Two takes, kettle/repeat=1 and kettle/repeat=2, with seeds 7 and 8.
          - id: kettle
            prompt: "Macro of a kettle coming to the boil: steam, brushed copper, warm light"
            seed: 7
            repeat: 2

        """

    private static let configuration = """
        # Options for manifests in this folder, with the names of the command-line options. Remove the `#` to set one.
        # This file can only make a run more careful. Put other settings, such as the base URL, the output folder and
        # the API key file, in your user file: ~/.config/dailies/config.yaml (`dailies help configuration`).

        # budget: 20                   # maximum credits for a batch over all its runs
        # concurrency: 3               # maximum number of tasks in flight (default: 5)
        # rate: 30/min                 # maximum submit rate, per s, min or h
        # canary: 2                    # render this many clips first; continue only if they succeed
        # quote-tolerance: 5           # percent by which a quote may exceed the expected price (default: 10)
        # max-wait: 1h                 # how long to wait during an outage (default: 15min)

        """
}
