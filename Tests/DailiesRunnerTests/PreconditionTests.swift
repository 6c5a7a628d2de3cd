import DailiesCore
import DailiesStore
import Dispatch
import Foundation
import Logging
import Testing

@testable import DailiesRunner

/// What a program that embeds the library might do by mistake, and what would send a task a second time: it stops there
/// and then. What cannot even be written is in `ExternalAccessTests`.
struct PreconditionTests {
    /// A store, its lock, and a runner, created with the public initializer.
    private struct Setting {
        let folder: String
        let store: Store
        let lock: RunnerLock

        init(use: Store.Use = .running) throws {
            folder = NSTemporaryDirectory() + "dailies-misuse-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let path = folder + "/dailies.sqlite"
            if use == .reading { try Store.open(path, for: .running).close() }
            store = try Store.open(path, for: use)
            lock = try Store.lock(path)
        }

        func runner(lock: RunnerLock? = nil) -> Runner {
            Runner(
                store: store, lock: lock ?? self.lock, provider: ScriptedProvider(), timers: ManualRunnerClock(),
                configuration: Runner.Configuration(
                    settings: SchedulerSettings(), catalog: ModelCatalog(compiled: "", models: []), batches: [],
                    accounts: APIKeyRouting(byPrefix: [:]), seed: 1),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, observer: { _, _ in })
        }

        func remove() throws { try FileManager.default.removeItem(atPath: folder) }
    }

    @Test func `a runner runs with the lock of its own store`() throws {
        let setting = try Setting()
        let ended = DispatchSemaphore(value: 0)
        let runner = setting.runner()
        runner.start { _ in ended.signal() }
        #expect(ended.wait(timeout: .now() + .seconds(30)) == .success)
        try setting.remove()
    }

    @Test func `the lock stays with its runner after the caller releases it`() throws {
        let folder = NSTemporaryDirectory() + "dailies-misuse-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = folder + "/dailies.sqlite"
        let runner = try { () throws -> Runner in
            let store = try Store.open(path, for: .running)
            return Runner(
                store: store, lock: try Store.lock(path), provider: ScriptedProvider(), timers: ManualRunnerClock(),
                configuration: Runner.Configuration(
                    settings: SchedulerSettings(), catalog: ModelCatalog(compiled: "", models: []), batches: [],
                    accounts: APIKeyRouting(byPrefix: [:]), seed: 1),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, observer: { _, _ in })
        }()
        #expect(throws: StoreError.self) { try Store.lock(path) }
        withExtendedLifetime(runner) {}
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test func `a second runner with the same lock traps`() async {
        await #expect(processExitsWith: .failure) {
            let setting = try Setting()
            let first = setting.runner()
            try setting.remove()
            withExtendedLifetime((first, setting.runner())) {}
        }
    }

    @Test func `starting a runner twice traps`() async {
        await #expect(processExitsWith: .failure) {
            let setting = try Setting()
            try setting.remove()
            let runner = setting.runner()
            runner.start { _ in }
            runner.start { _ in }
        }
    }

    @Test func `a runner with the lock of another store traps`() async {
        await #expect(processExitsWith: .failure) {
            let (setting, other) = (try Setting(), try Setting())
            try setting.remove()
            try other.remove()
            withExtendedLifetime(setting.runner(lock: other.lock)) {}
        }
    }

    @Test func `a runner with a read-only store traps`() async {
        await #expect(processExitsWith: .failure) {
            let setting = try Setting(use: .reading)
            try setting.remove()
            withExtendedLifetime(setting.runner()) {}
        }
    }
}
