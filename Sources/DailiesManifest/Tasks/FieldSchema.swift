import DailiesCore

/// The field names of a task, and the types of its request fields.
struct FieldSchema: Sendable {
    /// Request fields of all models.
    static let common: [String: ExtraField] = [
        "model": .text(allowed: nil), "prompt": .text(allowed: nil), "duration_seconds": .integer,
        "resolution": .text(allowed: nil), "aspect_ratio": .text(allowed: nil), "image_init": .text(allowed: nil),
    ]
    /// Fields that are not sent to the provider.
    static let runner: Set = ["id", "tags", "priority", "output", "matrix", "repeat", "vars", "extra"]
    /// API fields outside the request, which manifests cannot set.
    static let reserved: Set = ["out_task_id", "task_id", "callback_url", "stream", "params", "batch", "defaults"]
    /// Common names for a field that are not close in spelling.
    private static let synonyms = [
        "text": "prompt", "description": "prompt", "seconds": "duration_seconds", "length": "duration_seconds",
        "size": "resolution", "ratio": "aspect_ratio", "image": "image_init", "first_frame": "image_init",
        "name": "id", "key": "id", "filename": "output", "file": "output", "variables": "vars", "count": "repeat",
        "times": "repeat", "takes": "repeat", "caption": "prompt", "scene": "prompt", "engine": "model",
        "image_url": "image_init", "start_frame": "image_init", "reference_image": "image_init", "tag": "tags",
    ]

    /// The extra fields of all models by name. If models disagree on a type, the first model's.
    private let extra: [String: ExtraField]
    /// Extra fields that have a fixed set of values in some model.
    private let choices: Set<String>
    let requestFields: Set<String>
    private let allNames: [String]
    private let fieldsByPlainName: [String: String]

    init(catalog: ModelCatalog) {
        var extra: [String: ExtraField] = [:]
        var choices: Set<String> = []
        for model in catalog.models.values.sorted(by: { $0.id.text.precedesInUTF8($1.id.text) }) {
            for (name, kind) in model.extraFields {
                if extra[name] == nil { extra[name] = kind.withoutChoice }
                if case .text(.some) = kind { choices.insert(name) }
            }
        }
        self.extra = extra
        self.choices = choices
        requestFields = Set(Self.common.keys).union(extra.keys)
        allNames = requestFields.union(Self.runner).sorted { $0.precedesInUTF8($1) }
        fieldsByPlainName = Dictionary(allNames.map { (Self.plain($0), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The type of a request field for a model, or for an unknown model in any known one. nil if it is not a field.
    func kind(of name: String, for model: ModelSpec?) -> ExtraField? {
        Self.common[name] ?? model?.extraFields[name] ?? extra[name]
    }

    /// Whether the field is free text, in which every character counts.
    func isFree(_ name: String) -> Bool { name == "prompt" || Self.common[name] == nil && !choices.contains(name) }

    func isRequestField(_ name: String) -> Bool { kind(of: name, for: nil) != nil }
    func isTaskField(_ name: String) -> Bool { isRequestField(name) || Self.runner.contains(name) }

    /// The message for an unknown field name.
    func unknown(_ name: String) -> (message: String, fix: String) {
        if Self.reserved.contains(name) {
            return ("is set by the runner, not by a task", "remove it")
        }
        if name == "<<" { return ("is YAML's merge key, which is not supported", "use defaults instead") }
        if let near = near(to: name) { return ("is not a known field", "did you mean \(near)?") }
        return ("is not a known field", "remove it, or move it to extra if the model accepts it")
    }
}

extension FieldSchema {
    /// The field that a misspelled name probably means.
    func near(to name: String) -> String? {
        let name = Self.plain(name)
        return SpellingSuggestion.nearest(to: name, in: allNames) ?? Self.synonyms[name]
    }

    // MARK: Column names

    /// The field for a column name. Ignores case and outer blanks; blanks and hyphens inside it count as `_`.
    func field(headed name: String) -> String? { isTaskField(name) ? name : fieldsByPlainName[Self.plain(name)] }

    /// The name in lower case, without invisible outer characters, its words joined by `_`.
    static func plain(_ name: String) -> String {
        let words = (OuterCharacters.removed(from: name) ?? name).lowercased().split {
            $0.isWhitespace || "_-".contains($0)
        }
        return words.joined(separator: "_")
    }
}

extension ExtraField {
    fileprivate var withoutChoice: ExtraField {
        switch self {
        case .integer: .integer
        case .text: .text(allowed: nil)
        }
    }
}
