import ArgumentParser
import DailiesCore
import DailiesStore

struct ExportCommand: PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write tasks and their results as JSON, JSONL, CSV, or as the next manifest.",
        discussion: """
            One row for each task: key, state, model, prompt, tags, exact credits over all its attempts, task id, clip, \
            failure. What is unknown is null in JSON and empty in CSV, never 0. `output_state` says whether the clip is \
            where `output_path` says (present), missing or changed (of another length). Reads the store in pages, also while \
            a run goes on.

            CSV holds every text as it is, line ends too, in quotes. Only where a text begins like a formula, after any \
            blanks and apostrophes, one apostrophe stands before it: take one away to have the text again. On a terminal \
            control characters are shown as \\u{…}.

            `manifest` writes JSONL that `run` reads again, with the same ids and requests: of all tasks of a batch, or \
            of those you choose. Run it under a name of its own (--batch) to render them again.

            Examples:
              dailies export --format csv > results.csv
              dailies export --state completed --tag client=acme --format jsonl | jq -r .output_path
              dailies export --batch misty-forest --state failed --format manifest > again.jsonl
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case json
        case jsonl
        case csv
        case manifest
    }

    @OptionGroup var selection: TaskSelection
    @Option(help: "How to write it.")
    var format = Format.json
    @Flag(help: "The same as --format json.")
    var json = false
    @Option(
        help: ArgumentHelp(
            "For --format manifest: the models that it will be read with, as for `run`.", valueName: "file"))
    var catalog: String?
    @OptionGroup var store: StoreOptions

    func run() throws {
        let reader = try store.openForReading()
        var pages = try selection.pages(of: reader)
        var clips = ClipLookup(store: reader.path)
        switch json ? .json : format {
        case .json: try writeArray(&pages, &clips)
        case .jsonl: try write(&pages) { ExportRow.json($0, clips.find($0)) }
        case .csv:
            let batch = try TaskLookup.batch(selection.batch, in: reader)
            let tagNames = try reader.tagNames(batch.map { [$0.id] })
            Console.out(ExportRow.csvHeader(tagNames), lineEnd: "\r\n")
            try write(&pages, lineEnd: "\r\n") { ExportRow.csv($0, clips.find($0), tagNames: tagNames) }
        case .manifest:
            let line = ManifestWriter(catalogue: try CatalogueOptions.catalogue(catalog))
            Console.out(line.header(batch: try onlyBatch(of: reader).name))
            try write(&pages) { line.task($0) }
        }
        try reader.close()
        clips.warn(SuggestedCommand(store: store))
    }

    private func write(_ pages: inout TaskPages, lineEnd: String = "\n", _ line: (TaskRow) -> String) throws {
        while let page = try pages.next() {
            Console.out(page.map(line).joined(separator: lineEnd), lineEnd: lineEnd)
        }
    }

    /// An array with one row a line.
    private func writeArray(_ pages: inout TaskPages, _ clips: inout ClipLookup) throws {
        var lead = "[\n"
        while let page = try pages.next() {
            Console.out(lead + page.map { ExportRow.json($0, clips.find($0)) }.joined(separator: ",\n"), lineEnd: "")
            lead = ",\n"
        }
        Console.out(lead == "[\n" ? "[]" : "\n]")
    }

    /// A manifest is of one batch: two may use the same ids.
    private func onlyBatch(of store: Store) throws -> StoredBatch {
        if let batch = try TaskLookup.batch(selection.batch, in: store) { return batch }
        let batches = try store.batches()
        guard let only = batches.first else { throw Stop(.usage, "the store is empty; there is nothing to export") }
        guard batches.count == 1 else {
            let names = batches.prefix(10).map { SafeText.quoted($0.name) }.joined(separator: ", ")
            throw Stop(
                .usage,
                "a manifest is of one batch, and the store has \(batches.count): \(names); say which with --batch NAME")
        }
        return only
    }
}
