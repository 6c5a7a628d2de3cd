import DailiesCore
import DailiesStore
import Foundation

/// Charts as SVG whose bars stretch with the page; names and numbers stand beside them as text, so that they stay as large
/// on a telephone as on paper.
enum ReportHTMLCharts {
    /// Bars in a chart of models; the rest is one bar.
    private static let mostModels = 12
    /// Columns of a chart over time, by day; a longer time is shown by month.
    private static let mostDays = 120
    /// Up to so many columns each has its own label; fewer leave room.
    private static let labelled = 7
    /// Up to so many days or months are bars with their figures beside them: so few columns would be too wide.
    private static let mostBars = 3

    // MARK: Over time

    static func overTime(_ report: SpendReport) -> String {
        let days = report.rows.compactMap { row in row.values.first.flatMap { $0 }.map { ($0, row.figures.charged) } }
        let (unit, columns) = columns(days)
        guard let first = columns.first, let last = columns.last else { return "" }
        if columns.count <= mostBars { return bars(of: columns, by: unit) }
        let top = niceTop(columns.map { amount($0.charged) }.max() ?? 0)
        let width = 100.0 / Double(max(columns.count, labelled))
        let bars = columns.enumerated().map { index, column in
            let height = top > 0 ? amount(column.charged) / top * 100 : 0
            let x = number(Double(index) * width + width * 0.1)
            return """
                <rect x="\(x)" y="\(number(100 - height))" width="\(number(width * 0.8))" height="\(number(height))">\
                <title>\(column.name): \(column.charged) credits</title></rect>
                """
        }
        let isLabelled = columns.count <= labelled
        let labels = (isLabelled ? columns : [first, last]).map { column in
            isLabelled && unit == "day" ? String(column.name.dropFirst(5)) : column.name
        }
        return """
            <figure class="time">
            <figcaption>Credits charged by \(unit)</figcaption>
            <p class="legend">\(first.name == last.name ? first.name : "\(first.name) to \(last.name)") (UTC)</p>
            <div class="plot">
            <div class="axis" aria-hidden="true"><span>\(short(top))</span><span>\(short(top / 2))</span><span>0</span></div>
            <svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="Credits charged by \(unit), \
            \(first.name) to \(last.name)">
            <path class="grid" d="M0 0H100M0 50H100M0 100H100"/>
            <g class="charged">
            \(bars.joined(separator: "\n"))
            </g>
            </svg>
            </div>
            <div class="dates\(isLabelled ? " each" : "")">\(labels.map { "<span>\($0)</span>" }.joined())</div>
            </figure>
            """
    }

    private static func bars(of columns: [Column], by unit: String) -> String {
        let top = columns.map { amount($0.charged) }.max() ?? 0
        let rows = columns.map { column in
            let label = "\(column.name): \(column.charged) credits charged"
            return """
                <div class="bar"><span>\(column.name)</span><span class="n">\(column.charged)</span>
                \(strip([("charged", amount(column.charged), top)], height: 9, label: label))</div>
                """
        }
        return figure("Credits charged by \(unit) (UTC)", rows)
    }

    private struct Column {
        let name: String
        var charged = CreditTotal.zero
    }

    /// Every day from the first to the last, those without spend too; months where that is too many.
    private static func columns(_ days: [(String, CreditTotal)]) -> (unit: String, columns: [Column]) {
        let known = Dictionary(days, uniquingKeysWith: +)
        guard let first = days.first?.0, let last = days.last?.0 else { return ("day", []) }
        let all = Self.days(from: first, to: last)
        if !all.isEmpty { return ("day", all.map { Column(name: $0, charged: known[$0] ?? .zero) }) }
        var months: [Column] = []
        for (day, charged) in days {
            let month = String(day.prefix(7))
            if months.last?.name != month { months.append(Column(name: month)) }
            months[months.count - 1].charged += charged
        }
        return ("month", months)
    }

    /// Empty where there are too many.
    private static func days(from first: String, to last: String) -> [String] {
        guard let start = TimeArgument(argument: first)?.instant, let end = TimeArgument(argument: last)?.instant
        else { return [] }
        let dayMilliseconds: Int64 = 86_400_000
        let count = (end.milliseconds - start.milliseconds) / dayMilliseconds + 1
        guard 1...Int64(mostDays) ~= count else { return [] }
        return (0..<count).map {
            Composition.Calendar.day(of: Instant(milliseconds: start.milliseconds + $0 * dayMilliseconds))
        }
    }

    // MARK: By model

    private struct Bar {
        let name: String
        var charged: CreditTotal
        /// Of attempts that were estimated and charged, so that both tell of the same clips.
        var estimated: CreditTotal
        var chargedOfEstimated: CreditTotal
        var unknown: Int
    }

    /// The dearest first.
    private static func bars(_ report: SpendReport) -> [Bar] {
        let bars = report.rows.map { row -> Bar in
            let name: String = row.values.first.flatMap { $0 } ?? ReportOutput.none
            return Bar(
                name: ReportHTML.escaped(name), charged: row.figures.charged,
                estimated: row.figures.estimatedOfCharged, chargedOfEstimated: row.figures.chargedOfEstimated,
                unknown: row.figures.unknownCosts)
        }
        let all = bars.sorted { $0.charged == $1.charged ? $0.name < $1.name : $0.charged > $1.charged }
        guard all.count > mostModels else { return all }
        var rest = Bar(name: "all others", charged: .zero, estimated: .zero, chargedOfEstimated: .zero, unknown: 0)
        for bar in all[(mostModels - 1)...] {
            rest.charged += bar.charged
            rest.estimated += bar.estimated
            rest.chargedOfEstimated += bar.chargedOfEstimated
            rest.unknown += bar.unknown
        }
        return all[..<(mostModels - 1)] + [rest]
    }

    static func byModel(_ report: SpendReport) -> String {
        let bars = bars(report)
        let top = bars.map { amount($0.charged) }.max() ?? 0
        let rows = bars.map { bar in
            let label = "\(bar.name): \(bar.charged) credits charged"
            return """
                <div class="bar"><span>\(bar.name)</span><span class="n">\(bar.charged)\(unknown(bar))</span>
                \(strip([("charged", amount(bar.charged), top)], height: 19, label: label))</div>
                """
        }
        return figure("Credits charged by model", ["<p class=\"legend\">the dearest first</p>"] + rows)
    }

    static func estimatedAgainstCharged(_ report: SpendReport) -> String {
        let bars = bars(report)
        let top = bars.flatMap { [amount($0.chargedOfEstimated), amount($0.estimated)] }.max() ?? 0
        let rows = bars.map { bar in
            let label = "\(bar.name): \(bar.estimated) credits estimated, \(bar.chargedOfEstimated) charged"
            let parts = [("estimated", amount(bar.estimated), top), ("charged", amount(bar.chargedOfEstimated), top)]
            return """
                <div class="bar"><span>\(bar.name)</span><span class="n">\(bar.estimated) → \(bar.chargedOfEstimated)</span>
                \(strip(parts, height: 9, label: label))</div>
                """
        }
        let legend =
            "<p class=\"legend\"><i class=\"estimated\"></i>estimated <i class=\"charged\"></i>charged, of clips that were both</p>"
        return figure("Estimated against charged", [legend] + rows)
    }

    private static func unknown(_ bar: Bar) -> String { bar.unknown > 0 ? " + \(bar.unknown) unknown" : "" }

    private static func figure(_ caption: String, _ rows: [String]) -> String {
        "<figure>\n<figcaption>\(caption)</figcaption>\n\(rows.joined(separator: "\n"))\n</figure>"
    }

    /// Bars above each other, each as long as its share of the top and as thick as said, with a gap of one between.
    private static func strip(
        _ bars: [(style: String, value: Double, top: Double)], height thickness: Int, label: String
    ) -> String {
        let height = (thickness + 1) * bars.count
        let rects = bars.enumerated().map { index, bar in
            let width = bar.top > 0 ? bar.value / bar.top * 100 : 0
            return """
                <rect class="\(bar.style)" x="0" y="\(index * (thickness + 1))" width="\(number(width))" \
                height="\(thickness)"/>
                """
        }
        return """
            <svg style="height:\(height)px" viewBox="0 0 100 \(height)" preserveAspectRatio="none" role="img" \
            aria-label="\(label)"><rect class="track" width="100" height="\(height - 1)"/>\(rects.joined())</svg>
            """
    }

    // MARK: Numbers for drawing

    /// For lengths only.
    private static func amount(_ total: CreditTotal) -> Double { Double(total.whole) + Double(total.billionths) / 1e9 }

    private static func number(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }

    /// 1, 2 or 5 times a power of ten, at least as large.
    static func niceTop(_ value: Double) -> Double {
        guard value > 0 else { return 0 }
        let power = pow(10, log10(value).rounded(.down))
        let factor = [1.0, 2, 5, 10].first { $0 * power >= value * 0.999_999 } ?? 10
        return factor * power
    }

    private static func short(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\((value * 1e6).rounded() / 1e6)"
    }
}
