import ArgumentParser
import DailiesCore
import DailiesStore

struct ConcurrencyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "concurrency",
        abstract: "Change how many tasks may be in flight, now and for later runs.",
        discussion: """
            A runner that works on the store is told, and follows within a second; a lower limit recalls nothing. Later \
            runs follow too, unless they are given --concurrency themselves. `none` takes it back. Without a limit, what \
            holds is shown.

            Examples:
              dailies concurrency 25
              dailies concurrency model:seedance-2.0=8
              dailies concurrency none
              dailies concurrency

            Exit codes: 0 done, 64 usage.
            """)

    @Argument(help: ArgumentHelp("A number, model:MODEL=NUMBER, or none in its place.", valueName: "limit"))
    var limit: LimitArgument?
    @Flag(help: "Write JSON.")
    var json = false
    @OptionGroup var store: StoreOptions

    func run() async throws {
        try await ControlCommand.say(on: store, isJSON: json) { _ in
            limit.map { .concurrency($0.number, model: $0.model) }
        }
    }
}

/// `25`, `none`, `model:seedance-2.0=8`, `model:seedance-2.0=none`.
struct LimitArgument: ExpressibleByArgument {
    private static let modelPrefix = "model:"
    private static let range = 1...1_000_000

    let model: ModelID?
    /// nil: none.
    let number: Int?

    init?(argument: String) {
        var text = argument[...]
        if text.hasPrefix(Self.modelPrefix) {
            guard let mark = text.lastIndex(of: "=") else { return nil }
            let name = text[..<mark].dropFirst(Self.modelPrefix.count)
            guard !name.isEmpty else { return nil }
            model = ModelID(String(name))
            text = text[text.index(after: mark)...]
        } else {
            model = nil
        }
        if text.lowercased() == "none" {
            number = nil
        } else {
            guard let value = Int(text), Self.range.contains(value) else { return nil }
            number = value
        }
    }
}
