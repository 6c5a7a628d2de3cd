import ExactJSON
import Foundation
import Testing

/// One test's own folder and processes. Both are gone when it is let go of.
final class TestEnvironment: @unchecked Sendable {
    // Unchecked because every `var` is accessed only with `lock`.

    /// The program, beside the test bundle.
    static let program: String = {
        // Another build of it, as `.ci/soak` wants.
        if let given = ProcessInfo.processInfo.environment["DAILIES_PROGRAM"] {
            precondition(
                FileManager.default.isExecutableFile(atPath: given), "DAILIES_PROGRAM is not a program: \(given)")
            return given
        }
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        var candidates = [repository + "/.build/debug/dailies"]
        if count > 0 {
            let bundle = String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            candidates.insert(
                URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("dailies").path, at: 0)
        }
        guard let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
            preconditionFailure("the program is not built: there is none of \(candidates)")
        }
        return found
    }()

    /// The repository's top level.
    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Without symbolic links, because the program resolves them.
    let folder: String
    /// Of the simulator and of the runs against it, where a test names no other.
    let speed: Int
    private let lock = NSLock()
    /// To be removed at the end.
    private var folders: [String]
    private var children: [Child] = []
    private var proxies: [Proxy] = []

    init(speed: Int = 1000) throws {
        self.speed = speed
        let temporary = URL(fileURLWithPath: NSTemporaryDirectory()).resolvingSymlinksInPath().path
        folder = temporary + "/dailies-test-\(UUID().uuidString)"
        folders = [folder]
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit {
        for child in children { child.send(SIGKILL) }
        for child in children where child.ending(within: Child.patience) == nil {
            Issue.record("process \(child.pid) does not end")
        }
        for proxy in proxies { proxy.stop() }
        // A folder that stays behind harms nobody, and a deinit cannot throw.
        for folder in folders { try? FileManager.default.removeItem(atPath: folder) }
    }

    var store: String { folder + "/dailies.sqlite" }
    var renders: String { folder + "/renders" }
    func path(_ name: String) -> String { folder + "/" + name }

    /// A folder on a memory file system where the machine has one, else the test's own.
    func folderInMemory() throws -> String {
        let memory = "/dev/shm"
        guard FileManager.default.isWritableFile(atPath: memory) else { return folder }
        let path = memory + "/dailies-process-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        lock.withLock { folders.append(path) }
        return path
    }

    // MARK: Files

    /// Writes a file into the folder and returns its path.
    @discardableResult func write(_ name: String, _ text: String) throws -> String {
        try text.write(toFile: path(name), atomically: false, encoding: .utf8)
        return path(name)
    }

    /// A JSONL manifest of clips with the ids `clip-001`, `clip-002` …, with as many digits as the last one needs.
    func manifest(
        _ name: String = "batch.jsonl", clips: Int, model: String = "veo-3.1-fast", seconds: Int = 2
    ) throws -> String {
        let digits = max(3, "\(clips)".count)
        let lines = (1...clips).map { number in
            let id = "clip-" + String(repeating: "0", count: digits - "\(number)".count) + "\(number)"
            return """
                {"id": "\(id)", "model": "\(model)", "prompt": "take \(number)", "duration_seconds": \(seconds)}
                """
        }
        return try write(name, lines.joined(separator: "\n") + "\n")
    }

    /// Every file below a folder, sorted.
    func files(below start: String? = nil) -> [String] {
        let root = start ?? folder
        let names = FileManager.default.enumerator(atPath: root)?.allObjects.compactMap { $0 as? String } ?? []
        return names.map { root + "/" + $0 }.filter { path in
            var isFolder = ObjCBool(false)
            return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
        }.sorted()
    }

    func bytes(of path: String) throws -> [UInt8] {
        try #require(FileManager.default.contents(atPath: path).map { Array($0) }, "there is no file \(path)")
    }

    // MARK: Processes

    /// Starts the program.
    ///
    /// - Parameter input: a file that is its standard input; nil: none.
    func start(_ arguments: [String], environment: [String: String] = [:], input: String? = nil) throws -> Child {
        try start(program: Self.program, arguments, environment: environment, input: input)
    }

    func start(
        program: String, _ arguments: [String], environment: [String: String] = [:], input: String? = nil
    ) throws -> Child {
        var variables = ["SWIFT_BACKTRACE": "enable=no", "TMPDIR": folder, "HOME": folder]
        for name in ["PATH", "LANG", "LD_LIBRARY_PATH"] { variables[name] = ProcessInfo.processInfo.environment[name] }
        variables.merge(environment) { $1 }
        let child = try Child(program, arguments, environment: variables, folder: folder, input: input)
        lock.withLock { children.append(child) }
        return child
    }

    /// Runs a command to its end.
    func finish(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil
    ) throws -> Finished {
        Finished(child: try start(arguments, environment: environment, input: input))
    }

    struct Finished {
        /// nil: it was ended by a signal, or has not ended.
        let code: Int32?
        let out: String
        let err: String
        func json() throws -> JSONValue { try JSONValue.parse(Array(out.utf8)) }

        init(child: Child) {
            if case .exited(let code) = child.ending(within: Child.patience) { self.code = code } else { code = nil }
            out = child.written.outText
            err = child.written.errText
        }
    }

    /// `run` against a simulator, or against what stands before it, with the NDJSON of `--json`.
    func startRun(
        _ manifests: [String], at service: some Service, _ more: [String] = [], environment: [String: String] = [:]
    ) throws -> Child {
        try start(runArguments(manifests, at: service) + more, environment: environment)
    }

    func finishRun(
        _ manifests: [String], at service: some Service, _ more: [String] = [], environment: [String: String] = [:]
    ) throws -> Finished {
        Finished(child: try startRun(manifests, at: service, more, environment: environment))
    }

    /// A run does not end because its tasks are held longer than the default poll window, which is seconds at the
    /// simulator's speed.
    func runArguments(_ manifests: [String], at service: some Service, store: String? = nil) -> [String] {
        ["run"] + manifests + [
            "--provider", "simulator", "--base-url", service.url, "--speed", "\(service.speed)",
            "--poll-window", "1000h",
            "--store", store ?? self.store,
            "--output", renders, "--json",
        ]
    }

    func startProxy(
        before simulator: Simulator, watch: (@Sendable (Proxy.Request) -> Void)? = nil
    ) throws -> Proxy {
        let proxy = try Proxy(before: simulator, watch: watch)
        lock.withLock { proxies.append(proxy) }
        return proxy
    }

    func startScript(speed: Int = 1, _ script: @escaping Proxy.Script) throws -> Proxy {
        let proxy = try Proxy(speed: speed, script: script)
        lock.withLock { proxies.append(proxy) }
        return proxy
    }
}

/// Something that a runner can be pointed at.
protocol Service {
    var url: String { get }
    var speed: Int { get }
}

/// Waits for something that no file descriptor announces, looking every few milliseconds.
func eventually(
    _ what: String, within seconds: Double = Child.patience, _ holds: () throws -> Bool
) throws {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while try !holds() {
        guard Date() < deadline else { throw Child.Failure(description: "\(what) did not happen in \(seconds) s") }
        poll(nil, 0, 3)
    }
}

/// Runs `body` on a thread of its own, so that other tests are not blocked.
func blocking<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}
