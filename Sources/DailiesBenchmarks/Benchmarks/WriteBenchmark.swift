import ArgumentParser
import CSQLite
import DailiesCore
import DailiesStore
import Dispatch
import Foundation
import Synchronization

/// Durable writes per second, each acknowledged after its commit is synced.
struct WriteBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "durable-steps",
        abstract: "Compares the store's group commit with the same rows written through SQLite's C API.",
        discussion: """
            A task has four steps: intent, accepted, running, completed. As in a run, a step is written when the \
            previous one is acknowledged, with --slots tasks in progress. The C loop writes the same rows with \
            prepared statements, in as many commits, to a store with the same schema, triggers and settings. Its \
            statements and values are recorded from the store itself. It makes no checks and reports no results.

              swift run -c release DailiesBenchmarks durable-steps                 # 1 min
              swift run -c release DailiesBenchmarks durable-steps --tasks 2000 --rounds 1
            """)

    @Option(help: "Tasks per round.") var tasks = 20_000
    @Option(help: "Tasks in progress at the same time.") var slots = 1000
    @Option(help: "Alternating rounds; the median ratio is judged.") var rounds = 5
    @OptionGroup var record: RecordOptions

    func run() throws {
        var recorder = ResultRecorder("durable-steps", record)
        recorder.say("\(tasks) tasks of four steps, \(slots) under way, \(rounds) rounds")
        let recording = try recorded()
        var ratios: [Double] = []
        for round in 1...rounds {
            let stage = try BenchmarkEnvironment()
            let storeResult = try throughStore(stage)
            let loop = try RawSQLiteBaseline(recording, path: stage.path("plain.sqlite"), tasks: tasks)
            let loopResult = try loop.run(steps: storeResult.steps, commits: storeResult.commits)
            ratios.append(storeResult.rate / loopResult.rate)
            recorder.say(
                "round \(round): store \(ResultRecorder.figure(storeResult.rate)) steps/s in "
                    + "\(storeResult.commits) commits, C loop \(ResultRecorder.figure(loopResult.rate)) steps/s in "
                    + "\(loopResult.commits) commits")
        }
        recorder.judge("steps of the store over the C loop's", ratios.sorted()[ratios.count / 2], atLeast: 0.7)
        try recorder.finish()
    }

    struct Rate {
        let steps: Int
        let commits: Int
        let seconds: Double
        var rate: Double { Double(steps) / seconds }
    }

    /// The writes of one run through the store, which is not measured.
    private func recorded() throws -> Recording {
        Recording.install()
        defer { sqlite3_reset_auto_extension() }
        let stage = try BenchmarkEnvironment()
        let store = try Store.open(stage.path("recorded.sqlite"), for: .running)
        try WriteLoad.importManifest(tasks, in: store)
        let load = WriteLoad(store: store, tasks: tasks, slots: slots)
        let recording = try Recording.during { try load.run() }
        try store.close()
        return recording
    }

    private func throughStore(_ stage: BenchmarkEnvironment) throws -> Rate {
        let faults = StoreFailpoints()
        let store = try Store.open(stage.path("store.sqlite"), for: .running, faults: faults)
        try WriteLoad.importManifest(tasks, in: store)
        let before = faults.commits
        let load = WriteLoad(store: store, tasks: tasks, slots: slots)
        let began = ContinuousClock.now
        try load.run()
        let seconds = began.duration(to: .now) / .seconds(1)
        let rate = Rate(steps: 4 * tasks, commits: faults.commits - before, seconds: seconds)
        try store.close()
        return rate
    }
}

/// Runs tasks through their steps; each step is written when the previous one is acknowledged.
final class WriteLoad: Sendable {
    private struct State {
        var nextTask = 0
        var left: Int
        var failure: StoreError?
    }

    static let account = KeyFingerprint("0123456789ab")
    private let store: Store
    private let slots: Int
    private let tasks: Int
    private let state: Mutex<State>
    private let done = DispatchSemaphore(value: 0)

    init(store: Store, tasks: Int, slots: Int) {
        self.store = store
        self.slots = slots
        self.tasks = tasks
        state = Mutex(State(left: tasks))
    }

    static func spec(_ number: Int) -> TaskSpec {
        let prompt = "A cinematic dolly shot through a misty pine forest at dawn, take \(number)"
        return TaskSpec(
            key: TaskKey("clip-\(number)"),
            shape: RequestShape(
                model: BenchmarkEnvironment.model, durationSeconds: BenchmarkEnvironment.clipSeconds,
                resolution: "1080p"),
            prompt: prompt,
            request: CanonicalRequest(
                text: """
                    {"aspect_ratio":"16:9","duration_seconds":8,"model":"sora-2-pro","prompt":"\(prompt)","resolution":"1080p"}
                    """), tags: [], priority: 0, output: nil)
    }

    static func importManifest(_ tasks: Int, in store: Store, baseURL: String = "http://127.0.0.1") throws {
        _ = try store.importManifest(
            BatchDefinition(
                name: "batch", manifestPath: "/batch.jsonl", provider: "simulator", baseURL: baseURL,
                outputDirectory: "/renders", budget: .unchanged), tasks: (1...tasks).map(spec), at: at)
    }

    private static let at = Instant(milliseconds: 1_764_000_000_000)

    /// Step 0…3 of a task.
    static func change(_ step: Int, of task: Int) -> Mutation {
        let attempt = AttemptID(task: TaskID(Int64(task)), number: 1)
        let price = Credits(nano: 3_650_000_000)
        let amount = Amount(credits: price, text: "3.65", source: "credits", isRounded: false)
        switch step {
        case 0:
            let key = key(of: task)
            let submission = Submission(
                attempt: attempt, key: key, model: BenchmarkEnvironment.model, dialect: .flat, account: account,
                body: body(of: task, key))
            return Mutation(at: at, .intent(Intent(submission: submission, reserved: price)))
        case 1:
            return Mutation(
                at: at,
                .accepted(
                    attempt,
                    Acceptance(
                        remoteID: remote(of: task), isRunning: false, estimate: amount, reserved: price, source: .reply)
                ))
        case 2: return Mutation(at: at, .running(attempt))
        default:
            return Mutation(
                at: at,
                .settled(
                    attempt,
                    Settlement(
                        end: .completed, charges: [amount], completedAt: at, asset: AssetLocation(url: url(of: task)),
                        deliveredSeconds: 8)))
        }
    }

    static func key(of task: Int) -> SubmissionKey {
        SubmissionKey(digest: (0..<15).map { UInt8(truncatingIfNeeded: task >> ($0 % 4 * 8)) &+ UInt8($0) })
    }
    static func remote(of task: Int) -> RemoteTaskID {
        let digits = "\(task)"
        return RemoteTaskID("task_" + String(repeating: "0", count: 26 - digits.count) + digits)
    }
    static func url(of task: Int) -> String {
        "https://cdn.example/\(remote(of: task)).mp4?expires=1764000000&signature=00"
    }
    static func body(of task: Int, _ key: SubmissionKey) -> [UInt8] {
        Array((spec(task).request.text.dropLast() + ",\"out_task_id\":\"\(key)\"}").utf8)
    }

    func run() throws {
        for _ in 0..<slots { begin() }
        done.wait()
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    private func begin() {
        let task = state.withLock { state -> Int? in
            guard state.nextTask < tasks else { return nil }
            state.nextTask += 1
            return state.nextTask
        }
        if let task { write(0, of: task) }
    }

    private func write(_ step: Int, of task: Int) {
        store.write([Self.change(step, of: task)]) { result in
            if case .failure(let error) = result { self.state.withLock { $0.failure = error } }
            if step < 3 { return self.write(step + 1, of: task) }
            let isLast = self.state.withLock { state in
                state.left -= 1
                return state.left == 0
            }
            self.begin()
            if isLast { self.done.signal() }
        }
    }
}
