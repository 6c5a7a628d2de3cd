import DailiesCore

/// Words of a command for people to copy. Whatever they hold, a shell reads them back as they are, and does nothing else.
enum ShellWord {
    private static let plain = Set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/=:,@%+".unicodeScalars)

    /// A command with its words.
    static func line(_ words: [String]) -> String { words.map(quoted).joined(separator: " ") }

    /// Plain words stay as they are; others stand between apostrophes. What must not reach a terminal is written as bytes in
    /// octal digits, as bash, zsh and POSIX since 2024 read them.
    ///
    /// By scalars: to Swift an apostrophe with a combining mark is another character, to a shell it is not.
    static func quoted(_ word: String) -> String {
        let scalars = word.unicodeScalars
        // zsh takes a first equals sign for the path of a command.
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
        // Three digits end by themselves, whatever comes next.
        return String(scalar).utf8.map { byte in
            let digits = String(byte, radix: 8)
            return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
        }.joined()
    }
}
