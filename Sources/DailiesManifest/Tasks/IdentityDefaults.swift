import DailiesCore

/// What stands in a request for a field that the task does not give: part of what a task without an `id` is known by,
/// and therefore frozen.
///
/// The catalogue may change with every release; an edition of this table never does, or every finished task without
/// an `id` would look new and be paid again. A model that is not in it gets nothing filled in.
public struct IdentityDefaults: Sendable {
    struct Entry: Hashable, Sendable {
        let resolution: String
        let aspectRatio: String
    }
    let entries: [String: Entry]

    /// Copied from the catalogue of 2026-11-23. `seedance-fast` has no default resolution in the documentation: its
    /// only published one stands here.
    public static let edition1 = IdentityDefaults(entries: [
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
