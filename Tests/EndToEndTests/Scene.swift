import DailiesCore
import DailiesStore
import ExactJSON
import Foundation
import Testing

/// The exit code and output of a command, normalized by ``Scene/comparable(_:)``.
struct Outcome: Equatable {
    let code: Int32
    let out: String
    let err: String

    init(_ code: Int32, out: String = "", err: String = "") {
        self.code = code
        self.out = out
        self.err = err
    }
}

/// A folder with a store, an optional simulator and the built program.
final class Scene: Sendable {
    static let keyText = "test-key"
    /// The account of ``keyText``.
    static let account = KeyFingerprint("62af8704764f")

    let folder: String
    let simulator: Simulator?
    var path: String { folder + "/dailies.sqlite" }
    var baseURL: String { simulator?.url ?? "http://127.0.0.1:9" }

    /// - Parameter simulator: arguments of `dailies simulate`; nil means no simulator.
    init(simulator arguments: [String]? = nil) async throws {
        // The folder's path without symbolic links, because the program resolves them.
        let temporary = URL(fileURLWithPath: NSTemporaryDirectory()).resolvingSymlinksInPath().path
        folder = temporary + "/dailies-reconcile-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        if let arguments {
            simulator = try await Simulator(arguments, in: folder)
        } else {
            simulator = nil
        }
    }

    deinit {
        simulator?.stop()
        // A leftover folder is harmless, and a deinit cannot throw.
        try? FileManager.default.removeItem(atPath: folder)
    }

    // MARK: The program

    /// Runs `dailies` in the folder, with the test's key.
    func dailies(_ arguments: String..., key: String? = Scene.keyText) async throws -> Outcome {
        try await dailies(words: arguments, key: key)
    }

    /// Runs a command that sends requests to the provider.
    func online(_ arguments: String..., key: String? = Scene.keyText) async throws -> Outcome {
        try await online(words: arguments, key: key)
    }

    func online(words arguments: [String], key: String? = Scene.keyText) async throws -> Outcome {
        try await dailies(
            words: arguments + ["--provider", "simulator", "--base-url", baseURL, "--speed", "1000"], key: key)
    }

    func dailies(words arguments: [String], key: String? = Scene.keyText) async throws -> Outcome {
        let name = UUID().uuidString
        let (out, err) = (folder + "/\(name).out", folder + "/\(name).err")
        let process = Program.process(arguments, in: folder, key: key)
        try await Program.run(process, out: out, err: err)
        #expect(process.terminationReason == .exit, "\(arguments) ended by a signal")
        return Outcome(
            process.terminationStatus, out: comparable(try String(contentsOfFile: out, encoding: .utf8)),
            err: comparable(try String(contentsOfFile: err, encoding: .utf8)))
    }

    /// The text with placeholders for values that change from run to run: `{URL}`, `{FOLDER}`, `{ID}` for the simulator's
    /// task ids, `{TIME}` for times of today, `{PROCESS}`.
    func comparable(_ text: String) -> String {
        text.replacing(baseURL, with: "{URL}").replacing(folder, with: "{FOLDER}")
            .replacing(/task_[0-9A-Z]{26}/, with: "{ID}")
            .replacing(/20(?:2[6-9]|[3-9][0-9])-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:Z| UTC)/, with: "{TIME}")
            .replacing(/process \d+/, with: "{PROCESS}")
    }

    // MARK: The store

    func store<T>(_ body: (Store) throws -> T) throws -> T {
        let store = try Store.open(path, for: .running)
        defer {
            do { try store.close() } catch { Issue.record("the store does not close: \(error)") }
        }
        return try body(store)
    }

    func task(_ key: String) throws -> TaskRow {
        try store { try #require(try $0.tasks(called: TaskKey(key)).first) }
    }

    /// Kind, source and code of the task's events, without events that only contain another amount.
    func events(_ key: String) throws -> [String] {
        let row = try task(key)
        return try store { store in
            try store.events(of: row.id).filter { $0.kind != "amount" }.map { event in
                [event.kind, event.source, event.code].compactMap { $0 }.joined(separator: " ")
            }
        }
    }
}

/// The built program.
enum Program {
    static let path = Bundle.main.bundleURL.appendingPathComponent("dailies").path

    static func process(_ arguments: [String], in folder: String, key: String?) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = ["PATH": "/usr/bin:/bin", "HOME": folder, "NO_COLOR": "1"]
        // A program built with a sanitizer needs the sanitizer options of the tests.
        for (name, value) in ProcessInfo.processInfo.environment where name.hasSuffix("SAN_OPTIONS") {
            process.environment?[name] = value
        }
        if let key { process.environment?["BYTESPIKE_API_KEY"] = key }
        process.standardInput = FileHandle.nullDevice
        return process
    }

    /// Runs a process to its end and writes its output to two new files.
    static func run(_ process: Process, out: String, err: String) async throws {
        var handles: [FileHandle] = []
        // A process that has ended keeps its file handles.
        defer { for handle in handles { handle.closeFile() } }
        for file in [out, err] {
            #expect(FileManager.default.createFile(atPath: file, contents: nil))
            handles.append(try #require(FileHandle(forWritingAtPath: file)))
        }
        process.standardOutput = handles[0]
        process.standardError = handles[1]
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
            }
        }
    }
}

extension Scene {
    // MARK: Files

    func write(_ text: String, to name: String) throws {
        try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
    }

    func read(_ name: String) throws -> String { try String(contentsOfFile: folder + "/" + name, encoding: .utf8) }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder + "/" + name) }
}
