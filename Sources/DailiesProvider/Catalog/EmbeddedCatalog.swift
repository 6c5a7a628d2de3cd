import DailiesCore
import ExactJSON
import ProviderWire

/// The model catalog, compiled from the provider's documentation and embedded in the program.
public enum EmbeddedCatalog {
    /// Parsed once. The data is part of the program; a test checks it.
    public static let catalog: ModelCatalog = {
        do throws(CatalogError) {
            return try CatalogReader.read(PackageResources.models_json)
        } catch {
            preconditionFailure("the embedded model catalog cannot be read: \(error.message)")
        }
    }()
}

/// An error in a catalog, with its position.
package struct CatalogError: Error, Hashable, Sendable {
    /// The first byte of the invalid value.
    package let position: JSONPosition
    /// For users.
    package let message: String
}

/// Reads `models.json`.
enum CatalogReader {
    /// Maximum of all whole numbers in a catalog, which are seconds: a year.
    private static let maximumSeconds = 366 * 86_400

    static func read(_ bytes: [UInt8]) throws(CatalogError) -> ModelCatalog {
        let top = try parse(bytes)
        var specs: [ModelSpec] = []
        var aliases: [String: ModelID] = [:]
        for entry in try array(top, "models") {
            let spec = try spec(entry)
            specs.append(spec)
            for id in try texts(entry, "other_surface_ids") { aliases[id] = spec.id }
        }
        return ModelCatalog(compiled: try text(top, "compiled"), models: specs, aliases: aliases)
    }

    static func parse(_ bytes: some Collection<UInt8>) throws(CatalogError) -> JSONValue {
        do {
            return try JSONValue.parse(bytes)
        } catch {
            throw CatalogError(position: error.position, message: error.message)
        }
    }

    static func spec(_ entry: JSONValue) throws(CatalogError) -> ModelSpec {
        let duration = try member(entry, "duration_seconds")
        let latency = try optional(entry, "typical_latency_s") { (entry, name) throws(CatalogError) in
            try range(try integers(entry, name), at: try member(entry, name).position)
        }
        return ModelSpec(
            id: ModelID(try text(entry, "id")), vendor: try text(entry, "vendor"),
            durationSeconds: try range(
                [try integer(duration, "min"), try integer(duration, "max")], at: duration.position),
            resolutions: try texts(entry, "resolutions"),
            defaultResolution: try optional(entry, "default_resolution", text),
            aspectRatios: try texts(entry, "aspect_ratios"),
            defaultAspectRatio: try optional(entry, "default_aspect_ratio", text),
            extraFields: try extraFields(entry), acceptsImageInit: entry["image_init"]?.bool ?? false,
            cadence: try cadence(entry),
            typicalLatency: latency.map { .seconds($0.lowerBound)...(.seconds($0.upperBound)) },
            typicalLatencyForSeconds: try optional(entry, "typical_latency_for_duration_s", integer),
            prices: try prices(entry),
            urlLifetime: try optional(entry, "url_expiry_s", integer).map { .seconds($0) },
            withdrawn: try optional(entry, "withdrawn_upstream", day))
    }

    private static func extraFields(_ entry: JSONValue) throws(CatalogError) -> [String: ExtraField] {
        var fields: [String: ExtraField] = [:]
        for field in try member(entry, "extra_fields").members ?? [] {
            switch try text(field.value, "type") {
            case "integer": fields[field.name] = .integer
            case "string": fields[field.name] = .text(allowed: try optional(field.value, "allowed", texts))
            case let type:
                throw CatalogError(
                    position: field.value.position,
                    message: "\(SafeText.cut(field.name)) has the unknown type \(SafeText.cut(type))")
            }
        }
        return fields
    }

    private static func cadence(_ entry: JSONValue) throws(CatalogError) -> PollCadence {
        guard let poll = entry["poll"], !poll.isNull, let phases = poll["phases"], !phases.isNull else {
            return .fallback
        }
        var read: [PollCadence.Phase] = []
        for phase in phases.array ?? [] {
            let interval = try integer(phase, "interval_s")
            guard interval >= 1 else {
                throw CatalogError(position: phase.position, message: "interval_s is \(interval)")
            }
            let until = try optional(phase, "until_s", integer)
            read.append(PollCadence.Phase(interval: .seconds(interval), until: until.map { .seconds($0) }))
        }
        return read.isEmpty ? .fallback : PollCadence(phases: read)
    }

    /// Published rates first, then the total of the documentation's example.
    private static func prices(_ entry: JSONValue) throws(CatalogError) -> [PublishedPrice] {
        var prices: [PublishedPrice] = []
        for quote in try array(entry, "price_quotes") {
            let fee = try optional(quote, "submit_fee_usd", credits) ?? .zero
            prices.append(
                PublishedPrice(
                    figure: .rate(perSecond: try credits(quote, "usd_per_second"), fee: fee),
                    resolution: try optional(quote, "resolution", text), source: try text(quote, "source")))
        }
        guard let example = entry["example_credits"], !example.isNull else { return prices }
        prices.append(
            PublishedPrice(
                figure: .example(
                    total: try credits(example, "credits"), seconds: try integer(example, "duration_seconds")),
                resolution: try optional(example, "resolution", text),
                source: "example on \(try text(entry, "source_page"))"))
        return prices
    }

    private static func member(_ value: JSONValue, _ name: String) throws(CatalogError) -> JSONValue {
        guard let member = value[name], !member.isNull else {
            throw CatalogError(position: value.position, message: "\(name) is missing")
        }
        return member
    }

    /// nil for null and for a missing member: the documentation does not say.
    private static func optional<Content>(
        _ value: JSONValue, _ name: String,
        _ read: (JSONValue, String) throws(CatalogError) -> Content
    ) throws(CatalogError) -> Content? {
        guard let member = value[name], !member.isNull else { return nil }
        return try read(value, name)
    }

    static func text(_ value: JSONValue, _ name: String) throws(CatalogError) -> String {
        let member = try member(value, name)
        guard let text = member.string else {
            throw CatalogError(position: member.position, message: "\(name) is not text")
        }
        return text
    }

    /// An existing date, as `2026-11-23`.
    private static func day(_ value: JSONValue, _ name: String) throws(CatalogError) -> String {
        let text = try text(value, name)
        guard text.utf8.count == 10, ISOTimestamp.parse(text + "T00:00:00Z") != nil else {
            throw CatalogError(
                position: try member(value, name).position,
                message: "\(name): \(SafeText.quoted(text)) is not a date; write it as 2026-11-23")
        }
        return text
    }

    static func array(_ value: JSONValue, _ name: String) throws(CatalogError) -> [JSONValue] {
        let member = try member(value, name)
        guard let array = member.array else {
            throw CatalogError(position: member.position, message: "\(name) is not a list")
        }
        return array
    }

    static func texts(_ value: JSONValue, _ name: String) throws(CatalogError) -> [String] {
        let values = try array(value, name)
        let texts = values.compactMap(\.string)
        guard texts.count == values.count else {
            throw CatalogError(
                position: try member(value, name).position, message: "\(name) contains values that are not text")
        }
        return texts
    }

    private static func integer(_ value: JSONValue, _ name: String) throws(CatalogError) -> Int {
        let member = try member(value, name)
        guard let integer = member.number.flatMap({ Int($0) }), 0...maximumSeconds ~= integer else {
            throw CatalogError(
                position: member.position, message: "\(name) is not a whole number from 0 to \(maximumSeconds)")
        }
        return integer
    }

    private static func integers(_ value: JSONValue, _ name: String) throws(CatalogError) -> [Int] {
        let values = try array(value, name)
        let integers = values.compactMap { $0.number.flatMap { Int($0) } }.filter { 0...maximumSeconds ~= $0 }
        guard integers.count == values.count else {
            throw CatalogError(
                position: try member(value, name).position,
                message: "\(name) contains values that are not whole numbers from 0 to \(maximumSeconds)")
        }
        return integers
    }

    /// Read from the number's text, without binary floating point.
    private static func credits(_ value: JSONValue, _ name: String) throws(CatalogError) -> Credits {
        let member = try member(value, name)
        guard let reading = member.number.flatMap({ Credits.read($0) }), !reading.isRounded, reading.credits >= .zero
        else { throw CatalogError(position: member.position, message: "\(name) is not an amount") }
        return reading.credits
    }

    private static func range(_ bounds: [Int], at position: JSONPosition) throws(CatalogError) -> ClosedRange<Int> {
        guard bounds.count == 2, 0 <= bounds[0], bounds[0] <= bounds[1] else {
            throw CatalogError(position: position, message: "\(bounds) is not a range")
        }
        return bounds[0]...bounds[1]
    }
}
