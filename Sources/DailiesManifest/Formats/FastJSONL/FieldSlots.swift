import ExactJSON

/// The slots for the values of a plain line: request fields by name, then runner fields.
struct FieldSlots {
    let names: [[UInt8]]
    let requestCount: Int
    /// `"name":` for each request field.
    let prefixes: [[UInt8]]
    let model: Int
    let prompt: Int
    let duration: Int
    let resolution: Int
    let id: Int
    let priority: Int
    let tags: Int
    /// Slots that every request needs.
    let needed: UInt64
    /// All except model, prompt and tags.
    let checked: UInt64

    init(_ fields: FieldSchema) {
        let request = fields.requestFields.sorted { $0.precedesInUTF8($1) }
        let all = request + ["id", "priority", "tags"]
        let slot = { (name: String) in all.firstIndex(of: name) ?? 0 }
        names = all.map { Array($0.utf8) }
        requestCount = request.count
        prefixes = request.map { Array("\(JSONText.quoted($0)):".utf8) }
        model = slot("model")
        prompt = slot("prompt")
        duration = slot("duration_seconds")
        resolution = slot("resolution")
        id = slot("id")
        priority = slot("priority")
        tags = slot("tags")
        func mask(_ slots: [Int]) -> UInt64 { slots.reduce(0) { $0 | (1 << UInt64($1)) } }
        needed = mask([model, prompt, duration])
        checked = mask(Array(all.indices.prefix(64))) & ~mask([model, prompt, tags])
    }
}
