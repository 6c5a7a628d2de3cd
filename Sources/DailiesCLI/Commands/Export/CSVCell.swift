import DailiesCore

/// Cells of a CSV file that is safe to open in a spreadsheet.
enum CSVCell {
    /// The first characters of formulas, in ASCII and in the fullwidth forms that East Asian spreadsheets also accept.
    private static let formulaStarts: Set<Unicode.Scalar> = ["=", "+", "-", "@", "＝", "＋", "－", "＠"]
    private static let apostrophe: Unicode.Scalar = "'"

    /// A cell with the unchanged text, including line breaks, that no spreadsheet reads as a formula. If the text
    /// starts like a formula, after any white space and apostrophes, one apostrophe is added before it. Remove that
    /// apostrophe to get the text back.
    ///
    /// - Parameter isForTerminal: escapes control characters.
    static func text(_ text: String, isForTerminal: Bool = Console.isOutputTerminal) -> String {
        var cell = startsLikeFormula(text) ? "\(apostrophe)" + text : text
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

    /// Apostrophes are skipped, so that adding or removing one never changes the result and no cell is ambiguous.
    private static func startsLikeFormula(_ text: String) -> Bool {
        let first = text.unicodeScalars.first { !$0.properties.isWhitespace && $0 != apostrophe }
        return first.map(formulaStarts.contains) ?? false
    }

    /// Works on scalars, because a quote followed by a combining mark is a different character.
    private static func doubled(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\"" { result.append(scalar) }
            result.append(scalar)
        }
        return String(result)
    }

    /// A cell with an exact number; empty if unknown.
    static func number(_ credits: Credits?) -> String { credits.map(\.description) ?? "" }
}
