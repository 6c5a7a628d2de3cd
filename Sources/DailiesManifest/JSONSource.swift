import ExactJSON

/// JSON as the common tree.
enum JSONSource {
    /// - Parameter start: where the bytes begin in the file.
    static func node(_ bytes: ArraySlice<UInt8>, startingAt start: JSONPosition = .start) throws(SourceTrouble)
        -> SourceNode
    {
        do throws(JSONError) {
            return node(try JSONValue.parse(bytes, startingAt: start))
        } catch {
            throw SourceTrouble(
                place: Place(error.position), field: "syntax", what: error.message,
                todo: "correct the JSON at this place")
        }
    }

    private static func node(_ value: JSONValue) -> SourceNode {
        let content: SourceNode.Content =
            switch value.kind {
            case .null: .nothing
            case .bool(let flag): .scalar(Scalar(text: flag ? "true" : "false", form: .jsonLiteral))
            case .number(let text): .scalar(Scalar(text: text, form: .jsonNumber))
            case .string(let text): .scalar(Scalar(text: text, form: .jsonText))
            case .array(let elements): .list(elements.map(node))
            case .object(let members):
                .map(members.map { SourceField(name: $0.name, place: Place($0.position), value: node($0.value)) })
            }
        return SourceNode(place: Place(value.position), content: content)
    }
}

extension Place {
    init(_ position: JSONPosition) { self.init(line: position.line, column: position.column) }
}

/// JSONL, a line at a time; blank lines are passed over.
struct JSONLines {
    private let bytes: ArraySlice<UInt8>
    private var index: Int
    private var line = 0

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        index = bytes.startIndex
    }

    /// The next line that is not blank, or what is wrong with it; nil after the last.
    mutating func next() -> Result<SourceNode, SourceTrouble>? {
        while index < bytes.endIndex {
            let end = bytes[index...].firstIndex(of: 0x0A) ?? bytes.endIndex
            // Its CR belongs to the line's end, not to its text: an error at the end of the text stays on this line.
            let text = bytes[index..<end].last == 0x0D ? bytes[index..<end - 1] : bytes[index..<end]
            let start = JSONPosition(offset: index - bytes.startIndex, line: line + 1, column: 1)
            index = min(end + 1, bytes.endIndex)
            line += 1
            if !text.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return Self.read(text, start) }
        }
        return nil
    }

    private static func read(_ text: ArraySlice<UInt8>, _ start: JSONPosition) -> Result<SourceNode, SourceTrouble> {
        guard text.count <= ManifestReader.longestLine else {
            return .failure(
                SourceTrouble(
                    place: Place(start), field: "file",
                    what: "this line has \(text.count) bytes, more than \(ManifestReader.longestLine)",
                    todo: "write one task a line, and images as URLs"))
        }
        do throws(SourceTrouble) {
            return .success(try JSONSource.node(text, startingAt: start))
        } catch {
            return .failure(error)
        }
    }
}
