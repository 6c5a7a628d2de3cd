import DailiesCore
import DailiesRunner
import DailiesStore

/// Status as text and as JSON.
enum StatusOutput {
    /// - Parameters:
    ///   - width: available columns; if the table is wider, each batch is printed as text. nil: unlimited.
    ///   - height: available lines; batches that do not fit are counted, finished ones first. nil: unlimited.
    static func text(_ snapshot: StatusSnapshot, width: Int? = nil, height: Int? = nil) -> String {
        let summary = snapshot.summary
        guard !summary.batches.isEmpty else { return "the store is empty" }
        var table = TextTable(
            ["batch", "queued", "running", "completed", "failed", "cancelled", "in flight", "credits", "budget"],
            rightAligned: Set(1...8))
        for status in summary.batches {
            table.add(row(SafeText.escaped(status.batch.name), status.counts, budget: status.batch.budget))
        }
        if summary.batches.count > 1 { table.add(row("total", summary.total, budget: nil)) }
        let lines = table.text.split(separator: "\n").map(String.init)
        var head = [lines[0]]
        var batches = lines[1...summary.batches.count].map { [$0] }
        var foot = Array(lines.dropFirst(summary.batches.count + 1))
        if let width, lines.contains(where: { DisplayWidth.width(of: $0) > width }) {
            head = []
            batches = summary.batches.map { status in
                narrowRow(SafeText.escaped(status.batch.name), status.counts, budget: status.batch.budget, width: width)
            }
            foot = summary.batches.count > 1 ? narrowRow("total", summary.total, budget: nil, width: width) : []
        }
        foot += remarks(summary.total) + snapshot.keyNeeds.map(\.description) + running(snapshot)
        guard let height else { return (head + batches.flatMap { $0 } + foot).joined(separator: "\n") }
        let shown = fitting(batches, summary.batches.map(\.counts), in: max(height - head.count - foot.count, 0))
        // The lines that need attention are at the end.
        return (head + shown + foot).suffix(max(height, 1)).joined(separator: "\n")
    }

    /// The batches that fit, in their order, and the number of those left out.
    static func fitting(_ batches: [[String]], _ counts: [StatusCounts], in room: Int) -> [String] {
        guard batches.reduce(0, { $0 + $1.count }) > room else { return batches.flatMap { $0 } }
        let isOver = counts.map { $0.waiting + $0.inFlight + $0.uncertain + $0.unsaved == 0 }
        var shown: Set<Int> = []
        var left = room - 1
        for index in batches.indices.sorted(by: { (isOver[$0] ? 1 : 0, $0) < (isOver[$1] ? 1 : 0, $1) }) {
            guard batches[index].count <= left else { break }
            shown.insert(index)
            left -= batches[index].count
        }
        let lines = batches.indices.filter(shown.contains).flatMap { batches[$0] }
        return room > 0 ? lines + ["and \(batches.count - shown.count) more"] : []
    }

    /// A batch for a terminal that is too narrow for the table; zero counts are left out.
    static func narrowRow(_ name: String, _ counts: StatusCounts, budget: Credits?, width: Int) -> [String] {
        var parts = TaskState.allCases.compactMap { word in
            counts.states[word].flatMap { $0 > 0 ? "\($0) \(word.rawValue)" : nil }
        }
        parts.append("\(counts.inFlight) in flight")
        parts.append("\(counts.settled) credits" + (budget.map { " of \($0)" } ?? ""))
        return [DisplayWidth.cut(name, to: width)] + DisplayWidth.flowed(parts, to: width - 2).map { "  " + $0 }
    }

    private static func row(_ name: String, _ counts: StatusCounts, budget: Credits?) -> [String] {
        [name] + TaskState.allCases.map { "\(counts.states[$0, default: 0])" }
            + ["\(counts.inFlight)", "\(counts.settled)", budget.map { "\($0)" } ?? "-"]
    }

    /// Lines about conditions that need attention.
    private static func remarks(_ counts: StatusCounts) -> [String] {
        var lines: [String] = []
        if counts.reserved > .zero { lines.append("reserved: \(counts.reserved) credits") }
        lines += TaskDescription.heldBack(counts.heldBack)
        if counts.uncertain > 0 { lines.append("uncertain: \(counts.uncertain); run `dailies reconcile`") }
        if counts.lost > 0 { lines.append("lost at the provider: \(counts.lost)") }
        if counts.unsaved > 0 { lines.append("paid but not saved: \(counts.unsaved); run `dailies resume`") }
        if counts.costAwaited + counts.costUnknown > 0 {
            lines.append("unknown cost: \(counts.costAwaited + counts.costUnknown)")
        }
        return lines
    }

    /// The active run, its pauses and the estimated time left.
    private static func running(_ snapshot: StatusSnapshot) -> [String] {
        let batches = snapshot.summary.batches.map(\.batch)
        var lines = ControlsOutput.pauses(snapshot.controls, batches)
        if let runner = snapshot.runner { lines.append("active run: \(SafeText.escaped(runner))") }
        if let remaining = snapshot.remaining { lines.append("done in \(ETAEstimator.description(of: remaining))") }
        return lines
    }

    static func json(_ snapshot: StatusSnapshot) -> JSONObject {
        let batches = snapshot.summary.batches.map { status in
            ["batch": status.batch.name] + json(status.counts) + ["budget": status.batch.budget]
        }
        return ["batches": batches, "total": json(snapshot.summary.total), "needs_key": json(snapshot.keyNeeds)]
    }

    /// Clips that need API keys that are not available.
    static func json(_ needs: [MissingKey]) -> [JSONObject] {
        needs.map { ["key_fingerprint": $0.account.text, "clips": $0.clips] }
    }

    /// The number of tasks that each guard cancelled and that are waiting again.
    static func json(heldBack counts: [CancelReason: Int]) -> JSONObject {
        JSONObject(CancelReason.allCases.map { ($0.rawValue, counts[$0, default: 0]) })
    }

    private static func json(_ counts: StatusCounts) -> JSONObject {
        JSONObject(TaskState.allCases.map { ($0.rawValue, counts.states[$0, default: 0]) }) + [
            "waiting": counts.waiting,
            "waits_again": json(heldBack: counts.heldBack),
            "in_flight": counts.inFlight,
            "in_the_air": counts.submitting,
            "uncertain": counts.uncertain,
            "lost": counts.lost,
            "paid_not_saved": counts.unsaved,
            "no_asset": counts.noAsset,
            "unknown_costs": counts.costAwaited + counts.costUnknown,
            "credits": counts.settled,
            "reserved": counts.reserved,
        ]
    }
}
