import DailiesCore
import Testing

@testable import DailiesProvider

/// What the pages print of a model, written out by hand and not read from the same file.
private struct Row: CustomTestStringConvertible, Sendable {
    let id: String
    let maximumSeconds: Int
    let resolutions: [String]
    let defaultResolution: String?
    let extras: Set<String>
    let phases: [[Int?]]
    let latency: [Int]
    let latencyFor: Int
    let example: String
    let perSecond: String
    var later: String?
    var urlLifetime: Duration?
    var withdrawn: String?
    var testDescription: String { id }
}

private let both = ["720p", "1080p"]
private let motion: Set<String> = ["seed", "motion_intensity"]
private let rows = [
    Row(
        id: "sora-2-pro", maximumSeconds: 20, resolutions: both, defaultResolution: "1080p",
        extras: ["seed", "style_preset"], phases: [[2, 90], [5, 240]], latency: [120, 180], latencyFor: 8,
        example: "1.85", perSecond: "0.45", urlLifetime: .seconds(86_400), withdrawn: "2026-09-24"),
    Row(
        id: "sora-2", maximumSeconds: 10, resolutions: both, defaultResolution: "720p", extras: ["seed"],
        phases: [[2, 180], [5, nil]], latency: [60, 120], latencyFor: 5, example: "0.42", perSecond: "0.3",
        later: "0.1", withdrawn: "2026-09-24"),
    Row(
        id: "veo-3.1", maximumSeconds: 8, resolutions: both, defaultResolution: "1080p", extras: ["seed"],
        phases: [[2, 60], [5, 180]], latency: [60, 120], latencyFor: 5, example: "0.55", perSecond: "0.1",
        later: "0.4", urlLifetime: .seconds(86_400), withdrawn: "2026-10-22"),
    Row(
        id: "veo-3.1-fast", maximumSeconds: 5, resolutions: ["720p"], defaultResolution: "720p", extras: ["seed"],
        phases: [[1, 30], [2, 60]], latency: [20, 40], latencyFor: 4, example: "0.18", perSecond: "0.04",
        later: "0.2", withdrawn: "2026-10-22"),
    Row(
        id: "seedance-1.5-pro", maximumSeconds: 6, resolutions: both, defaultResolution: "1080p", extras: motion,
        phases: [[2, 60], [5, 180]], latency: [60, 90], latencyFor: 5, example: "0.42", perSecond: "0.08"),
    Row(
        id: "seedance-2.0", maximumSeconds: 8, resolutions: both, defaultResolution: "1080p", extras: motion,
        phases: [[2, 60], [5, 180]], latency: [60, 90], latencyFor: 6, example: "0.36", perSecond: "0.06"),
    Row(
        id: "seedance-2.0-pro", maximumSeconds: 10, resolutions: both, defaultResolution: "1080p", extras: motion,
        phases: [[2, 90], [5, 240]], latency: [90, 150], latencyFor: 8, example: "1.2", perSecond: "0.15"),
    Row(
        id: "seedance-2.0-pro-fast", maximumSeconds: 8, resolutions: both, defaultResolution: "1080p", extras: motion,
        phases: [[2, 60], [5, 120]], latency: [45, 75], latencyFor: 6, example: "0.72", perSecond: "0.12"),
    Row(
        id: "seedance-fast", maximumSeconds: 5, resolutions: ["720p"], defaultResolution: nil, extras: motion,
        phases: [[1, 30], [2, 60]], latency: [15, 25], latencyFor: 4, example: "0.12", perSecond: "0.03"),
]

@Suite struct EmbeddedCatalogTests {
    private let catalog = EmbeddedCatalog.catalog

    @Test func `it holds the nine models of the tasks API and the day it was compiled`() {
        #expect(Set(catalog.models.keys.map(\.text)) == Set(rows.map(\.id)))
        #expect(catalog.compiled == "2026-11-23")
    }

    @Test(arguments: rows)
    fileprivate func `each model has the figures of its page`(row: Row) throws {
        let spec = try #require(catalog[ModelID(row.id)])
        #expect(spec.durationSeconds == 1...row.maximumSeconds)
        #expect(spec.resolutions == row.resolutions)
        #expect(spec.defaultResolution == row.defaultResolution)
        #expect(spec.aspectRatios == ["16:9", "9:16", "1:1"])
        #expect(spec.defaultAspectRatio == "16:9")
        #expect(Set(spec.extraFields.keys) == row.extras)
        #expect(spec.extraFields["seed"] == .integer)
        #expect(spec.acceptsImageInit)
        let phases = spec.cadence.phases.map { [Int($0.interval.inSeconds), $0.until.map { Int($0.inSeconds) }] }
        #expect(phases == row.phases)
        #expect(spec.typicalLatency == .seconds(row.latency[0])...(.seconds(row.latency[1])))
        #expect(spec.typicalLatencyForSeconds == row.latencyFor)
        #expect(spec.urlLifetime == row.urlLifetime)
        #expect(spec.withdrawn == row.withdrawn)
        #expect(spec.prices.map { "\($0.figure)" } == expectedPrices(row).map { "\($0)" })
        #expect(spec.prices.first?.resolution == (row.resolutions.last))
    }

    @Test func `the models' extra fields have their allowed values`() {
        let styles = catalog[ModelID("sora-2-pro")]?.extraFields["style_preset"]
        #expect(styles == .text(allowed: ["cinematic", "anime", "documentary", "none"]))
        let motion = catalog[ModelID("seedance-2.0-pro")]?.extraFields["motion_intensity"]
        #expect(motion == .text(allowed: ["low", "medium", "high"]))
    }

    @Test func `aliases lead to their model`() {
        #expect(catalog.aliases["sora2-pro"] == ModelID("sora-2-pro"))
        #expect(catalog.aliases["veo-3-1"] == ModelID("veo-3.1"))
        #expect(catalog.aliases["sora-2-pro"] == nil)
        #expect(catalog.aliases.count == 10)
    }

    @Test(arguments: [
        ("", "empty"), ("{}", "models is missing"), (#"{"models":{}}"#, "models is not a list"),
        (#"{"models":[{}]}"#, "duration_seconds is missing"), (#"{"models":[]}"#, "compiled is missing"),
    ])
    func `broken data is refused with its reason`(data: String, reason: String) {
        #expect {
            try CatalogReader.read(Array(data.utf8))
        } throws: {
            ($0 as? CatalogError)?.message.contains(reason) == true
        }
    }

    private func expectedPrices(_ row: Row) -> [PublishedPrice.Figure] {
        let fee = Credits(nano: 50_000_000)
        var figures: [PublishedPrice.Figure] = [.rate(perSecond: credits(row.perSecond), fee: fee)]
        if let later = row.later { figures.append(.rate(perSecond: credits(later), fee: .zero)) }
        return figures + [.example(total: credits(row.example), seconds: row.latencyFor)]
    }

    private func credits(_ text: String) -> Credits { Credits.read(text)?.credits ?? Credits(nano: -1) }
}
