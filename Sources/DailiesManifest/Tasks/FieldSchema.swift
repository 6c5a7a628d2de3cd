import DailiesCore

/// The names that a task may have, and the types of those that go into the request.
struct FieldSchema: Sendable {
    /// Request fields of every model.
    static let common: [String: ExtraField] = [
        "model": .text(allowed: nil), "prompt": .text(allowed: nil), "duration_seconds": .integer,
        "resolution": .text(allowed: nil), "aspect_ratio": .text(allowed: nil), "image_init": .text(allowed: nil),
    ]
    /// Fields that stay here.
    static let runner: Set = ["id", "tags", "priority", "output", "matrix", "repeat", "vars", "extra"]
    /// Fields of the API around a request: no manifest sets them.
    static let reserved: Set = ["out_task_id", "task_id", "callback_url", "stream", "params", "batch", "defaults"]
    /// What people write for a field, where its letters are not near.
    private static let synonyms = [
        "text": "prompt", "description": "prompt", "seconds": "duration_seconds", "length": "duration_seconds",
        "size": "resolution", "ratio": "aspect_ratio", "image": "image_init", "first_frame": "image_init",
        "name": "id", "key": "id", "filename": "output", "file": "output", "variables": "vars", "count": "repeat",
        "times": "repeat", "takes": "repeat", "caption": "prompt", "scene": "prompt", "engine": "model",
        "image_url": "image_init", "start_frame": "image_init", "reference_image": "image_init", "tag": "tags",
    ]

    /// The extra fields of all models by name. Of a field that models type differently, the first model's type.
    private let extra: [String: ExtraField]
    /// Those of which some model says what they may be.
    private let choices: Set<String>
    let requestFields: Set<String>
    private let allNames: [String]
    private let fieldsByPlainName: [String: String]

    init(catalogue: ModelCatalogue) {
        var extra: [String: ExtraField] = [:]
        var choices: Set<String> = []
        for model in catalogue.models.values.sorted(by: { $0.id.text.precedesInUTF8($1.id.text) }) {
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

    /// The type of a request field for a model; for one we do not know, as the models we know have it. nil: no field.
    func kind(of name: String, for model: ModelSpec?) -> ExtraField? {
        Self.common[name] ?? model?.extraFields[name] ?? extra[name]
    }

    /// A text of any words, of which every character counts.
    func isFree(_ name: String) -> Bool { name == "prompt" || Self.common[name] == nil && !choices.contains(name) }

    func isRequestField(_ name: String) -> Bool { kind(of: name, for: nil) != nil }
    func isTaskField(_ name: String) -> Bool { isRequestField(name) || Self.runner.contains(name) }

    /// What to say of a name that is none of these.
    func unknown(_ name: String) -> (what: String, todo: String) {
        if Self.reserved.contains(name) {
            return ("is set by the runner, not by a task", "remove it")
        }
        if name == "<<" { return ("is YAML's merge key, which is not read", "write defaults instead") }
        if let near = near(to: name) { return ("is no known field", "did you mean \(near)?") }
        return ("is no known field", "remove it, or write it under extra if the model takes it")
    }
}

extension FieldSchema {
    /// The field that a name may have meant.
    func near(to name: String) -> String? {
        let name = Self.plain(name)
        return SpellingSuggestion.nearest(to: name, in: allNames) ?? Self.synonyms[name]
    }

    // MARK: Heads of columns

    /// The field of this name, without regard to case and to what stands around it; a blank or hyphen in it is `_`.
    func field(headed name: String) -> String? { isTaskField(name) ? name : fieldsByPlainName[Self.plain(name)] }

    /// A name in small letters, without what nobody sees at its ends, words joined by `_`.
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
