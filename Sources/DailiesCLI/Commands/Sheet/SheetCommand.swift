import ArgumentParser
import DailiesCore
import DailiesStore
import Foundation

struct SheetCommand: PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "sheet",
        abstract: "Write a contact sheet: a page on which every clip plays, to keep, reject or redo.",
        discussion: """
            One file that opens in any browser, offline, with the clips beside it. Search it, filter it by tag, model or \
            state, mark clips (K keep, X reject, R redo), and save what is marked as the next manifest: keeps as they are, \
            redos without their seed, so that another take comes out. Marks stay in the browser.

            Shows what is saved, unless --state says otherwise.

            Examples:
              dailies sheet
              dailies sheet --batch misty-forest --tag client=acme --out review.html
              dailies sheet --state completed,failed
            """)

    @OptionGroup var selection: TaskSelection
    @Option(
        help: ArgumentHelp("The file to write. A sheet that is there is replaced, nothing else.", valueName: "file"))
    var out = "sheet.html"
    @Option(
        help: ArgumentHelp("The models that a saved manifest will be read with, as for `run`.", valueName: "file"))
    var catalog: String?
    @OptionGroup var store: StoreOptions

    func run() throws {
        let reader = try store.openForReading()
        let target = URL(fileURLWithPath: out).standardizedFileURL
        let file = try OutputFile(out, .sheet, besideStore: store.path)
        let page = SheetPage(
            store: reader.path, folder: target.deletingLastPathComponent().resolvingSymlinksInPath().path,
            manifest: ManifestWriter(catalogue: try CatalogueOptions.catalogue(catalog)))
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
        Console.error("\(tasks) on \(SafeText.escaped(target.path)); open it in a browser")
    }
}
