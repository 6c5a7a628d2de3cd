import DailiesCore
import DailiesStore

/// A spend report as a self-contained HTML page without scripts, fonts or network requests.
///
/// All external text (names of batches, models and tags) is escaped.
struct ReportHTML {
    /// Rows in the table. The CSV has all rows.
    static let maximumRows = 1000
    /// Light or dark mode, one column on phones, black on white in print.
    private static let style = String(decoding: PackageResources.report_css, as: UTF8.self)
    /// Batch names in the title.
    private static let maximumNames = 3

    /// By the requested dimensions.
    let report: SpendReport
    let byDay: SpendReport
    let byModel: SpendReport
    /// Names of the batches in the report.
    let batches: [String]
    /// The requested period; nil means no bound.
    let since: Instant?
    let until: Instant?
    let madeAt: Instant
    let dollars: USDRate?

    var page: String {
        """
        \(HTMLDocument.text(title: title, style: Self.style))
        <body>
        <main>
        <header>
        <h1>\(title)</h1>
        <p class="quiet">\(period), created \(Self.time(madeAt))</p>
        </header>
        \(wasted.isEmpty ? "" : waste)
        \(keyFigures)
        \(charts)
        \(table)
        \(wasted.isEmpty ? waste : "")
        <footer class="quiet">Credits are exact sums of the amounts that the provider reported. Unknown costs are \
        never counted as 0.</footer>
        </main>
        </body>
        </html>
        """
    }

    /// Escapes text for an element or a quoted attribute.
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

    private var title: String { "Spend report" + (subject.isEmpty ? "" : ": \(Self.escaped(subject))") }

    private var subject: String {
        let named = batches.prefix(Self.maximumNames).joined(separator: ", ")
        return batches.count > Self.maximumNames ? "\(named) and \(batches.count - Self.maximumNames) more" : named
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
        var notes: [String] = []
        if let dollars { notes.append("\(dollars.cents(total.charged)) USD at \(dollars.text) per credit") }
        if let unknown = ReportOutput.unknown(total) { notes.append("excluding unknown costs: \(unknown)") }
        let first = """
            <div class="sum"><dt>credits charged</dt><dd>\(total.charged)</dd>\
            \(notes.map { "<dd class=\"note\">\($0)</dd>" }.joined())</div>
            """
        let figures = [
            ("estimated", "\(total.estimated)"), ("clips saved", "\(total.clipsSaved)"),
            ("seconds delivered", ReportOutput.seconds(total.secondsDelivered)),
            ("credits per second of video", ReportOutput.rate(total) ?? "–"),
        ]
        let items = [first] + figures.map { name, value in "<div><dt>\(name)</dt><dd>\(value)</dd></div>" }
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
        let shown = report.rows.prefix(Self.maximumRows)
        // Amounts are aligned at the decimal point.
        let figures = (shown.map(\.figures) + [report.total]).map { ReportOutput.cells($0, dollars: dollars) }
        let places = columns.indices.map { column in figures.map { Self.places(of: $0[column]) }.max() ?? 0 }
        let rows = zip(shown, figures).map { row, figures in
            let names = zip(titles, row.values).map { title, value in
                "<td data-label=\"\(title)\">\(Self.escaped(value ?? ReportOutput.none))</td>"
            }
            return "<tr>\(names.joined())\(Self.cells(figures, columns, places))</tr>"
        }
        let left = report.rows.count - rows.count
        let more = left > 0 ? "<p class=\"quiet\">\(left) more rows; use --format csv to get all</p>" : ""
        return """
            <section>
            <h2>By \(titles.joined(separator: ", "))</h2>
            <table>
            <thead><tr>\(head.joined())</tr></thead>
            <tbody>
            \(rows.joined(separator: "\n"))
            </tbody>
            <tfoot><tr><th scope="row" colspan="\(titles.count)">total</th>\(Self.cells(figures[shown.count], columns, places))</tr></tfoot>
            </table>
            \(more)
            </section>
            """
    }

    private static func cells(_ values: [String], _ columns: [String], _ places: [Int]) -> String {
        columns.indices.map { column in
            "<td class=\"n\" data-label=\"\(columns[column])\">\(aligned(values[column], to: places[column]))</td>"
        }.joined()
    }

    /// The length of the fraction in characters, including the point.
    private static func places(of value: String) -> Int {
        value.firstIndex(of: ".").map { value.distance(from: $0, to: value.endIndex) } ?? 0
    }

    /// The number, with its fraction padded to the width of the longest fraction of the column.
    private static func aligned(_ value: String, to places: Int) -> String {
        guard places > 0 else { return value }
        let point = value.firstIndex(of: ".") ?? value.endIndex
        return """
            <span>\(value[..<point])<span class="f" style="min-width:\(places)ch">\(value[point...])</span></span>
            """
    }

    private var wasted: [String] { ReportOutput.waste(report.total) }

    private var waste: String {
        let lines = wasted
        guard report.total.attempts > 0 else { return "" }
        let items = lines.map { "<li>\(Self.escaped($0))</li>" }.joined(separator: "\n")
        let nothing = "<p>No waste: every charge has a saved clip.</p>"
        let body = lines.isEmpty ? nothing : "<ul>\n\(items)\n</ul>"
        return "<section>\n<h2>Wasted and unknown costs</h2>\n\(body)\n</section>"
    }
}
