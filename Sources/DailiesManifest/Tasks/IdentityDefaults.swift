import DailiesCore

/// The request values for fields that a task omits. They are part of the identity of a task without an `id`, and
/// therefore frozen.
///
/// The catalog may change with each release, but an edition of this table must not: otherwise every finished task
/// without an `id` would look new and be paid for again. Models that are not in it get no defaults.
package struct IdentityDefaults: Sendable {
    struct Entry: Hashable, Sendable {
        let resolution: String
        let aspectRatio: String
    }
    let entries: [String: Entry]

    /// Copied from the catalog of 2026-11-23. The documentation gives no default resolution for `seedance-fast`; this
    /// is its only published one.
    package static let edition1 = IdentityDefaults(entries: [
        "sora-2-pro": Entry(resolution: "1080p", aspectRatio: "16:9"),
        "sora-2": Entry(resolution: "720p", aspectRatio: "16:9"),
        "veo-3.1": Entry(resolution: "1080p", aspectRatio: "16:9"),
        "veo-3.1-fast": Entry(resolution: "720p", aspectRatio: "16:9"),
        "seedance-1.5-pro": Entry(resolution: "1080p", aspectRatio: "16:9"),
        "seedance-2.0": Entry(resolution: "1080p", aspectRatio: "16:9"),
        "seedance-2.0-pro": Entry(resolution: "1080p", aspectRatio: "16:9"),
        "seedance-2.0-pro-fast": Entry(resolution: "1080p", aspectRatio: "16:9"),
        "seedance-fast": Entry(resolution: "720p", aspectRatio: "16:9"),
    ])

    subscript(model: ModelID) -> Entry? { entries[model.text] }
}
