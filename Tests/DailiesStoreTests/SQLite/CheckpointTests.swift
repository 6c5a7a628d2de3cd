import Foundation
import Testing

@testable import DailiesStore

/// A store is two files during a run, and one afterwards.
struct CheckpointTests {
    /// Copies an open store, with or without its log.
    private func copy(_ rig: Rig, to name: String, withLog: Bool) throws -> String {
        let target = rig.scratch.folder + "/" + name
        for ending in withLog ? ["", "-wal"] : [""] {
            try FileManager.default.copyItem(atPath: rig.scratch.path + ending, toPath: target + ending)
        }
        return target
    }

    private func tasksSent(in path: String, for use: Store.Use = .reading) throws -> Int {
        let store = try Store.open(path, for: use)
        defer { withExtendedLifetime(store) {} }
        return try store.summary().total.submitting
    }

    @Test(arguments: [Store.Use.running, .reading, .sendingCommands])
    func `a copy without its log is refused, and a copy with it is complete`(use: Store.Use) throws {
        let rig = try Rig()
        // Also right after a checkpoint, when the log is empty except for a marker.
        for (round, pages) in [1, 1_000_000].enumerated() {
            try rig.store.onQueue { () throws(StoreError) in rig.store.checkpointPages = pages }
            try rig.apply(round == 0 ? Steps.intent() : Steps.accepted())
            let half = try copy(rig, to: "half-\(round).sqlite", withLog: false)
            let error = #expect(throws: StoreError.self) { try Store.open(half, for: use) }
            #expect(error?.kind == .damaged)
            #expect(error?.message.contains("is incomplete") == true)
            let whole = try copy(rig, to: "whole-\(round).sqlite", withLog: true)
            #expect(try tasksSent(in: whole, for: use) == (round == 0 ? 1 : 0))
        }
    }

    @Test func `after a clean end the file alone is complete`() throws {
        let rig = try Rig()
        try rig.apply(Steps.intent())
        try rig.store.close()
        let alone = try copy(rig, to: "alone.sqlite", withLog: false)
        #expect(try tasksSent(in: alone) == 1)
        #expect(try tasksSent(in: alone, for: .running) == 1)
    }

    @Test func `a store whose log another program checkpointed is complete`() throws {
        let rig = try Rig()
        try rig.apply(Steps.intent())
        let left = try copy(rig, to: "left.sqlite", withLog: true)
        #expect(try Shell(left).one("SELECT count(*) FROM task") == "1")
        #expect(!FileManager.default.fileExists(atPath: left + "-wal"))
        #expect(try tasksSent(in: left, for: .running) == 1)
    }

    @Test func `a crash between a checkpoint and its marker leaves a store that opens`() throws {
        let rig = try Rig()
        try rig.apply(Steps.intent())
        try rig.shell().run("UPDATE store_file SET needs_log = 1; PRAGMA wal_checkpoint")
        let left = try copy(rig, to: "left.sqlite", withLog: true)
        #expect(try tasksSent(in: left) == 1)
        #expect(try tasksSent(in: left, for: .running) == 1)
    }

    @Test func `a store that only looks incomplete is accepted by the user's decision`() throws {
        let rig = try Rig()
        try rig.apply(Steps.intent())
        try rig.store.close()
        try rig.shell().run("UPDATE store_file SET needs_log = 1")
        #expect(throws: StoreError.self) { try Store.open(rig.scratch.path, for: .running) }
        #expect(try Store.acceptWithoutLog(rig.scratch.path))
        #expect(try !Store.acceptWithoutLog(rig.scratch.path))
        #expect(try tasksSent(in: rig.scratch.path, for: .running) == 1)
    }

    @Test func `a backup made while a runner writes is complete, private and consistent`() throws {
        let rig = try Rig(tasks: (1...20).map { Rig.spec("task-\($0)") })
        try rig.apply(Steps.intent(1))
        let reader = try Store.open(rig.scratch.path, for: .reading)
        let target = rig.scratch.folder + "/backup.sqlite"
        try reader.backUp(to: target)
        try rig.apply(Steps.intent(2))
        #expect(try tasksSent(in: target) == 1)
        #expect(try Store.open(target, for: .running).problems() == [])
        #expect(try rig.scratch.permissions(of: target) == 0o600)
        let before = try Data(contentsOf: URL(filePath: target))
        let error = #expect(throws: StoreError.self) { try reader.backUp(to: target) }
        #expect(error?.message == "\(target) already exists; choose another name")
        #expect(try Data(contentsOf: URL(filePath: target)) == before)
    }
}
