import ArgumentParser
import DailiesCore
import DailiesStore

struct ConcurrencyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "concurrency",
        abstract: "Set how many tasks may be in flight, for the active run and later ones.",
        discussion: """
            An active run applies the limit within a second. Lowering it does not cancel anything. Later runs use it \
            too, unless they have their own --concurrency. `none` removes the limit. Without an argument, prints the \
            current limits.

            Examples:
              dailies concurrency 25
              dailies concurrency model:seedance-2.0=8
              dailies concurrency none
              dailies concurrency

            Exit codes: 0 done, 64 usage.
            """)

    @Argument(help: ArgumentHelp("Limit as N or model:MODEL=N; `none` in place of N removes it.", valueName: "limit"))
    var limit: LimitArgument?
    @Flag(help: "Write JSON.")
    var json = false
    @OptionGroup var store: StoreOptions

    func run() async throws {
        try await ControlCommand.run(on: store, isJSON: json) { _ in
            limit.map { .concurrency($0.number, model: $0.model) }
        }
    }
}
