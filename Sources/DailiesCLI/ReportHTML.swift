import DailiesCore
import DailiesStore

/// A spend report as one page that needs nothing beside it: no script, no font, no request.
///
/// Every text that comes from outside (names of batches, models and tags) is escaped.
struct ReportHTML {
    /// Groups in the table; the rest is in the CSV.
    static let mostRows = 1000

    /// The groups asked for.
    let report: SpendReport
    let byDay: SpendReport
    let byModel: SpendReport
    /// The time that was asked for, as it was asked; nil: no bound.
    let since: Instant?
    let until: Instant?
    let madeAt: Instant
    let dollars: ReportDollars?

    var page: String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>Spend report · Dailies</title>
        <style>
        \(ReportHTMLStyle.sheet)
        </style>
        </head>
        <body>
        <main>
        <header>
        <h1>Spend report</h1>
        <p class="quiet">\(period), made \(Self.time(madeAt))</p>
        </header>
        \(keyFigures)
        \(charts)
        \(table)
        \(waste)
        <footer class="quiet">Credits are exact sums of what the provider stated. A cost that is not known is never \
        counted as 0.</footer>
        </main>
        </body>
        </html>
        """
    }

    /// Text for an element or a quoted attribute.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in SafeText.escaped(text).unicodeScalars {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }

    private static func time(_ instant: Instant) -> String {
        let text = Composition.Calendar.timestamp(instant)
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5)) UTC"
    }

    private var period: String {
        switch (since, until) {
        case (nil, nil): "Everything settled so far"
        case (let since?, nil): "Settled since \(Self.time(since))"
        case (nil, let until?): "Settled before \(Self.time(until))"
        case (let since?, let until?): "Settled from \(Self.time(since)) to \(Self.time(until))"
        }
    }

    // MARK: Figures

    private var keyFigures: String {
        let total = report.total
        var figures = [
            ("credits charged", "\(total.charged)"), ("estimated", "\(total.estimated)"),
            ("clips saved", "\(total.clipsSaved)"),
            ("seconds delivered", ReportText.seconds(total.secondsDelivered)),
            ("credits a second", ReportText.rate(total) ?? "–"),
        ]
        if let dollars { figures.insert(("USD at \(dollars.text) a credit", dollars.cents(total.charged)), at: 1) }
        if total.unknownCosts > 0 { figures.append(("of unknown cost", "\(total.unknownCosts)")) }
        let items = figures.map { name, value in "<div><dt>\(name)</dt><dd>\(value)</dd></div>" }
        return "<dl class=\"figures\">\n\(items.joined(separator: "\n"))\n</dl>"
    }

    private var charts: String {
        guard report.total.attempts > 0 else { return "<p>Nothing has settled yet.</p>" }
        return """
            \(ReportHTMLCharts.overTime(byDay))
            <div class="pair">
            \(ReportHTMLCharts.byModel(byModel))
            \(ReportHTMLCharts.estimatedAgainstCharged(byModel))
            </div>
            """
    }

    // MARK: Table

    private var table: String {
        guard !report.dimensions.isEmpty else { return "" }
        let titles = report.dimensions.map { Self.escaped($0.title) }
        let columns =
            ["tasks", "saved", "seconds", "estimated", "credits", "unknown", "credits/s"]
            + (dollars == nil ? [] : ["USD"])
        let head =
            titles.map { "<th scope=\"col\">\($0)</th>" } + columns.map { "<th scope=\"col\" class=\"n\">\($0)</th>" }
        let rows = report.rows.prefix(Self.mostRows).map { row in
            let names = zip(titles, row.values).map { title, value in
                "<td data-label=\"\(title)\">\(Self.escaped(value ?? ReportText.none))</td>"
            }
            return "<tr>\(names.joined())\(cells(row.figures, columns))</tr>"
        }
        let left = report.rows.count - rows.count
        let more = left > 0 ? "<p class=\"quiet\">\(left) more rows are in the CSV: --format csv</p>" : ""
        return """
            <section>
            <h2>By \(titles.joined(separator: ", "))</h2>
            <table>
            <thead><tr>\(head.joined())</tr></thead>
            <tbody>
            \(rows.joined(separator: "\n"))
            </tbody>
            <tfoot><tr><th scope="row" colspan="\(titles.count)">total</th>\(cells(report.total, columns))</tr></tfoot>
            </table>
            \(more)
            </section>
            """
    }

    private func cells(_ figures: SpendFigures, _ columns: [String]) -> String {
        let values = ReportText.cells(figures, dollars: dollars)
        return zip(columns, values).map { "<td class=\"n\" data-label=\"\($0)\">\($1)</td>" }.joined()
    }

    private var waste: String {
        let lines = ReportText.waste(report.total)
        guard report.total.attempts > 0 else { return "" }
        let items = lines.map { "<li>\(Self.escaped($0))</li>" }.joined(separator: "\n")
        let nothing = "<p>Nothing was wasted: every charge has its saved clip.</p>"
        let body = lines.isEmpty ? nothing : "<ul>\n\(items)\n</ul>"
        return "<section>\n<h2>Waste and doubt</h2>\n\(body)\n</section>"
    }
}
