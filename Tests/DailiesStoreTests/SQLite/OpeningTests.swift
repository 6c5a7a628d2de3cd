import DailiesCore
import Foundation
import Testing

@testable import DailiesStore

struct OpeningTests {
    /// The repository's file.
    private static let schemaFile = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "schema.sql")

    @Test func `the program embeds the exact text of schema dot sql`() throws {
        #expect(try String(contentsOf: Self.schemaFile, encoding: .utf8) == Store.schema)
        #expect(Store.schema.utf8.count < 25_000)
    }

    @Test func `a new store has the schema of schema dot sql`() throws {
        let rig = try Rig()
        let plain = try Shell(rig.scratch.folder + "/plain.sqlite")
        try plain.run(try String(contentsOf: Self.schemaFile, encoding: .utf8))
        let question = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
        #expect(try rig.shell().rows(question) == plain.rows(question))
        #expect(try rig.shell().one("PRAGMA user_version") == "\(Migration.current)")
        #expect(try rig.shell().one("PRAGMA application_id") == plain.one("PRAGMA application_id"))
        #expect(try rig.shell().one("PRAGMA journal_mode") == "wal")
    }

    @Test func `the columns that scripts rely on are there`() throws {
        let rig = try Rig()
        let shell = try rig.shell()
        let columns = try shell.rows("SELECT name FROM pragma_table_info('task')")
        let promised = """
            id batch_id key state model prompt request tags priority attempt submission_key task_id estimated_credits \
            credits credits_nano submitted_at_ms outcome_unknown_at_ms completed_at_ms settled_at_ms output_path \
            output_sha256 failure_code failure_message
            """
        #expect(Array(columns.prefix(23)) == promised.split(separator: " ").map(String.init))
        let batch = try shell.rows("SELECT name FROM pragma_table_info('batch')")
        #expect(Set(batch).isSuperset(of: ["id", "name", "manifest_path", "created_at_ms", "provider", "base_url"]))
    }

    @Test func `the files of a store are private to their owner`() throws {
        let rig = try Rig()
        let lock = try Store.lock(rig.scratch.path)
        for path in [rig.scratch.path, rig.scratch.path + "-wal", rig.scratch.path + "-shm", lock.path] {
            #expect(try rig.scratch.permissions(of: path) == 0o600, "\(path)")
        }
    }

    @Test func `a commit is synced to disk`() throws {
        let rig = try Rig()
        let settings = try rig.store.onQueue { () throws(StoreError) in
            let database = try rig.store.connection()
            return try ["synchronous", "foreign_keys", "wal_autocheckpoint"].map { setting throws(StoreError) in
                try database.value("PRAGMA \(setting)") as Int64?
            }
        }
        #expect(settings == [2, 1, 0])
    }

    @Test func `reading creates nothing`() throws {
        let scratch = try Scratch()
        let error = #expect(throws: StoreError.self) { try Store.open(scratch.path, for: .reading) }
        #expect(error?.kind == .missing)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.folder) == [])
    }

    @Test func `a missing folder is reported`() throws {
        let scratch = try Scratch()
        let error = #expect(throws: StoreError.self) {
            try Store.open(scratch.folder + "/none/store.sqlite", for: .running)
        }
        #expect(error?.kind == .missing)
        #expect(error?.message.contains("/none/") == true)
    }

    @Test(arguments: [Store.Use.running, .reading])
    func `a store of a newer program is refused and not changed`(use: Store.Use) throws {
        let rig = try Rig()
        try rig.store.close()
        try rig.shell().run("PRAGMA user_version = \(Migration.current + 1)")
        let before = try Data(contentsOf: URL(filePath: rig.scratch.path))
        let error = #expect(throws: StoreError.self) { try Store.open(rig.scratch.path, for: use) }
        #expect(error?.kind == .newerThanProgram)
        #expect(error?.message.contains("use a newer version of the program") == true)
        #expect(try Data(contentsOf: URL(filePath: rig.scratch.path)) == before)
    }

    @Test(arguments: [Store.Use.running, .reading])
    func `another program's database is refused and not changed`(use: Store.Use) throws {
        let scratch = try Scratch()
        try Shell(scratch.path).run("CREATE TABLE task (id INTEGER); INSERT INTO task VALUES (1)")
        let before = try Data(contentsOf: URL(filePath: scratch.path))
        let error = #expect(throws: StoreError.self) { try Store.open(scratch.path, for: use) }
        #expect(error?.kind == .notAStore)
        #expect(try Data(contentsOf: URL(filePath: scratch.path)) == before)
    }

    @Test(arguments: [Store.Use.running, .reading])
    func `a damaged file is refused and never replaced`(use: Store.Use) throws {
        let rig = try Rig()
        try rig.store.close()
        var bytes = try Data(contentsOf: URL(filePath: rig.scratch.path))
        bytes.replaceSubrange(0..<64, with: Data(repeating: 0x5A, count: 64))
        try bytes.write(to: URL(filePath: rig.scratch.path))
        let error = #expect(throws: StoreError.self) { try Store.open(rig.scratch.path, for: use) }
        #expect(error?.kind == .damaged)
        #expect(try Data(contentsOf: URL(filePath: rig.scratch.path)) == bytes)
    }

    @Test func `inner damage is found when it is read`() throws {
        let rig = try Rig(tasks: (0..<200).map { Rig.spec("task-\($0)") })
        let root = try rig.shell().one("SELECT rootpage FROM sqlite_schema WHERE name = 'task_input'")
        try rig.store.close()
        let url = URL(filePath: rig.scratch.path)
        var bytes = try Data(contentsOf: url)
        let start = (try #require(Int(root)) - 1) * 4096
        bytes.replaceSubrange(start..<start + 4096, with: Data(repeating: 0x5A, count: 4096))
        try bytes.write(to: url)
        let store = try Store.open(rig.scratch.path, for: .running)
        let error = #expect(throws: StoreError.self) { try store.tasks(limit: 1000) }
        #expect(error?.kind == .damaged)
    }

    @Test func `an empty file becomes a store, as after a crash in the middle of creation`() throws {
        let scratch = try Scratch()
        try Data().write(to: URL(filePath: scratch.path))
        #expect(throws: StoreError.self) { try Store.open(scratch.path, for: .reading) }
        _ = try Store.open(scratch.path, for: .running)
        #expect(try Shell(scratch.path).one("SELECT count(*) FROM task") == "0")
    }

    @Test func `a closed store refuses calls`() throws {
        let rig = try Rig()
        try rig.store.close()
        try rig.store.close()
        #expect(throws: StoreError.self) { try rig.store.batches() }
        #expect(throws: StoreError.self) { try rig.apply(Steps.intent()) }
    }
}

struct LockTests {
    @Test func `a second runner is refused and told who is running`() throws {
        let scratch = try Scratch()
        let first = try Store.lock(scratch.path)
        let error = #expect(throws: StoreError.self) { try Store.lock(scratch.path) }
        guard case .lockedByRunner(let holder) = error?.kind else {
            Issue.record("refused as \(String(describing: error))")
            return
        }
        #expect(holder.hasPrefix("process \(ProcessInfo.processInfo.processIdentifier), since 20"))
        withExtendedLifetime(first) {}
    }

    @Test func `the lock ends with its owner, and the file stays`() throws {
        let scratch = try Scratch()
        var first: RunnerLock? = try Store.lock(scratch.path)
        let path = try #require(first?.path)
        first = nil
        #expect(FileManager.default.fileExists(atPath: path))
        _ = try Store.lock(scratch.path)
    }

    @Test func `the lock ends with its owner even while a starting child process has a copy of its descriptor`() throws
    {
        let scratch = try Scratch()
        var lock: RunnerLock? = try Store.lock(scratch.path)
        let file = try #require(lock?.path)
        // A copy by `dup` shares the lock, as a copy by `fork` does.
        let copies = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { name -> Int32? in
            // The descriptor of this listing is gone by now.
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + name)
            return target == file ? Int32(name).map { dup($0) } : nil
        }
        defer { for copy in copies { close(copy) } }
        #expect(!copies.isEmpty)
        lock = nil
        _ = try Store.lock(scratch.path)
    }

    @Test func `two names of one store have one lock`() throws {
        let rig = try Rig()
        let alias = rig.scratch.folder + "/alias.sqlite"
        try FileManager.default.createSymbolicLink(atPath: alias, withDestinationPath: rig.scratch.path)
        let first = try Store.lock(rig.scratch.folder + "/./dailies.sqlite")
        #expect(throws: StoreError.self) { try Store.lock(alias) }
        #expect(try Store.resolved(alias) == Store.resolved(rig.scratch.path))
        withExtendedLifetime(first) {}
    }

    @Test func `locking does not drop SQLite's own locks`() throws {
        let rig = try Rig()
        let lock = try Store.lock(rig.scratch.path)
        try rig.store.onQueue { () throws(StoreError) in
            let database = try rig.store.connection()
            try database.run("BEGIN IMMEDIATE")
            let other = try SQLiteConnection(path: rig.scratch.path, flags: 2)
            let error = #expect(throws: StoreError.self) { try other.run("BEGIN IMMEDIATE") }
            #expect(error?.kind == .busy)
            try database.run("ROLLBACK")
        }
        withExtendedLifetime(lock) {}
    }
}
