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
    @Option(help: ArgumentHelp("The file to write. It is replaced where it exists.", valueName: "file"))
    var out = "sheet.html"
    @Option(
        help: ArgumentHelp("The models that a saved manifest will be read with, as for `run`.", valueName: "file"))
    var catalog: String?
    @OptionGroup var store: StoreOptions

    func run() throws {
        let reader = try store.openForReading()
        let target = URL(fileURLWithPath: out).standardizedFileURL
        let folder = target.deletingLastPathComponent().resolvingSymlinksInPath()
        let page = SheetPage(
            store: reader.path, folder: folder.path,
            manifest: ManifestLine(catalogue: try CatalogueOptions.catalogue(catalog)))
        var pages = try selection.pages(of: reader, states: [.completed])
        let count = try write(page, &pages, to: target)
        try reader.close()
        let clips = count == 1 ? "1 task" : "\(count) tasks"
        Console.error("\(clips) on \(SafeText.escaped(target.path)); open it in a browser")
    }

    /// Writes beside the target and moves it there when it is whole.
    ///
    /// - Returns: how many tasks are on it.
    private func write(_ page: SheetPage, _ pages: inout TaskPages, to target: URL) throws -> Int {
        let part = target.appendingPathExtension("part")
        do {
            try Data().write(to: part)
            let file = try FileHandle(forWritingTo: part)
            defer {
                // Whatever went wrong has been thrown by the write itself.
                try? file.close()
            }
            try file.write(contentsOf: Data(page.head.utf8))
            var count = 0
            while let rows = try pages.next() {
                let lines = rows.map(page.task).joined(separator: ",\n")
                try file.write(contentsOf: Data(((count == 0 ? "\n" : ",\n") + lines).utf8))
                count += rows.count
            }
            try file.write(contentsOf: Data(page.tail.utf8))
            guard rename(part.path, target.path) == 0 else { throw CocoaError(.fileWriteUnknown) }
            return count
        } catch let error as CocoaError {
            throw Stop(.unexpected, "cannot write \(SafeText.escaped(target.path)): \(error.localizedDescription)")
        }
    }
}
