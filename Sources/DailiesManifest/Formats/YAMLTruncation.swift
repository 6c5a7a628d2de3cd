import Yams

/// Finds what the parser left out of scalars, in the text that it read.
struct YAMLTruncation {
    private let text: String
    /// What stands behind a scalar is looked for from here on: nodes come in the order of the text, and those that an
    /// alias repeats were looked at before.
    private var cursor: String.UnicodeScalarView.Index
    private var place = SourcePosition.start
    private lazy var aliases = YAMLPrecheck.aliases(in: text)
    private let hasMarks: Bool

    init(_ text: String) {
        self.text = text
        cursor = text.unicodeScalars.startIndex
        hasMarks = text.utf8.contains { $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: "!") || $0 == UInt8(ascii: "&") }
    }

    mutating func loss(of scalar: Node.Scalar) -> TextLoss? {
        guard hasMarks else { return nil }
        let start = SourcePosition(scalar.mark)
        // A standard tag, as in `!!str 7`, is written on purpose; so is an anchor that an alias refers to.
        let tag = scalar.tag.description
        if !tag.isEmpty, !Self.standardTags.contains(tag) {
            return .word(start, kind: "a tag")
        }
        if let anchor = scalar.anchor, !aliases.contains(anchor.rawValue) { return .word(start, kind: "an anchor") }
        return scalar.style == .plain ? comment(after: scalar.string, at: start) : nil
    }

    private static let standardTags = Set(
        ["str", "int", "float", "bool", "null", "binary", "timestamp"].map { "tag:yaml.org,2002:" + $0 })

    // MARK: Comments

    private mutating func comment(after string: String, at start: SourcePosition) -> TextLoss? {
        guard moveCursor(to: start) else { return nil }
        skipProperties()
        // A plain scalar has no escapes: but for blanks and line ends it stands in the text as it is.
        var rest = string.unicodeScalars.count { !Self.isBlank($0) }
        let isEmpty = rest == 0
        while rest > 0, let scalar = next {
            if !Self.isBlank(scalar) { rest -= 1 }
            pass()
        }
        var blanks = isEmpty ? 1 : 0
        while let scalar = next, scalar == " " || scalar == "\t" {
            blanks += 1
            pass()
        }
        guard blanks > 0, next == "#" else { return nil }
        let found = place
        pass()
        let hasBlankAfter = next.map { $0 == "#" || Self.isBlank($0) } ?? true
        // Where nothing else stands a comment may: `seed: # later`. With no blank after its mark it may be a text.
        if isEmpty, hasBlankAfter { return nil }
        return .comment(found, isSetOff: blanks > 1 && hasBlankAfter)
    }

    /// The tag and the anchor before a scalar.
    private mutating func skipProperties() {
        while let scalar = next, scalar == "!" || scalar == "&" {
            while let scalar = next, !Self.isBlank(scalar) { pass() }
            while let scalar = next, Self.isBlank(scalar) { pass() }
        }
    }

    private static func isBlank(_ scalar: UnicodeScalar) -> Bool {
        switch scalar {
        case " ", "\t", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": true
        default: false
        }
    }

    private var next: UnicodeScalar? {
        cursor < text.unicodeScalars.endIndex ? text.unicodeScalars[cursor] : nil
    }

    /// False where the place was passed already.
    private mutating func moveCursor(to target: SourcePosition) -> Bool {
        guard !(target < place) else { return false }
        while place < target, next != nil { pass() }
        return place == target
    }

    /// By the parser's own idea of a line's end.
    private mutating func pass() {
        let scalars = text.unicodeScalars
        let scalar = scalars[cursor]
        cursor = scalars.index(after: cursor)
        switch scalar {
        case "\r" where cursor < scalars.endIndex && scalars[cursor] == "\n":
            place = SourcePosition(line: place.line, column: place.column + 1)
        case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": place = SourcePosition(line: place.line + 1, column: 1)
        default: place = SourcePosition(line: place.line, column: place.column + 1)
        }
    }
}
