import DailiesCore

/// A manifest in memory: validated against the model catalog, with `matrix` and `repeat` expanded.
package struct Manifest: Sendable {
    /// The name in the manifest, or the file name without its extension. 1…200 bytes, no control characters.
    package let batchName: String
    /// In manifest order; the tasks of a `matrix` take its place. At least one; keys are unique.
    package let tasks: [TaskSpec]
    /// Problems that do not stop a run, such as unknown models. One per kind, at its first position, with a count;
    /// sorted by position.
    package let warnings: [ManifestDiagnostic]
    /// The path that was passed to the reader.
    package let path: String
}

/// An error or a warning, with its position.
public struct ManifestDiagnostic: Hashable, Sendable, CustomStringConvertible {
    /// The path of the manifest, as passed to the reader.
    public let file: String
    /// 1-based; 0 if the file cannot be read at all.
    public let line: Int
    /// 1-based, in Unicode scalars; 0 if `line` is 0.
    public let column: Int
    /// For example `prompt`, `tags.client` or `defaults.seed`; `syntax` or `file` if it concerns no single field.
    public let field: String
    /// The problem. Starts in lower case; values in it are escaped and truncated, so it is safe to print.
    public let message: String
    /// How to fix it.
    public let fix: String
    /// The source line; set for the first `ManifestLimits.maximumExcerpts` problems of a manifest.
    public internal(set) var excerpt: SourceSnippet?

    /// Creates a diagnostic; values are stored unchanged.
    public init(
        file: String, line: Int, column: Int, field: String, message: String, fix: String, excerpt: SourceSnippet? = nil
    ) {
        self.file = file
        self.line = line
        self.column = column
        self.field = field
        self.message = message
        self.fix = fix
        self.excerpt = excerpt
    }

    /// A copy with another message.
    func replacing(_ message: String) -> ManifestDiagnostic {
        ManifestDiagnostic(
            file: file, line: line, column: column, field: field, message: message, fix: fix, excerpt: excerpt)
    }

    /// `FILE:LINE:COLUMN: field: message is wrong; how to fix it`, always on one line. Position and field are omitted if
    /// the file cannot be read at all.
    public var description: String {
        let file = SafeText.escaped(file)
        return line == 0 ? "\(file): \(message); \(fix)" : "\(file):\(line):\(column): \(field): \(message); \(fix)"
    }
}

/// The manifest was rejected. Lists all problems.
public struct ManifestError: Error, Sendable, CustomStringConvertible {
    /// Sorted by position; at least one.
    public let problems: [ManifestDiagnostic]

    /// - Precondition: `problems` is not empty.
    public init(problems: [ManifestDiagnostic]) {
        precondition(!problems.isEmpty, "a manifest error needs at least one problem")
        self.problems = problems
    }

    init(_ sourceError: SourceError, in path: String) {
        self.init(problems: [
            ManifestDiagnostic(
                file: path, line: sourceError.place.line, column: sourceError.place.column, field: sourceError.field,
                message: sourceError.message, fix: sourceError.fix)
        ])
    }

    /// One problem per line.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// The supported manifest formats. All can express the same tasks; CSV and TSV have no batch, defaults or matrix.
package enum ManifestFormat: String, CaseIterable, Sendable {
    /// One task object per line.
    case jsonl
    /// An object with `tasks`, or a bare list of tasks.
    case json
    /// The same structure as JSON. Scalars are read as text and typed by their field.
    case yaml
    /// Separated by commas, semicolons or tabs; the header line decides.
    case csv
    /// CSV with tab separators.
    case tsv

    /// The format for a file extension, case-insensitive; also accepts `ndjson` and `yml`. nil for any other extension.
    package init?(path: String) {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: ".") else { return nil }
        self.init(name: String(name[name.index(after: dot)...]))
    }

    /// `jsonl`, `ndjson`, `json`, `yaml`, `yml`, `csv` or `tsv`, case-insensitive.
    package init?(name: String) {
        switch name.lowercased() {
        case "jsonl", "ndjson": self = .jsonl
        case "json": self = .json
        case "yaml", "yml": self = .yaml
        case "csv": self = .csv
        case "tsv": self = .tsv
        default: return nil
        }
    }

    /// Whether tasks are read one at a time, so that memory does not limit the length of the manifest.
    package var isStreamed: Bool {
        switch self {
        case .jsonl, .csv, .tsv: true
        case .json, .yaml: false
        }
    }
}
