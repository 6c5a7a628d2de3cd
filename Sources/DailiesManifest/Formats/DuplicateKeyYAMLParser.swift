import DailiesCore
import Yams

/// Parses YAML in which keys may stand twice.
///
/// The parser refuses such a mapping as a whole and names one place. To name both, and what else is wrong in the
/// file, the first of the two keys is given another first letter and the text is parsed again; ``names`` remembers
/// what it was called. The stand-in is as long as what it replaces, so that no place moves.
struct DuplicateKeyYAMLParser {
    /// Keys that are renamed before giving up.
    private static let mostRepairs = 64
    /// Bytes that are parsed again for that, so that a large file with many of them stays quick.
    private static let mostBytes = 16 << 20
    /// Start of the private-use block; nothing in a manifest is called by such a letter.
    private static let firstStandIn: UInt32 = 0xE000

    private var scalars: String.UnicodeScalarView
    private(set) var names: [SourcePosition: String] = [:]
    /// Holds the anchors of the nodes that came from it.
    private var parser: Parser?

    init(_ text: String) { scalars = text.unicodeScalars }

    /// The one document; nil where the text has none.
    mutating func root() throws(SourceError) -> Node? {
        var bytesLeft = Self.mostBytes
        while true {
            do {
                // Without YAML's types: the text of a scalar is all that counts, and keys are compared much faster.
                let parser = try Parser(yaml: String(scalars), resolver: .basic, encoding: .utf8)
                self.parser = parser
                return try parser.singleRoot()
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                let name = keys.first ?? ""
                bytesLeft -= scalars.count
                guard names.count < Self.mostRepairs, bytesLeft > 0, rename(at: context.mark) else {
                    throw SourceError(
                        place: SourcePosition(context.mark), field: "syntax",
                        what: "the key \(SafeText.quoted(name)) stands twice in the mapping of this one",
                        todo: "remove one of them")
                }
                names[SourcePosition(context.mark)] = name
            } catch {
                throw Self.trouble(error, in: scalars)
            }
        }
    }

    /// Puts a stand-in for the first letter of the key there; false where it is written in a way that forbids it.
    private mutating func rename(at mark: Mark) -> Bool {
        guard var index = index(of: SourcePosition(mark)),
            let standIn = UnicodeScalar(Self.firstStandIn + UInt32(names.count))
        else { return false }
        if scalars[index] == "\"" || scalars[index] == "'" {
            let quote = scalars[index]
            index = scalars.index(after: index)
            guard index < scalars.endIndex, scalars[index] != quote else { return false }
        } else if "&*!?|>[{%@`#".unicodeScalars.contains(scalars[index]) {
            return false
        }
        scalars.replaceSubrange(index...index, with: CollectionOfOne(standIn))
        return true
    }

    /// By the parser's own idea of a line's end.
    private func index(of place: SourcePosition) -> String.Index? {
        var line = 1
        var column = 1
        var last: UnicodeScalar = " "
        for index in scalars.indices {
            if line == place.line, column == place.column { return index }
            let scalar = scalars[index]
            switch scalar {
            case "\n" where last == "\r": break
            case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": (line, column) = (line + 1, 1)
            default: column += 1
            }
            last = scalar
        }
        return nil
    }

    private static func trouble(_ error: any Error, in text: String.UnicodeScalarView) -> SourceError {
        switch error {
        case YamlError.scanner(let context, let problem, let mark, _),
            YamlError.parser(let context, let problem, let mark, _):
            // Words of the parser that would send the reader to its source code.
            if problem.hasPrefix("Maximum nesting level") { return YAMLSource.tooDeep(SourcePosition(mark)) }
            let doing = context.map { " \($0.text)" } ?? ""
            return syntax(mark, problem + doing)
        case YamlError.composer(let context, let problem, let mark, _):
            // The one composer error with a context is that of a second document.
            return context == nil
                ? syntax(mark, problem)
                : SourceError(
                    place: SourcePosition(mark), field: "syntax", what: "a second document starts here",
                    todo: "write one document, or a file for each")
        default:
            return syntax(nil, "not readable as YAML")
        }
    }

    private static func syntax(_ mark: Mark?, _ what: String) -> SourceError {
        SourceError(
            place: SourcePosition(mark), field: "syntax", what: what,
            todo: "correct the YAML here (often it is the indentation, a missing quote or a colon in a text)")
    }
}
