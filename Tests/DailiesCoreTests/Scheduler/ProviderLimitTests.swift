import Testing

@testable import DailiesCore

/// Finding a provider's limit, and outages: hours of a run by a seed.
@Suite struct ProviderLimitTests {
    private static let start = SchedulerSimulation.start

    /// 120 to 180 s per clip, as documented for sora-2-pro.
    private static func render(_ random: inout SplitMix64) -> Duration {
        .milliseconds(Int.random(in: 120_000...180_000, using: &random))
    }

    @Test(arguments: 1...5)
    func `a limit of seven is found, rarely hit again, and its slots stay busy`(seed: UInt64) {
        let flow = SchedulerSimulation(
            tasks: 3000, settings: SchedulerHarness.settings { $0.concurrency = 25 },
            provider: .init(limit: 7, duration: Self.render), seed: seed)
        flow.run(until: Self.start + .seconds(6 * 3600))
        let settled = Self.start + .seconds(600)
        let late = flow.submits.filter { $0.at >= settled }
        let refused = late.count { $0.isRefused }
        let share = Double(refused) / Double(late.count)
        let busy = flow.busy(7, from: settled, to: flow.now)
        print("limit 7, seed \(seed): \(refused) of \(late.count) submits refused, slots busy \(busy)")
        #expect(share < 0.01 && busy >= 0.98 && flow.failed == 0 && late.count > 500)
        #expect(flow.submits.count { $0.isRefused && $0.at < settled } < 40)
    }

    @Test func `a burst above the limit finds it at once and costs one doubling`() {
        var limiter = ConcurrencyLimiter(ceiling: 25)
        let sent = Instant(milliseconds: 0)
        func at(_ milliseconds: Int64) -> Instant { Instant(milliseconds: milliseconds) }
        // Three answers, then a refusal, then the rest in any order: seven accepted, eighteen refused.
        for count in 1...3 { limiter.accepted(inFlight: count, sentAt: sent) }
        let isNews = limiter.refused(inFlight: 3, sentAt: sent, at: at(100))
        #expect(isNews && limiter.limit == 3)
        for count in 4...7 {
            let again = limiter.refused(inFlight: count - 1, sentAt: sent, at: at(100 + Int64(count)))
            #expect(!again)
            limiter.accepted(inFlight: count, sentAt: sent)
        }
        for _ in 0..<14 {
            let again = limiter.refused(inFlight: 7, sentAt: sent, at: at(200))
            #expect(!again)
        }
        #expect(limiter.limit == 7 && limiter.nextProbe == at(100) + .seconds(30))
        limiter.probe(at: at(30_100))
        let probe = limiter.refused(inFlight: 7, sentAt: at(30_100), at: at(30_200))
        #expect(probe && limiter.limit == 7 && limiter.nextProbe == at(30_200) + .seconds(60))
    }

    @Test func `a growing provider limit is detected faster and faster`() {
        var limiter = ConcurrencyLimiter(ceiling: 40)
        var now = Instant(milliseconds: 0)
        for _ in 0..<6 {
            now = max(limiter.nextProbe ?? now, now) + .seconds(1)
            limiter.probe(at: now)
            _ = limiter.refused(inFlight: 5, sentAt: now, at: now)
        }
        var waits: [Int64] = []
        for _ in 0..<7 {
            let probe = limiter.nextProbe ?? now
            waits.append((probe - now).components.seconds)
            now = probe
            limiter.probe(at: now)
            limiter.accepted(inFlight: limiter.limit, sentAt: now)
        }
        #expect(waits == [960, 960, 480, 240, 120, 60, 30])
    }

    @Test(arguments: 1...3)
    func `an outage of ten minutes fails no task and is not followed by a burst`(seed: UInt64) throws {
        let width = 40
        let away = Self.start + .seconds(900)..<Self.start + .seconds(1500)
        let flow = SchedulerSimulation(
            tasks: 600, settings: SchedulerHarness.settings { $0.concurrency = width },
            provider: .init(limit: nil, duration: Self.render, away: away), seed: seed)
        flow.run(until: away.upperBound)
        let during = flow.requests.count { $0 >= away.lowerBound + .seconds(60) }
        flow.run()
        // The first second after the successful probe.
        let back = try #require(flow.requests.first { $0 >= away.upperBound })
        let worst = (0..<20).map { step in
            let from = back + .milliseconds(step * 100)
            return flow.requests.count { $0 >= from && $0 < from + .seconds(1) }
        }
        print("outage, seed \(seed): \(during) requests in nine minutes, then up to \(worst.max() ?? 0) a second")
        #expect(worst[0] <= width && worst.allSatisfy { $0 <= 2 * width })
        #expect(during <= 60 && back - away.upperBound <= .seconds(61))
        #expect(flow.failed == 0 && flow.ending == RunResult())
        #expect(flow.spans.count == 600)
    }
}
