import ArgumentParser
import DailiesCore
import DailiesStore

struct ReportCommand: PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Report spending. Totals match the provider's bill exactly.",
        discussion: """
            Counts settled attempts only. Unknown costs are listed separately and never counted as 0.

            A time is a month, a day, `today`, `yesterday` or a timestamp, in UTC unless it has an offset: 2026-11, \
            2026-11-23, 2026-11-23+02:00, 2026-11-23T06:00:00Z.

            Examples:
              dailies report
              dailies report --by model,day
              dailies report --by tag:client --format csv > spend.csv
              dailies report --by model,day --format html > spend.html
              dailies report --since 2026-11 --until 2026-12 --json
              dailies report --batch misty-forest --since yesterday
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
        case csv
        case html
    }

    @OptionGroup var store: StoreOptions
    @Option(
        help: ArgumentHelp(
            "Group by any of model, state, batch, day, tag:NAME, separated by commas. Write a comma in NAME as \\,",
            valueName: "dimensions"))
    var by: DimensionsArgument?
    @Option(help: "The output format.")
    var format = Format.text
    @Flag(help: "Same as --format json.")
    var json = false
    @Option(help: ArgumentHelp("Count only this batch.", valueName: "name"))
    var batch: String?
    @Option(help: ArgumentHelp("Count only attempts settled at or after this time.", valueName: "time"))
    var since: TimeArgument?
    @Option(help: ArgumentHelp("Count only attempts settled before this time.", valueName: "time"))
    var until: TimeArgument?

    @Option(
        help: ArgumentHelp(
            "Also show amounts in US dollars, at this price per credit (default: credits only).", valueName: "rate"))
    var usdPerCredit: USDRate?

    mutating func validate() throws {
        if let since, let until, since.instant >= until.instant {
            throw ValidationError("--since must be before --until")
        }
        if let repeated = by?.repeated {
            throw ValidationError("--by lists \(SafeText.escaped(repeated.title)) more than once; list it once")
        }
    }

    func run() throws { Console.out(try store.openForReading().closing(output)) }

    private func output(of reader: Store) throws -> String {
        let now = Composition.timers().now
        let batch = try TaskLookup.batch(batch, in: reader)
        func spend(_ dimensions: [ReportDimension]) throws -> SpendReport {
            try reader.spend(
                by: dimensions, since: since?.instant, until: until?.instant, batches: batch.map { [$0.id] }, now: now)
        }
        let report = try spend(by?.dimensions ?? [])
        if report.total.settledInFuture > 0 {
            Console.error(
                "warning: \(TaskDescription.count(report.total.settledInFuture, "attempt")) settled in the future, "
                    + "counted as settled now: the clock was ahead when they were recorded, or is behind now")
        }
        switch json ? .json : format {
        case .text: return ReportOutput.table(report, dollars: usdPerCredit)
        case .json: return ReportOutput.json(report, dollars: usdPerCredit).text
        case .csv: return ReportOutput.csv(report, dollars: usdPerCredit)
        case .html:
            return ReportHTML(
                report: report, byDay: try spend([.day]), byModel: try spend([.model]),
                batches: try batch.map { [$0.name] } ?? reader.batches().map(\.name), since: since?.instant,
                until: until?.instant, madeAt: now, dollars: usdPerCredit
            ).page
        }
    }
}

/// `model,day,tag:client`. A comma in a tag name is escaped with a backslash.
struct DimensionsArgument: ExpressibleByArgument {
    let dimensions: [ReportDimension]
    /// The first dimension that is listed again. Names of tags are compared as bytes.
    var repeated: ReportDimension? {
        var titles: Set<[UInt8]> = []
        return dimensions.first { !titles.insert(Array($0.title.utf8)).inserted }
    }

    init?(argument: String) {
        var dimensions: [ReportDimension] = []
        for part in Self.parts(of: argument) {
            switch part {
            case "model": dimensions.append(.model)
            case "state": dimensions.append(.state)
            case "batch": dimensions.append(.batch)
            case "day": dimensions.append(.day)
            default:
                guard part.hasPrefix("tag:"), part.count > 4 else { return nil }
                dimensions.append(.tag(String(part.dropFirst(4))))
            }
        }
        self.dimensions = dimensions
    }

    private static func parts(of argument: String) -> [String] {
        var parts = [""]
        var isEscaped = false
        for character in argument.unicodeScalars {
            if character == "\\", !isEscaped {
                isEscaped = true
                continue
            }
            if character == ",", !isEscaped {
                parts.append("")
            } else {
                if isEscaped, character != ",", character != "\\" { parts[parts.count - 1] += "\\" }
                parts[parts.count - 1].unicodeScalars.append(character)
            }
            isEscaped = false
        }
        if isEscaped { parts[parts.count - 1] += "\\" }
        return parts
    }
}

extension ReportDimension {
    /// The value in `--by`, also the column title.
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
