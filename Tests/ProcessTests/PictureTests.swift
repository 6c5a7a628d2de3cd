import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// The pictures in the README: the live view and the summary of a real run, from a pseudo-terminal.
    ///
    ///     DAILIES_PICTURES=write swift test --filter PictureTests      redraws them; review the result
    struct PictureTests {
        private static let isWriting = ProcessInfo.processInfo.environment["DAILIES_PICTURES"] == "write"
        private static let folder = TestEnvironment.repository + "/.pictures"
        private static let columns = 88
        /// Four pictures of this size are small enough for a repository.
        private static let maximumBytes = 20_000

        private static func draw(_ name: String, _ screen: Screen, after command: String) throws {
            for theme in ScreenPicture.Theme.allCases {
                try ScreenPicture(screen, after: command).svg(theme, columns: columns)
                    .write(toFile: "\(folder)/\(name)-\(theme.rawValue).svg", atomically: true, encoding: .utf8)
            }
        }

        /// A realistic campaign: drafts of eight shots and finals of two.
        private func manifest(_ test: TestEnvironment) throws {
            let shots = ["arcade", "cook", "crowd", "lanterns", "noodles", "rain", "stall", "umbrellas"]
            let drafts = shots.flatMap { shot in
                (1...3).map { take in
                    #"{"id": "\#(shot)/take-\#(take)", "model": "seedance-fast", "prompt": "\#(shot)", "seed": \#(take), "#
                        + #""duration_seconds": \#(3 + take % 3)}"#
                }
            }
            let finals = ["cook", "lanterns"].map { shot in
                #"{"id": "\#(shot)/final", "model": "seedance-2.0-pro", "prompt": "\#(shot)", "duration_seconds": 10, "#
                    + #""priority": 1}"#
            }
            try test.write("night-market.jsonl", (drafts + finals).joined(separator: "\n") + "\n")
        }

        @Test(.enabled(if: isWriting, "DAILIES_PICTURES=write draws them"))
        func `the pictures are drawn from a real run`() throws {
            let test = try TestEnvironment()
            let simulator = try Simulator(test, speed: 4, ["--seed", "7", "--fault", "failRender=0.15"])
            try simulator.control(#"{"account_concurrency": 7}"#)
            let command = "dailies run night-market.jsonl --concurrency 8 --budget 20"
            try manifest(test)
            // Relative to the folder, so that no path of this machine is shown.
            let words =
                command.split(separator: " ").dropFirst().map(String.init) + [
                    "--provider", "simulator", "--base-url", simulator.url, "--speed", "\(simulator.speed)",
                ]
            let terminal = try Terminal(
                words, width: Self.columns, height: 24,
                environment: ["TERM": "xterm-256color", "HOME": test.folder, "SWIFT_BACKTRACE": "enable=no"],
                folder: test.folder)
            let view = try terminal.wait(for: "a moment worth a picture") { screen in
                let text = screen.lines.joined(separator: "\n")
                return ["done in", "clips/min", "✗ ", "◷ ", "running", "queued"].allSatisfy { text.contains($0) }
            }
            try Self.draw("run", view, after: command)
            #expect(try terminal.ended() == 3)
            try Self.draw("end", terminal.shown, after: command)
        }

        @Test func `the pictures exist in light and dark, and are small and self-contained`() throws {
            let readme = try String(contentsOfFile: TestEnvironment.repository + "/README.md", encoding: .utf8)
            let names = ["run", "end"].flatMap { name in
                ScreenPicture.Theme.allCases.map { ".pictures/\(name)-\($0.rawValue).svg" }
            }
            for name in names {
                #expect(readme.contains(name), "\(name) is not in the README")
                let data = try #require(FileManager.default.contents(atPath: TestEnvironment.repository + "/" + name))
                #expect(data.count < Self.maximumBytes)
                let text = String(decoding: data, as: UTF8.self)
                #expect(text.hasPrefix("<svg ") && text.hasSuffix("</svg>\n"), "\(name) is cut")
                #expect(!text.contains("href") && !text.contains("<script"), "\(name) asks for something else")
                #expect(
                    !text.contains("/dailies-process") && !text.contains("127.0.0.1:"),
                    "\(name) shows whose machine it was")
            }
        }
    }
}
