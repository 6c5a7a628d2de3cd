import CSQLite
import DailiesCore
import Foundation
import Testing

@testable import DailiesStore

/// The lock on the database file itself, in addition to SQLite's locks.
struct DatabaseFileTests {
    /// The runner's lock as another process would take it: on a separate descriptor, on the known bytes.
    private final class OtherProcess {
        static let number: off_t = 4711
        private let descriptor: Int32

        init(_ path: String) throws {
            descriptor = store_file_open(path, O_RDWR | O_CLOEXEC, 0)
            try #require(descriptor >= 0)
        }

        deinit { store_file_close(descriptor) }

        func takesLock() -> Bool { store_file_lock(descriptor, Int16(F_WRLCK), 1 << 60, Self.number) == 0 }

        /// Whether SQLite has a lock on the file in this process: a reader's bytes, which a connection to a store with
        /// a log locks all the time.
        var seesSQLite: Bool { store_file_locked(descriptor, 1 << 30 + 2) == 510 }
    }

    /// This process's descriptors of a file.
    private func descriptors(of path: String) throws -> Int {
        let whole = try Store.resolved(path)
        let files = FileManager.default
        return try files.contentsOfDirectory(atPath: "/proc/self/fd").count { number in
            // Other tests close some concurrently.
            (try? files.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + number)) == whole
        }
    }

    @Test func `a process that uses the file by another name blocks every runner and is named`() throws {
        let rig = try Rig()
        try rig.store.close()
        let other = try OtherProcess(rig.scratch.path)
        #expect(other.takesLock())
        let refused = StoreError(heldBy: "process 4711")
        #expect(throws: refused) { try Store.lock(rig.scratch.path) }
        #expect(throws: refused) { try Store.open(rig.scratch.path, for: .running) }
        for use in [Store.Use.reading, .sendingCommands] { try Store.open(rig.scratch.path, for: use).close() }
    }

    @Test func `a runner's lock and a store open for running lock the file, and reading does not`() throws {
        let rig = try Rig()
        try rig.store.close()
        let other = try OtherProcess(rig.scratch.path)
        var lock: RunnerLock? = try Store.lock(rig.scratch.path)
        #expect(!other.takesLock())
        let store = try Store.open(rig.scratch.path, for: .running)
        withExtendedLifetime(lock) {}
        lock = nil
        #expect(!other.takesLock(), "the store alone did not hold it")
        try store.close()
        let reader = try Store.open(rig.scratch.path, for: .reading)
        #expect(other.takesLock())
        try reader.close()
    }

    @Test func `a store created by its own run is locked from then on`() throws {
        let scratch = try Scratch()
        let lock = try Store.lock(scratch.path)
        let store = try Store.open(scratch.path, for: .running)
        #expect(try !OtherProcess(scratch.path).takesLock())
        try store.close()
        withExtendedLifetime(lock) {}
    }

    @Test func `taking locks and opening stores does not affect SQLite's own locks`() throws {
        let rig = try Rig()
        let other = try OtherProcess(rig.scratch.path)
        try #require(other.seesSQLite)
        for _ in 0..<3 {
            var lock: RunnerLock? = try Store.lock(rig.scratch.path)
            let reader = try Store.open(rig.scratch.path, for: .reading)
            _ = try reader.batches()
            let second = try Store.open(rig.scratch.path, for: .running)
            _ = try second.batches()
            withExtendedLifetime(lock) {}
            lock = nil
            try second.close()
            try reader.close()
            #expect(other.seesSQLite)
        }
        _ = try rig.store.batches()
    }

    @Test func `simply opening and closing the file would drop SQLite's locks`() throws {
        let rig = try Rig()
        let other = try OtherProcess(rig.scratch.path)
        try #require(other.seesSQLite)
        store_file_close(store_file_open(rig.scratch.path, O_RDONLY, 0))
        #expect(!other.seesSQLite)
    }

    @Test(arguments: [true, false]) func `the descriptor is closed with the last use of the file`(
        lockFirst: Bool
    ) throws {
        let rig = try Rig()
        try rig.store.close()
        #expect(try descriptors(of: rig.scratch.path) == 0)
        var lock: RunnerLock? = try Store.lock(rig.scratch.path)
        let store = try Store.open(rig.scratch.path, for: .running)
        withExtendedLifetime(lock) {}
        if lockFirst { lock = nil }
        // The lock's descriptor and SQLite's.
        #expect(try descriptors(of: rig.scratch.path) == 2)
        try store.close()
        lock = nil
        #expect(try descriptors(of: rig.scratch.path) == 0)
    }

    @Test func `a store with two names is refused by both, and one name suffices`() throws {
        let rig = try Rig()
        try rig.store.close()
        let second = rig.scratch.folder + "/second.sqlite"
        try FileManager.default.linkItem(atPath: rig.scratch.path, toPath: second)
        for path in [rig.scratch.path, second] {
            for use in [Store.Use.running, .reading, .sendingCommands] {
                let error = #expect(throws: StoreError.self) { try Store.open(path, for: use) }
                #expect(error?.kind == .severalNames)
                #expect(error?.message.contains("has 2 hard links") == true)
            }
            let error = #expect(throws: StoreError.self) { try Store.lock(path) }
            #expect(error?.kind == .severalNames)
        }
        try FileManager.default.removeItem(atPath: second)
        _ = try Store.lock(rig.scratch.path)
        #expect(try Store.open(rig.scratch.path, for: .running).batches().count == 1)
    }

    @Test(arguments: [false, true]) func `nothing more is written after the lock file was removed`(
        isMadeAnew: Bool
    ) throws {
        let rig = try Rig()
        let lock = try Store.lock(rig.scratch.path)
        try rig.apply(Steps.intent())
        try FileManager.default.removeItem(atPath: lock.path)
        if isMadeAnew { try Data().write(to: URL(filePath: lock.path)) }
        let error = #expect(throws: StoreError.self) { try rig.apply(Steps.accepted()) }
        #expect(error?.kind == .missing)
        #expect(error?.message.contains("was removed or replaced while it was in use") == true)
        #expect(try rig.store.tasks(limit: 10).first?.latest?.remoteID == nil)
        // The file itself is still locked, so that no other run begins.
        #expect(try !OtherProcess(rig.scratch.path).takesLock())
        #expect(throws: StoreError.self) { try Store.lock(rig.scratch.path) }
        withExtendedLifetime(lock) {}
    }

    @Test func `a lock file filled with zeros by a power cut is accepted`() throws {
        let rig = try Rig()
        try Data(count: 40).write(to: URL(filePath: rig.scratch.path + "-lock"))
        _ = try Store.lock(rig.scratch.path)
    }

    @Test func `a foreign file in place of the lock file is not changed`() throws {
        let rig = try Rig()
        let words = Data("my notes\n".utf8)
        let path = rig.scratch.path + "-lock"
        try words.write(to: URL(filePath: path))
        let error = #expect(throws: StoreError.self) { try Store.lock(rig.scratch.path) }
        #expect(error?.message.hasSuffix("-lock is not a lock file of this program; move it elsewhere") == true)
        #expect(try Data(contentsOf: URL(filePath: path)) == words)
    }
}
