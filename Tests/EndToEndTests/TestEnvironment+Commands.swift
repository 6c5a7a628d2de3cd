import ExactJSON
import Foundation
import Testing

@testable import TestSupport

/// Commands as a user types them, with a store in the test's folder.
extension TestEnvironment {
    /// A JSONL manifest of 8 s clips of `sora-2-pro` with the ids `clip-1`, `clip-2` …
    func manifest(_ name: String = "batch.jsonl", clips: Int, more: String = "") throws -> String {
        let lines = (1...clips).map { number in
            """
            {"id": "clip-\(number)", "model": "sora-2-pro", "prompt": "take \(number)", "duration_seconds": 8\(more)}
            """
        }
        return try write(name, lines.joined(separator: "\n") + "\n")
    }

    /// Names of the files and folders in the folder, sorted.
    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }

    /// Rows of a query, as the shell `sqlite3` prints them.
    func rows(_ sql: String) throws -> String { try StoreFile(store).rows(sql).joined(separator: "\n") }

    /// Starts a simulator; its URL.
    func simulator(_ more: [String] = []) throws -> String { try Simulator(self, speed: speed, more).url }

    /// The options that lead to a simulator.
    func options(_ url: String) -> [String] {
        ["--provider", "simulator", "--base-url", url, "--speed", "\(speed)", "--store", store]
    }

    func run(_ manifest: String, at url: String, _ more: [String] = []) throws -> Finished {
        try finish(["run", manifest, "--output", renders] + options(url) + more)
    }

    func plan(_ manifest: String, _ more: [String] = []) throws -> Finished {
        try finish(["plan", manifest, "--store", store] + more)
    }

    /// Changes how the simulator behaves from now on.
    func control(_ url: String, _ order: String) throws { try Simulator.control(Self.port(of: url), order) }

    /// The simulator's bill.
    func bill(_ url: String) throws -> Simulator.Bill { try Simulator.bill(Self.port(of: url)) }

    private static func port(of url: String) throws -> Int {
        try #require(Int(url.split(separator: ":").last ?? ""), "no port in \(url)")
    }

    /// A port that listens and counts, at the end, how many have called.
    static func listen() throws -> (port: Int, callers: () -> Int) {
        let (descriptor, port) = try Socket.listen()
        return (
            port,
            {
                var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                let count = Int(poll(&waiting, 1, 0))
                close(descriptor)
                return count
            }
        )
    }
}
