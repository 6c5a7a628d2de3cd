import ArgumentParser
import DailiesCore
import DailiesProvider
import Foundation

/// The time from a restart after a crash to the first request, with a large store.
struct RestartBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "Measures the time from process start to the first request about a task.",
        discussion: """
            `dailies resume` on a store of --tasks tasks, against a service that only records requests. The process is \
            killed with SIGKILL after its first request about a task, and restarted on the same store.

              swift run -c release DailiesBenchmarks restart                                   # 2 min, 1.3 GB of disk
              swift run -c release DailiesBenchmarks restart --tasks 20000 --unfinished 2000   # a smoke run: seconds
            """)

    /// The simulator's key, which the program uses by default.
    static let key = "any-key-will-do-here"

    @Option var tasks = 1_000_000
    @Option(help: "Tasks that were rendering when the last run ended.") var unfinished = 100_000
    @Option(help: "Number of starts; the median is judged.") var starts = 7
    @OptionGroup var record: RecordOptions

    func run() throws {
        var recorder = ResultRecorder("restart", record)
        recorder.say("a store of \(tasks) tasks, \(unfinished) of them unfinished, \(starts) starts")
        let stage = try BenchmarkEnvironment()
        let service = try StubService(answering: "running")
        let account = try APIKey(Self.key).fingerprint
        try LargeStoreFixture.make(
            stage.path("store.sqlite"), baseURL: service.url, account: account.text, finished: tasks - unfinished,
            rendering: unfinished, waiting: 0, at: Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)))
        var waits: [Double] = []
        for start in 1...starts {
            let (any, task) = try firstRequests(stage.path("store.sqlite"), service)
            waits.append(task)
            recorder.say(
                "start \(start): first request \(ResultRecorder.figure(any)) s, about a task \(ResultRecorder.figure(task)) s"
            )
        }
        recorder.judge("first request about a task, s", waits.sorted()[waits.count / 2], atMost: 0.5)
        try service.end()
        try recorder.finish()
    }

    /// Seconds from the start to the first request, and to the first about a task.
    private func firstRequests(_ store: String, _ service: StubService) throws -> (any: Double, task: Double) {
        service.forget()
        let began = ContinuousClock.now
        let child = try Child(
            silent: BenchmarkEnvironment.dailies,
            [
                "resume", "--store", store, "--provider", "simulator", "--base-url", service.url, "--concurrency",
                "\(unfinished)", "--no-download", "--quiet",
            ])
        defer { child.kill() }
        let deadline = began + .seconds(60)
        while ContinuousClock.now < deadline {
            let tally = service.tally
            if let any = tally.firstRequest, let task = tally.firstTaskRequest {
                return (began.duration(to: any) / .seconds(1), began.duration(to: task) / .seconds(1))
            }
            usleep(1000)
        }
        throw ProcessUsage.Failure(description: "no request within a minute")
    }
}
