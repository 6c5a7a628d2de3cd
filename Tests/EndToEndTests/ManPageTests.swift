import Foundation
import Testing

/// `dailies help --man`, formatted as by man(1).
struct ManPageTests {
    /// Formatters that warn about errors in a page, the strictest first.
    private static let formatters: [(path: String, arguments: [String])] = [
        ("/usr/bin/mandoc", ["-T", "utf8", "-W", "warning"]), ("/usr/bin/groff", ["-man", "-k", "-Tutf8", "-ww"]),
    ]
    private static let formatter = formatters.first { FileManager.default.isExecutableFile(atPath: $0.path) }

    private func written() async throws -> Scene {
        let scene = try await Scene()
        let outcome = try await scene.dailies("help", "--man", "share/man")
        #expect(outcome.code == 0 && outcome.out == "")
        let count = try FileManager.default.subpathsOfDirectory(atPath: scene.folder + "/share/man").count {
            $0.hasSuffix(".1") || $0.hasSuffix(".7")
        }
        #expect(outcome.err == "wrote \(count) man pages to {FOLDER}/share/man; see `man dailies`\n")
        return scene
    }

    @Test func `the man pages match the golden files`() async throws {
        let scene = try await written()
        try Golden.expect(try scene.read("share/man/man1/dailies.1"), "man-dailies")
        try Golden.expect(try scene.read("share/man/man1/dailies-pause.1"), "man-pause")
        try Golden.expect(try scene.read("share/man/man7/dailies-money.7"), "man-money")
    }

    @Test(.enabled(if: formatter != nil, "neither mandoc nor groff is on this machine"))
    func `every man page is formatted without a warning and lists the options of --help`() async throws {
        let formatter = try #require(Self.formatter)
        let scene = try await written()
        let folder = scene.folder + "/share/man"
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder).sorted() where name.contains(".") {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: formatter.path)
            process.arguments = formatter.arguments + [folder + "/" + name]
            process.environment = ["PATH": "/usr/bin:/bin", "GROFF_NO_SGR": "1"]
            #expect(try scene.read("share/man/" + name).utf8.allSatisfy { $0 < 0x80 }, "\(name) is not ASCII")
            try await Program.run(process, out: scene.folder + "/page.out", err: scene.folder + "/page.err")
            let complaints = try scene.read("page.err")
            #expect(process.terminationStatus == 0 && complaints == "", "\(name): \(complaints)")
            // Without colors, bold and underlined characters are overstruck.
            let shown = try scene.read("page.out").replacing(#/.\u{8}/#, with: "")
            guard let command = name.wholeMatch(of: #/man1\/dailies-(\w+)\.1/#)?.1 else { continue }
            let help = try await scene.dailies(String(command), "--help").out
            for option in Set(help.matches(of: #/\n +(?:-\w, )?(--[a-z0-9-]+)/#).map { String($0.1) }) {
                #expect(shown.contains(option), "\(name) does not name \(option)")
            }
        }
    }

    @Test func `--man refuses an unwritable folder and a topic`() async throws {
        let scene = try await Scene()
        try scene.write("", to: "file")
        let outcome = try await scene.dailies("help", "--man", "file/man")
        #expect(outcome.code == 1 && outcome.err.hasPrefix("dailies: cannot write man pages to {FOLDER}/file/man: "))
        let both = try await scene.dailies("help", "run", "--man", "man")
        #expect(both.code == 64 && both.err.contains("--man writes all pages; use it without a topic"))
    }
}
