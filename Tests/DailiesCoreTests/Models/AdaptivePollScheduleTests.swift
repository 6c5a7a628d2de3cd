import Testing

@testable import DailiesCore

/// Polls placed where completions are likely.
@Suite struct AdaptivePollScheduleTests {
    /// sora-2-pro's.
    private let documented = SchedulerHarness.cadence
    private let late = Duration.seconds(10)

    /// Lognormal, with this mean in seconds and coefficient of variation.
    private func lognormal(_ mean: Double, _ variation: Double, _ random: inout SplitMix64) -> Duration {
        // The sum of twelve uniform draws approximates a normal one; no logarithm is available here.
        let normal = (0..<12).reduce(-6.0) { sum, _ in sum + Double.random(in: 0..<1, using: &random) }
        // σ² = ln(1 + v²) and e^x by their series.
        let square = variation * variation
        let variance = square - square * square / 2 + square * square * square / 3
        let exponent = variance.squareRoot() * normal - variance / 2
        var (term, sum) = (1.0, 1.0)
        for index in 1...30 {
            term *= exponent / Double(index)
            sum += term
        }
        return .nanoseconds(Int64(mean * sum * 1e9))
    }

    /// Requests and mean delay of polls at the times of `next`, for clips with these durations.
    private func measure(_ durations: [Duration], _ next: (Duration) -> Duration) -> (requests: Double, delay: Double) {
        var requests = 0
        var delay = 0.0
        for duration in durations {
            var elapsed = Duration.zero
            repeat {
                let following = next(elapsed)
                #expect(following - elapsed >= .milliseconds(999) || elapsed == .zero, "\(elapsed) to \(following)")
                elapsed = following
                requests += 1
            } while elapsed < duration
            delay += (elapsed - duration).inSeconds
        }
        return (Double(requests) / Double(durations.count), delay / Double(durations.count))
    }

    private func documentedPoll(_ elapsed: Duration) -> Duration {
        documented.nextPoll(after: elapsed, afterwards: late)
    }

    private func planned(_ plan: AdaptivePollSchedule, _ elapsed: Duration) -> Duration {
        plan.next(after: elapsed)
            ?? documented.nextPoll(
                after: elapsed + AdaptivePollSchedule.minimumInterval - .microseconds(10), afterwards: late)
    }

    @Test func `renders of 150 s that vary by a fifth need a third of the requests and six tenths of the delay`()
        throws
    {
        var (requests, delay) = (0.0, 0.0)
        let seeds = UInt64(1)...8
        for seed in seeds {
            var random = SplitMix64(seed: seed)
            let seen = (0..<4000).map { _ in lognormal(150, 0.2, &random) }
            let clips = (0..<4000).map { _ in lognormal(150, 0.2, &random) }
            let plan = try #require(
                AdaptivePollSchedule.best(for: seen, documented: documented, afterwards: late, share: 0.325))
            let (before, after) = (measure(clips, documentedPoll), measure(clips) { planned(plan, $0) })
            #expect(abs(plan.expectedPolls - after.requests) < 1 && abs(plan.expectedDelay - after.delay) < 0.2)
            requests += after.requests / before.requests / Double(seeds.count)
            delay += after.delay / before.delay / Double(seeds.count)
            print(
                "adaptive, seed \(seed): \(after.requests) of \(before.requests) requests, delay \(after.delay) of "
                    + "\(before.delay) s")
        }
        print("adaptive, mean of \(seeds.count) seeds: \(requests) of the requests, \(delay) of the delay")
        #expect(requests <= 1.0 / 3 && delay <= 0.6)
    }

    @Test func `renders of 20 to 60 s are detected within 1,035 thousandths with eight polls, or 1,015 with more`()
        throws
    {
        var random = SplitMix64(seed: 3)
        func draw(_ count: Int) -> [Duration] {
            (0..<count).map { _ in .milliseconds(Int.random(in: 20_000...60_000, using: &random)) }
        }
        let (seen, clips) = (draw(1000), draw(4000))
        let mean = clips.reduce(Duration.zero, +).inSeconds / Double(clips.count)
        let fallback = PollCadence.fallback
        for (share, requests, ratio) in [(0.325, 8.0, 1.032), (0.95, 21.0, 1.0145)] {
            let plan = try #require(
                AdaptivePollSchedule.best(for: seen, documented: fallback, afterwards: late, share: share))
            let measured = measure(clips) { planned(plan, $0) }
            print("adaptive, share \(share): \(measured.requests) requests, \(1 + measured.delay / mean) of the bound")
            #expect(measured.requests <= requests && 1 + measured.delay / mean <= ratio)
        }
    }

    @Test func `too few durations give no plan, and no plan polls twice in a second`() {
        for seed in UInt64(0)..<60 {
            var random = SplitMix64(seed: seed)
            let count = Int.random(in: 1...200, using: &random)
            let longest = Int64.random(in: 1...400_000, using: &random)
            let seen = (0..<count).map { _ in
                Bool.random(using: &random)
                    ? Duration.milliseconds(longest)
                    : .milliseconds(Int64.random(in: 1...longest, using: &random))
            }
            let plan = AdaptivePollSchedule.best(
                for: seen, documented: documented, afterwards: late,
                share: Double.random(in: 0.05...1, using: &random))
            guard let plan else {
                #expect(count < AdaptivePollSchedule.minimumDurations, "seed \(seed)")
                continue
            }
            #expect(count >= AdaptivePollSchedule.minimumDurations && !plan.times.isEmpty, "seed \(seed)")
            for (earlier, later) in zip(plan.times, plan.times.dropFirst()) {
                #expect(
                    later - earlier >= AdaptivePollSchedule.minimumInterval - .microseconds(10),
                    "seed \(seed): \(earlier), \(later)")
            }
            var elapsed = Duration.zero
            for _ in 0..<60 {
                let next = planned(plan, elapsed)
                #expect(next > elapsed, "seed \(seed)")
                elapsed = next
            }
        }
    }

    // MARK: in the scheduler

    private func flow(
        _ mode: PollingMode, tasks: Int, warm: Bool = false, durations: [ObservedDuration] = [], seed: UInt64 = 1
    ) -> SchedulerSimulation {
        var random = SplitMix64(seed: 99)
        let shape = SchedulerHarness.task(1).shape
        let seen = (0..<4000).map { _ in
            ObservedDuration(shape: shape, duration: lognormal(150, 0.2, &random), isDetected: false)
        }
        return SchedulerSimulation(
            tasks: tasks,
            settings: SchedulerHarness.settings {
                $0.concurrency = 50
                $0.cadence = mode
            }, provider: .init(duration: { [self] random in lognormal(150, 0.2, &random) }),
            durations: warm ? seen : durations, seed: seed)
    }

    @Test func `a run with a warm store polls a third as often and detects completions sooner`() {
        let (before, after) = (flow(.documented, tasks: 1000), flow(.adaptive, tasks: 1000, warm: true))
        before.run()
        after.run()
        func mean(_ flow: SchedulerSimulation) -> Double { flow.delays.reduce(.zero, +).inSeconds / 1000 }
        let requests = Double(after.polls) / Double(before.polls)
        print("adaptive run: \(after.polls) of \(before.polls) polls, delay \(mean(after)) of \(mean(before)) s")
        #expect(before.ending == RunResult() && after.ending == RunResult())
        #expect(requests <= 1.0 / 3 && mean(after) <= 0.6 * mean(before))
    }

    @Test func `a store with only detection times also warms a run`() {
        var random = SplitMix64(seed: 7)
        let shape = SchedulerHarness.task(1).shape
        // The data that a run at the documented cadence leaves.
        let found = (0..<4000).map { _ in
            let duration = lognormal(150, 0.2, &random)
            var poll = Duration.zero
            while poll < duration { poll = documentedPoll(poll) }
            return ObservedDuration(shape: shape, duration: poll + .milliseconds(80), isDetected: true)
        }
        let before = flow(.documented, tasks: 1000)
        let after = flow(.adaptive, tasks: 1000, durations: found)
        before.run()
        after.run()
        func mean(_ flow: SchedulerSimulation) -> Double { flow.delays.reduce(.zero, +).inSeconds / 1000 }
        print("adaptive by polls: \(after.polls) of \(before.polls) polls, delay \(mean(after)) of \(mean(before)) s")
        #expect(Double(after.polls) <= Double(before.polls) / 3 && mean(after) <= 0.6 * mean(before))
    }

    @Test func `a run with a cold store starts with the documented cadence and learns`() {
        let (before, after) = (flow(.documented, tasks: 2000), flow(.adaptive, tasks: 2000))
        before.run()
        after.run()
        print("adaptive from nothing: \(after.polls) of \(before.polls) polls")
        #expect(Double(after.polls) <= 0.42 * Double(before.polls))
        #expect(after.delays.reduce(.zero, +) <= before.delays.reduce(.zero, +))
    }

    @Test func `polling adapts to a provider that becomes much faster`() throws {
        var book = DurationHistory(share: 0.325)
        let shape = SchedulerHarness.task(1).shape
        for _ in 0..<200 { book.learn(.seconds(150), for: shape) }
        func first() throws -> Duration {
            let plan = book.plan(for: shape, documented: documented, afterwards: late)
            return try #require(plan?.times.first)
        }
        let before = try first()
        #expect(before > .seconds(140))
        for _ in 0..<6000 { book.learn(.seconds(30), for: shape) }
        let after = try first()
        #expect(after < .seconds(31))
    }

    // MARK: hints

    @Test func `a poll waits for half of a reply's estimate and stays on the documented grid`() {
        let rig = SchedulerHarness.with(1)
        let start = rig.now
        var report = RemoteTask.queued("r1")
        report.remaining = .seconds(60)
        rig.land(.accepted(report))
        rig.advance(by: .seconds(60))
        #expect(rig.askedAfter(.poll, since: start) == [32])
        report.remaining = nil
        rig.answer(.found(report))
        rig.advance(by: .seconds(3))
        #expect(rig.askedAfter(.poll, since: start) == [32, 62])
        rig.expectSound()
    }

    @Test func `a poll waits as long as a reply asks`() {
        let rig = SchedulerHarness.with(1)
        let start = rig.now
        rig.land(.accepted(.queued("r1")))
        rig.advance(by: .seconds(2))
        var report = RemoteTask.running("r1")
        report.retryAfter = .seconds(7)
        rig.answer(.found(report))
        rig.advance(by: .seconds(8))
        rig.answer(.fault(.status(429, retryAfter: .seconds(30))))
        rig.advance(by: .seconds(32))
        #expect(rig.askedAfter(.poll, since: start) == [2, 9, 40])
        rig.expectSound()
    }

    @Test func `an absurd Retry-After hides a clip for 15 minutes or less`() {
        var settings = SchedulerSettings()
        settings.maximumWait = .seconds(24 * 3600)
        let rig = SchedulerHarness.with(1, settings: settings)
        rig.land(.accepted(.queued("r1")))
        rig.advance(by: .seconds(2))
        var report = RemoteTask.running("r1")
        report.retryAfter = .seconds(3600 * 24 * 365)
        rig.answer(.found(report))
        let asked = rig.now
        rig.advance(by: .seconds(15 * 60 + 1))
        #expect(rig.askedAfter(.poll, since: asked) == [0, 900])
        rig.answer(.fault(.status(429, retryAfter: .seconds(Int64.max))))
        rig.advance(by: .seconds(15 * 60 + 1))
        #expect(rig.askedAfter(.poll, since: asked) == [0, 900, 1801])
        rig.expectSound()
    }
}
