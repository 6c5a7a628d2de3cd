import DailiesCore
import DailiesStore
import ExactJSON
import Foundation
import Testing

@testable import TestSupport

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

    let simulator: Simulator?
    private let test: TestEnvironment
    var folder: String { test.folder }
    var path: String { test.store }
    var baseURL: String { simulator?.url ?? "http://127.0.0.1:9" }

    /// - Parameter simulator: arguments of `dailies simulate`; nil means no simulator.
    init(simulator arguments: [String]? = nil) async throws {
        let test = try TestEnvironment()
        self.test = test
        if let arguments {
            simulator = try await blocking { try Simulator(test, arguments: arguments, speed: test.speed) }
        } else {
            simulator = nil
        }
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
        var environment = ["NO_COLOR": "1"]
        environment["BYTESPIKE_API_KEY"] = key
        let child = try test.start(arguments, environment: environment)
        let ending = try await blocking { try child.ended() }
        guard case .exited(let code) = ending else {
            throw Child.Failure(description: "\(arguments) ended by a signal: \(ending)")
        }
        return Outcome(code, out: comparable(child.written.outText), err: comparable(child.written.errText))
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

extension Scene {
    // MARK: Files

    func write(_ text: String, to name: String) throws {
        try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
    }

    func read(_ name: String) throws -> String { try String(contentsOfFile: folder + "/" + name, encoding: .utf8) }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder + "/" + name) }
}
