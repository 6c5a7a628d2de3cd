import ArgumentParser
import DailiesCore
import Foundation

/// Compares the time of a batch with the best possible for its concurrency.
struct MakespanBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "makespan",
        abstract: "Compares the makespan of a run against the simulator with the best possible for a poller.",
        discussion: """
            A task takes 20 to 60 s. The bound is the list schedule: tasks in order, each in the first free slot, \
            with durations rounded up to the next poll of the documented schedule. The makespan is the time from the \
            first intent to the last final state, both as stored.

              swift run -c release DailiesBenchmarks makespan                        # both sizes, five seeds: 30 min
              swift run -c release DailiesBenchmarks makespan --size 60:20:60 --seeds 1   # a smoke run: seconds
            """)

    @Option(help: ArgumentHelp("Number of tasks, concurrency, speed.", valueName: "tasks:slots:speed"))
    var size: [Size] = [Size(tasks: 1000, slots: 100, speed: 20), Size(tasks: 10_000, slots: 1000, speed: 4)]
    @Option(help: "Runs per size; the mean is judged.") var seeds = 5
    @OptionGroup var python: AsyncioScript.Options
    @OptionGroup var record: RecordOptions

    struct Size: ExpressibleByArgument {
        let tasks: Int
        let slots: Int
        let speed: Int
        init(tasks: Int, slots: Int, speed: Int) { (self.tasks, self.slots, self.speed) = (tasks, slots, speed) }
        init?(argument: String) {
            let numbers = argument.split(separator: ":").map { Int($0) ?? 0 }
            guard numbers.count == 3, numbers.allSatisfy({ $0 > 0 }) else { return nil }
            self.init(tasks: numbers[0], slots: numbers[1], speed: numbers[2])
        }
        var defaultValueDescription: String { "\(tasks):\(slots):\(speed)" }
    }

    func run() throws {
        var recorder = ResultRecorder("makespan", record)
        let script = python.script(&recorder)
        for size in size { try measure(size, script, &recorder) }
        try recorder.finish()
    }

    private func measure(_ size: Size, _ script: AsyncioScript?, _ recorder: inout ResultRecorder) throws {
        recorder.say("\(size.tasks) tasks at \(size.slots), speed \(size.speed), \(seeds) seeds")
        var (dailiesRatios, scriptRatios): ([Double], [Double]) = ([], [])
        for seed in 1...UInt64(seeds) {
            let stage = try BenchmarkEnvironment()
            let run = try ProgramRun(size, seed: seed, in: stage)
            dailiesRatios.append(run.makespan / run.bound)
            var line =
                "seed \(seed): \(figure(run.makespan)) s of \(figure(run.bound)) s, plain bound \(figure(run.plainBound)) s, "
                + "\(figure(Double(run.polls) / Double(size.tasks))) polls a task, "
                + "\(figure(run.measured.processorSeconds)) s of CPU in \(figure(run.measured.seconds)) s"
            if let script {
                let simulator = try stage.simulator(speed: size.speed, seed: seed)
                defer { simulator.end() }
                let other = try script.run(
                    run.keys, at: simulator.greeting, speed: size.speed, concurrency: size.slots, in: stage)
                scriptRatios.append(other.makespan / run.bound)
                line += "; script \(figure(other.makespan)) s, \(figure(other.measured.processorSeconds)) s of CPU"
            }
            recorder.say(line)
        }
        recorder.judge("makespan over the list schedule, mean of \(seeds)", mean(dailiesRatios), atMost: 1.01)
        if !scriptRatios.isEmpty {
            recorder.say("the asyncio script, same tasks: \(ResultRecorder.figure(mean(scriptRatios)))")
        }
    }

    private func figure(_ span: Duration) -> String { ResultRecorder.figure(span.inSeconds) }
    private func figure(_ value: Double) -> String { ResultRecorder.figure(value) }
    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }
}

/// One run of the real program against its own simulator, and the bounds it is compared with.
struct ProgramRun {
    let measured: ProcessUsage
    let keys: [SubmissionKey]
    let makespan: Duration
    /// The list schedule of durations as a poller sees them, and of the exact durations.
    let bound: Duration
    let plainBound: Duration
    /// Counted by the simulator.
    let polls: Int

    init(_ size: MakespanBenchmark.Size, seed: UInt64, in stage: BenchmarkEnvironment, _ options: [String] = []) throws
    {
        let simulator = try stage.simulator(speed: size.speed, seed: seed)
        defer { simulator.end() }
        let name = UUID().uuidString
        measured = try stage.run(
            stage.manifest("\(name).jsonl", tasks: size.tasks), store: stage.path("\(name).sqlite"),
            at: simulator.greeting, speed: size.speed, concurrency: size.slots, options)
        polls = try BenchmarkEnvironment.questions(at: simulator.greeting)
        let ended = try BenchmarkEnvironment.ended(in: stage.path("\(name).sqlite"))
        (keys, makespan) = (ended.map(\.key), ended.makespan)
        let durations = BenchmarkEnvironment.renderTimes(of: keys, speed: size.speed, seed: seed)
        let polled = ListSchedule.polled(
            durations, BenchmarkEnvironment.cadence(speed: size.speed),
            afterwards: BenchmarkEnvironment.lateInterval(speed: size.speed))
        bound = ListSchedule(polled, slots: size.slots).makespan
        plainBound = ListSchedule(durations, slots: size.slots).makespan
    }
}
