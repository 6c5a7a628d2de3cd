import DailiesCore
import DailiesRunner

/// Formats the progress of a run for a terminal of a given size. It does not access the terminal.
enum ProgressView {
    /// Maximum number of listed tasks. The others are counted.
    private static let maximumListed = 8
    private static let minimumWidth = 20
    /// Lines other than tasks in flight. On a low terminal, fewer tasks are listed.
    private static let otherLines = 9
    private static let maximumBarWidth = 60

    /// - Parameter height: of the terminal, in lines; nil means no limit.
    static func lines(
        _ status: RunStatus, at now: Instant, width: Int, height: Int? = nil, style: TextStyle
    ) -> [String] {
        let width = max(width, minimumWidth)
        var lines = bar(status, width: width, style: style)
        lines += DisplayWidth.flowed(counts(status), to: width)
        lines += DisplayWidth.flowed(money(status, at: now), to: width)
        let room = height.map { max($0 - otherLines, 1) } ?? maximumListed
        lines += tasks(status, at: now, width: width, limit: min(maximumListed, room), style: style)
        for failure in status.failures {
            lines.append(style.red("✗ ") + DisplayWidth.cut(SafeText.escaped(failure), to: width - 2))
        }
        for pause in pauseLines(status, at: now) {
            lines.append(style.yellow("◷ ") + DisplayWidth.cut(pause, to: width - 2))
        }
        return height.map { Array(lines.prefix(max($0 - 1, 3))) } ?? lines
    }

    /// `misty-forest ━━━━━━━╸────━ 24/40  60 %`: completed tasks on the left, failed tasks at the right end.
    private static func bar(_ status: RunStatus, width: Int, style: TextStyle) -> [String] {
        // The share is capped, because unfinished tasks of other batches also finish in this run.
        let share = status.total > 0 ? min(Double(status.completed) / Double(status.total), 1) : 0
        let lost = status.total > 0 ? min(Double(status.failed) / Double(status.total), 1 - share) : 0
        let figures = "\(status.completed)/\(status.total)  \(Int(share * 100)) %"
        let name = DisplayWidth.cut(
            status.batches.ownNames.map(SafeText.escaped).joined(separator: ", "),
            to: max(width - figures.count - 14, 8))
        let room = min(width - DisplayWidth.width(of: name) - figures.count - 3, maximumBarWidth)
        guard room >= 4 else { return [DisplayWidth.cut("\(name) \(figures)", to: width)] }
        let halves = Int((Double(2 * room) * share).rounded(.down))
        let done = String(repeating: "━", count: halves / 2) + (halves % 2 == 1 ? "╸" : "")
        let failed = String(repeating: "━", count: Int((Double(room) * lost).rounded(.down)))
        let left = String(repeating: "─", count: max(room - (halves + 1) / 2 - failed.count, 0))
        return [style.bold(name) + " " + style.green(done) + style.dim(left) + style.red(failed) + "  " + figures]
    }

    private static func counts(_ status: RunStatus) -> [String] {
        var parts = ["\(status.completed) completed", "\(status.saved) saved"]
        if status.failed > 0 { parts.append("\(status.failed) failed") }
        if status.cancelled > 0 { parts.append("\(status.cancelled) cancelled") }
        if !status.uncertain.isEmpty { parts.append("\(status.uncertain.count) uncertain") }
        parts.append("\(status.inFlightCount) in flight")
        parts.append("\(status.waiting) waiting")
        return parts
    }

    private static func money(_ status: RunStatus, at now: Instant) -> [String] {
        var parts = ["\(status.charged) credits spent"]
        if status.reserved > .zero { parts.append("\(status.reserved) reserved") }
        if let budget = status.budget { parts.append("budget \(budget)") }
        if let rate = status.rate(at: now) { parts.append("\(formattedRate(rate)) clips/min") }
        if let remaining = status.remaining(at: now) {
            parts.append("done in \(ETAEstimator.description(of: remaining))")
        }
        return parts
    }

    /// Lines for the current pauses, including a limit of the provider.
    private static func pauseLines(_ status: RunStatus, at now: Instant) -> [String] {
        status.pauses.filter { $0.value.until.map { $0 > now } ?? true }
            .map { PauseFormatter.line($0.key, detail: $0.value.detail, until: $0.value.until, now: now) }.sorted()
    }

    private static func formattedRate(_ rate: Double) -> String {
        let tenths = Int(saturating: (rate * 10).rounded())
        return tenths >= 100 || tenths % 10 == 0
            ? "\(Int(saturating: rate.rounded()))" : "\(tenths / 10).\(tenths % 10)"
    }

    /// The oldest tasks in flight, as columns: key, model, state, age.
    private static func tasks(
        _ status: RunStatus, at now: Instant, width: Int, limit: Int, style: TextStyle
    ) -> [String] {
        let oldest = status.inFlight.sorted {
            ($0.value.since, $0.key.batch, $0.key.key) < ($1.value.since, $1.key.batch, $1.key.key)
        }
        let shown = oldest.prefix(limit)
        let ages = shown.map { age(now - $0.value.since) }
        let ageWidth = ages.map(\.count).max() ?? 0
        let showsState = width >= 30
        let models = shown.map { SafeText.escaped($0.value.model ?? "") }
        // A narrow terminal shows only the key and the age, and the state if there is room.
        let modelWidth = width >= 60 ? min(models.map { DisplayWidth.width(of: $0) }.max() ?? 0, width / 3) : 0
        let others = (modelWidth > 0 ? 2 + modelWidth : 0) + (showsState ? 2 + 7 : 0) + 2 + ageWidth
        let room = max(width - 2 - others, 4)
        let names = shown.map { SafeText.escaped(status.batches.text($0.key)) }
        let keyWidth = min(names.map { DisplayWidth.width(of: $0) }.max() ?? 0, room)
        var lines = zip(zip(shown, names), zip(models, ages)).map { entry, columns in
            let (task, name) = entry
            let key = DisplayWidth.padded(DisplayWidth.cut(name, to: keyWidth), to: keyWidth)
            let model =
                modelWidth > 0
                ? "  " + style.dim(DisplayWidth.padded(DisplayWidth.cut(columns.0, to: modelWidth), to: modelWidth))
                : ""
            let state = showsState ? "  " + (task.value.isRunning ? "running" : style.dim("queued ")) : ""
            let padding = String(repeating: " ", count: ageWidth - columns.1.count)
            return "  " + key + model + state + "  " + padding + columns.1
        }
        if oldest.count > shown.count { lines.append(style.dim("  and \(oldest.count - shown.count) more in flight")) }
        return lines
    }

    static func age(_ duration: Duration) -> String {
        let seconds = max(Int(saturating: duration.inSeconds), 0)
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
        return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }
}

extension ETAEstimator {
    /// `3–5 min`, `about 40 s`
    static func description(of range: ClosedRange<Duration>) -> String {
        let (low, high) = (range.lowerBound.inSeconds, range.upperBound.inSeconds)
        func text(_ unitSeconds: Double, _ unit: String) -> String {
            let from = max(Int(saturating: (low / unitSeconds).rounded(.down)), unitSeconds == 1 ? 1 : 0)
            let to = max(Int(saturating: (high / unitSeconds).rounded(.up)), 1)
            return from == to ? "about \(to) \(unit)" : from == 0 ? "up to \(to) \(unit)" : "\(from)–\(to) \(unit)"
        }
        if high < 120 { return text(1, "s") }
        return high < 7200 ? text(60, "min") : text(3600, "h")
    }
}
