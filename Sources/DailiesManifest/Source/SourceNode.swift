/// A place in a manifest: line and column (in Unicode scalars), both counted from 1.
struct SourcePosition: Hashable, Comparable {
    let line: Int
    let column: Int
    static let start = SourcePosition(line: 1, column: 1)
    /// None in it: the file cannot be read at all.
    static let wholeFile = SourcePosition(line: 0, column: 0)
    static func < (a: SourcePosition, b: SourcePosition) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// What all formats have in common: a tree of texts, each with its place and with what its writing says of its type.
struct SourceNode {
    indirect enum Content {
        /// Null, `~`, an empty cell: the same as not written at all.
        case nothing
        case scalar(Scalar)
        case list([SourceNode])
        case map([SourceField])
    }
    let place: SourcePosition
    let content: Content
    /// A part of its text that is not in ``content``.
    var loss: TextLoss?
}

/// What YAML takes out of a text that stands without quotes, where it takes it for something else.
enum TextLoss {
    /// Everything from here on, as a comment.
    ///
    /// - Parameter isSetOff: by two blanks or more before its mark and one after it, as comments usually are.
    case comment(SourcePosition, isSetOff: Bool)
    /// The first word, as a tag or an anchor.
    case word(SourcePosition, kind: String)

    /// What to say of it, where a name was meant: nil where nobody would take it for a part of one.
    var faultOfName: (place: SourcePosition, what: String, todo: String)? {
        if case .comment(_, isSetOff: true) = self { nil } else { fault }
    }

    /// What to say of it, where a text was meant.
    var fault: (place: SourcePosition, what: String, todo: String) {
        switch self {
        case .comment(let place, _): (place, "everything after # would be dropped", "put the text in quotes")
        case .word(let place, let kind):
            (place, "its first word would be dropped, as \(kind) of YAML", "put the text in quotes")
        }
    }
}

/// A name and its value; `place` is that of the name. A name may come twice.
struct SourceField {
    let name: String
    let place: SourcePosition
    let value: SourceNode
}

/// A text and how it was written. Its type is the matter of the field that it is for.
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

/// What ends the reading of a text, or of one line of it.
struct SourceError: Error {
    let place: SourcePosition
    /// `syntax` or `file`.
    let field: String
    let what: String
    let todo: String
    /// The bytes are no text, or cannot be had: nothing else that was found means anything.
    var voidsAllElse = false
}
