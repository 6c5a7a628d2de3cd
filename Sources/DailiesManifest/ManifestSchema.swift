import DailiesCore
import ExactJSON

/// The manifest format as a JSON Schema (draft 2020-12), for completion and validation in editors.
///
/// Covers every field and the ranges and choices of the catalog's models. It cannot express duplicate ids, braces in
/// a prompt or sizes in bytes. Where a plain YAML scalar looks like a number but is read as text (`id: 007`), the
/// schema accepts it.
public struct ManifestSchema: Sendable {
    private let catalogue: ModelCatalogue
    private let fields: FieldSchema

    /// A schema with the models, ranges and choices of `catalogue`.
    public init(catalogue: ModelCatalogue) {
        self.catalogue = catalogue
        fields = FieldSchema(catalogue: catalogue)
    }

    /// The schema for a JSON or YAML manifest.
    public var document: JSONValue {
        schema("Manifest", .object([("anyOf", .array([.ref("list"), .ref("document")]))]))
    }

    /// The schema for one line of a JSONL manifest.
    public var line: JSONValue {
        schema(
            "Line of a manifest",
            .object([
                ("if", .object([("anyOf", .array([.required("batch"), .required("defaults")]))])),
                ("then", .ref("header")), ("else", .ref("task")),
            ]))
    }

    private func schema(_ title: String, _ root: JSONValue) -> JSONValue {
        .object(
            [
                ("$schema", "https://json-schema.org/draft/2020-12/schema"), ("title", .text("Dailies: " + title)),
                ("description", .text("Models as published on \(catalogue.compiled); others are sent unchecked.")),
            ] + (root.members ?? []).map { ($0.name, $0.value) } + [("$defs", definitions)])
    }

    // MARK: Definitions

    private var definitions: JSONValue {
        var all: [(String, JSONValue)] = [
            ("list", .object([("type", "array"), ("minItems", 1), ("items", .ref("wholeTask"))])),
            ("document", documentForm), ("header", header), ("defaults", defaults), ("task", task),
            ("wholeTask", wholeTask),
        ]
        all += requestNames.map { ($0, request($0)) }
        all += runnerFields.map { ($0.name, $0.schema) }
        return .object(all)
    }

    private var requestNames: [String] { fields.requestFields.sorted { $0.precedesInUTF8($1) } }

    private var documentForm: JSONValue {
        .object([
            ("type", "object"), ("required", ["tasks"]), ("additionalProperties", false),
            (
                "properties",
                .object([
                    ("batch", batch), ("defaults", .ref("defaults")),
                    ("tasks", .object([("type", "array"), ("minItems", 1), ("items", .ref("task"))])),
                ])
            ),
            // Without defaults, every task must be complete.
            ("if", .object([("properties", .object([("defaults", .object([("type", "null")]))]))])),
            (
                "then",
                .object([("properties", .object([("tasks", .object([("items", .ref("wholeTask"))]))]))])
            ),
        ])
    }

    private var header: JSONValue {
        .object([
            ("type", "object"), ("additionalProperties", false),
            ("properties", .object([("batch", batch), ("defaults", .ref("defaults"))])),
        ])
    }

    private var batch: JSONValue {
        .object([
            ("type", ["string", "null"]), ("minLength", 1), ("maxLength", .integer(ManifestLimits.maximumNameBytes)),
            ("description", "The batch name. Default: the file name without its extension."),
        ])
    }

    private var defaults: JSONValue {
        let shared = ["priority", "tags", "vars", "extra"]
        return .object([
            ("type", ["object", "null"]), ("additionalProperties", false),
            ("description", "Default values for all tasks."),
            ("properties", .object((requestNames + shared).map { ($0, .ref($0)) })), ("allOf", modelRules),
        ])
    }

    private var task: JSONValue {
        let names = requestNames + runnerFields.map(\.name)
        let hasSeveral = JSONValue.object([("anyOf", .array([.given("matrix"), .given("repeat")]))])
        return .object([
            ("type", "object"), ("additionalProperties", false),
            ("properties", .object(names.map { ($0, .ref($0)) })), ("allOf", modelRules),
            ("if", .given("output")), ("then", .object([("not", hasSeveral)])),
        ])
    }

    private var wholeTask: JSONValue {
        let needed = ["model", "prompt", "duration_seconds"].map { name in
            let inMatrix = JSONValue.object([
                ("required", ["matrix"]), ("properties", .object([("matrix", .given(name))])),
            ])
            return JSONValue.object([("anyOf", .array([.given(name), inMatrix]))])
        }
        return .object([("$ref", "#/$defs/task"), ("allOf", .array(needed))])
    }

    // MARK: Fields

    private func request(_ name: String) -> JSONValue {
        switch name {
        case "model":
            let known = catalogue.models.keys.sorted().map { JSONValue.text($0.text) }
            return .object([
                ("description", "The provider's id of the model."), ("type", ["string", "null"]),
                ("minLength", 1), ("maxLength", 200),
                ("anyOf", .array([.object([("enum", .array(known))]), .object([])])),
            ])
        case "prompt":
            return .object([
                (
                    "description",
                    "A description of the clip. {{name}} inserts a variable from vars; {{{{ writes two braces."
                ),
                ("type", ["string", "null"]), ("pattern", "\\S"),
            ])
        case "duration_seconds":
            return .object([
                ("description", "The clip's length in seconds."), ("type", ["integer", "null"]), ("minimum", 1),
                ("maximum", 86_400),
            ])
        case "image_init":
            return .object([
                ("description", "The first frame: an http or https URL, a data URL, or the path of an image."),
                ("type", ["string", "null"]),
                (
                    "pattern",
                    "^([Hh][Tt][Tt][Pp][Ss]?://|[Dd][Aa][Tt][Aa]:[^,]*,|(?![A-Za-z][A-Za-z0-9+.-]*:)[^\\s])"
                ),
            ])
        case "seed":
            return .object([
                ("description", "A 64-bit whole number. The same seed gives the same clip."),
                ("type", ["integer", "null"]), ("minimum", .integer(Int.min)), ("maximum", .integer(Int.max)),
            ])
        default:
            let isInteger = fields.kind(of: name, for: nil) == .integer
            return .object([("type", isInteger ? ["integer", "null"] : ["string", "null"])])
        }
    }

    private var runnerFields: [(name: String, schema: JSONValue)] {
        let plain: JSONValue = ["string", "number", "boolean", "null"]
        let longest = JSONValue.integer(ManifestLimits.maximumNameBytes)
        return [
            (
                "id",
                .object([
                    ("description", "The task's id in its batch. Default: derived from its content."),
                    ("type", plain), ("minLength", 1), ("maxLength", longest),
                ])
            ),
            (
                "tags",
                .object([
                    ("description", "Names and values for reports. They do not affect the clip."),
                    ("type", ["object", "null"]), ("maxProperties", .integer(ManifestLimits.maximumTags)),
                    ("propertyNames", .object([("minLength", 1), ("maxLength", longest)])),
                    ("additionalProperties", .object([("type", plain), ("minLength", 1), ("maxLength", longest)])),
                ])
            ),
            (
                "vars",
                .object([
                    ("description", "Texts that replace {{name}} in the prompt."), ("type", ["object", "null"]),
                    ("maxProperties", .integer(ManifestLimits.maximumVariables)),
                    ("propertyNames", .object([("pattern", "^[A-Za-z0-9_-]{1,64}$")])),
                    ("additionalProperties", .object([("type", plain)])),
                ])
            ),
            (
                "priority",
                .object([
                    ("description", "Higher values start first. Default: 0."), ("type", ["integer", "null"]),
                    ("minimum", -1_000_000), ("maximum", 1_000_000),
                ])
            ),
            (
                "output",
                .object([
                    ("description", "The clip's file name, without a folder. Default: derived from the key."),
                    ("type", ["string", "null"]), ("maxLength", longest), ("pattern", "^(?!\\.{1,2}$)[^/\\\\]+$"),
                ])
            ),
            ("matrix", matrix(items: { .ref($0) })),
            (
                "repeat",
                .object([
                    ("description", "The number of clips to make, with seeds counted up from the given seed."),
                    ("type", ["integer", "null"]), ("minimum", 1), ("maximum", .integer(ManifestLimits.maximumMembers)),
                ])
            ),
            (
                "extra",
                .object([
                    ("description", "Other fields of the model, sent unchanged."),
                    ("type", ["object", "null"]),
                    ("propertyNames", .object([("minLength", 1), ("not", .object([("enum", .array(ownNames))]))])),
                ])
            ),
        ]
    }

    private var ownNames: [JSONValue] {
        (fields.requestFields.union(FieldSchema.runner).union(FieldSchema.reserved)).sorted { $0.precedesInUTF8($1) }
            .map { .text($0) }
    }

    private func matrix(items: (String) -> JSONValue) -> JSONValue {
        let axis = { (item: JSONValue) in
            JSONValue.object([("type", "array"), ("minItems", 1), ("uniqueItems", true), ("items", item)])
        }
        let variable = JSONValue.object([("type", ["string", "number", "boolean"])])
        return .object([
            ("description", "Lists of values, with a task for each combination."), ("type", ["object", "null"]),
            ("minProperties", 1), ("additionalProperties", false),
            ("properties", .object(requestNames.map { ($0, axis(items($0))) })),
            ("patternProperties", .object([("^vars\\.[A-Za-z0-9_-]{1,64}$", axis(variable))])),
        ])
    }

    // MARK: Models

    private var modelRules: JSONValue {
        .array(
            catalogue.models.values.sorted { $0.id < $1.id }.map { spec in
                let isModel = JSONValue.object([
                    ("required", ["model"]),
                    ("properties", .object([("model", .object([("const", .text(spec.id.text))]))])),
                ])
                let rules = requestNames.compactMap { name in rule(name, spec).map { (name, $0) } }
                let inMatrix = rules.map { ($0.0, JSONValue.object([("items", $0.1)])) }
                let all = rules + [("matrix", JSONValue.object([("properties", .object(inMatrix))]))]
                return .object([("if", isModel), ("then", .object([("properties", .object(all))]))])
            })
    }

    /// The model's constraint for a field; nil if any value of the field's type is valid.
    private func rule(_ name: String, _ spec: ModelSpec) -> JSONValue? {
        switch name {
        case "duration_seconds":
            return .object([
                ("minimum", .integer(spec.durationSeconds.lowerBound)),
                ("maximum", .integer(spec.durationSeconds.upperBound)),
            ])
        case "resolution": return .choice(spec.resolutions)
        case "aspect_ratio": return .choice(spec.aspectRatios)
        case "image_init": return spec.acceptsImageInit ? nil : .object([("type", "null")])
        case "model", "prompt": return nil
        default:
            switch spec.extraFields[name] {
            case nil: return .object([("type", "null")])
            case .text(let allowed?): return .choice(allowed)
            case .text(nil), .integer: return nil
            }
        }
    }
}

// MARK: Writing schemas

extension JSONValue {
    fileprivate static func text(_ text: String) -> JSONValue { JSONValue(kind: .string(text)) }
    fileprivate static func integer(_ value: Int) -> JSONValue { JSONValue(kind: .number(String(value))) }
    fileprivate static func array(_ elements: [JSONValue]) -> JSONValue { JSONValue(kind: .array(elements)) }

    fileprivate static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        JSONValue(kind: .object(members.map { JSONMember(name: $0.0, value: $0.1) }))
    }

    fileprivate static func ref(_ name: String) -> JSONValue { .object([("$ref", .text("#/$defs/" + name))]) }

    fileprivate static func required(_ name: String) -> JSONValue { .object([("required", .array([.text(name)]))]) }

    /// Present and not null.
    fileprivate static func given(_ name: String) -> JSONValue {
        .object([
            ("required", .array([.text(name)])),
            ("properties", .object([(name, .object([("not", .object([("type", "null")]))]))])),
        ])
    }

    fileprivate static func choice(_ values: [String]) -> JSONValue {
        .object([("enum", .array(values.map { .text($0) } + [JSONValue(kind: .null)]))])
    }
}
