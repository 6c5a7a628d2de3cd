import DailiesCore

/// Cells of a CSV file that people open in a spreadsheet.
enum CSVCell {
    /// What a formula begins with, in ASCII and in the full width that East Asian spreadsheets read alike.
    private static let formulaStarts: Set<Unicode.Scalar> = ["=", "+", "-", "@", "＝", "＋", "－", "＠"]
    private static let mark: Unicode.Scalar = "'"

    /// A cell that holds the text as it is, line ends too, and that no spreadsheet takes for a formula: a text that begins like
    /// one, after any white space and apostrophes, gets one apostrophe before it. Take it away to have the text again.
    ///
    /// - Parameter isForTerminal: what could drive a terminal is escaped.
    static func text(_ text: String, isForTerminal: Bool = Console.isOutputTerminal) -> String {
        var cell = beginsLikeFormula(text) ? "\(mark)" + text : text
        if isForTerminal {
            cell = cell.split(separator: "\n", omittingEmptySubsequences: false)
                .map { SafeText.escaped(String($0)) }.joined(separator: "\n")
        }
        guard
            cell.unicodeScalars.contains(where: { "\",;\t\r\n".unicodeScalars.contains($0) })
                || cell.first == " " || cell.last == " "
        else { return cell }
        return "\"" + doubled(cell) + "\""
    }

    /// A text with an apostrophe before it begins like a formula if and only if the text does: so none is ambiguous.
    private static func beginsLikeFormula(_ text: String) -> Bool {
        let first = text.unicodeScalars.first { !$0.properties.isWhitespace && $0 != mark }
        return first.map(formulaStarts.contains) ?? false
    }

    /// By scalars: a quote with a combining mark on it is a character of its own.
    private static func doubled(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\"" { result.append(scalar) }
            result.append(scalar)
        }
        return String(result)
    }

    /// A cell with an exact number, or empty where it is unknown.
    static func number(_ credits: Credits?) -> String { credits.map(\.description) ?? "" }
}
