import Yams

/// Finds text that the YAML parser dropped from scalars.
struct YAMLTruncation {
    private let text: String
    /// The search position. Nodes arrive in text order; nodes repeated by an alias were already checked.
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
        // Standard tags such as `!!str 7` are intentional; so is an anchor that an alias refers to.
        let tag = scalar.tag.description
        if !tag.isEmpty, !Self.standardTags.contains(tag) {
            return .word(start, kind: "a YAML tag")
        }
        if let anchor = scalar.anchor, !aliases.contains(anchor.rawValue) { return .word(start, kind: "a YAML anchor") }
        return scalar.style == .plain ? comment(after: scalar.string, at: start) : nil
    }

    private static let standardTags = Set(
        ["str", "int", "float", "bool", "null", "binary", "timestamp"].map { "tag:yaml.org,2002:" + $0 })

    // MARK: Comments

    private mutating func comment(after string: String, at start: SourcePosition) -> TextLoss? {
        guard moveCursor(to: start) else { return nil }
        skipProperties()
        // A plain scalar has no escapes: except for blanks and line ends, its text appears unchanged.
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
        // Without a value a comment is fine: `seed: # later`. Without a blank after the # it may be text.
        if isEmpty, hasBlankAfter { return nil }
        return .comment(found, isSetOff: blanks > 1 && hasBlankAfter)
    }

    /// Skips the tag and the anchor before a scalar.
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

    /// False if the position is already behind the cursor.
    private mutating func moveCursor(to target: SourcePosition) -> Bool {
        guard !(target < place) else { return false }
        while place < target, next != nil { pass() }
        return place == target
    }

    /// Uses the parser's definition of a line end.
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
