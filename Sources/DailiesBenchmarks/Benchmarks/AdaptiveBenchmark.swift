import ArgumentParser
import DailiesCore
import Foundation

/// The benefit of polling when completions are likely.
struct AdaptiveBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adaptive",
        abstract:
            "Compares the adaptive poll schedule with the documented one: requests, detection delay and batch time.",
        discussion: """
            Runs the real program against the real simulator, with several batches in one store: one with the \
            documented schedule, which warms the store, one with --cadence adaptive and, for renders of 20 to 60 s, \
            one that may poll as often as documented. The simulator counts the polls. The delay is the time from the \
            end of a render, counted from the intent, to the stored final state. The plain bound is the list \
            schedule of the exact durations. Times are converted to speed 1.

              swift run -c release DailiesBenchmarks adaptive            # 14 min
              swift run -c release DailiesBenchmarks adaptive --even 60:20:60 --lognormal 60:20:60 --seeds 1
            """)

    @Option(help: ArgumentHelp("Number of tasks of 20 to 60 s, concurrency, speed.", valueName: "tasks:slots:speed"))
    var even = MakespanBenchmark.Size(tasks: 1000, slots: 100, speed: 10)
    @Option(
        help: ArgumentHelp(
            "Tasks of 150 s on average that scatter by a fifth, tasks in flight, speed.", valueName: "tasks:slots:speed"
        ))
    var lognormal = MakespanBenchmark.Size(tasks: 2000, slots: 500, speed: 10)
    @Option(help: "Runs of each; the mean is judged.") var seeds = 3
    @OptionGroup var record: RecordOptions

    /// The results of one batch.
    private struct Leg {
        var polls = 0.0
        /// Relative to the plain bound.
        var makespan = 0.0
        /// Mean, in seconds.
        var delay = 0.0
        /// Includes the submit.
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

    /// The mean results of each schedule over all seeds.
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
