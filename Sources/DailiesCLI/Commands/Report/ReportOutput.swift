import DailiesCore
import DailiesStore
import ExactJSON

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

    static func json(_ report: SpendReport, dollars: USDRate?) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.name("by")
            writer.array { array in
                for dimension in report.dimensions { array.string(dimension.title) }
            }
            writer.name("rows")
            writer.array { array in
                for row in report.rows {
                    array.object { writer in
                        for (dimension, value) in zip(report.dimensions, row.values) {
                            if let value {
                                writer.member(dimension.title, value)
                            } else {
                                writer.nullMember(dimension.title)
                            }
                        }
                        write(row.figures, dollars, to: &writer)
                    }
                }
            }
            writer.name("total")
            writer.object { write(report.total, dollars, to: &$0) }
        }
        return writer.text
    }

    private static func write(_ figures: SpendFigures, _ dollars: USDRate?, to writer: inout JSONWriter) {
        writer.member("tasks", figures.tasks)
        writer.member("attempts", figures.attempts)
        writer.member("clips_saved", figures.clipsSaved)
        writer.member("seconds_delivered", number: seconds(figures.secondsDelivered))
        writer.member("estimated_credits", number: figures.estimated.description)
        writer.member("credits", number: figures.charged.description)
        writer.member("unknown_costs", figures.unknownCosts)
        if let atMost = unknownAtMost(figures) {
            writer.member("unknown_at_most_credits", number: atMost)
        } else {
            writer.nullMember("unknown_at_most_credits")
        }
        writer.member("rounded_costs", figures.roundedCosts)
        writer.member("replayed", figures.replayed)
        writer.member("failed_but_charged", figures.chargedFailures)
        writer.member("failed_but_charged_credits", number: figures.chargedForFailures.description)
        writer.member("cancelled_and_charged", figures.chargedCancellations)
        writer.member("cancelled_and_charged_credits", number: figures.chargedForCancellations.description)
        writer.member("paid_not_saved", figures.paidNotSaved)
        writer.member("paid_not_saved_credits", number: figures.chargedNotSaved.description)
        writer.member("superseded_takes", figures.supersededTakes)
        writer.member("superseded_takes_credits", number: figures.chargedForSuperseded.description)
        if let rate = rate(figures) {
            writer.member("credits_per_second", number: rate)
        } else {
            writer.nullMember("credits_per_second")
        }
        if let dollars { writer.member("usd", number: dollars.exact(figures.charged)) }
    }

    /// The estimated total of the unknown costs; nil if one of them has no estimate.
    private static func unknownAtMost(_ figures: SpendFigures) -> String? {
        figures.unboundedCosts == 0 ? figures.unknownAtMost.description : nil
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
            "\(figures.charged)", "\(figures.unknownCosts)", unknownAtMost(figures) ?? "",
            "\(figures.roundedCosts)", "\(figures.replayed)", rate(figures) ?? "",
            "\(figures.chargedFailures)", "\(figures.chargedForFailures)", "\(figures.chargedCancellations)",
            "\(figures.chargedForCancellations)", "\(figures.paidNotSaved)", "\(figures.chargedNotSaved)",
            "\(figures.supersededTakes)", "\(figures.chargedForSuperseded)",
        ] + (dollars.map { [$0.exact(figures.charged)] } ?? [])
    }
}
