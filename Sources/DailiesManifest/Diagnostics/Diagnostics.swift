import DailiesCore

/// Collects what is wrong, each thing once.
struct Diagnostics {
    let file: String
    private(set) var problems: [ManifestDiagnostic] = []
    private var seen: Set<ManifestDiagnostic> = []
    private var warningKinds: [ByteKey: WarningKind] = [:]
    /// Grows with every call, repeated ones too: whoever compares it before and after knows whether something failed.
    private(set) var errorCount = 0

    init(file: String) { self.file = file }

    var isFull: Bool { problems.count >= ManifestLimits.mostProblems }

    mutating func error(_ place: SourcePosition, _ field: String, _ what: String, _ todo: String) {
        errorCount += 1
        // What is wrong is said once, even where what to do about it depends on who uses it.
        guard !isFull, seen.insert(problem(place, field, what, "")).inserted else { return }
        problems.append(problem(place, field, what, todo))
    }

    mutating func error(_ trouble: SourceError) {
        error(trouble.place, trouble.field, trouble.what, trouble.todo)
    }

    /// What is warned about, at the first place that shows it, and how often it was met.
    private struct WarningKind {
        let first: ManifestDiagnostic
        var count = 1
    }

    /// One warning for each kind, in the order of their places.
    var warnings: [ManifestDiagnostic] {
        Self.sorted(
            warningKinds.values.map { kind in
                kind.count == 1 ? kind.first : kind.first.saying(kind.first.what + " (\(kind.count) times)")
            })
    }

    /// - Parameter kind: what counts as the same, however often it is met.
    mutating func warn(
        _ kind: String, _ place: SourcePosition, _ field: String, _ what: @autoclosure () -> String,
        _ todo: @autoclosure () -> String
    ) {
        let kind = ByteKey(kind)
        if warningKinds[kind] != nil {
            warningKinds[kind]?.count += 1
        } else if warningKinds.count < ManifestLimits.mostProblems {
            warningKinds[kind] = WarningKind(first: problem(place, field, what(), todo()))
        }
    }

    /// The same thing once more; false where nothing of this kind was warned about.
    @discardableResult
    mutating func warnAgain(_ kind: String) -> Bool {
        guard let index = warningKinds.index(forKey: ByteKey(kind)) else { return false }
        warningKinds.values[index].count += 1
        return true
    }

    func hasWarned(_ kind: String) -> Bool { warningKinds[ByteKey(kind)] != nil }

    /// Forgets all else: in a text that is none, nothing else means anything.
    mutating func replaceAll(_ trouble: SourceError) {
        (problems, warningKinds, seen) = ([], [:], [])
        error(trouble)
    }

    private func problem(_ place: SourcePosition, _ field: String, _ what: String, _ todo: String) -> ManifestDiagnostic
    {
        ManifestDiagnostic(
            file: file, line: place.line, column: place.column, field: SafeText.cut(field), what: what, todo: todo)
    }

    /// - Throws: ``ManifestError`` with all problems in the order of their places, where there is one.
    func refuseProblems(in source: ManifestSource, _ format: ManifestFormat?) throws(ManifestError) {
        guard !problems.isEmpty else { return }
        var problems = Self.sorted(problems)
        if let format { SourceSnippet.add(to: &problems, from: source, format) }
        if isFull, let last = problems.last {
            problems.append(
                ManifestDiagnostic(
                    file: file, line: last.line, column: last.column, field: "file",
                    what: "reading stopped after \(ManifestLimits.mostProblems) problems", todo: "mend those first"))
        }
        throw ManifestError(problems: problems)
    }

    /// In the order of their places; at one place in the order they were found.
    static func sorted(_ problems: [ManifestDiagnostic]) -> [ManifestDiagnostic] {
        problems.enumerated().sorted {
            ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
        }.map(\.element)
    }
}
