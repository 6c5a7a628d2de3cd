import DailiesCore
import DailiesStore
import ExactJSON

/// Writes stored tasks as lines of a JSONL manifest. Reading the lines gives the same tasks with the same requests.
struct ManifestWriter {
    private static let common: Set<String> = [
        "model", "prompt", "duration_seconds", "resolution", "aspect_ratio", "image_init",
    ]

    /// Top-level fields of a task. All others go into `extra`.
    private let fields: Set<ByteKey>

    init(catalog: ModelCatalog) {
        fields = Set(catalog.models.values.flatMap(\.extraFields.keys)).union(Self.common).reduce(into: []) {
            $0.insert(ByteKey($1))
        }
    }

    func header(batch: String) -> String { (["batch": batch] as JSONObject).text }

    /// Differences between a line and the stored request.
    struct Change {
        static let none = Change()
        /// Renders another take, because the seed is removed.
        static let otherTake = Change(removed: [ByteKey("seed")])

        var removed: Set<ByteKey> = []
        /// Replaced or added members.
        var replaced: [(name: String, value: JSONValue)] = []

        fileprivate func applied(to members: [JSONMember]) -> [JSONMember] {
            let names = removed.union(replaced.map { ByteKey($0.name) })
            return members.filter { !names.contains(ByteKey($0.name)) }
                + replaced.map { JSONMember(name: $0.name, value: $0.value) }
        }
    }

    func task(_ row: TaskRow, _ change: Change = .none) -> String {
        let members = change.applied(to: Self.members(of: row.request))
        let extra = members.filter { !fields.contains(ByteKey($0.name)) }
        var line: [(String, any JSONOutput)] = [("id", row.key.text)]
        line += members.filter { fields.contains(ByteKey($0.name)) }.map { ($0.name, Self.written($0, of: row)) }
        if !extra.isEmpty { line.append(("extra", JSONObject(extra.map { ($0.name, $0.value) }))) }
        if !row.tags.isEmpty { line.append(("tags", JSONObject(row.tags))) }
        if row.priority != 0 { line.append(("priority", row.priority)) }
        if let output = row.output { line.append(("output", output)) }
        return JSONObject(line).text
    }

    /// Doubles pairs of braces in a prompt, because `{{` starts a variable name. An image that was given as a file is
    /// written as that path.
    private static func written(_ member: JSONMember, of row: TaskRow) -> JSONValue {
        if member.name == "image_init", let path = row.imagePath { return JSONValue(kind: .string(path)) }
        guard member.name == "prompt", let prompt = member.value.string else { return member.value }
        return JSONValue(kind: .string(doubled(prompt)))
    }

    /// Works on bytes, because a brace followed by a combining mark is a different character.
    private static func doubled(_ prompt: String) -> String {
        let brace = UInt8(ascii: "{")
        var result: [UInt8] = []
        var rest = Array(prompt.utf8)[...]
        while let byte = rest.first {
            let isPair = rest.starts(with: [brace, brace])
            result += isPair ? [brace, brace, brace, brace] : [byte]
            rest = rest.dropFirst(isPair ? 2 : 1)
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func members(of request: CanonicalRequest) -> [JSONMember] {
        do {
            return try JSONValue.parse(request.text.utf8).members ?? []
        } catch {
            preconditionFailure("a stored request cannot be parsed: \(error)")
        }
    }
}
