import ArgumentParser
import DailiesCore
import Foundation

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a first manifest and a configuration, both with comments, to begin with.",
        discussion: """
            It writes \(InitFiles.manifestName) and \(InitFiles.configurationName) into the present folder, or into the one \
            that is named, and replaces nothing: where one of them is there, it writes neither.

            Examples:
              dailies init && dailies rehearse \(InitFiles.manifestName)
              dailies init campaign

            Exit codes: 0 done, 64 one of the files is there.
            """)

    @Argument(
        help: ArgumentHelp(
            "The folder, which is made where there is none (default: the present one).", valueName: "folder"))
    var folder = "."

    func run() throws {
        guard !folder.isEmpty else { throw Stop(.usage, "name a folder; . is the present one") }
        let files = InitFiles.all.map { (path: folder == "." ? $0.name : folder + "/" + $0.name, text: $0.text) }
        if let path = files.map(\.path).first(where: FileManager.default.fileExists) {
            throw Stop(.usage, "\(path) is there already; nothing was written")
        }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for file in files {
                // Also where somebody has made it a moment ago.
                try Data(file.text.utf8).write(to: URL(fileURLWithPath: file.path), options: .withoutOverwriting)
            }
        } catch {
            throw Stop(.unexpected, "cannot write into \(folder): \(ErrorFormatter.of(error))")
        }
        for file in files { Console.out("wrote \(SafeText.escaped(file.path))") }
        let manifest = files[0].path
        Console.out("try it without a key or a bill: \(ShellWord.line(["dailies", "rehearse", manifest]))")
        Console.out("see what it costs:              \(ShellWord.line(["dailies", "plan", manifest]))")
    }
}

/// What `dailies init` writes. Tests read both as any manifest and any configuration.
enum InitFiles {
    static let manifestName = "first.yaml"
    static let configurationName = "dailies.yaml"

    static var all: [(name: String, text: String)] {
        [(manifestName, manifest), (configurationName, configuration)]
    }

    private static let manifest = """
        # What to render. `dailies help manifests` names every field, `dailies models` every model.
        # Comments stand on lines of their own: behind a text, a # might be part of it.

        # The batch's name in reports, and the folder of its clips.
        batch: first

        # For every task that does not say otherwise. `dailies report --by tag:client` sums by tags.
        defaults:
          model: seedance-fast
          duration_seconds: 4
          aspect_ratio: "16:9"
          tags: {client: example}

        tasks:
          # This clip becomes renders/first/harbor.mp4.
          - id: harbor
            prompt: A fishing boat leaves a harbor at dawn, gulls circling, slow pan to the right
          - id: street
            prompt: Rain on a city street at night, neon signs in the puddles, locked camera
            aspect_ratio: "9:16"
          # Two takes, kettle/repeat=1 and kettle/repeat=2, with the seeds 7 and 8.
          - id: kettle
            prompt: "Macro of a kettle coming to the boil: steam, brushed copper, warm light"
            seed: 7
            repeat: 2

        """

    private static let configuration = """
        # Options for manifests in this folder, each under the name of the command-line option. Remove the `#` to set one.
        # This file can only make a run more careful. Everything else, such as where the service is, where clips go and which
        # file holds the API key, belongs in your own file: ~/.config/dailies/config.yaml (`dailies help configuration`).

        # budget: 20                   # credits that a batch may cost over all its runs
        # concurrency: 3               # clips at the provider at a time (default: 5)
        # rate: 30/min                 # submits in a second, minute or hour
        # canary: 2                    # render this many clips first; continue only if they succeed
        # quote-tolerance: 5           # percent by which a quote may lie above the expected price (default: 10)
        # max-wait: 1h                 # how long to wait during an outage (default: 15min)

        """
}
