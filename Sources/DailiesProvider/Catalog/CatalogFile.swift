import DailiesCore
import ExactJSON

/// A user's catalog: JSON in the format of the embedded one, or a part of it.
///
/// For an embedded model, omitted fields keep their values. A new model needs at least `id`, `duration_seconds`,
/// `resolutions` and `aspect_ratios`.
package enum CatalogFile {
    /// All errors of a file, one per model; never empty.
    package struct Failure: Error, Hashable, Sendable {
        /// Sorted by position; at least one.
        package let problems: [CatalogError]
    }

    /// Defaults for the optional fields of a new model.
    private static let optional: [(name: String, value: JSONValue.Kind)] = [
        ("vendor", .string("user")), ("extra_fields", .object([])), ("price_quotes", .array([])),
        ("other_surface_ids", .array([])),
    ]

    /// The embedded catalog, with the models of a file added or replaced.
    ///
    /// - Parameter bytes: UTF-8.
    package static func merged(with bytes: [UInt8]) throws(Failure) -> ModelCatalog {
        let embedded = EmbeddedCatalog.catalog
        var merge = Merge()
        do throws(CatalogError) {
            try merge.readEmbedded()
            let top = try CatalogReader.parse(bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...])
            for entry in try CatalogReader.array(top, "models") { merge.add(entry) }
        } catch {
            merge.problems.append(error)
        }
        guard merge.problems.isEmpty else { throw Failure(problems: merge.problems) }
        return ModelCatalog(
            compiled: embedded.compiled, models: Array(embedded.models.values) + merge.specs,
            aliases: embedded.aliases.merging(merge.aliases) { _, own in own })
    }

    private struct Merge {
        var specs: [ModelSpec] = []
        var aliases: [String: ModelID] = [:]
        var problems: [CatalogError] = []
        private var embedded: [ByteKey: [JSONMember]] = [:]
        private var names: Set<String> = []
        private var seen: [ByteKey: JSONPosition] = [:]

        mutating func readEmbedded() throws(CatalogError) {
            for entry in try CatalogReader.array(try CatalogReader.parse(PackageResources.models_json), "models") {
                let members = entry.members ?? []
                embedded[ByteKey(try CatalogReader.text(entry, "id"))] = members
                names.formUnion(members.map(\.name))
            }
        }

        mutating func add(_ entry: JSONValue) {
            do throws(CatalogError) {
                guard let own = entry.members else {
                    throw CatalogError(position: entry.position, message: "a model must be an object")
                }
                try checkNames(own)
                let id = ByteKey(try CatalogReader.text(entry, "id"))
                if let earlier = seen.updateValue(entry.position, forKey: id) {
                    throw CatalogError(
                        position: entry.position,
                        message: "\(SafeText.cut(id.text)) appears twice, first at "
                            + "\(earlier.line):\(earlier.column)")
                }
                let known =
                    embedded[id]
                    ?? CatalogFile.optional.map { name, value in
                        JSONMember(name: name, value: JSONValue(kind: value, position: entry.position))
                    }
                let given = Set(own.map(\.name))
                let members = own + known.filter { !given.contains($0.name) }
                let whole = JSONValue(kind: .object(members), position: entry.position)
                let spec = try CatalogReader.spec(whole)
                specs.append(spec)
                for other in try CatalogReader.texts(whole, "other_surface_ids") { aliases[other] = spec.id }
            } catch {
                problems.append(error)
            }
        }

        /// Rejects unknown names: a misspelled name would silently leave the rule unchanged.
        private func checkNames(_ members: [JSONMember]) throws(CatalogError) {
            var places: [ByteKey: JSONPosition] = [:]
            for member in members {
                guard names.contains(member.name) else {
                    throw CatalogError(
                        position: member.position, message: "\(SafeText.cut(member.name)) is not a field of a model")
                }
                if let earlier = places.updateValue(member.position, forKey: ByteKey(member.name)) {
                    throw CatalogError(
                        position: member.position,
                        message: "\(SafeText.cut(member.name)) appears twice, first at "
                            + "\(earlier.line):\(earlier.column)")
                }
            }
        }
    }
}
