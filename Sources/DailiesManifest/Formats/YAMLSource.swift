import Yams

/// Converts YAML to source nodes. Scalars keep their text, whatever YAML 1.1 would make of them; tags (`!!int`) are
/// ignored; aliases are copied, up to a limit.
struct YAMLSource {
    /// Returns an empty node for a document without content.
    static func node(_ bytes: ArraySlice<UInt8>) throws(SourceError) -> SourceNode {
        let text = String(decoding: bytes, as: UTF8.self)
        try YAMLPrecheck.check(text)
        var reading = DuplicateKeyYAMLParser(text)
        guard let root = try reading.root() else {
            return SourceNode(place: .start, content: .nothing)
        }
        var source = YAMLSource(
            names: reading.names, losses: YAMLTruncation(text),
            nodesLeft: bytes.count + ManifestLimits.maximumCopiedNodes)
        // The anchors of its nodes live as long as the parser.
        defer { withExtendedLifetime(reading) {} }
        return try source.convert(root, depth: 1)
    }

    /// The original names of renamed keys, by position.
    private let names: [SourcePosition: String]
    private var losses: YAMLTruncation
    private var nodesLeft: Int

    private mutating func convert(_ node: Node, depth: Int) throws(SourceError) -> SourceNode {
        let place = SourcePosition(node.mark)
        nodesLeft -= 1
        guard nodesLeft > 0 else {
            throw SourceError(
                place: place, field: "file",
                message: "aliases copy more than \(ManifestLimits.maximumCopiedNodes) nodes",
                fix: "use defaults and matrix instead of aliases")
        }
        guard depth <= ManifestLimits.maximumDepth else {
            throw Self.tooDeep(place)
        }
        switch node {
        case .scalar(let scalar):
            return SourceNode(place: place, content: Self.content(scalar), loss: losses.loss(of: scalar))
        case .sequence(let sequence):
            var elements: [SourceNode] = []
            for element in sequence { elements.append(try convert(element, depth: depth + 1)) }
            return SourceNode(place: place, content: .list(elements))
        case .mapping(let mapping):
            var fields: [SourceField] = []
            for (key, value) in mapping {
                let name = try name(key)
                let value = try convert(value, depth: depth + 1)
                fields.append(SourceField(name: name, place: SourcePosition(key.mark), value: value))
            }
            return SourceNode(place: place, content: .map(fields))
        case .alias:
            preconditionFailure("the parser resolves every alias")
        }
    }

    static func tooDeep(_ place: SourcePosition) -> SourceError {
        SourceError(
            place: place, field: "syntax", message: "nested deeper than \(ManifestLimits.maximumDepth) levels",
            fix: "remove the inner levels")
    }

    private mutating func name(_ key: Node) throws(SourceError) -> String {
        let place = SourcePosition(key.mark)
        guard case .scalar(let scalar) = key else {
            throw SourceError(
                place: place, field: "syntax", message: "a list or mapping is used as a key", fix: "use a plain word")
        }
        if let fault = losses.loss(of: scalar)?.fault {
            throw SourceError(place: fault.place, field: "syntax", message: fault.message, fix: fault.fix)
        }
        return names[place] ?? scalar.string
    }

    private static func content(_ scalar: Node.Scalar) -> SourceNode.Content {
        guard scalar.style == .plain else { return .scalar(Scalar(text: scalar.string, form: .quoted)) }
        switch scalar.string {
        case "", "~", "null", "Null", "NULL": return .nothing
        default: return .scalar(Scalar(text: scalar.string, form: .bare))
        }
    }
}

extension SourcePosition {
    init(_ mark: Mark?) {
        self.init(line: max(mark?.line ?? 1, 1), column: max(mark?.column ?? 1, 1))
    }
}
