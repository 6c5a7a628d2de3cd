import ArgumentParser
import DailiesCore
import DailiesStore

struct ExportCommand: PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Export tasks and results as JSON, JSONL, CSV or a manifest.",
        discussion: """
            Writes one row per task: key, state, model, prompt, tags, exact credits over all attempts, task id, clip, \
            failure. Unknown values are null in JSON and empty in CSV, never 0. `output_state` is `present` if the \
            clip is at `output_path`, `missing`, or `changed` (different length). Reads the store in pages; safe \
            during a run.

            CSV keeps all text unchanged, including line breaks, in quotes. If a text starts like a formula, after any \
            spaces and apostrophes, one apostrophe is added before it; remove that apostrophe to get the text back. On \
            a terminal, control characters are shown as \\u{…}.

            `manifest` writes a JSONL manifest with the same ids and requests, for all tasks of a batch or for the \
            selected ones. Run it under a different batch name (--batch) to render them again.

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
    @Option(help: "The output format.")
    var format = Format.json
    @Flag(help: "Same as --format json.")
    var json = false
    @Option(
        help: ArgumentHelp(
            "For --format manifest: additional or replacement models, as for `run`.", valueName: "file"))
    var catalog: String?
    @OptionGroup var store: StoreOptions

    func run() throws {
        let reader = try store.openForReading()
        var pages = try selection.pages(of: reader)
        var clips = ClipLookup(store: reader.path)
        switch json ? .json : format {
        case .json: try writeArray(&pages, &clips)
        case .jsonl: try write(&pages) { ExportRow.json($0, clips.find($0)).text }
        case .csv:
            let batch = try TaskLookup.batch(selection.batch, in: reader)
            let tagNames = try reader.tagNames(batch.map { [$0.id] })
            Console.out(ExportRow.csvHeader(tagNames), lineEnd: "\r\n")
            try write(&pages, lineEnd: "\r\n") { ExportRow.csv($0, clips.find($0), tagNames: tagNames) }
        case .manifest:
            let line = ManifestWriter(catalog: try CatalogOptions.read(catalog))
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

    /// A JSON array with one row per line.
    private func writeArray(_ pages: inout TaskPages, _ clips: inout ClipLookup) throws {
        var lead = "[\n"
        while let page = try pages.next() {
            Console.out(
                lead + page.map { ExportRow.json($0, clips.find($0)).text }.joined(separator: ",\n"), lineEnd: "")
            lead = ",\n"
        }
        Console.out(lead == "[\n" ? "[]" : "\n]")
    }

    /// A manifest has one batch, because two batches may use the same ids.
    private func onlyBatch(of store: Store) throws -> StoredBatch {
        if let batch = try TaskLookup.batch(selection.batch, in: store) { return batch }
        let batches = try store.batches()
        guard let only = batches.first else { throw Stop(.usage, "nothing to export: the store is empty") }
        guard batches.count == 1 else {
            let names = batches.prefix(10).map { SafeText.quoted($0.name) }.joined(separator: ", ")
            throw Stop(
                .usage,
                "a manifest has one batch, but the store has \(batches.count): \(names); select one with --batch NAME")
        }
        return only
    }
}
