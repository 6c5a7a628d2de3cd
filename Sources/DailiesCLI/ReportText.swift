import DailiesCore
import DailiesStore
import ExactJSON

/// A spend report in the formats that people and programs read.
enum ReportText {
    /// What stands for a missing value, such as a tag that a task does not have.
    private static let none = "(none)"

    static func table(_ report: SpendReport) -> String {
        let titles = report.dimensions.map { SafeText.escaped($0.title) }
        let columns = ["tasks", "saved", "seconds", "estimated", "credits", "unknown", "credits/s"]
        var table = TextTable(
            (titles.isEmpty ? [""] : titles) + columns,
            rightAligned: Set(max(titles.count, 1)..<(max(titles.count, 1) + columns.count)))
        for row in report.rows {
            table.add(row.values.map { SafeText.escaped($0 ?? none) } + cells(row.figures))
        }
        table.add(["total"] + Array(repeating: "", count: max(titles.count - 1, 0)) + cells(report.total))
        return ([table.text] + waste(report.total)).joined(separator: "\n")
    }

    private static func cells(_ figures: SpendFigures) -> [String] {
        [
            "\(figures.tasks)", "\(figures.clipsSaved)", seconds(figures.secondsDelivered), "\(figures.estimated)",
            "\(figures.charged)", "\(figures.unknownCosts)", rate(figures) ?? "-",
        ]
    }

    private static func seconds(_ seconds: Double) -> String {
        seconds == seconds.rounded() ? "\(Int64(seconds))" : "\((seconds * 1000).rounded() / 1000)"
    }

    /// Credits for each delivered second, for people: rounded to four decimals.
    private static func rate(_ figures: SpendFigures) -> String? {
        guard figures.secondsDelivered > 0 else { return nil }
        let charged = Double(figures.charged.whole) + Double(figures.charged.billionths) / 1e9
        return "\((charged / figures.secondsDelivered * 10_000).rounded() / 10_000)"
    }

    /// Where money went without a clip to show for it.
    private static func waste(_ figures: SpendFigures) -> [String] {
        var lines: [String] = []
        func line(_ count: Int, _ what: String, _ total: CreditTotal? = nil) {
            guard count > 0 else { return }
            lines.append("\(what): \(count)" + (total.map { ", \($0) credits" } ?? ""))
        }
        line(figures.chargedFailures, "failed but charged", figures.chargedForFailures)
        line(figures.chargedCancellations, "cancelled and charged", figures.chargedForCancellations)
        line(figures.paidNotSaved, "paid but not saved", figures.chargedNotSaved)
        line(figures.supersededTakes, "superseded takes", figures.chargedForSuperseded)
        line(figures.replayed, "rendered before, booked here as replayed")
        line(figures.unknownCosts, "cost unknown, not in the sums")
        line(figures.roundedCosts, "rounded to nine decimals")
        return lines
    }

    static func json(_ report: SpendReport) -> String {
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
                        write(row.figures, to: &writer)
                    }
                }
            }
            writer.name("total")
            writer.object { write(report.total, to: &$0) }
        }
        return writer.text
    }

    private static func write(_ figures: SpendFigures, to writer: inout JSONWriter) {
        writer.member("tasks", figures.tasks)
        writer.member("attempts", figures.attempts)
        writer.member("clips_saved", figures.clipsSaved)
        writer.member("seconds_delivered", number: seconds(figures.secondsDelivered))
        writer.member("estimated_credits", number: figures.estimated.description)
        writer.member("credits", number: figures.charged.description)
        writer.member("unknown_costs", figures.unknownCosts)
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
    }

    static func csv(_ report: SpendReport) -> String {
        let header =
            report.dimensions.map { csvCell($0.title) }
            + ["tasks", "clips_saved", "seconds_delivered", "estimated_credits", "credits", "unknown_costs"]
        let lines = report.rows.map { row in
            row.values.map { csvCell($0 ?? "") } + csvFigures(row.figures)
        }
        let total =
            report.dimensions.isEmpty
            ? [csvFigures(report.total)] : []
        return ([header] + lines + total).map { $0.joined(separator: ",") }.joined(separator: "\r\n")
    }

    private static func csvFigures(_ figures: SpendFigures) -> [String] {
        [
            "\(figures.tasks)", "\(figures.clipsSaved)", seconds(figures.secondsDelivered), "\(figures.estimated)",
            "\(figures.charged)", "\(figures.unknownCosts)",
        ]
    }

    /// A cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe before it.
    private static func csvCell(_ text: String) -> String {
        var cell = SafeText.escaped(text)
        if let first = cell.first, "=+-@\t\r".contains(first) { cell = "'" + cell }
        guard cell.contains(where: { "\",\n\r".contains($0) }) else { return cell }
        return "\"" + cell.replacing("\"", with: "\"\"") + "\""
    }
}
