import DailiesCore

/// Collects what is wrong, each thing once.
struct ProblemLog {
    /// More than anyone reads; reading stops there.
    static let limit = 10_000

    let file: String
    private(set) var problems: [ManifestProblem] = []
    private(set) var warnings: [ManifestProblem] = []
    private var seen: Set<ManifestProblem> = []
    private var warnedModels: Set<ExactName> = []
    /// Grows with every call, repeated ones too: whoever compares it before and after knows whether something failed.
    private(set) var errorCount = 0

    init(file: String) { self.file = file }

    var isFull: Bool { problems.count >= Self.limit }

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
        if warnings.count < Self.limit, seen.insert(problem).inserted { warnings.append(problem) }
    }

    /// A warning about a model, at the first place that names it.
    mutating func warnOnce(of model: ModelID, _ value: FieldValue, _ what: String, _ todo: String) {
        if warnedModels.insert(ExactName(model.text)).inserted { warning(value.place, value.label, what, todo) }
    }

    private func problem(_ place: Place, _ field: String, _ what: String, _ todo: String) -> ManifestProblem {
        ManifestProblem(
            file: file, line: place.line, column: place.column, field: SafeText.cut(field), what: what, todo: todo)
    }

    /// In the order of their places; at one place in the order they were found.
    static func sorted(_ problems: [ManifestProblem]) -> [ManifestProblem] {
        problems.enumerated().sorted {
            ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
        }.map(\.element)
    }
}
