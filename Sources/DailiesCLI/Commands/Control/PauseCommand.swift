import ArgumentParser
import DailiesCore
import DailiesStore

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Pause submission (all, one batch or one model) until `dailies unpause`.",
        discussion: """
            Tasks at the provider continue, and completed clips are saved. An active run stops submitting within a \
            second and waits for `dailies unpause`; otherwise the next run starts paused.

            Examples:
              dailies pause
              dailies pause --model seedance-2.0-pro
              dailies pause --batch misty-forest

            Exit codes: 0 done, 64 usage.
            """)

    @OptionGroup var scope: PauseOptions
    @OptionGroup var store: StoreOptions

    func run() async throws { try await scope.apply(ControlChange.pause, on: store) }
}

struct UnpauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpause",
        abstract: "Resume submission after `dailies pause`.",
        discussion: """
            Without an option, ends every pause, including those of batches and models.

            Examples:
              dailies unpause
              dailies unpause --model seedance-2.0-pro

            Exit codes: 0 done, 64 usage.
            """)

    @OptionGroup var scope: PauseOptions
    @OptionGroup var store: StoreOptions

    func run() async throws { try await scope.apply(ControlChange.unpause, on: store) }
}

/// The scope of `pause` and `unpause`.
struct PauseOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only this batch.", valueName: "name"))
    var batch: String?
    @Option(help: ArgumentHelp("Only this model.", valueName: "model"))
    var model: String?
    @Flag(help: "Write JSON.")
    var json = false

    mutating func validate() throws {
        if batch != nil, model != nil { throw ValidationError("use either --batch or --model, not both") }
        if model == "" { throw ValidationError("--model needs the name of a model") }
    }

    func apply(_ change: (PauseScope) -> ControlChange, on options: StoreOptions) async throws {
        try await ControlCommand.run(on: options, isJSON: json) { store in
            if let batch = try TaskLookup.batch(batch, in: store) { return change(.batch(batch.id)) }
            return change(model.map { .model(ModelID($0)) } ?? .everything)
        }
    }
}

/// Queues a control change for the active or next run, and prints the current controls.
enum ControlCommand {
    /// - Parameter make: returns the change; nil: only prints the controls.
    static func run(
        on options: StoreOptions, isJSON: Bool, _ make: (Store) throws -> ControlChange?
    ) async throws {
        let store = try options.openForCommands()
        do {
            var isApplied: Bool?
            let before = try store.runControls()
            if let change = try make(store) { isApplied = try await CommandClient(store).apply(change) }
            let text = ControlsOutput(
                controls: try store.runControls(), batches: try store.batches(),
                hasRunner: try Store.lockOwner(of: options.path) != nil, isApplied: isApplied, before: before)
            Console.out(isJSON ? text.json.text : text.text)
        } catch {
            try store.close()
            throw error
        }
        try store.close()
    }
}
