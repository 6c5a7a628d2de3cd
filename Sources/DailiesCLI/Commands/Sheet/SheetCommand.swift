import ArgumentParser
import DailiesCore
import DailiesStore
import Foundation

struct SheetCommand: PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "sheet",
        abstract: "Create an HTML contact sheet for reviewing clips (keep, reject, redo).",
        discussion: """
            The page works offline in any browser and links to the clips on disk. Search it, filter it by tag, model \
            or state, and mark clips (K keep, X reject, R redo). Save the marked clips as the next manifest: keeps \
            unchanged, redos without their seed to get another take. Marks are stored in the browser.

            Shows completed tasks unless --state is given.

            Examples:
              dailies sheet
              dailies sheet --batch misty-forest --tag client=acme --out review.html
              dailies sheet --state completed,failed
            """)

    @OptionGroup var selection: TaskSelection
    @Option(
        help: ArgumentHelp("The file to write. Replaces an existing sheet, but no other file.", valueName: "file"))
    var out = "sheet.html"
    @Option(
        help: ArgumentHelp(
            "Additional or replacement models for saved manifests, as for `run`.", valueName: "file"))
    var catalog: String?
    @OptionGroup var store: StoreOptions

    func run() throws {
        let reader = try store.openForReading()
        let target = URL(fileURLWithPath: out).standardizedFileURL
        let file = try OutputFile(out, .sheet, besideStore: store.path)
        let page = SheetPage(
            store: reader.path, folder: target.deletingLastPathComponent().resolvingSymlinksInPath().path,
            manifest: ManifestWriter(catalog: try CatalogOptions.read(catalog)))
        var pages = try selection.pages(of: reader, states: [.completed])
        var clips = ClipLookup(store: reader.path)
        let count = try file.write { append in
            try append(page.head)
            var count = 0
            while let rows = try pages.next() {
                let lines = rows.map { page.task($0, clips.find($0)) }.joined(separator: ",\n")
                try append((count == 0 ? "\n" : ",\n") + lines)
                count += rows.count
            }
            try append(page.tail)
            return count
        }
        try reader.close()
        clips.warn(SuggestedCommand(store: store))
        let tasks = count == 1 ? "1 task" : "\(count) tasks"
        Console.error("wrote \(tasks) to \(SafeText.escaped(target.path)); open it in a browser")
    }
}
