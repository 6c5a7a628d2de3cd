/// What one manifest may hold at most. Whatever is beyond a bound is refused by an error that names the bound.
public enum ManifestLimits {
    /// Bytes of a JSON manifest, which is read as a whole: 64 MiB.
    public static let largestJSON = 64 << 20
    /// Bytes of a YAML manifest, which is read as a whole and takes ten times its size in memory: 16 MiB.
    public static let largestYAML = 16 << 20
    /// Bytes of a line of JSONL, or of a record of CSV with all its lines: 2 MiB.
    public static let maximumLineBytes = 2 << 20
    /// Objects and lists inside each other, in JSON, JSONL and YAML.
    public static let maximumDepth = 64
    /// Nodes that the aliases of a YAML manifest may add by copying.
    public static let copiedNodes = 1_000_000
    /// Tasks of a JSONL or CSV manifest, those that `matrix` and `repeat` make included.
    public static let maximumTasks = 100_000_000
    /// Tasks of a manifest that is kept in memory: of JSON and YAML always, of the others when read at once.
    public static let mostTasksInMemory = 10_000_000
    /// Bytes of all requests of a manifest that is kept in memory: 8 GiB. Reached only through copies.
    public static let mostBytesInMemory = 8 << 30
    /// Tasks that one `matrix`, one `repeat`, or both together make.
    public static let mostMembers = 100_000
    /// Bytes of a request as the provider gets it. The API takes 1 MiB; the rest is for what stands around it.
    public static let largestRequest = 1_000_000
    /// Tags of one task.
    public static let mostTags = 64
    /// Variables of one task.
    public static let mostVariables = 64
    /// Bytes of a name: an id, a batch, a tag and its value, a file.
    public static let longestName = 200
    /// Problems that are collected; reading stops there.
    public static let mostProblems = 10_000
    /// Problems that get an excerpt of their line.
    public static let mostExcerpts = 100
}
