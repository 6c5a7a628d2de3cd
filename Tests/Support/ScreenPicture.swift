/// A screen as SVG, as a terminal in a window would show it.
struct ScreenPicture {
    enum Theme: String, CaseIterable {
        case light
        case dark

        fileprivate var paper: String { self == .light ? "#ffffff" : "#14171b" }
        fileprivate var edge: String { self == .light ? "#d4d8de" : "#30363d" }
        fileprivate var ink: String { self == .light ? "#1b1f24" : "#e6e9ed" }
        fileprivate var dim: String { self == .light ? "#68717d" : "#8b949e" }
        /// Red, green, yellow, as 31, 32, 33.
        fileprivate var colours: [Int: String] {
            self == .light
                ? [31: "#b3261e", 32: "#1a7f37", 33: "#8a5a00"] : [31: "#ff8178", 32: "#56d37c", 33: "#e3b341"]
        }
    }

    private static let cell = (width: 8.4, height: 19.0)
    private static let margin = 18.0

    /// What was typed; it stands above the screen, after a `$`.
    let command: String
    let rows: [[Screen.Cell]]

    /// The screen of a terminal, without the empty lines at its foot.
    init(_ screen: Screen, after command: String) {
        self.command = command
        rows = Array(screen.rows[..<(screen.lines.lastIndex { !$0.isEmpty }.map { $0 + 1 } ?? 0)])
    }

    /// - Parameter columns: of the terminal.
    func svg(_ theme: Theme, columns: Int) -> String {
        let width = Self.cell.width * Double(columns) + 2 * Self.margin
        let height = Self.cell.height * Double(rows.count + 1) + 2 * Self.margin
        let prompt = Self.text("$", at: (0, 0), fill: theme.dim) + Self.text(command, at: (2, 0), fill: theme.ink)
        let lines = rows.enumerated().map { line, row in
            Self.runs(of: row).map { run in Self.text(run, line: line + 1, theme) }.joined()
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.number(width)) \(Self.number(height))" \
            width="\(Self.number(width))" height="\(Self.number(height))" font-size="14" \
            font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace">
            <rect x=".5" y=".5" width="\(Self.number(width - 1))" height="\(Self.number(height - 1))" rx="10" \
            fill="\(theme.paper)" stroke="\(theme.edge)"/>
            \(([prompt] + lines).filter { !$0.isEmpty }.joined(separator: "\n"))
            </svg>

            """
    }

    /// Neighbours that look the same, and are no spaces at their ends.
    private static func runs(of row: [Screen.Cell]) -> [(text: String, column: Int, look: Screen.Look)] {
        var runs: [(text: String, column: Int, look: Screen.Look)] = []
        for (column, cell) in row.enumerated() {
            if let last = runs.last, last.look == cell.look, last.column + last.text.count == column {
                runs[runs.count - 1].text.append(cell.character)
            } else if cell.character != " " {
                runs.append((String(cell.character), column, cell.look))
            }
        }
        return runs.map { run in
            (String(run.text.reversed().drop { $0 == " " }.reversed()), run.column, run.look)
        }
    }

    private static func text(
        _ run: (text: String, column: Int, look: Screen.Look), line: Int, _ theme: Theme
    ) -> String {
        let colour = run.look.compactMap { theme.colours[$0] }.first
        let fill = colour ?? (run.look.contains(2) ? theme.dim : theme.ink)
        return text(run.text, at: (run.column, line), fill: fill, isBold: run.look.contains(1))
    }

    /// As wide as its cells, whatever font the reader has.
    private static func text(
        _ text: String, at place: (column: Int, line: Int), fill: String, isBold: Bool = false
    ) -> String {
        let x = margin + cell.width * Double(place.column)
        let y = margin + cell.height * Double(place.line) + 14
        let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
        return "<text x=\"\(number(x))\" y=\"\(number(y))\" textLength=\"\(number(cell.width * Double(text.count)))\""
            + " lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\" fill=\"\(fill)\""
            + "\(isBold ? " font-weight=\"bold\"" : "")>\(escaped)</text>"
    }

    private static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
