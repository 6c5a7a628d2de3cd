import CSQLite
import DailiesCore
import Foundation

@testable import DailiesStore

/// A folder that is removed with the test.
final class Scratch {
    let folder: String
    var path: String { folder + "/dailies.sqlite" }

    init() throws {
        folder = NSTemporaryDirectory() + "/dailies-store-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit {
        // A leftover folder is harmless, and a deinit cannot throw.
        try? FileManager.default.removeItem(atPath: folder)
    }

    func permissions(of path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
    }
}

/// SQLite without the wrapper, as a user's shell would use it.
final class Shell {
    private var handle: OpaquePointer?

    init(_ path: String) throws {
        let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil)
        guard code == SQLITE_OK else { throw ShellError(code: code, message: "cannot open") }
        sqlite3_busy_timeout(handle, 5000)
        try run("PRAGMA foreign_keys = ON")
    }

    deinit { sqlite3_close_v2(handle) }

    struct ShellError: Error {
        let code: Int32
        let message: String
    }

    func run(_ sql: String) throws {
        var text: UnsafeMutablePointer<CChar>?
        let code = sqlite3_exec(handle, sql, nil, nil, &text)
        defer { sqlite3_free(text) }
        guard code == SQLITE_OK else {
            throw ShellError(code: code, message: text.map { String(cString: $0) } ?? "")
        }
    }

    /// All rows, columns joined by `|`, NULL as empty text.
    func rows(_ sql: String) throws -> [String] {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v2(handle, sql, -1, &statement, nil)
        guard code == SQLITE_OK else {
            throw ShellError(code: code, message: String(cString: sqlite3_errmsg(handle)))
        }
        defer { sqlite3_finalize(statement) }
        var rows: [String] = []
        while sqlite3_step(statement) == SQLITE_ROW {
            let columns = (0..<sqlite3_column_count(statement)).map { column in
                sqlite3_column_text(statement, column).map { String(cString: $0) } ?? ""
            }
            rows.append(columns.joined(separator: "|"))
        }
        return rows
    }

    func one(_ sql: String) throws -> String { try rows(sql).first ?? "(no row)" }
}

/// A store with one batch, and short helpers for tests.
final class Rig {
    let scratch: Scratch
    let faults = StoreFailpoints()
    let store: Store
    let batch: BatchID
    private(set) var clock: Int64 = 1_000_000

    init(tasks: [TaskSpec] = [Rig.spec("a")], budget: BudgetSetting = .unchanged) throws {
        scratch = try Scratch()
        store = try Store.open(scratch.path, for: .running, faults: faults)
        batch = try store.importManifest(Rig.manifest(budget: budget), tasks: tasks, at: Instant(milliseconds: clock))
            .batch
    }

    static func manifest(
        _ name: String = "batch", path: String = "/m.yaml", provider: String = "bytespike",
        baseURL: String = "https://api.example", budget: BudgetSetting = .unchanged
    ) -> BatchDefinition {
        BatchDefinition(
            name: name, manifestPath: path, provider: provider, baseURL: baseURL, outputDirectory: "/renders",
            budget: budget)
    }

    static func spec(
        _ key: String, prompt: String = "a pine forest", model: String = "sora-2-pro", seconds: Int? = 8,
        tags: [TaskSpec.Tag] = [], priority: Int = 0, output: String? = nil
    ) -> TaskSpec {
        TaskSpec(
            key: TaskKey(key),
            shape: RequestShape(model: ModelID(model), durationSeconds: seconds, resolution: "1080p"),
            prompt: prompt, request: CanonicalRequest(text: "{\"model\":\"\(model)\",\"prompt\":\"\(prompt)\"}"),
            tags: tags, priority: priority, output: output)
    }

    func tick() -> Instant {
        clock += 1000
        return Instant(milliseconds: clock)
    }

    func apply(_ steps: Mutation.Kind...) throws { try store.writeAndWait(steps.map { Mutation(at: tick(), $0) }) }

    func shell() throws -> Shell { try Shell(scratch.path) }

    func importManifest(
        _ tasks: [TaskSpec], _ rules: ImportOptions = ImportOptions(), manifest: BatchDefinition = Rig.manifest()
    ) throws -> ImportResult {
        try store.importManifest(manifest, tasks: tasks, rules: rules, at: tick())
    }
}

/// Steps with their usual contents, for task 1 unless specified.
enum Steps {
    static let fault = ProviderError(kind: .timedOut, message: "no answer within 60 s")

    static func intent(
        _ task: Int64 = 1, _ number: Int = 1, reserved: String? = "2", model: String = "sora-2-pro", key: String? = nil
    ) -> Mutation.Kind {
        let attempt = AttemptID(task: TaskID(task), number: number)
        return .intent(
            Intent(
                submission: Submission(
                    attempt: attempt, key: SubmissionKey(key ?? "key-\(task)-\(number)"), model: ModelID(model),
                    dialect: .flat, account: KeyFingerprint("0123456789ab"), body: Array("{}".utf8)),
                reserved: reserved.map(credits)))
    }

    static func accepted(
        _ task: Int64 = 1, _ number: Int = 1, isRunning: Bool = false, reserved: String? = "1.5"
    ) -> Mutation.Kind {
        .accepted(
            AttemptID(task: TaskID(task), number: number),
            Acceptance(
                remoteID: RemoteTaskID("remote-\(task)-\(number)"), isRunning: isRunning, estimate: amount("1.25"),
                reserved: reserved.map(credits), source: .reply))
    }

    static func settled(
        _ end: Settlement.End, _ task: Int64 = 1, _ number: Int = 1, charges: [Amount] = [amount("1.25")],
        awaited: Bool = false, code: String? = nil, isReplayed: Bool = false,
        url: String? = "https://cdn.example/x?sig=1"
    ) -> Mutation.Kind {
        .settled(
            AttemptID(task: TaskID(task), number: number),
            Settlement(
                end: end, charges: charges, isCostAwaited: awaited, isReplayed: isReplayed,
                completedAt: Instant(milliseconds: 42), asset: url.map(AssetLocation.init(url:)), deliveredSeconds: 8,
                failureCode: code))
    }

    static func saved(_ task: Int64 = 1, _ number: Int = 1) -> Mutation.Kind {
        .saved(
            AttemptID(task: TaskID(task), number: number),
            SavedClip(path: "/renders/\(task).mp4", sha256: String(repeating: "a", count: 64), bytes: 1000))
    }

    static func credits(_ text: String) -> Credits { amount(text).credits }

    static func amount(_ text: String, from field: String = "credits_used") -> Amount {
        guard let reading = Credits.read(text) else { preconditionFailure("\(text) is not an amount") }
        return Amount(credits: reading.credits, text: text, source: field, isRounded: reading.isRounded)
    }
}
