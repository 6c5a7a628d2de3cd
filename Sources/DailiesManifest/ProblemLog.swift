import DailiesCore

/// Collects what is wrong, each thing once.
struct ProblemLog {
    let file: String
    private(set) var problems: [ManifestProblem] = []
    private(set) var warnings: [ManifestProblem] = []
    private var seen: Set<ManifestProblem> = []
    private var warnedNames: Set<ExactName> = []
    /// Grows with every call, repeated ones too: whoever compares it before and after knows whether something failed.
    private(set) var errorCount = 0

    init(file: String) { self.file = file }

    var isFull: Bool { problems.count >= ManifestBounds.mostProblems }

    mutating func error(_ place: Place, _ field: String, _ what: String, _ todo: String) {
        errorCount += 1
        let problem = problem(place, field, what, todo)
        if !isFull, seen.insert(problem).inserted { problems.append(problem) }
    }

    mutating func error(_ trouble: SourceTrouble) {
        error(trouble.place, trouble.field, trouble.what, trouble.todo)
    }

    mutating func warning(_ place: Place, _ field: String, _ what: String, _ todo: String) {
        let problem = problem(place, field, what, todo)
        if warnings.count < ManifestBounds.mostProblems, seen.insert(problem).inserted { warnings.append(problem) }
    }

    /// A warning about a model or a variable, at the first place that names it.
    mutating func warnOnce(of name: String, _ value: FieldValue, _ what: String, _ todo: String) {
        if warnedNames.insert(ExactName(name)).inserted { warning(value.place, value.label, what, todo) }
    }

    func hasWarned(of name: String) -> Bool { warnedNames.contains(ExactName(name)) }

    /// Forgets all else: in a text that is none, nothing else means anything.
    mutating func leaveOnly(_ trouble: SourceTrouble) {
        (problems, warnings, seen) = ([], [], [])
        error(trouble)
    }

    private func problem(_ place: Place, _ field: String, _ what: String, _ todo: String) -> ManifestProblem {
        ManifestProblem(
            file: file, line: place.line, column: place.column, field: SafeText.cut(field), what: what, todo: todo)
    }

    /// - Throws: ``ManifestFailure`` with all problems in the order of their places, where there is one.
    func refuseProblems(in source: ManifestSource, _ format: ManifestFormat?) throws(ManifestFailure) {
        guard !problems.isEmpty else { return }
        var problems = Self.sorted(problems)
        if let format { Excerpt.add(to: &problems, from: source, format) }
        if isFull, let last = problems.last {
            problems.append(
                ManifestProblem(
                    file: file, line: last.line, column: last.column, field: "file",
                    what: "reading stopped after \(ManifestBounds.mostProblems) problems", todo: "mend those first"))
        }
        throw ManifestFailure(problems: problems)
    }

    /// In the order of their places; at one place in the order they were found.
    static func sorted(_ problems: [ManifestProblem]) -> [ManifestProblem] {
        problems.enumerated().sorted {
            ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
        }.map(\.element)
    }
}
