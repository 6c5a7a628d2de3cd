import DailiesProvider
import DailiesStore

/// Reads an API key from text that may also contain shell, HTTP header or editor syntax.
enum KeyOutput {
    /// Sources already warned about, so each is reported once.
    private static let warnedSources = Locked<Set<String>>([])

    /// - Parameter source: describes where the text is from; safe to show.
    /// - Throws: ``ConfigurationError`` as ``APIKey`` does.
    static func key(_ text: String, from source: String) throws(ConfigurationError) -> APIKey {
        let (key, dropped) = bare(text)
        if !dropped.isEmpty, warnedSources.withLock({ $0.insert(source).inserted }) {
            let list = dropped.joined(separator: ", ")
            Console.error("warning: \(source) contains more than the API key; ignored: \(list)")
        }
        return try APIKey(key)
    }

    /// The key, and descriptions of the surrounding text.
    static func bare(_ text: String) -> (key: String, dropped: [String]) {
        var (rest, dropped): (Substring, [String]) = (trimmed(text[...]), [])
        if rest.unicodeScalars.first == "\u{FEFF}" {
            rest = trimmed(Substring(rest.unicodeScalars.dropFirst()))
            dropped.append("a byte order mark")
        }
        if let value = rest.wholeMatch(of: #/(?:export\s+)?([A-Z_][A-Z0-9_]*)\s*=\s*(.*[^=\s].*)/#) {
            rest = trimmed(value.2)
            dropped.append("\(value.1)=")
        }
        // Quotes may surround the whole text or only the key.
        takeQuotes(&rest, &dropped)
        if let field = rest.wholeMatch(of: #/(?i)((?:authorization\s*:\s*)?bearer)\s+(\S.*)/#) {
            rest = trimmed(field.2)
            dropped.append(String(field.1))
            takeQuotes(&rest, &dropped)
        }
        return (String(rest), dropped)
    }

    private static func takeQuotes(_ text: inout Substring, _ dropped: inout [String]) {
        let pairs: [(Character, Character)] = [("\"", "\""), ("'", "'"), ("`", "`"), ("“", "”"), ("‘", "’")]
        guard text.count > 2, pairs.contains(where: { text.first == $0.0 && text.last == $0.1 }) else { return }
        text = trimmed(text.dropFirst().dropLast())
        dropped.append("quotes")
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
