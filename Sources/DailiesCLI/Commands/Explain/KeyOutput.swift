import DailiesProvider
import DailiesStore

/// An API key as people keep it: alone, or with what surrounds it in a shell file, an HTTP header or an editor.
enum KeyOutput {
    /// Each source is spoken of once, however often its key is asked for.
    private static let told = Locked<Set<String>>([])

    /// - Parameter source: where the text is from, in words that are safe to show.
    /// - Throws: ``ConfigurationError`` as ``APIKey`` does.
    static func key(_ text: String, from source: String) throws(ConfigurationError) -> APIKey {
        let (key, dropped) = bare(text)
        if !dropped.isEmpty, told.withLock({ $0.insert(source).inserted }) {
            let list = dropped.joined(separator: ", ")
            Console.error("warning: \(source) contains more than the API key; ignored: \(list)")
        }
        return try APIKey(key)
    }

    /// The key alone, and what stood around it.
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
        // Quotes may stand around all of it or around the key alone.
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
