/// A position in a manifest: line and column (in Unicode scalars), both 1-based.
struct SourcePosition: Hashable, Comparable {
    let line: Int
    let column: Int
    static let start = SourcePosition(line: 1, column: 1)
    /// No position: the file cannot be read at all.
    static let wholeFile = SourcePosition(line: 0, column: 0)
    static func < (a: SourcePosition, b: SourcePosition) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// The common form of all formats: a tree of texts, with their positions and their notation.
struct SourceNode {
    indirect enum Content {
        /// Null, `~`, or an empty cell: the same as omitting the field.
        case nothing
        case scalar(Scalar)
        case list([SourceNode])
        case map([SourceField])
    }
    let place: SourcePosition
    let content: Content
    /// Text that the parser dropped from ``content``.
    var loss: TextLoss?
}

/// Text that YAML drops from an unquoted scalar because it reads it as something else.
enum TextLoss {
    /// The rest of the line, as a comment.
    ///
    /// - Parameter isSetOff: at least two blanks before the # and one after it, as usual for comments.
    case comment(SourcePosition, isSetOff: Bool)
    /// The first word, as a tag or an anchor.
    case word(SourcePosition, kind: String)

    /// The error if the value is a name; nil for a clearly separated comment.
    var nameFault: (place: SourcePosition, message: String, fix: String)? {
        if case .comment(_, isSetOff: true) = self { nil } else { fault }
    }

    /// The error if the value is free text.
    var fault: (place: SourcePosition, message: String, fix: String) {
        switch self {
        case .comment(let place, _): (place, "everything after # would be dropped", "put the text in quotes")
        case .word(let place, let kind):
            (place, "its first word would be dropped as \(kind)", "put the text in quotes")
        }
    }
}

/// A name and its value; `place` is the name's position. Names may repeat.
struct SourceField {
    let name: String
    let place: SourcePosition
    let value: SourceNode
}

/// A text and its notation. The field decides its type.
struct Scalar {
    enum Form {
        case jsonText
        case jsonNumber
        /// `true` or `false`.
        case jsonLiteral
        /// A plain YAML scalar or a CSV cell: may be a number or a text.
        case bare
        /// A YAML scalar in quotes or in a block: a text.
        case quoted
    }
    let text: String
    let form: Form
}

/// Stops the reading of a text, or of one line.
struct SourceError: Error {
    let place: SourcePosition
    /// `syntax` or `file`.
    let field: String
    let message: String
    let fix: String
    /// The bytes are not text or cannot be read: discards all other findings.
    var discardsOtherFindings = false
}
