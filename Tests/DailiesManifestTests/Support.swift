import DailiesCore
import DailiesManifest
import ExactJSON
import Foundation
import Testing

/// The published catalog, read here as far as manifests need it.
enum TestCatalog {
    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let published: ModelCatalog = {
        do {
            let url = repository.appending(path: "Sources/DailiesProvider/Catalog/models.json")
            return try catalog(JSONValue.parse(Array(Data(contentsOf: url))))
        } catch {
            preconditionFailure("the catalog is not readable: \(error)")
        }
    }()

    private static func catalog(_ json: JSONValue) throws -> ModelCatalog {
        let models = try #require(json["models"]?.array)
        var aliases: [String: ModelID] = [:]
        for model in models {
            let id = ModelID(try #require(model["id"]?.string))
            for other in model["other_surface_ids"]?.array ?? [] { aliases[try #require(other.string)] = id }
        }
        return ModelCatalog(
            compiled: try #require(json["compiled"]?.string), models: try models.map(spec), aliases: aliases)
    }

    private static func spec(_ json: JSONValue) throws -> ModelSpec {
        let range = try #require(json["duration_seconds"])
        let low = try #require(range["min"]?.number.flatMap { Int($0) })
        let high = try #require(range["max"]?.number.flatMap { Int($0) })
        var extra: [String: ExtraField] = [:]
        for field in json["extra_fields"]?.members ?? [] {
            let allowed = field.value["allowed"]?.array?.compactMap(\.string)
            extra[field.name] = field.value["type"]?.string == "integer" ? .integer : .text(allowed: allowed)
        }
        let id = try #require(json["id"]?.string)
        return ModelSpec(
            id: ModelID(id), vendor: json["vendor"]?.string ?? "", durationSeconds: low...high,
            resolutions: json["resolutions"]?.array?.compactMap(\.string) ?? [],
            defaultResolution: json["default_resolution"]?.string,
            aspectRatios: json["aspect_ratios"]?.array?.compactMap(\.string) ?? [],
            defaultAspectRatio: json["default_aspect_ratio"]?.string, extraFields: extra,
            acceptsImageInit: json["image_init"]?.bool ?? false, cadence: .fallback, typicalLatency: nil,
            typicalLatencyForSeconds: nil, prices: [], urlLifetime: nil,
            withdrawn: id.hasPrefix("sora") ? "2026-09-24" : nil)
    }
}

/// Reads a text against the published catalog, without a day.
func read(
    _ text: String, _ format: ManifestFormat, path: String? = nil, today: String? = nil
) throws(ManifestError) -> Manifest {
    try ManifestReader(catalog: TestCatalog.published, today: today)
        .read(path: path ?? "m.\(format.rawValue)", bytes: Array(text.utf8), format: format)
}

/// Everything that is wrong with a text, as it is printed but for the file's name.
func problems(_ text: String, _ format: ManifestFormat, path: String = "m") -> [String] {
    problems(Array(text.utf8), format, path: path)
}

func problems(_ bytes: [UInt8], _ format: ManifestFormat?, path: String = "m") -> [String] {
    let reader = ManifestReader(catalog: TestCatalog.published, today: nil)
    do throws(ManifestError) {
        let manifest = try reader.read(path: path, bytes: bytes, format: format)
        return ["accepted with \(manifest.tasks.count) tasks"]
    } catch {
        return error.problems.map { String($0.description.dropFirst(path.count + 1)) }
    }
}

/// What a manifest is to the provider: its keys and requests, whatever their order.
func identity(_ manifest: Manifest) -> [String] {
    manifest.tasks.map { "\($0.key.text) \($0.request.text)" }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// A small generator with a seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
