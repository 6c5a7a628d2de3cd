import ArgumentParser
import DailiesCore
import DailiesManifest
import DailiesStore
import ExactJSON

struct PromoteCommand: PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "Create a manifest of final renders from selected drafts.",
        discussion: """
            Render drafts with a cheap model, select the good ones, and render those with a better model. The finals \
            have the same prompts and seeds. The manifest is written to standard output as JSONL, with a separate \
            batch name. It is first checked against the limits of the new model. If there are problems, they are \
            listed, nothing is written, and the exit code is 65. Fields that the new model does not support are \
            reported as problems, not dropped.

            Examples:
              dailies promote cook/repeat=1 cook/repeat=3 --model seedance-2.0-pro --resolution 1080p > finals.jsonl
              dailies promote --batch night-market --tag pick=yes --model seedance-2.0-pro --duration-seconds 8 > finals.jsonl
              dailies run finals.jsonl
            """)

    @OptionGroup var selection: TaskSelection
    @Option(help: ArgumentHelp("The model of the finals.", valueName: "model"))
    var model: String
    @Option(help: ArgumentHelp("The resolution of the finals (default: as in the draft).", valueName: "resolution"))
    var resolution: String?
    @Option(help: ArgumentHelp("The duration of the finals (default: as in the draft).", valueName: "seconds"))
    var durationSeconds: Int?
    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("The batch of the finals (default: BATCH-finals).", valueName: "name"))
    var finals: String?
    @Option(
        help: ArgumentHelp("Additional or replacement models, as for `run`.", valueName: "file"))
    var catalog: String?
    @OptionGroup var store: StoreOptions

    mutating func validate() throws {
        guard selection.isGiven else { throw ValidationError("select drafts by key, --state, --tag or --batch") }
    }

    func run() throws {
        let catalog = try CatalogOptions.read(catalog)
        let reader = try store.openForReading()
        let lines = try lines(of: reader, ManifestWriter(catalog: catalog))
        try reader.close()
        let text = lines.joined(separator: "\n") + "\n"
        let checker = ManifestReader(
            catalog: catalog, today: Composition.Calendar.day(of: Composition.timers().now))
        do {
            let checked = try checker.check(.bytes(Array(text.utf8), path: "finals.jsonl"))
            ManifestLoading.warn([checked], ManifestForm(showsAllProblems: true))
        } catch {
            let shown = ManifestLoading.show(error.problems, all: false) { Console.error($0) }
            if shown < error.problems.count { Console.error("and \(error.problems.count - shown) more") }
            throw Stop(.refused, "these drafts are not valid for \(SafeText.quoted(model)); nothing was written")
        }
        Console.out(text, lineEnd: "")
    }

    /// The header line and one line per draft.
    private func lines(of store: Store, _ line: ManifestWriter) throws -> [String] {
        var pages = try selection.pages(of: store, states: [.completed])
        var lines: [String] = []
        var batch: String?
        let areNamed = pages.areNamed
        while let page = try pages.next() {
            let incomplete = page.filter { $0.state != .completed }
            guard incomplete.isEmpty || !areNamed else {
                let lines = incomplete.map { "\($0.shownName): it is \(TaskDescription.state(of: $0))" }
                throw Stop(
                    .refused,
                    lines.joined(separator: "\ndailies: ")
                        + "\ndailies: only completed drafts can be promoted; nothing was written")
            }
            for row in page where row.state == .completed {
                if let batch, !batch.utf8.elementsEqual(row.batchName.utf8) {
                    throw Stop(
                        .usage,
                        "these drafts belong to several batches, which may use the same ids; select one with --batch")
                }
                batch = row.batchName
                lines.append(line.task(row, change))
            }
        }
        guard let batch else {
            throw Stop(.usage, "no matching completed drafts; see `dailies export --format csv`")
        }
        return [line.header(batch: finals ?? batch + "-finals")] + lines
    }

    private var change: ManifestWriter.Change {
        var change = ManifestWriter.Change()
        change.replaced.append(("model", JSONValue(kind: .string(model))))
        if let resolution { change.replaced.append(("resolution", JSONValue(kind: .string(resolution)))) }
        if let durationSeconds {
            change.replaced.append(("duration_seconds", JSONValue(kind: .number("\(durationSeconds)"))))
        }
        return change
    }
}
