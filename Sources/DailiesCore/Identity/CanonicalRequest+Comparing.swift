extension CanonicalRequest {
    /// The same with LF for every CR LF and every CR alone in its texts. Two requests are compared in this form, and a
    /// task without an `id` is known by it; what is sent stays as it is written.
    public var withLineFeeds: CanonicalRequest {
        var text = text
        guard let bytes = text.withUTF8({ Self.withLineFeeds($0) }) else { return self }
        return CanonicalRequest(text: String(decoding: bytes, as: UTF8.self))
    }

    /// Equal but for line ends.
    public func isSame(as other: CanonicalRequest) -> Bool {
        self == other || withLineFeeds == other.withLineFeeds
    }

    /// The same for bytes of a canonical request; nil where there is no CR in it.
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

    /// Equal but for line ends, blanks at the ends of lines and of texts, and the Unicode form of texts.
    public func isNearly(_ other: CanonicalRequest) -> Bool {
        // Swift calls two strings equal when they differ in their Unicode form only.
        withoutOuterBlanks == other.withoutOuterBlanks
    }

    /// Without the blanks before a line's end and at both ends of each text, line ends among the latter.
    private var withoutOuterBlanks: String {
        var result = String.UnicodeScalarView()
        /// Blanks and line ends, until it is known whether something follows them.
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
