import Testing

@testable import DailiesCore

@Suite struct PollCadenceTests {
    private typealias Row = (model: String, first: (Int, Int), second: (Int, Int?))

    /// The nine models as documented: interval and end of each phase, in seconds.
    private static let pages: [Row] = [
        ("sora-2-pro", (2, 90), (5, 240)), ("sora-2", (2, 180), (5, nil)), ("veo-3.1", (2, 60), (5, 180)),
        ("veo-3.1-fast", (1, 30), (2, 60)), ("seedance-1.5-pro", (2, 60), (5, 180)),
        ("seedance-2.0", (2, 60), (5, 180)),
        ("seedance-2.0-pro", (2, 90), (5, 240)), ("seedance-2.0-pro-fast", (2, 60), (5, 120)),
        ("seedance-fast", (1, 30), (2, 60)),
    ]

    private static func cadence(_ row: Row) -> PollCadence {
        PollCadence(phases: [
            .init(interval: .seconds(row.first.0), until: .seconds(row.first.1)),
            .init(interval: .seconds(row.second.0), until: row.second.1.map { .seconds($0) }),
        ])
    }

    private func times(_ cadence: PollCadence, until end: Duration, from start: Duration = .zero) -> [Duration] {
        var times: [Duration] = []
        var elapsed = start
        while true {
            elapsed = cadence.nextPoll(after: elapsed, afterwards: .seconds(10))
            if elapsed > end { return times }
            times.append(elapsed)
        }
    }

    @Test func `sora-2-pro is polled every 2 s to 90 s, every 5 s to 240 s, then every 10 s`() {
        let seconds =
            Array(stride(from: 2, through: 90, by: 2)) + Array(stride(from: 95, through: 240, by: 5)) + [250, 260, 270]
        #expect(times(SchedulerHarness.cadence, until: .seconds(270)) == seconds.map { .seconds($0) })
    }

    @Test func `each model's phases begin and end as its page states`() {
        for row in Self.pages {
            let end = row.second.1 ?? 400
            var seconds = Array(stride(from: row.first.0, through: row.first.1, by: row.first.0))
            seconds += stride(from: row.first.1 + row.second.0, through: end, by: row.second.0)
            if row.second.1 != nil { seconds += stride(from: end + 10, through: 400, by: 10) }
            #expect(times(Self.cadence(row), until: .seconds(400)) == seconds.map { .seconds($0) }, "\(row.model)")
            #expect(Self.cadence(row).window == .seconds(row.second.1 ?? row.first.1), "\(row.model)")
        }
    }

    @Test func `from any time the next poll is the next grid time`() {
        var random = SplitMix64(seed: 3)
        for row in Self.pages {
            let grid = times(Self.cadence(row), until: .seconds(500))
            for _ in 0..<200 {
                let moment = Duration.nanoseconds(Int64.random(in: 0...450_000_000_000, using: &random))
                let next = Self.cadence(row).nextPoll(after: moment, afterwards: .seconds(10))
                #expect(next == grid.first { $0 > moment }, "\(row.model) at \(moment)")
            }
        }
    }

    @Test func `a phase ends on time even if its end is not a multiple of its interval`() {
        let cadence = PollCadence(phases: [
            .init(interval: .seconds(4), until: .seconds(10)), .init(interval: .seconds(3), until: .seconds(17)),
        ])
        #expect(times(cadence, until: .seconds(37)) == [4, 8, 10, 13, 16, 17, 27, 37].map { .seconds($0) })
    }

    @Test func `time before the submit counts as zero, and a cadence without phases uses its late interval`() {
        #expect(SchedulerHarness.cadence.nextPoll(after: .seconds(-50), afterwards: .seconds(10)) == .seconds(2))
        let none = PollCadence(phases: [])
        #expect(none.window == .zero && none.nextPoll(after: .seconds(25), afterwards: .seconds(10)) == .seconds(30))
    }

    @Test func `at any speed the number of polls is that at speed 1, in order and without zero waits`() {
        for speed in [2.0, 7, 60, 1000, 3600, 86_400] {
            let divided = SchedulerHarness.cadence.divided(bySpeed: speed)
            var elapsed = Duration.zero
            for number in 1...75 {
                let next = divided.nextPoll(after: elapsed, afterwards: .seconds(10).divided(bySpeed: speed))
                #expect(next > elapsed)
                elapsed = next
                if number == 45 { #expect(next == .seconds(90).divided(bySpeed: speed), "speed \(speed)") }
                if number == 75 { #expect(next == .seconds(240).divided(bySpeed: speed), "speed \(speed)") }
            }
        }
    }
}
