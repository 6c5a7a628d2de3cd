import DailiesCore
import Yams

/// Parses YAML that contains duplicate keys.
///
/// Yams rejects such a mapping as a whole and names one position. To report both keys and all other errors, the first
/// letter of one key is replaced and the text is parsed again; ``names`` maps it to the original name. The
/// replacement has the same length, so positions do not change.
struct DuplicateKeyYAMLParser {
    /// Maximum number of renamed keys.
    private static let maximumRepairs = 64
    /// Maximum number of bytes parsed again, so that large files with many duplicates stay fast.
    private static let maximumBytes = 16 << 20
    /// Start of the private-use block, which no key is expected to use.
    private static let firstReplacement: UInt32 = 0xE000

    private var scalars: String.UnicodeScalarView
    private(set) var names: [SourcePosition: String] = [:]
    /// Owns the anchors of its nodes.
    private var parser: Parser?

    init(_ text: String) { scalars = text.unicodeScalars }

    /// The root of the only document; nil if the text has none.
    mutating func root() throws(SourceError) -> Node? {
        var bytesLeft = Self.maximumBytes
        while true {
            do {
                // Without YAML's types: only the text of a scalar matters, and keys compare much faster.
                let parser = try Parser(yaml: String(scalars), resolver: .basic, encoding: .utf8)
                self.parser = parser
                return try parser.singleRoot()
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                let name = keys.first ?? ""
                bytesLeft -= scalars.count
                guard names.count < Self.maximumRepairs, bytesLeft > 0, rename(at: context.mark) else {
                    throw SourceError(
                        place: SourcePosition(context.mark), field: "syntax",
                        message: "the key \(SafeText.quoted(name)) appears twice in this mapping",
                        fix: "remove one of them")
                }
                names[SourcePosition(context.mark)] = name
            } catch {
                throw Self.sourceError(error, in: scalars)
            }
        }
    }

    /// Replaces the first letter of the key at `mark`; false if its notation does not allow that.
    private mutating func rename(at mark: Mark) -> Bool {
        guard var index = index(of: SourcePosition(mark)),
            let standIn = UnicodeScalar(Self.firstReplacement + UInt32(names.count))
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

    /// Uses the parser's definition of a line end.
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

    private static func sourceError(_ error: any Error, in text: String.UnicodeScalarView) -> SourceError {
        switch error {
        case YamlError.scanner(let context, let problem, let mark, _),
            YamlError.parser(let context, let problem, let mark, _):
            // The parser's own message would refer to its source code.
            if problem.hasPrefix("Maximum nesting level") { return YAMLSource.tooDeep(SourcePosition(mark)) }
            let doing = context.map { " \($0.text)" } ?? ""
            return syntax(mark, problem + doing)
        case YamlError.composer(let context, let problem, let mark, _):
            // Only the composer error for a second document has a context.
            return context == nil
                ? syntax(mark, problem)
                : SourceError(
                    place: SourcePosition(mark), field: "syntax", message: "a second document starts here",
                    fix: "write one document per file")
        default:
            return syntax(nil, "not valid YAML")
        }
    }

    private static func syntax(_ mark: Mark?, _ message: String) -> SourceError {
        SourceError(
            place: SourcePosition(mark), field: "syntax", message: message,
            fix: "fix the YAML here (often the indentation, a missing quote or a colon in a text)")
    }
}
