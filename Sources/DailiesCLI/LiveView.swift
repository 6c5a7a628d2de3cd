import DailiesCore

/// A run as lines for a terminal of some width: nothing here knows the terminal itself.
enum LiveView {
    /// Tasks listed at most; the rest is counted.
    private static let listed = 8
    private static let narrowest = 20

    static func lines(_ progress: RunProgress, at now: Instant, width: Int, style: TextStyle) -> [String] {
        let width = max(width, narrowest)
        var lines = [bar(progress, width: width, style: style)]
        lines += wrapped(figures(progress), width: width)
        lines += tasks(progress, at: now, width: width, style: style)
        if let failure = progress.failures.last {
            lines.append(style.red(Columns.cut("last failure: " + SafeText.escaped(failure), to: width)))
        }
        if let pause = progress.pause { lines.append(style.yellow(Columns.cut(pause, to: width))) }
        return lines
    }

    /// `misty-forest ████████░░░░ 24/40 60%`
    private static func bar(_ progress: RunProgress, width: Int, style: TextStyle) -> String {
        let share = progress.total > 0 ? Double(progress.finished) / Double(progress.total) : 0
        let figures = " \(progress.finished)/\(progress.total) \(Int(share * 100))%"
        let name = Columns.cut(progress.names.map(SafeText.escaped).joined(separator: ", "), to: max(width / 3, 8))
        let room = max(width - Columns.width(of: name) - figures.count - 2, 4)
        let full = Int((Double(room) * share).rounded(.down))
        let drawn = String(repeating: "█", count: full) + String(repeating: "░", count: room - full)
        return Columns.cut(name + " ", to: width - figures.count - room) + style.green(drawn) + figures
    }

    private static func figures(_ progress: RunProgress) -> [String] {
        var words = ["\(progress.inFlightCount) in flight", "\(progress.saved) saved"]
        if progress.failed > 0 { words.append("\(progress.failed) failed") }
        if progress.uncertain > 0 { words.append("\(progress.uncertain) uncertain") }
        words.append("\(progress.charged) credits" + (progress.budget.map { " of \($0)" } ?? ""))
        if let forecast = progress.forecast { words.append("done in \(span(forecast))") }
        return words
    }

    /// `3–5 min`, `40 s`
    private static func span(_ range: ClosedRange<Duration>) -> String {
        let (low, high) = (range.lowerBound.inSeconds, range.upperBound.inSeconds)
        func words(_ low: Int, _ high: Int, _ unit: String) -> String {
            low == high ? "\(low) \(unit)" : "\(low)–\(high) \(unit)"
        }
        if high < 120 { return words(max(Int(low), 1), max(Int(high.rounded(.up)), 1), "s") }
        if high < 7200 { return words(Int(low / 60), Int((high / 60).rounded(.up)), "min") }
        return words(Int(low / 3600), Int((high / 3600).rounded(.up)), "h")
    }

    /// Words side by side, as many on a line as fit.
    private static func wrapped(_ words: [String], width: Int) -> [String] {
        var lines: [String] = []
        for word in words {
            if let last = lines.last, last.count + 2 + word.count <= width {
                lines[lines.count - 1] = last + "  " + word
            } else {
                lines.append(Columns.cut(word, to: width))
            }
        }
        return lines
    }

    /// The oldest tasks in flight: key, model, age.
    private static func tasks(_ progress: RunProgress, at now: Instant, width: Int, style: TextStyle) -> [String] {
        let oldest = progress.inFlight.sorted { ($0.value.since, $0.key) < ($1.value.since, $1.key) }
        var lines = oldest.prefix(listed).map { key, flight in
            let tail = " \(flight.isRunning ? "renders" : "queued ") \(age(now - flight.since))"
            let model = flight.model.map { " " + SafeText.escaped($0) } ?? ""
            let room = max(width - 2 - tail.count, 8)
            let head = Columns.cut(SafeText.escaped(key.text), to: max(room - Columns.width(of: model), 8))
            return "  " + Columns.padded(Columns.cut(head + model, to: room), to: room) + style.dim(tail)
        }
        if oldest.count > listed { lines.append(style.dim("  and \(oldest.count - listed) more")) }
        return lines
    }

    private static func age(_ duration: Duration) -> String {
        let seconds = max(Int(duration.inSeconds), 0)
        if seconds < 60 { return "\(seconds)s" }
        if seconds < 3600 { return "\(seconds / 60)m\(seconds % 60)s" }
        return "\(seconds / 3600)h\(seconds % 3600 / 60)m"
    }
}
