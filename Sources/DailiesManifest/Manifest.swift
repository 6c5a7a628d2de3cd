import DailiesCore

/// What a manifest asks for: read, checked against the catalogue, expanded, and kept in memory.
public struct Manifest: Sendable {
    /// As the manifest gives it, or the file's name without its ending. 1…200 bytes, no control characters.
    public let batchName: String
    /// In the order of the manifest, the tasks of a `matrix` in place. At least one; keys are unique.
    public let tasks: [TaskSpec]
    /// What need not stop a run: models that the catalogue does not know, and such. One of each kind, at its first place, with
    /// how often it was met; in the order of their places.
    public let warnings: [ManifestDiagnostic]
    /// As it was given to the reader.
    public let path: String
}

/// One broken rule, or one warning, at its place.
public struct ManifestDiagnostic: Hashable, Sendable, CustomStringConvertible {
    /// The manifest, as it was given.
    public let file: String
    /// Counted from 1; 0: the file cannot be read at all.
    public let line: Int
    /// Counted from 1, in Unicode scalars; 0 where the line is.
    public let column: Int
    /// `prompt`, `tags.client`, `defaults.seed`; `syntax` and `file` for what concerns no single field.
    public let field: String
    /// Starts in lower case; values in it are escaped and cut, so that it may be printed anywhere.
    public let what: String
    /// What to do about it.
    public let todo: String
    /// The line it is on, of the first ``ManifestLimits/mostExcerpts`` problems of a manifest.
    public internal(set) var excerpt: SourceSnippet?

    /// Takes its properties as they are given.
    public init(
        file: String, line: Int, column: Int, field: String, what: String, todo: String, excerpt: SourceSnippet? = nil
    ) {
        self.file = file
        self.line = line
        self.column = column
        self.field = field
        self.what = what
        self.todo = todo
        self.excerpt = excerpt
    }

    /// The same with other words.
    func saying(_ what: String) -> ManifestDiagnostic {
        ManifestDiagnostic(
            file: file, line: line, column: column, field: field, what: what, todo: todo, excerpt: excerpt)
    }

    /// `FILE:LINE:COLUMN: field: what is wrong; what to do`, on one line whatever the file is called. Without place and
    /// field where the file cannot be read at all.
    public var description: String {
        let file = SafeText.escaped(file)
        return line == 0 ? "\(file): \(what); \(todo)" : "\(file):\(line):\(column): \(field): \(what); \(todo)"
    }
}

/// A manifest that is refused: every problem that was found, in the order of their places; never empty.
public struct ManifestError: Error, Sendable, CustomStringConvertible {
    /// In the order of their places; at least one.
    public let problems: [ManifestDiagnostic]

    /// Takes its properties as they are given.
    public init(problems: [ManifestDiagnostic]) {
        precondition(!problems.isEmpty, "a manifest is refused without a problem")
        self.problems = problems
    }

    init(_ trouble: SourceError, in path: String) {
        self.init(problems: [
            ManifestDiagnostic(
                file: path, line: trouble.place.line, column: trouble.place.column, field: trouble.field,
                what: trouble.what, todo: trouble.todo)
        ])
    }

    /// One problem a line.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// The formats a manifest may have. All can write the same tasks; CSV and TSV have no batch, defaults and matrix.
public enum ManifestFormat: String, CaseIterable, Sendable {
    /// One task object a line.
    case jsonl
    /// An object with `tasks`, or a bare list of tasks.
    case json
    /// The same as JSON; its scalars are text, typed by the field they stand in.
    case yaml
    /// Comma or semicolon or tab, by the header line.
    case csv
    /// CSV with tabs between its cells.
    case tsv

    /// By the file's ending, in upper or lower case; `ndjson` is `jsonl` and `yml` is `yaml`. nil for any other.
    public init?(path: String) {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: ".") else { return nil }
        self.init(name: String(name[name.index(after: dot)...]))
    }

    /// `jsonl`, `ndjson`, `json`, `yaml`, `yml`, `csv` or `tsv`, in upper or lower case.
    public init?(name: String) {
        switch name.lowercased() {
        case "jsonl", "ndjson": self = .jsonl
        case "json": self = .json
        case "yaml", "yml": self = .yaml
        case "csv": self = .csv
        case "tsv": self = .tsv
        default: return nil
        }
    }

    /// Read a task at a time, so that the manifest may be of any length.
    public var isStreamed: Bool {
        switch self {
        case .jsonl, .csv, .tsv: true
        case .json, .yaml: false
        }
    }
}
