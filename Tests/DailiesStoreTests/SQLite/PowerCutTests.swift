import DailiesCore
import Foundation
import Testing

@testable import DailiesStore

/// The power fails at any sync, and data written since the previous sync is lost, kept, or torn.
struct PowerCutTests {
    /// The store's complete contents after each acknowledged call; empty before the first.
    private final class History: @unchecked Sendable {
        // Unchecked because everything happens on one thread at a time: the test waits for each call.
        struct Cut {
            let moment: PowerCutDisk.Moment
            let acknowledged: Int
            let begun: Int
        }
        var contents: [[String]] = [[]]
        var begun = 0
        var acknowledged: Int { contents.count - 1 }
        var cuts: [Cut] = []

        func note(_ moment: PowerCutDisk.Moment) {
            cuts.append(Cut(moment: moment, acknowledged: acknowledged, begun: begun))
        }

        /// Performs a call, and records the store's contents once it has returned.
        func call<T>(_ path: String, _ body: () throws -> T) throws -> T {
            begun += 1
            let value = try body()
            contents.append(try Self.content(path))
            return value
        }

        /// Every row of every table except the one that says whether the file needs its log.
        static func content(_ path: String) throws -> [String] {
            let shell = try Shell(path)
            let tables = try shell.rows(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'store_file' ORDER BY name")
            return try tables.flatMap { table in try shell.rows("SELECT '\(table)', * FROM \"\(table)\"").sorted() }
        }
    }

    /// Runs a few tasks through their lives, closing and opening the store occasionally, which checkpoints the log.
    private func live(_ path: String, _ history: History, _ generator: inout SplitMix64) throws {
        let tasks = 12
        var stage = [Int](repeating: 0, count: tasks + 1)
        var clock: Int64 = 1_000_000
        for session in 0..<3 {
            let open = { try Store.open(path, for: .running) }
            let store = try session == 0 ? history.call(path, open) : open()
            if session == 0 {
                let specs = (1...tasks).map {
                    Rig.spec("task-\($0)", prompt: String(repeating: "pine ", count: $0 * 40))
                }
                _ = try history.call(path) {
                    try store.importManifest(Rig.manifest(), tasks: specs, at: Instant(milliseconds: clock))
                }
            }
            for _ in 0..<9 {
                let unfinished = (1...tasks).filter { stage[$0] < 4 }
                let chosen = unfinished.shuffled(using: &generator).prefix(Int.random(in: 1...3, using: &generator))
                let changes = chosen.map { task in
                    clock += 1000
                    defer { stage[task] += 1 }
                    return Mutation(at: Instant(milliseconds: clock), Self.step(stage[task], Int64(task)))
                }
                if !changes.isEmpty { try history.call(path) { try store.writeAndWait(changes) } }
            }
            try store.close()
        }
    }

    private static func step(_ stage: Int, _ task: Int64) -> Mutation.Kind {
        switch stage {
        case 0: Steps.intent(task)
        case 1: Steps.accepted(task)
        case 2: Steps.settled(.completed, task)
        default: Steps.saved(task)
        }
    }

    @Test(arguments: UInt64(1)...6)
    func `after a power cut all acknowledged changes are there, and none is there in part`(
        seed: UInt64
    ) throws {
        let scratch = try Scratch()
        let history = History()
        var generator = SplitMix64(seed: seed)
        let folder = URL(fileURLWithPath: scratch.folder).resolvingSymlinksInPath().path
        let disk = PowerCutDisk(folder: folder) { history.note($0) }
        do {
            defer { disk.remove() }
            try live(folder + "/dailies.sqlite", history, &generator)
        }
        #expect(history.cuts.count > 25, "only \(history.cuts.count) syncs")
        #expect(history.cuts.contains { !$0.moment.name.hasSuffix("-wal") }, "the log was never moved over")
        #expect(history.acknowledged > 12)

        for (number, cut) in history.cuts.enumerated() {
            let kinds = [
                ("nothing", cut.moment.nothing), ("everything", cut.moment.everything),
                ("torn", cut.moment.torn(&generator)),
            ]
            for (kind, files) in kinds {
                let place = "seed \(seed), sync \(number) of \(cut.moment.name), \(kind) kept"
                let after = "\(folder)/\(number)-\(kind)"
                try PowerCutDisk.lay(files, in: after)
                let path = after + "/dailies.sqlite"
                // Before another program checkpoints the log, as the shell does when it closes.
                let store = try Store.open(path, for: .running)
                let content = try History.content(path)
                let state = history.contents.lastIndex(of: content)
                #expect(state != nil, "\(place): the store holds what no call left")
                #expect(
                    (cut.acknowledged...max(cut.begun, 1)).contains(state ?? -1),
                    "\(place): an acknowledged change is lost")
                #expect(try store.problems() == [], "\(place)")
                try store.close()
            }
        }
    }

    @Test func `a store that does not sync its commits would be detected`() throws {
        let scratch = try Scratch()
        let folder = URL(fileURLWithPath: scratch.folder).resolvingSymlinksInPath().path
        let disk = PowerCutDisk(folder: folder) { _ in }
        defer { disk.remove() }
        let shell = try Shell(folder + "/naive.sqlite")
        try shell.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE paid (clip)")
        for clip in 1...10 { try shell.run("INSERT INTO paid VALUES (\(clip))") }

        try PowerCutDisk.lay(disk.state, in: folder + "/after")
        let after = try Shell(folder + "/after/naive.sqlite")
        let tables = try after.rows("SELECT name FROM sqlite_schema")
        let kept = tables.isEmpty ? 0 : Int(try after.one("SELECT count(*) FROM paid")) ?? 0
        #expect(kept < 10)
    }
}
