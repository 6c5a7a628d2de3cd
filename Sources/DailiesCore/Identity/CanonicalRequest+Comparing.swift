extension CanonicalRequest {
    /// The request with LF for every CR LF and every lone CR in its texts. Requests are compared in this form, and a
    /// task without an `id` is identified by it. What is sent keeps its line ends.
    public var withLineFeeds: CanonicalRequest {
        var text = text
        guard let bytes = text.withUTF8({ Self.withLineFeeds($0) }) else { return self }
        return CanonicalRequest(text: String(decoding: bytes, as: UTF8.self))
    }

    /// Whether the requests are equal apart from line ends.
    public func isSame(as other: CanonicalRequest) -> Bool {
        self == other || withLineFeeds == other.withLineFeeds
    }

    /// ``withLineFeeds`` on the bytes of a canonical request; nil if they contain no CR.
    package static func withLineFeeds(_ json: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        var copied = 0
        var index = 0
        while index + 1 < json.count {
            guard json[index] == UInt8(ascii: "\\") else {
                index += 1
                continue
            }
            guard json[index + 1] == UInt8(ascii: "r") else {
                index += 2
                continue
            }
            result += json[copied..<index]
            result += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            index += 2
            if index + 1 < json.count, json[index] == UInt8(ascii: "\\"), json[index + 1] == UInt8(ascii: "n") {
                index += 2
            }
            copied = index
        }
        if copied == 0 { return nil }
        return result + json[copied...]
    }

    /// Whether the requests are equal apart from line ends, blanks at the ends of lines and texts, and Unicode form.
    public func isNearly(_ other: CanonicalRequest) -> Bool {
        // Swift calls two strings equal when they differ in their Unicode form only.
        withoutOuterBlanks == other.withoutOuterBlanks
    }

    /// The text without blanks before line ends and at both ends of each text; the latter includes line ends.
    private var withoutOuterBlanks: String {
        var result = String.UnicodeScalarView()
        /// Blanks and line ends that count only if something follows them.
        var pending = String.UnicodeScalarView()
        var isAtStart = false
        var isEscape = false
        for scalar in withLineFeeds.text.unicodeScalars {
            let isEscaped = isEscape
            isEscape = false
            switch scalar {
            case "\\" where !isEscaped: isEscape = true
            case "n" where isEscaped:
                let kept = pending.lastIndex(of: "n").map { pending[...$0] }
                pending = String.UnicodeScalarView(kept ?? pending[pending.startIndex..<pending.startIndex])
                pending.append(contentsOf: "\\n".unicodeScalars)
            case "t" where isEscaped: pending.append("\t")
            case _ where !isEscaped && scalar.properties.isWhitespace: pending.append(scalar)
            case "\"" where !isEscaped:
                pending.removeAll()
                result.append(scalar)
                isAtStart = true
            default:
                if !isAtStart { result.append(contentsOf: pending) }
                pending.removeAll()
                isAtStart = false
                if isEscaped { result.append("\\") }
                result.append(scalar)
            }
        }
        return String(result)
    }
}
