import ArgumentParser
import DailiesCore
import DailiesManifest
import DailiesProvider
import DailiesRunner
import Foundation

/// The known models.
struct CatalogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Additional or replacement models, as JSON in the format of models.json.", valueName: "file"))
    var catalog: String?

    /// The catalog including the user's models.
    ///
    /// - Throws: ``Stop`` with 65, after printing every problem.
    func read() throws -> ModelCatalog { try Self.read(catalog) }

    static func read(_ path: String?) throws -> ModelCatalog {
        guard let path else { return Composition.catalog }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Stop(.refused, "cannot read the catalog \(SafeText.quoted(path)): no such file or not readable")
        }
        do throws(CatalogFile.Failure) {
            return try CatalogFile.merged(with: Array(data))
        } catch {
            for problem in error.problems {
                let place = "\(problem.position.line):\(problem.position.column)"
                Console.error("\(SafeText.escaped(path)):\(place): \(problem.message)")
            }
            throw Stop(.refused, "the catalog \(SafeText.quoted(path)) was refused; nothing was submitted")
        }
    }
}

/// Options for reading manifests.
struct ManifestOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Manifest format (default: by file extension): jsonl, json, yaml, csv or tsv.",
            valueName: "format"))
    var format: ManifestFormat?
    @Option(
        help: ArgumentHelp(
            "Map a CSV column to a field, such as Length=duration_seconds or Client=tags.client; Notes= ignores the "
                + "column. Repeatable.",
            valueName: "column=field"))
    var map: [ColumnArgument] = []
    @Flag(help: "Treat manifest warnings as errors.")
    var strict = false
    @Flag(help: "Show every problem in a manifest (default: the first 20, with duplicates grouped).")
    var allProblems = false
    @OptionGroup var models: CatalogOptions

    func catalog() throws -> ModelCatalog { try models.read() }

    var form: ManifestForm {
        ManifestForm(
            format: format, columns: ColumnNames(map.map(\.pair)), isStrict: strict, showsAllProblems: allProblems)
    }
}

/// How manifests are read and how their problems are reported.
struct ManifestForm: Hashable, Sendable {
    /// nil: by the extension of each path.
    var format: ManifestFormat?
    var columns = ColumnNames.none
    /// Warnings are errors.
    var isStrict = false
    /// false: the first 20, with duplicates grouped.
    var showsAllProblems = false
}

/// `Length=duration_seconds`
struct ColumnArgument: ExpressibleByArgument, Hashable, Sendable, CustomStringConvertible {
    let pair: ColumnNames.Pair
    var description: String { "\(pair.head)=\(pair.field)" }

    init?(argument: String) {
        guard let sign = argument.lastIndex(of: "="), sign > argument.startIndex else { return nil }
        pair = ColumnNames.Pair(
            head: String(argument[..<sign]), field: String(argument[argument.index(after: sign)...]))
    }
}

extension ManifestFormat: ExpressibleByArgument {
    /// `jsonl`, `json`, `yaml`, `csv`, `tsv`.
    public init?(argument: String) { self.init(name: argument) }
}

/// Reads and checks manifests for commands, and reports all problems.
enum ManifestLoading {
    /// The path that means standard input.
    private static let standardInput = "-"

    /// Checks manifests of any length; all are refused if any has a problem. `-` is standard input.
    ///
    /// - Parameters:
    ///   - batchName: replaces the name of the only manifest (`--batch`).
    ///   - json: print problems as JSON objects on standard output, one per line.
    /// - Throws: ``Stop`` with 65, after printing the problems.
    static func check(
        _ paths: [String], batchName: String?, form: ManifestForm, catalog: ModelCatalog, json: Bool
    ) throws -> [ValidatedManifest] {
        if let batchName, batchName.allSatisfy(\.isWhitespace) {
            throw Stop(.usage, "--batch requires a batch name")
        }
        if batchName != nil, paths.count > 1 {
            throw Stop(.usage, "--batch can be used with only one manifest, not \(paths.count); run them one at a time")
        }
        if paths.count(where: { $0 == standardInput }) > 1 {
            throw Stop(.usage, "standard input can be used for only one manifest")
        }
        let reader = ManifestReader(
            catalog: catalog,
            today: Composition.Calendar.day(of: Composition.timers().now), columns: form.columns)
        var checked: [ValidatedManifest] = []
        var problems: [ManifestDiagnostic] = []
        for path in paths {
            do throws(ManifestError) {
                let source = path == standardInput ? try ManifestSource.standardInput() : try .file(path)
                checked.append(try reader.check(source, format: form.format, batchName: batchName))
            } catch {
                problems += error.problems
            }
        }
        guard problems.isEmpty else { throw refuse(problems, form, json: json) }
        if form.isStrict {
            let warnings = checked.flatMap(\.warnings)
            guard warnings.isEmpty else { throw refuse(warnings, form, json: json, kind: "warning") }
        }
        let names = Set(checked.map { ByteKey($0.batchName) })
        guard names.count == checked.count else {
            throw Stop(
                .refused,
                "two of these manifests have the same batch name; give each a different name with a `batch:` line")
        }
        return checked
    }

    // MARK: Problems

    /// Prints the problems.
    ///
    /// - Parameter kind: `problem`, or `warning` if warnings are refused.
    /// - Returns: the error to throw, with 65.
    static func refuse(
        _ problems: [ManifestDiagnostic], _ form: ManifestForm = ManifestForm(), json: Bool, kind: String = "problem"
    ) -> Stop {
        var shown = problems.count
        if json {
            for problem in problems { Console.out(DiagnosticOutput.json(problem, kind: kind)) }
            Console.out(DiagnosticOutput.jsonEnd(count: problems.count))
        } else {
            shown = show(problems, all: form.showsAllProblems) { Console.error($0) }
        }
        let more = shown < problems.count ? ", of which \(shown) are shown; use --all-problems to show all" : ""
        let strict = kind == "warning" ? ", which --strict treats as errors" : ""
        return Stop(
            .refused,
            "\(problems.count) \(kind)\(problems.count == 1 ? "" : "s") in the manifest\(strict)\(more); nothing was submitted"
        )
    }

    /// Prints the warnings of accepted manifests.
    ///
    /// - Parameter json: print all of them as JSON objects on standard output, one per line.
    static func warn(_ manifests: [ValidatedManifest], _ form: ManifestForm = ManifestForm(), json: Bool = false) {
        let warnings = manifests.flatMap(\.warnings)
        if json {
            for warning in warnings { Console.out(DiagnosticOutput.json(warning, kind: "warning")) }
            return
        }
        let shown = show(warnings, all: form.showsAllProblems) { Console.error("warning: " + $0) }
        guard shown < warnings.count else { return }
        Console.error("warning: \(warnings.count - shown) more warnings; use --all-problems to show all")
    }

    /// Prints all problems, or the first groups of equal problems, each with its count.
    ///
    /// - Returns: the number of problems printed or counted in a group.
    static func show(_ problems: [ManifestDiagnostic], all: Bool, to print: (String) -> Void) -> Int {
        if all {
            for problem in problems { print(DiagnosticOutput.text(problem)) }
            return problems.count
        }
        let groups = DiagnosticOutput.folded(problems).prefix(maximumShown)
        for group in groups { print(DiagnosticOutput.text(group.first, more: group.count - 1)) }
        return groups.reduce(0) { $0 + $1.count }
    }

    /// Groups printed without `--all-problems`.
    private static let maximumShown = 20
}

/// Manifest problems as text and as JSON.
enum DiagnosticOutput {
    /// Groups problems that differ only in their position, in order of first occurrence.
    static func folded(_ problems: [ManifestDiagnostic]) -> [(first: ManifestDiagnostic, count: Int)] {
        var groups: [(first: ManifestDiagnostic, count: Int)] = []
        var places: [[ByteKey]: Int] = [:]
        for problem in problems {
            let key = [problem.file, problem.field, problem.message, problem.fix].map { ByteKey($0) }
            if let place = places[key] {
                groups[place].count += 1
            } else {
                places[key] = groups.count
                groups.append((problem, 1))
            }
        }
        return groups
    }

    /// The problem, and its line with a caret under the position.
    ///
    /// - Parameter more: the number of equal problems at other positions.
    static func text(_ problem: ManifestDiagnostic, more: Int = 0) -> String {
        let words = problem.description + (more > 0 ? " (and \(more) more \(place(problem.file, more)))" : "")
        guard let excerpt = problem.excerpt else { return words }
        let number = String(problem.line)
        let margin = String(repeating: " ", count: number.count)
        return """
            \(words)
              \(number) | \(excerpt.text)
              \(margin) | \(String(repeating: " ", count: excerpt.caret))^
            """
    }

    private static func place(_ file: String, _ count: Int) -> String {
        let word =
            switch ManifestFormat(path: file) {
            case .csv, .tsv: "row"
            case .jsonl: "line"
            case .json, .yaml, nil: "place"
            }
        return count == 1 ? word : word + "s"
    }

    static func json(_ problem: ManifestDiagnostic, kind: String) -> String {
        let members: JSONObject = [
            "type": kind, "file": problem.file, "line": problem.line, "column": problem.column, "field": problem.field,
            "what": problem.message, "todo": problem.fix,
        ]
        guard let excerpt = problem.excerpt else { return members.text }
        return (members + ["excerpt": ["text": excerpt.text, "caret": excerpt.caret] as JSONObject]).text
    }

    static func jsonEnd(count: Int) -> String {
        (["type": "refused", "problems": count, "shown": count, "exit_code": ExitCode.refused] as JSONObject).text
    }
}

extension ValidatedManifest {
    /// The path stored for a manifest: absolute, or `<stdin>`.
    var absolutePath: String {
        path == ManifestSource.standardInputName ? path : URL(fileURLWithPath: path).standardizedFileURL.path
    }
}
