import DailiesCore
import DailiesStore
import Foundation

/// SVG charts whose bars scale with the page. Names and numbers are text next to them, so that they stay readable on
/// phones and on paper.
enum ReportHTMLCharts {
    /// Bars in a chart of models. The last bar sums up the other models.
    private static let maximumModels = 12
    /// Columns in a chart by day. A longer period is shown by month.
    private static let maximumDays = 120
    /// Up to this number of columns, each has a label. Charts with fewer columns leave the space empty.
    private static let maximumLabels = 7
    /// Up to this number of days or months, the chart has bars instead of columns, which would be too wide.
    private static let maximumBars = 3

    // MARK: Over time

    static func overTime(_ report: SpendReport) -> String {
        let days = report.rows.compactMap { row in row.values.first.flatMap { $0 }.map { ($0, row.figures.charged) } }
        let (unit, columns) = columns(days)
        guard let first = columns.first, let last = columns.last else { return "" }
        if columns.count <= maximumBars { return bars(of: columns, by: unit) }
        let top = niceTop(columns.map { amount($0.charged) }.max() ?? 0)
        let width = 100.0 / Double(max(columns.count, maximumLabels))
        let bars = columns.enumerated().map { index, column in
            let height = top > 0 ? amount(column.charged) / top * 100 : 0
            let x = number(Double(index) * width + width * 0.1)
            return """
                <rect x="\(x)" y="\(number(100 - height))" width="\(number(width * 0.8))" height="\(number(height))">\
                <title>\(column.name): \(column.charged) credits</title></rect>
                """
        }
        let isLabeled = columns.count <= maximumLabels
        let labels = (isLabeled ? columns : [first, last]).map { column in
            isLabeled && unit == "day" ? String(column.name.dropFirst(5)) : column.name
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
            <div class="dates\(isLabeled ? " each" : "")">\(labels.map { "<span>\($0)</span>" }.joined())</div>
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

    /// Every day from the first to the last, including days without spending, or months if there are too many days.
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

    /// Empty if there are more than ``maximumDays``.
    private static func days(from first: String, to last: String) -> [String] {
        guard let start = TimeArgument(argument: first)?.instant, let end = TimeArgument(argument: last)?.instant
        else { return [] }
        let dayMilliseconds: Int64 = 86_400_000
        let count = (end.milliseconds - start.milliseconds) / dayMilliseconds + 1
        guard 1...Int64(maximumDays) ~= count else { return [] }
        return (0..<count).map {
            Composition.Calendar.day(of: Instant(milliseconds: start.milliseconds + $0 * dayMilliseconds))
        }
    }

    // MARK: By model

    private struct Bar {
        let name: String
        var charged: CreditTotal
        /// Only of attempts that were both estimated and charged, so that the two amounts are comparable.
        var estimated: CreditTotal
        var chargedOfEstimated: CreditTotal
        var unknown: Int
    }

    /// Most expensive first.
    private static func bars(_ report: SpendReport) -> [Bar] {
        let bars = report.rows.map { row -> Bar in
            let name: String = row.values.first.flatMap { $0 } ?? ReportOutput.none
            return Bar(
                name: ReportHTML.escaped(name), charged: row.figures.charged,
                estimated: row.figures.estimatedOfCharged, chargedOfEstimated: row.figures.chargedOfEstimated,
                unknown: row.figures.unknownCosts)
        }
        let all = bars.sorted { $0.charged == $1.charged ? $0.name < $1.name : $0.charged > $1.charged }
        guard all.count > maximumModels else { return all }
        var rest = Bar(name: "all others", charged: .zero, estimated: .zero, chargedOfEstimated: .zero, unknown: 0)
        for bar in all[(maximumModels - 1)...] {
            rest.charged += bar.charged
            rest.estimated += bar.estimated
            rest.chargedOfEstimated += bar.chargedOfEstimated
            rest.unknown += bar.unknown
        }
        return all[..<(maximumModels - 1)] + [rest]
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
        return figure("Credits charged by model", ["<p class=\"legend\">most expensive first</p>"] + rows)
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
            "<p class=\"legend\"><i class=\"estimated\"></i>estimated <i class=\"charged\"></i>charged "
            + "(clips with both amounts)</p>"
        return figure("Estimated vs. charged", [legend] + rows)
    }

    private static func unknown(_ bar: Bar) -> String { bar.unknown > 0 ? " + \(bar.unknown) unknown" : "" }

    private static func figure(_ caption: String, _ rows: [String]) -> String {
        "<figure>\n<figcaption>\(caption)</figcaption>\n\(rows.joined(separator: "\n"))\n</figure>"
    }

    /// Stacked horizontal bars of the given thickness, with a gap of 1. The length is the share of the top.
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

    // MARK: Drawing

    /// Rounded, for lengths only.
    private static func amount(_ total: CreditTotal) -> Double { Double(total.whole) + Double(total.billionths) / 1e9 }

    private static func number(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }

    /// The smallest 1, 2 or 5 times a power of ten that is not less than the value.
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
