import DailiesCore

/// Cells of a CSV file that people open in a spreadsheet.
enum SpreadsheetCell {
    /// What a formula begins with, in ASCII and in the full width that East Asian spreadsheets read alike.
    private static let formulaStarts: Set<Character> = ["=", "+", "-", "@", "＝", "＋", "－", "＠"]

    /// A cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe before it.
    ///
    /// White space before it does not hide it. Control characters (tabs and line ends among them) are escaped, so that
    /// a record is one line.
    static func text(_ text: String) -> String {
        var cell = SafeText.escaped(text)
        if let first = cell.first(where: { !$0.isWhitespace }), formulaStarts.contains(first) { cell = "'" + cell }
        guard cell.contains(where: { "\",;".contains($0) }) || cell.first == " " || cell.last == " " else {
            return cell
        }
        return "\"" + cell.replacing("\"", with: "\"\"") + "\""
    }

    /// A cell with an exact number, or empty where it is unknown.
    static func number(_ credits: Credits?) -> String { credits.map(\.description) ?? "" }
}
