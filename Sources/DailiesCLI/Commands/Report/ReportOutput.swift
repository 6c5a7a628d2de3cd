import DailiesCore
import DailiesStore

/// A spend report as a table, JSON or CSV.
enum ReportOutput {
    /// The placeholder for a missing value, such as a tag that a task does not have.
    static let none = "(none)"

    static func table(_ report: SpendReport, dollars: USDRate?) -> String {
        let titles = report.dimensions.map { SafeText.escaped($0.title) }
        let columns =
            ["tasks", "saved", "seconds", "estimated", "credits", "unknown", "credits/s"]
            + (dollars.map { ["USD at \($0.text)"] } ?? [])
        var table = TextTable(
            (titles.isEmpty ? [""] : titles) + columns,
            rightAligned: Set(max(titles.count, 1)..<(max(titles.count, 1) + columns.count)))
        for row in report.rows {
            table.add(row.values.map { SafeText.escaped($0 ?? none) } + cells(row.figures, dollars: dollars))
        }
        table.add(
            ["total"] + Array(repeating: "", count: max(titles.count - 1, 0)) + cells(report.total, dollars: dollars))
        return ([table.text] + waste(report.total)).joined(separator: "\n")
    }

    /// In the order of the table's columns.
    static func cells(_ figures: SpendFigures, dollars: USDRate?) -> [String] {
        [
            "\(figures.tasks)", "\(figures.clipsSaved)", seconds(figures.secondsDelivered), "\(figures.estimated)",
            "\(figures.charged)", "\(figures.unknownCosts)", rate(figures) ?? "-",
        ] + (dollars.map { [$0.cents(figures.charged)] } ?? [])
    }

    static func seconds(_ seconds: Double) -> String {
        if let whole = Int64(exactly: seconds) { return "\(whole)" }
        let rounded = (seconds * 1000).rounded() / 1000
        return "\(rounded.isFinite ? rounded : seconds)"
    }

    /// Credits per delivered second of known cost, rounded to four decimals; nil if there is none, or if the rate is
    /// not finite.
    static func rate(_ figures: SpendFigures) -> String? {
        guard figures.secondsOfKnownCost > 0, figures.secondsOfKnownCost.isFinite else { return nil }
        let charged = Double(figures.charged.whole) + Double(figures.charged.billionths) / 1e9
        let rate = (charged / figures.secondsOfKnownCost * 10_000).rounded() / 10_000
        return rate.isFinite ? "\(rate)" : nil
    }

    /// The number of unknown costs and their estimated total.
    static func unknown(_ figures: SpendFigures) -> String? {
        guard figures.unknownCosts > 0 else { return nil }
        let bounded = figures.unknownCosts - figures.unboundedCosts
        var text = "\(figures.unknownCosts)"
        if bounded > 0 { text += ", estimated at \(figures.unknownAtMost) credits" }
        if bounded > 0, figures.unboundedCosts > 0 { text += ", plus \(figures.unboundedCosts) without an estimate" }
        return text
    }

    /// Charges without a saved clip, and unknown costs.
    static func waste(_ figures: SpendFigures) -> [String] {
        var lines: [String] = []
        func line(_ count: Int, _ what: String, _ total: CreditTotal? = nil) {
            guard count > 0 else { return }
            lines.append("\(what): \(count)" + (total.map { ", \($0) credits" } ?? ""))
        }
        line(figures.chargedFailures, "failed but charged", figures.chargedForFailures)
        line(figures.chargedCancellations, "cancelled and charged", figures.chargedForCancellations)
        line(figures.paidNotSaved, "paid but not saved", figures.chargedNotSaved)
        line(figures.supersededTakes, "superseded takes", figures.chargedForSuperseded)
        line(figures.replayed, "rendered earlier, recorded here as replayed")
        if let unknown = unknown(figures) { lines.append("unknown cost, not included in the totals: \(unknown)") }
        line(figures.roundedCosts, "rounded to nine decimals")
        return lines
    }

    static func json(_ report: SpendReport, dollars: USDRate?) -> JSONObject {
        let titles = report.dimensions.map(\.title)
        let rows = report.rows.map { row in
            JSONObject(zip(titles, row.values).map { ($0, $1) }) + json(row.figures, dollars)
        }
        return ["by": titles, "rows": rows, "total": json(report.total, dollars)]
    }

    private static func json(_ figures: SpendFigures, _ dollars: USDRate?) -> JSONObject {
        let object: JSONObject = [
            "tasks": figures.tasks,
            "attempts": figures.attempts,
            "clips_saved": figures.clipsSaved,
            "seconds_delivered": JSONNumber(text: seconds(figures.secondsDelivered)),
            "estimated_credits": figures.estimated,
            "credits": figures.charged,
            "unknown_costs": figures.unknownCosts,
            "unknown_at_most_credits": unknownAtMost(figures),
            "rounded_costs": figures.roundedCosts,
            "replayed": figures.replayed,
            "failed_but_charged": figures.chargedFailures,
            "failed_but_charged_credits": figures.chargedForFailures,
            "cancelled_and_charged": figures.chargedCancellations,
            "cancelled_and_charged_credits": figures.chargedForCancellations,
            "paid_not_saved": figures.paidNotSaved,
            "paid_not_saved_credits": figures.chargedNotSaved,
            "superseded_takes": figures.supersededTakes,
            "superseded_takes_credits": figures.chargedForSuperseded,
            "credits_per_second": rate(figures).map(JSONNumber.init),
        ]
        return object + (dollars.map { ["usd": JSONNumber(text: $0.exact(figures.charged))] } ?? [:])
    }

    /// The estimated total of the unknown costs; nil if one of them has no estimate.
    private static func unknownAtMost(_ figures: SpendFigures) -> CreditTotal? {
        figures.unboundedCosts == 0 ? figures.unknownAtMost : nil
    }

    /// One line per group, then the total.
    static func csv(_ report: SpendReport, dollars: USDRate?) -> String {
        let header =
            report.dimensions.map { CSVCell.text($0.title) }
            + [
                "tasks", "clips_saved", "seconds_delivered", "estimated_credits", "credits", "unknown_costs",
                "unknown_at_most_credits", "rounded_costs", "replayed", "credits_per_second",
                "failed_but_charged", "failed_but_charged_credits", "cancelled_and_charged",
                "cancelled_and_charged_credits", "paid_not_saved", "paid_not_saved_credits", "superseded_takes",
                "superseded_takes_credits",
            ] + (dollars == nil ? [] : ["usd"])
        let lines = report.rows.map { row in
            row.values.map { CSVCell.text($0 ?? "") } + csvFigures(row.figures, dollars)
        }
        let names = report.dimensions.indices.map { $0 == 0 ? "total" : "" }
        let total = names + csvFigures(report.total, dollars)
        return ([header] + lines + [total]).map { $0.joined(separator: ",") }.joined(separator: "\r\n")
    }

    private static func csvFigures(_ figures: SpendFigures, _ dollars: USDRate?) -> [String] {
        [
            "\(figures.tasks)", "\(figures.clipsSaved)", seconds(figures.secondsDelivered), "\(figures.estimated)",
            "\(figures.charged)", "\(figures.unknownCosts)", unknownAtMost(figures)?.description ?? "",
            "\(figures.roundedCosts)", "\(figures.replayed)", rate(figures) ?? "",
            "\(figures.chargedFailures)", "\(figures.chargedForFailures)", "\(figures.chargedCancellations)",
            "\(figures.chargedForCancellations)", "\(figures.paidNotSaved)", "\(figures.chargedNotSaved)",
            "\(figures.supersededTakes)", "\(figures.chargedForSuperseded)",
        ] + (dollars.map { [$0.exact(figures.charged)] } ?? [])
    }
}
