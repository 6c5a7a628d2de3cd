import DailiesCore

/// Collects errors and warnings, without duplicates.
struct Diagnostics {
    let file: String
    private(set) var problems: [ManifestDiagnostic] = []
    private var seen: Set<ManifestDiagnostic> = []
    private var warningKinds: [ByteKey: WarningKind] = [:]
    /// Counts every call, including duplicates: compare it before and after to see whether something failed.
    private(set) var errorCount = 0

    init(file: String) { self.file = file }

    var isFull: Bool { problems.count >= ManifestLimits.maximumProblems }

    mutating func error(_ place: SourcePosition, _ field: String, _ message: String, _ fix: String) {
        errorCount += 1
        // Report a problem once, even if the advice differs between the tasks that share it.
        guard !isFull, seen.insert(problem(place, field, message, "")).inserted else { return }
        problems.append(problem(place, field, message, fix))
    }

    mutating func error(_ sourceError: SourceError) {
        error(sourceError.place, sourceError.field, sourceError.message, sourceError.fix)
    }

    /// The first warning of a kind, and its count.
    private struct WarningKind {
        let first: ManifestDiagnostic
        var count = 1
    }

    /// One warning per kind, sorted by position.
    var warnings: [ManifestDiagnostic] {
        Self.sorted(
            warningKinds.values.map { kind in
                kind.count == 1 ? kind.first : kind.first.replacing(kind.first.message + " (\(kind.count) times)")
            })
    }

    /// - Parameter kind: identifies warnings that are counted as one.
    mutating func warn(
        _ kind: String, _ place: SourcePosition, _ field: String, _ message: @autoclosure () -> String,
        _ fix: @autoclosure () -> String
    ) {
        let kind = ByteKey(kind)
        if warningKinds[kind] != nil {
            warningKinds[kind]?.count += 1
        } else if warningKinds.count < ManifestLimits.maximumProblems {
            warningKinds[kind] = WarningKind(first: problem(place, field, message(), fix()))
        }
    }

    /// Counts the same warning again; false if there was none of this kind.
    @discardableResult
    mutating func warnAgain(_ kind: String) -> Bool {
        guard let index = warningKinds.index(forKey: ByteKey(kind)) else { return false }
        warningKinds.values[index].count += 1
        return true
    }

    func hasWarned(_ kind: String) -> Bool { warningKinds[ByteKey(kind)] != nil }

    /// Discards everything else: if the file is not text, other findings are meaningless.
    mutating func replaceAll(_ sourceError: SourceError) {
        (problems, warningKinds, seen) = ([], [:], [])
        error(sourceError)
    }

    private func problem(_ place: SourcePosition, _ field: String, _ message: String, _ fix: String)
        -> ManifestDiagnostic
    {
        ManifestDiagnostic(
            file: file, line: place.line, column: place.column, field: SafeText.cut(field), message: message, fix: fix)
    }

    /// - Throws: ``ManifestError`` with all problems sorted by position, if there are any.
    func refuseProblems(in source: ManifestSource, _ format: ManifestFormat?) throws(ManifestError) {
        guard !problems.isEmpty else { return }
        var problems = Self.sorted(problems)
        if let format { SourceSnippet.add(to: &problems, from: source, format) }
        if isFull, let last = problems.last {
            problems.append(
                ManifestDiagnostic(
                    file: file, line: last.line, column: last.column, field: "file",
                    message: "reading stopped after \(ManifestLimits.maximumProblems) problems", fix: "fix those first")
            )
        }
        throw ManifestError(problems: problems)
    }

    /// Sorted by position; problems at the same position keep their order.
    static func sorted(_ problems: [ManifestDiagnostic]) -> [ManifestDiagnostic] {
        problems.enumerated().sorted {
            ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
        }.map(\.element)
    }
}
