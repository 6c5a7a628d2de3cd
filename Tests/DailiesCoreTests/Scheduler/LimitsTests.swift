import Testing

@testable import DailiesCore

/// The components that limit and delay submission.
@Suite struct LimitsTests {
    @Test func `SplitMix64 matches its reference numbers`() {
        var zero = SplitMix64(seed: 0)
        #expect(
            [zero.next(), zero.next(), zero.next()] == [
                0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F,
            ])
        var other = SplitMix64(seed: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ]
        #expect((0..<5).map { _ in other.next() } == expected)
    }

    // MARK: retry

    @Test(arguments: [1.0, 60])
    func `a wait is between half and all of 1, 2, 4 s, then of 10 s doubling to 60 s`(speed: Double) {
        let policy = RetryPolicy().divided(bySpeed: speed)
        var random = SplitMix64(seed: 5)
        let ceilings: [Int: Double] = [1: 1, 2: 2, 3: 4, 4: 10, 5: 20, 6: 40, 7: 60, 8: 60, 40: 60, 1_000_000: 60]
        for (failures, seconds) in ceilings {
            let whole = Duration.nanoseconds(Int64(seconds * 1e9)).divided(bySpeed: speed)
            for _ in 0..<200 {
                let wait = policy.wait(afterFailures: failures, using: &random)
                #expect(wait <= whole + .nanoseconds(2) && wait * 2 >= whole - .nanoseconds(4), "\(failures): \(wait)")
            }
        }
    }

    @Test func `dividing settings by a speed changes every duration and nothing else`() {
        var settings = SchedulerSettings()
        settings.pollWindow = .seconds(600)
        let fast = settings.divided(bySpeed: 10)
        #expect(fast.speed == 10 && fast.divided(bySpeed: 6).speed == 60)
        #expect(fast.pollWindow == .seconds(60) && fast.maximumWait == .seconds(90) && fast.lateInterval == .seconds(1))
        #expect(fast.unresolvedInterval == .seconds(6) && fast.lostAfter == .seconds(60))
        #expect(fast.completionInterval == .milliseconds(500) && fast.assetLifetime == .seconds(8640))
        #expect(fast.throttlePause == .milliseconds(100) && fast.retry.initialWait == .milliseconds(100))
        #expect(fast.retry.initialProbeInterval == .seconds(1) && fast.retry.maximumProbeInterval == .seconds(6))
        #expect(fast.initialProbeInterval == .seconds(3) && fast.maximumProbeInterval == .seconds(360))
        #expect(
            fast.concurrency == settings.concurrency && fast.retry.attempts == 4 && fast.pageSize == settings.pageSize)
    }

    // MARK: outage

    @Test func `an outage begins with the fourth consecutive failure and ends with an answer`() {
        var random = SplitMix64(seed: 1)
        var breaker = CircuitBreaker(policy: RetryPolicy())
        let now = Instant(milliseconds: 0)
        for _ in 0..<3 { #expect(!breaker.failed(at: now, using: &random)) }
        let ended = breaker.answered()
        #expect(!ended && !breaker.isOpen)
        for _ in 0..<3 { #expect(!breaker.failed(at: now, using: &random)) }
        let began = breaker.failed(at: now, using: &random)
        #expect(began && breaker.isOpen && breaker.openSince == now)
        let again = breaker.failed(at: now + .seconds(1), using: &random)
        #expect(!again && breaker.openSince == now)
        let over = breaker.answered()
        #expect(over && !breaker.isOpen && breaker.nextProbe == nil)
    }

    @Test func `outage probes are 5 to 60 s apart, however long it lasts`() throws {
        var random = SplitMix64(seed: 2)
        var breaker = CircuitBreaker(policy: RetryPolicy())
        var now = Instant(milliseconds: 0)
        for _ in 0..<4 { _ = breaker.failed(at: now, using: &random) }
        for _ in 0..<100 {
            let probe = try #require(breaker.nextProbe)
            #expect(probe - now >= .seconds(5) && probe - now <= .seconds(60))
            now = probe
            breaker.scheduleProbe(at: now, using: &random)
            _ = breaker.failed(at: now, using: &random)
        }
    }

    @Test func `a tripped breaker opens immediately`() {
        var random = SplitMix64(seed: 3)
        var breaker = CircuitBreaker(policy: RetryPolicy())
        let now = Instant(milliseconds: 0)
        let began = breaker.trip(at: now, using: &random)
        let again = breaker.trip(at: now + .seconds(1), using: &random)
        #expect(began && !again && breaker.isOpen && breaker.openSince == now)
    }

    // MARK: concurrency

    /// A model of the limiter: a list of events, evaluated from the start each time.
    private struct LimiterModel {
        enum Event {
            case refused(Int, sentAt: Instant, Instant)
            case accepted(Int, sentAt: Instant)
            case probe(Instant)
            case ceiling(Int)
        }
        var events: [Event] = []
        let first: Int

        func replay() -> (limit: Int, next: Instant?) {
            var (ceiling, limit, probeInterval) = (first, first, 30)
            var (since, lowered): (Instant?, Instant?) = (nil, nil)
            var (probed, isProven): (Int?, Bool) = (nil, false)
            for event in events {
                switch event {
                case .refused(let inFlight, let sentAt, let at):
                    if let lowered, sentAt <= lowered { continue }
                    limit = max(1, [inFlight, limit, ceiling].min() ?? 1)
                    if lowered != nil { probeInterval = min(2 * probeInterval, 3600) }
                    (since, lowered, probed, isProven) = (at, at, nil, false)
                case .accepted(let inFlight, let sentAt):
                    guard let lowered else { continue }
                    if sentAt <= lowered { limit = max(limit, min(inFlight, ceiling)) }
                    if let probed, inFlight >= probed { isProven = true }
                case .probe(let at):
                    guard limit < ceiling, let from = since, at >= from + .seconds(probeInterval) else { continue }
                    if isProven { probeInterval = max(30, probeInterval / 2) }
                    limit += 1
                    (since, probed, isProven) = (at, limit, false)
                case .ceiling(let new):
                    limit = limit < ceiling ? min(limit, new) : new
                    ceiling = new
                }
            }
            return (limit, limit < ceiling ? since.map { $0 + .seconds(probeInterval) } : nil)
        }
    }

    @Test func `the limiter matches its model for random histories`() {
        for seed in UInt64(0)..<60 {
            var random = SplitMix64(seed: seed)
            let ceiling = Int.random(in: 1...8, using: &random)
            var limiter = ConcurrencyLimiter(ceiling: ceiling)
            var model = LimiterModel(first: ceiling)
            var now = Instant(milliseconds: 1)
            for step in 0..<60 {
                now = now + .seconds(Int.random(in: 0...200, using: &random))
                let sentAt = now - .seconds(Int.random(in: 0...300, using: &random))
                let inFlight = Int.random(in: 0...8, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0:
                    _ = limiter.refused(inFlight: inFlight, sentAt: sentAt, at: now)
                    model.events.append(.refused(inFlight, sentAt: sentAt, now))
                case 1:
                    let new = Int.random(in: 1...8, using: &random)
                    limiter.setCeiling(new)
                    model.events.append(.ceiling(new))
                case 2, 3:
                    limiter.accepted(inFlight: inFlight, sentAt: sentAt)
                    model.events.append(.accepted(inFlight, sentAt: sentAt))
                default:
                    limiter.probe(at: now)
                    model.events.append(.probe(now))
                }
                let expected = model.replay()
                #expect(limiter.limit == expected.limit, "seed \(seed), step \(step)")
                #expect(limiter.nextProbe == expected.next, "seed \(seed), step \(step)")
                #expect((1...limiter.ceiling).contains(limiter.limit), "seed \(seed), step \(step)")
            }
        }
    }

    @Test func `the calm period doubles with each refusal, up to an hour`() {
        var limiter = ConcurrencyLimiter(ceiling: 9)
        var now = Instant(milliseconds: 0)
        var calms: [Int64] = []
        for _ in 0..<9 {
            now = now + .seconds(1)
            _ = limiter.refused(inFlight: 3, sentAt: now, at: now)
            calms.append(((limiter.nextProbe ?? now) - now).components.seconds)
        }
        #expect(calms == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600])
    }
}
