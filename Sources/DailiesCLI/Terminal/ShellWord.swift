import DailiesCore

/// Quotes the words of a command for users to copy. A shell reads them back unchanged and expands nothing.
enum ShellWord {
    private static let plain = Set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/=:,@%+".unicodeScalars)

    /// A command line.
    static func line(_ words: [String]) -> String { words.map(quoted).joined(separator: " ") }

    /// Plain words are unchanged; others are quoted with apostrophes. Characters that are unsafe on a terminal are
    /// written as octal bytes, which bash, zsh and POSIX since 2024 support.
    ///
    /// Works on scalars: in Swift, an apostrophe with a combining mark is a different character; in a shell, it is not.
    static func quoted(_ word: String) -> String {
        let scalars = word.unicodeScalars
        // zsh expands a leading equals sign to the path of a command.
        if let first = scalars.first, first != "=", scalars.allSatisfy(plain.contains) { return word }
        if scalars.allSatisfy(isShown) {
            return "'" + scalars.map { $0 == "'" ? "'\\''" : String($0) }.joined() + "'"
        }
        return "$'" + scalars.map(escaped).joined() + "'"
    }

    private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
        SafeText.escaped(String(scalar)).unicodeScalars.count == 1
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        if scalar == "'" || scalar == "\\" { return "\\\(scalar)" }
        if isShown(scalar) { return String(scalar) }
        // With three digits, the next character cannot continue the number.
        return String(scalar).utf8.map { byte in
            let digits = String(byte, radix: 8)
            return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
        }.joined()
    }
}
