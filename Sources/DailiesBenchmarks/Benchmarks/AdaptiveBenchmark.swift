import ArgumentParser
import DailiesCore
import Foundation

/// What is gained by polls that are placed where completions are likely.
struct AdaptiveBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adaptive",
        abstract:
            "The adaptive cadence against the documented one: requests, detection delay, and the time of a batch.",
        discussion: """
            The real program against the real simulator, three batches one after the other in one store: one at the \
            documented cadence, which warms the store, one at --cadence adaptive, and, where renders take 20 to 60 s, one \
            that may ask as often as documented. Polls are counted by the simulator. A delay runs from the end of a render, \
            counted from the intent, to the stored final state. The plain bound is the list schedule of the durations as \
            they are. Times at the speed of the run are given as at speed 1.

              swift run -c release DailiesBenchmarks adaptive            # 14 min
              swift run -c release DailiesBenchmarks adaptive --even 60:20:60 --lognormal 60:20:60 --seeds 1
            """)

    @Option(help: ArgumentHelp("Tasks of 20 to 60 s, tasks in flight, speed.", valueName: "tasks:slots:speed"))
    var even = MakespanBenchmark.Size(tasks: 1000, slots: 100, speed: 10)
    @Option(
        help: ArgumentHelp(
            "Tasks of 150 s on average that scatter by a fifth, tasks in flight, speed.", valueName: "tasks:slots:speed"
        ))
    var lognormal = MakespanBenchmark.Size(tasks: 2000, slots: 500, speed: 10)
    @Option(help: "Runs of each; the means are judged.") var seeds = 3
    @OptionGroup var record: RecordOptions

    /// What one batch came to.
    private struct Leg {
        var polls = 0.0
        /// Over the plain bound.
        var makespan = 0.0
        /// Seconds, mean.
        var delay = 0.0
        /// Its submit counts.
        var requests: Double { polls + 1 }

        static func mean(_ legs: [Leg]) -> Leg {
            func mean(_ value: (Leg) -> Double) -> Double { legs.map(value).reduce(0, +) / Double(max(legs.count, 1)) }
            return Leg(polls: mean(\.polls), makespan: mean(\.makespan), delay: mean(\.delay))
        }
    }

    func run() throws {
        var recorder = ResultRecorder("adaptive", record)
        try measureScattered(&recorder)
        try measureEven(&recorder)
        try recorder.finish()
    }

    private func measureScattered(_ recorder: inout ResultRecorder) throws {
        recorder.say("lognormal, 150 s on average, scatter a fifth: \(words(lognormal))")
        let cadences = ["documented", "adaptive"]
        let legs = try measure(lognormal, .lognormal, cadences, &recorder)
        recorder.judge("polls, adaptive over documented", legs[1].polls / legs[0].polls, atMost: 1.0 / 3)
        recorder.judge("mean delay, adaptive over documented", legs[1].delay / legs[0].delay, atMost: 0.6)
    }

    private func measureEven(_ recorder: inout ResultRecorder) throws {
        recorder.say("20 to 60 s: \(words(even))")
        let legs = try measure(even, .even, ["documented", "adaptive", "adaptive:1"], &recorder)
        let (thrifty, eager) = (legs[1], legs[2])
        recorder.say("adaptive: \(point(thrifty)); aim: 1.035 at 9 requests")
        recorder.say("adaptive:1: \(point(eager)); aim: 1.015")
        let holds = eager.makespan <= 1.015 || thrifty.requests <= 9 && thrifty.makespan <= 1.035
        recorder.say("one of the two aims: \(holds ? "holds" : "MISSED")")
    }

    private func words(_ size: MakespanBenchmark.Size) -> String {
        "\(size.tasks) tasks at \(size.slots), speed \(size.speed), \(seeds) seeds"
    }

    private func point(_ leg: Leg) -> String {
        "\(ResultRecorder.figure(leg.makespan)) of the plain bound at \(ResultRecorder.figure(leg.requests)) requests a task"
    }

    /// The mean of each cadence over the seeds.
    private func measure(
        _ size: MakespanBenchmark.Size, _ time: BenchmarkEnvironment.RenderTime, _ cadences: [String],
        _ recorder: inout ResultRecorder
    ) throws -> [Leg] {
        var legs = [[Leg]](repeating: [], count: cadences.count)
        for seed in 1...UInt64(seeds) {
            let stage = try BenchmarkEnvironment()
            let simulator = try stage.simulator(speed: size.speed, seed: seed, time)
            defer { simulator.end() }
            for (index, cadence) in cadences.enumerated() {
                let leg = try batch(index, cadence, size, time, seed: seed, at: simulator.greeting, in: stage)
                legs[index].append(leg)
                recorder.say(
                    "seed \(seed), \(cadence): \(ResultRecorder.figure(leg.polls)) polls a task, delay "
                        + "\(ResultRecorder.figure(leg.delay)) s, \(ResultRecorder.figure(leg.makespan)) of the plain bound"
                )
            }
        }
        return legs.map(Leg.mean)
    }

    private func batch(
        _ number: Int, _ cadence: String, _ size: MakespanBenchmark.Size, _ time: BenchmarkEnvironment.RenderTime,
        seed: UInt64, at url: String, in stage: BenchmarkEnvironment
    ) throws -> Leg {
        let (name, store) = ("batch-\(number)", stage.path("store.sqlite"))
        let before = try BenchmarkEnvironment.questions(at: url)
        _ = try stage.run(
            stage.manifest("\(name).jsonl", tasks: size.tasks), store: store, at: url, speed: size.speed,
            concurrency: size.slots, ["--cadence", cadence])
        let polls = try BenchmarkEnvironment.questions(at: url) - before
        let ended = try BenchmarkEnvironment.ended(in: store, batch: name)
        let times = BenchmarkEnvironment.renderTimes(of: ended.map(\.key), speed: size.speed, seed: seed, time)
        let delays = zip(ended, times).map { ($0.settled - $0.submitted - $1).inSeconds }
        return Leg(
            polls: Double(polls) / Double(size.tasks),
            makespan: ended.makespan / ListSchedule(times, slots: size.slots).makespan,
            delay: delays.reduce(0, +) / Double(size.tasks) * Double(size.speed))
    }
}
