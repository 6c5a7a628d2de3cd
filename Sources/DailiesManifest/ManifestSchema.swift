import DailiesCore
import ExactJSON

/// The manifest format as a JSON Schema (draft 2020-12), for completion and validation in editors.
///
/// Covers every field and the ranges and choices of the catalog's models. It cannot express duplicate ids, braces in
/// a prompt or sizes in bytes. Where a plain YAML scalar looks like a number but is read as text (`id: 007`), the
/// schema accepts it.
package struct ManifestSchema: Sendable {
    private let catalog: ModelCatalog
    private let fields: FieldSchema

    /// `manifest.schema.json`, the parts that do not depend on the models. A text that starts with `@` stands for a part
    /// that this type fills in. The member `@fields` stands for one member for each request field, whose name replaces
    /// `@field` in its value.
    private let template: JSONValue

    /// A schema with the models, ranges and choices of `catalog`.
    package init(catalog: ModelCatalog) {
        self.catalog = catalog
        fields = FieldSchema(catalog: catalog)
        do {
            template = try JSONValue.parse(PackageResources.manifest_schema_json)
        } catch {
            preconditionFailure("the embedded schema cannot be parsed: \(error)")
        }
    }

    /// The schema for a JSON or YAML manifest.
    package var document: JSONValue { schema("Manifest", root: "document") }

    /// The schema for one line of a JSONL manifest.
    package var line: JSONValue { schema("Line of a manifest", root: "line") }

    private func schema(_ title: String, root: String) -> JSONValue {
        .object(
            [
                ("$schema", "https://json-schema.org/draft/2020-12/schema"), ("title", .text("Dailies: " + title)),
                ("description", .text("Models as published on \(catalog.compiled); others are sent unchecked.")),
            ] + filled(part(root)).memberPairs + [("$defs", filled(part("$defs")))])
    }

    private func part(_ name: String) -> JSONValue {
        guard let part = template[name] else { preconditionFailure("the embedded schema has no \(name)") }
        return part
    }

    // MARK: Filling in

    /// - Parameter field: the request field that a part is repeated for.
    private func filled(_ value: JSONValue, field: String = "") -> JSONValue {
        switch value.kind {
        case .null, .bool, .number: value
        case .string(let text): text.contains("@") ? replacement(for: text, field) : value
        case .array(let elements): .array(elements.map { filled($0, field: field) })
        case .object(let members):
            .object(
                members.flatMap { member in
                    member.name == "@fields"
                        ? requestNames.map { ($0, filled(member.value, field: $0)) }
                        : [(member.name, filled(member.value, field: field))]
                })
        }
    }

    private func replacement(for text: String, _ field: String) -> JSONValue {
        switch text {
        case "@batch": filled(part("batch"))
        case "@definition": definition(of: field)
        case "@models": .array(catalog.models.keys.sorted().map { .text($0.text) })
        case "@modelRules": modelRules
        case "@ownNames": .array(ownNames)
        case "@maximumNameBytes": .integer(ManifestLimits.maximumNameBytes)
        case "@maximumTags": .integer(ManifestLimits.maximumTags)
        case "@maximumVariables": .integer(ManifestLimits.maximumVariables)
        case "@maximumMembers": .integer(ManifestLimits.maximumMembers)
        default: .text(text.replacing("@field", with: field))
        }
    }

    private var requestNames: [String] { fields.requestFields.sorted { $0.precedesInUTF8($1) } }

    private func definition(of field: String) -> JSONValue {
        if let known = part("fields")[field] { return filled(known) }
        let isInteger = fields.kind(of: field, for: nil) == .integer
        return .object([("type", isInteger ? ["integer", "null"] : ["string", "null"])])
    }

    private var ownNames: [JSONValue] {
        (fields.requestFields.union(FieldSchema.runner).union(FieldSchema.reserved)).sorted { $0.precedesInUTF8($1) }
            .map { .text($0) }
    }

    // MARK: Models

    private var modelRules: JSONValue {
        .array(
            catalog.models.values.sorted { $0.id < $1.id }.map { spec in
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

    fileprivate static func choice(_ values: [String]) -> JSONValue {
        .object([("enum", .array(values.map { .text($0) } + [JSONValue(kind: .null)]))])
    }

    fileprivate var memberPairs: [(String, JSONValue)] { (members ?? []).map { ($0.name, $0.value) } }
}
