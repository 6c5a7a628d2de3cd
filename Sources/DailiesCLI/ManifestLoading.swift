import ArgumentParser
import DailiesCore
import DailiesManifest
import DailiesProvider
import DailiesRunner
import ExactJSON
import Foundation

/// Which models are known.
struct CatalogueOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Models beside or in place of those known here: JSON in the shape of models.json.", valueName: "file"))
    var catalog: String?

    /// The catalogue with the user's own models.
    ///
    /// - Throws: ``Stop`` with 65, after every problem was printed.
    func catalogue() throws -> ModelCatalogue { try Self.catalogue(catalog) }

    static func catalogue(_ path: String?) throws -> ModelCatalogue {
        guard let path else { return Composition.catalogue }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Stop(.refused, "cannot read the catalogue \(SafeText.quoted(path)): no such file, or not readable")
        }
        do throws(CatalogueFile.Failure) {
            return try CatalogueFile.merged(with: Array(data))
        } catch {
            for problem in error.problems {
                let place = "\(problem.position.line):\(problem.position.column)"
                Console.error("\(SafeText.escaped(path)):\(place): \(problem.message)")
            }
            throw Stop(.refused, "the catalogue \(SafeText.quoted(path)) is refused; nothing was submitted")
        }
    }
}

/// How manifests are read.
struct ManifestOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The manifests' format, where the ending of the name does not tell it: jsonl, json, yaml, csv or tsv.",
            valueName: "format"))
    var format: ManifestFormat?
    @OptionGroup var models: CatalogueOptions

    func catalogue() throws -> ModelCatalogue { try models.catalogue() }
}

extension ManifestFormat: ExpressibleByArgument {
    /// `jsonl`, `json`, `yaml`, `csv`, `tsv`.
    public init?(argument: String) { self.init(name: argument) }
}

/// Manifests as the commands take them: read, checked, and refused with everything that is wrong with them.
enum ManifestLoading {
    /// Problems printed; the rest is counted.
    private static let mostPrinted = 100
    /// Stands for standard input.
    private static let standardInput = "-"

    /// Checks manifests of any length; none is taken if any is wrong. `-` is standard input.
    ///
    /// - Parameters:
    ///   - batchName: replaces the name of the only manifest (`--batch`).
    ///   - format: nil: by the ending of each path.
    ///   - json: problems become JSON objects on standard output, one a line.
    /// - Throws: ``Stop`` with 65, after the problems were printed.
    static func check(
        _ paths: [String], batchName: String?, format: ManifestFormat?, catalogue: ModelCatalogue, json: Bool
    ) throws -> [CheckedManifest] {
        if let batchName, batchName.allSatisfy(\.isWhitespace) {
            throw Stop(.usage, "--batch needs a name for the batch")
        }
        if batchName != nil, paths.count > 1 {
            throw Stop(.usage, "--batch names one batch, and \(paths.count) manifests are given; run them one by one")
        }
        if paths.count(where: { $0 == standardInput }) > 1 {
            throw Stop(.usage, "standard input can be read as one manifest only")
        }
        let reader = ManifestReader(
            catalogue: catalogue,
            today: Composition.Calendar.day(of: Composition.timers().now))
        var checked: [CheckedManifest] = []
        var problems: [ManifestProblem] = []
        for path in paths {
            do throws(ManifestFailure) {
                let source = path == standardInput ? try ManifestSource.standardInput() : try .file(path)
                checked.append(try reader.check(source, format: format, batchName: batchName))
            } catch {
                problems += error.problems
            }
        }
        guard problems.isEmpty else { throw refuse(problems, json: json) }
        let names = Set(checked.map { ExactName($0.batchName) })
        guard names.count == checked.count else {
            throw Stop(
                .refused, "two of these manifests have the same batch name; give each its own with a `batch:` line")
        }
        return checked
    }

    /// What need not stop a run.
    static func warn(_ manifests: [CheckedManifest]) {
        let warnings = manifests.flatMap(\.warnings)
        for warning in warnings.prefix(mostPrinted) { Console.error("warning: \(warning)") }
        if warnings.count > mostPrinted {
            Console.error("warning: and \(warnings.count - mostPrinted) more kinds of warnings")
        }
    }

    // MARK: Problems

    /// Prints them.
    ///
    /// - Returns: the end of the command, with 65.
    static func refuse(_ problems: [ManifestProblem], json: Bool) -> Stop {
        for problem in problems.prefix(mostPrinted) {
            if json { Console.out(ProblemText.json(problem)) } else { Console.error(ProblemText.text(problem)) }
        }
        if json { Console.out(ProblemText.jsonEnd(count: problems.count, shown: min(problems.count, mostPrinted))) }
        let more = problems.count > mostPrinted ? ", of which \(mostPrinted) are shown" : ""
        return Stop(
            .refused,
            "\(problems.count) problem\(problems.count == 1 ? "" : "s") in the manifest\(more); nothing was submitted")
    }
}

/// Problems of manifests for people and for programs.
enum ProblemText {
    /// The problem, and the line it is on with a caret under the place.
    static func text(_ problem: ManifestProblem) -> String {
        guard let excerpt = problem.excerpt else { return problem.description }
        let number = String(problem.line)
        let margin = String(repeating: " ", count: number.count)
        return """
            \(problem.description)
              \(number) | \(excerpt.text)
              \(margin) | \(String(repeating: " ", count: excerpt.caret))^
            """
    }

    static func json(_ problem: ManifestProblem) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("type", "problem")
            writer.member("file", problem.file)
            writer.member("line", problem.line)
            writer.member("column", problem.column)
            writer.member("field", problem.field)
            writer.member("what", problem.what)
            writer.member("todo", problem.todo)
            if let excerpt = problem.excerpt {
                writer.name("excerpt")
                writer.object {
                    $0.member("text", excerpt.text)
                    $0.member("caret", excerpt.caret)
                }
            }
        }
        return writer.text
    }

    static func jsonEnd(count: Int, shown: Int) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("type", "refused")
            writer.member("problems", count)
            writer.member("shown", shown)
            writer.member("exit_code", Int(ExitCode.refused.rawValue))
        }
        return writer.text
    }
}

extension CheckedManifest {
    /// What the store knows a manifest by: its path, or `<stdin>`.
    var absolutePath: String {
        path == ManifestSource.standardInputName ? path : URL(fileURLWithPath: path).standardizedFileURL.path
    }
}
