import ArgumentParser
import DailiesCore
import DailiesManifest
import DailiesStore
import ExactJSON

struct PromoteCommand: PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "Write a manifest of finals from chosen drafts: the same prompts and seeds on another model.",
        discussion: """
            Draft with a cheap model, choose, and render the chosen ones well. The manifest goes to standard output, as \
            JSONL under a batch name of its own, and is checked first against the limits of the new model: what does not \
            fit is named, and nothing is written (65). A field that only the draft's model knows is not dropped in silence; \
            it is one of those problems.

            Examples:
              dailies promote cook/repeat=1 cook/repeat=3 --model seedance-2.0-pro --resolution 1080p > finals.jsonl
              dailies promote --batch night-market --tag pick=yes --model seedance-2.0-pro --duration-seconds 8 > finals.jsonl
              dailies run finals.jsonl
            """)

    @OptionGroup var selection: TaskSelection
    @Option(help: ArgumentHelp("The model of the finals.", valueName: "model"))
    var model: String
    @Option(help: ArgumentHelp("Their resolution (default: the drafts').", valueName: "resolution"))
    var resolution: String?
    @Option(help: ArgumentHelp("Their duration (default: the drafts').", valueName: "seconds"))
    var durationSeconds: Int?
    @Option(name: .customLong("as"), help: ArgumentHelp("Their batch (default: BATCH-finals).", valueName: "name"))
    var finals: String?
    @Option(
        help: ArgumentHelp("The models that the manifest will be read with, as for `run`.", valueName: "file"))
    var catalog: String?
    @OptionGroup var store: StoreOptions

    mutating func validate() throws {
        guard selection.isGiven else { throw ValidationError("say which drafts: by key, --state, --tag or --batch") }
    }

    func run() throws {
        let catalogue = try CatalogueOptions.catalogue(catalog)
        let reader = try store.openForReading()
        let lines = try lines(of: reader, ManifestWriter(catalogue: catalogue))
        try reader.close()
        let text = lines.joined(separator: "\n") + "\n"
        let checker = ManifestReader(
            catalogue: catalogue, today: Composition.Calendar.day(of: Composition.timers().now))
        do {
            let checked = try checker.check(.bytes(Array(text.utf8), path: "finals.jsonl"))
            ManifestLoading.warn([checked], ManifestForm(showsAllProblems: true))
        } catch {
            let shown = ManifestLoading.show(error.problems, all: false) { Console.error($0) }
            if shown < error.problems.count { Console.error("and \(error.problems.count - shown) more") }
            throw Stop(.refused, "these drafts do not fit \(SafeText.quoted(model)) so; nothing was written")
        }
        Console.out(text, lineEnd: "")
    }

    /// The manifest: its first line, and one for each draft.
    private func lines(of store: Store, _ line: ManifestWriter) throws -> [String] {
        var pages = try selection.pages(of: store, states: [.completed])
        var lines: [String] = []
        var batch: String?
        let areNamed = pages.areNamed
        while let page = try pages.next() {
            let unfit = page.filter { $0.state != .completed }
            guard unfit.isEmpty || !areNamed else {
                let words = unfit.map { "\($0.shownName): it is \(TaskDescription.standing($0))" }
                throw Stop(
                    .refused,
                    words.joined(separator: "\ndailies: ")
                        + "\ndailies: only a completed draft can be promoted; nothing was written")
            }
            for row in page where row.state == .completed {
                if let batch, !batch.utf8.elementsEqual(row.batchName.utf8) {
                    throw Stop(
                        .usage, "these drafts are of several batches, which may use the same ids; choose with --batch")
                }
                batch = row.batchName
                lines.append(line.task(row, change))
            }
        }
        guard let batch else {
            throw Stop(.usage, "no draft is completed that fits; see `dailies export --format csv`")
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
