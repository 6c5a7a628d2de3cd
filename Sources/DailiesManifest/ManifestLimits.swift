/// Limits of one manifest. Exceeding a limit is an error that names the limit.
package enum ManifestLimits {
    /// Bytes of a JSON manifest, which is read whole: 64 MiB.
    package static let maximumJSONBytes = 64 << 20
    /// Bytes of a YAML manifest, which is read whole and needs ten times its size in memory: 16 MiB.
    package static let maximumYAMLBytes = 16 << 20
    /// Bytes of a JSONL line, or of a CSV record with all its lines: 2 MiB.
    package static let maximumLineBytes = 2 << 20
    /// Nesting levels of objects and lists, in JSON, JSONL and YAML.
    package static let maximumDepth = 64
    /// Nodes that YAML aliases may add by copying.
    package static let maximumCopiedNodes = 1_000_000
    /// Tasks of a JSONL or CSV manifest, including those from `matrix` and `repeat`.
    package static let maximumTasks = 100_000_000
    /// Tasks of a manifest kept in memory: always for JSON and YAML, otherwise only if read with `read`.
    package static let maximumTasksInMemory = 10_000_000
    /// Bytes of all requests of a manifest kept in memory: 8 GiB. Only copies can reach it.
    package static let maximumBytesInMemory = 8 << 30
    /// Tasks from one `matrix`, one `repeat`, or both combined.
    package static let maximumMembers = 100_000
    /// Bytes of a request as sent to the provider. The API accepts 1 MiB; the rest is for the surrounding JSON.
    package static let maximumRequestBytes = 1_000_000
    /// Tags per task.
    package static let maximumTags = 64
    /// Variables per task.
    package static let maximumVariables = 64
    /// Bytes of a name: an id, a batch name, a tag name or value, or a file name.
    package static let maximumNameBytes = 200
    /// Problems that are collected before reading stops.
    package static let maximumProblems = 10_000
    /// Problems that get a source excerpt.
    package static let maximumExcerpts = 100
}
