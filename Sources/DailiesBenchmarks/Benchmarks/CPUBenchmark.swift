import ArgumentParser
import DailiesCore
import Foundation

/// The CPU time of a whole run, from start to exit.
struct CPUBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "processor",
        abstract: "Compares the CPU time of a run with a bare HTTP loop and the asyncio script.",
        discussion: """
            All three render the same tasks with the same keys, each on its own simulator: about 21 polls and a \
            submit per task. The bare loop is async-http-client alone, with one Swift task per slot, at the same \
            poll times, and once more with the same number of queries as fast as possible.

              swift run -c release DailiesBenchmarks processor                     # 6 min
              swift run -c release DailiesBenchmarks processor --size 500:250:20   # a smoke run: seconds
            """)

    /// Minimum share of the requests that the script must make for a valid comparison.
    private static let sameWork = 0.95

    @Option(help: ArgumentHelp("Number of tasks, concurrency, speed.", valueName: "tasks:slots:speed"))
    var size = MakespanBenchmark.Size(tasks: 10_000, slots: 1000, speed: 4)
    @Option var seed: UInt64 = 1
    @OptionGroup var python: AsyncioScript.Options
    @OptionGroup var record: RecordOptions

    func run() throws {
        var recorder = ResultRecorder("processor", record)
        recorder.say("\(size.tasks) tasks at \(size.slots), speed \(size.speed)")
        let script = python.script(&recorder)
        let stage = try BenchmarkEnvironment()
        let run = try ProgramRun(size, seed: seed, in: stage)
        let requests = run.polls + size.tasks
        recorder.say("\(ResultRecorder.figure(Double(requests) / Double(size.tasks))) requests a task")
        say(&recorder, "dailies", run.measured, requests)
        let (loop, asked) = try bareLoop(run.keys, [], in: stage)
        say(&recorder, "bare loop, the same requests at the same times", loop, asked)
        let (flat, hurriedly) = try bareLoop(run.keys, ["--flat-out", "\(requests)"], in: stage)
        say(&recorder, "bare loop, as fast as they go", flat, hurriedly)
        // Per request, since being late by one poll means one request less.
        let (dailiesRate, loopRate) = (
            Double(requests) / run.measured.processorSeconds, Double(asked) / loop.processorSeconds
        )
        recorder.judge("dailies over the bare loop, by request", loopRate / dailiesRate, atMost: 1.4)
        let hurried = run.measured.processorSeconds / flat.processorSeconds
        recorder.say("dailies over the bare loop as fast as it goes: \(ResultRecorder.figure(hurried))")
        if let script {
            let simulator = try stage.simulator(speed: size.speed, seed: seed)
            defer { simulator.end() }
            let other = try script.run(
                run.keys, at: simulator.greeting, speed: size.speed, concurrency: size.slots, in: stage)
            say(&recorder, "asyncio script", other.measured, other.requests)
            let ratio = run.measured.processorSeconds / other.measured.processorSeconds
            if Double(other.requests) >= Self.sameWork * Double(requests) {
                recorder.judge("dailies over the script", ratio, atMost: 1)
            } else {
                // When late, it makes one poll for several: on a busy machine it does only part of the work.
                recorder.say(
                    "dailies over the script \(ResultRecorder.figure(ratio)), not judged: the script fell behind its cadence and "
                        + "made \(other.requests) requests of \(requests)")
            }
        }
        try recorder.finish()
    }

    /// - Returns: its resource usage, and its number of requests as counted by the simulator.
    private func bareLoop(
        _ keys: [SubmissionKey], _ options: [String], in stage: BenchmarkEnvironment
    ) throws -> (cost: ProcessUsage, requests: Int) {
        let simulator = try stage.simulator(speed: size.speed, seed: seed)
        defer { simulator.end() }
        let list = stage.path("\(UUID().uuidString).keys")
        try Data(keys.map(\.text).joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: list))
        let cost = try ProcessUsage.run(
            BenchmarkEnvironment.thisProgram,
            [
                "bare-loop", "--url", simulator.greeting, "--keys", list, "--slots", "\(size.slots)", "--speed",
                "\(size.speed)",
            ] + options)
        let submits = options.isEmpty ? keys.count : 1
        return (cost, try BenchmarkEnvironment.questions(at: simulator.greeting) + submits)
    }

    private func say(_ recorder: inout ResultRecorder, _ who: String, _ measured: ProcessUsage, _ requests: Int) {
        let each = measured.processorSeconds / Double(requests) * 1e6
        recorder.say(
            "\(who): \(requests) requests, \(ResultRecorder.figure(measured.processorSeconds)) s of CPU in \(ResultRecorder.figure(measured.seconds)) s, "
                + "\(ResultRecorder.figure(each)) us a request, "
                + "\(ResultRecorder.figure(measured.processorSeconds / Double(size.tasks) * 1000)) s per 1,000 tasks")
    }
}
