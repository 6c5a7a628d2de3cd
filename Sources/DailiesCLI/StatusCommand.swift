import ArgumentParser
import DailiesCore
import DailiesStore
import ExactJSON

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Say how things stand: counts, in flight, uncertain, paid but not saved, spend against budget.",
        discussion: """
            Reads the store, also while a run goes on.

            Examples:
              dailies status
              dailies status --store campaign.sqlite --json
            """)

    @OptionGroup var store: StoreOptions
    @Flag(help: "Write JSON.")
    var json = false

    func run() throws {
        let reader = try store.openForReading()
        let summary = try reader.summary()
        try reader.close()
        Console.out(json ? StatusText.json(summary) : StatusText.table(summary))
    }
}

/// A status for people and for programs.
enum StatusText {
    static func table(_ summary: StatusSummary) -> String {
        guard !summary.batches.isEmpty else { return "the store is empty" }
        var table = TextTable(
            ["batch", "queued", "running", "completed", "failed", "cancelled", "in flight", "credits", "budget"],
            rightAligned: Set(1...8))
        for status in summary.batches {
            table.add(row(SafeText.escaped(status.batch.name), status.counts, budget: status.batch.budget))
        }
        if summary.batches.count > 1 { table.add(row("total", summary.total, budget: nil)) }
        return ([table.text] + remarks(summary.total)).joined(separator: "\n")
    }

    private static func row(_ name: String, _ counts: StatusCounts, budget: Credits?) -> [String] {
        [name] + TaskStateWord.allCases.map { "\(counts.states[$0, default: 0])" }
            + ["\(counts.inFlight)", "\(counts.settled)", budget.map { "\($0)" } ?? "-"]
    }

    /// What needs someone's attention.
    private static func remarks(_ counts: StatusCounts) -> [String] {
        var lines: [String] = []
        if counts.reserved > .zero { lines.append("reserved: \(counts.reserved) credits") }
        if counts.uncertain > 0 { lines.append("uncertain: \(counts.uncertain); run `dailies reconcile`") }
        if counts.lost > 0 { lines.append("lost at the provider: \(counts.lost)") }
        if counts.unsaved > 0 { lines.append("paid but not saved: \(counts.unsaved); run `dailies resume`") }
        if counts.costAwaited + counts.costUnknown > 0 {
            lines.append("of unknown cost: \(counts.costAwaited + counts.costUnknown)")
        }
        return lines
    }

    static func json(_ summary: StatusSummary) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.name("batches")
            writer.array { array in
                for status in summary.batches {
                    array.object { writer in
                        writer.member("batch", status.batch.name)
                        write(status.counts, to: &writer)
                        if let budget = status.batch.budget {
                            writer.member("budget", number: budget.description)
                        } else {
                            writer.nullMember("budget")
                        }
                        writer.member("budget_mode", status.batch.budgetMode.rawValue)
                    }
                }
            }
            writer.name("total")
            writer.object { write(summary.total, to: &$0) }
        }
        return writer.text
    }

    private static func write(_ counts: StatusCounts, to writer: inout JSONWriter) {
        for word in TaskStateWord.allCases { writer.member(word.rawValue, counts.states[word, default: 0]) }
        writer.member("waiting", counts.waiting)
        writer.member("in_flight", counts.inFlight)
        writer.member("in_the_air", counts.inTheAir)
        writer.member("uncertain", counts.uncertain)
        writer.member("lost", counts.lost)
        writer.member("paid_not_saved", counts.unsaved)
        writer.member("no_asset", counts.noAsset)
        writer.member("unknown_costs", counts.costAwaited + counts.costUnknown)
        writer.member("credits", number: counts.settled.description)
        writer.member("reserved", number: counts.reserved.description)
    }
}
