import ArgumentParser
import DailiesCore
import DailiesStore
import ExactJSON

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Say what was spent, exactly: the sum equals the provider's bill to the last digit.",
        discussion: """
            Counts what has settled. An unknown cost is never counted as 0; it is listed.

            Examples:
              dailies report
              dailies report --by model,day
              dailies report --by tag:client --format csv > spend.csv
              dailies report --since 2026-11-01 --until 2026-12-01 --json
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
        case csv
    }

    @OptionGroup var store: StoreOptions
    @Option(
        help: ArgumentHelp("Any of model, state, batch, day, tag:NAME, separated by commas.", valueName: "dimensions"))
    var by: DimensionsArgument?
    @Option(help: "How to write it.")
    var format = Format.text
    @Flag(help: "The same as --format json.")
    var json = false
    @Option(help: ArgumentHelp("Settled on or after this UTC day or time.", valueName: "time"))
    var since: TimeArgument?
    @Option(help: ArgumentHelp("Settled before this UTC day or time.", valueName: "time"))
    var until: TimeArgument?

    func run() throws {
        let reader = try store.openForReading()
        let report = try reader.spend(by: by?.dimensions ?? [], since: since?.instant, until: until?.instant)
        try reader.close()
        switch json ? .json : format {
        case .text: Console.out(ReportText.table(report))
        case .json: Console.out(ReportText.json(report))
        case .csv: Console.out(ReportText.csv(report))
        }
    }
}

/// `model,day,tag:client`
struct DimensionsArgument: ExpressibleByArgument {
    let dimensions: [ReportDimension]

    init?(argument: String) {
        var dimensions: [ReportDimension] = []
        for word in argument.split(separator: ",", omittingEmptySubsequences: false) {
            switch word {
            case "model": dimensions.append(.model)
            case "state": dimensions.append(.state)
            case "batch": dimensions.append(.batch)
            case "day": dimensions.append(.day)
            default:
                guard word.hasPrefix("tag:"), word.count > 4 else { return nil }
                dimensions.append(.tag(String(word.dropFirst(4))))
            }
        }
        guard Set(dimensions).count == dimensions.count else { return nil }
        self.dimensions = dimensions
    }
}

extension ReportDimension {
    /// As it is asked for, and as the column is called.
    var title: String {
        switch self {
        case .model: "model"
        case .state: "state"
        case .batch: "batch"
        case .day: "day"
        case .tag(let name): "tag:\(name)"
        }
    }
}
