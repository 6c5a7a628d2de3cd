import Testing

@testable import DailiesCore

/// The extremes of every integer and floating-point type, and decimals of any size: no number traps, and results are
/// exact or clamped as in 128-bit arithmetic.
@Suite struct NumberEdgeTests {
    private static let integers: [Int64] = [
        .min, .min + 1, .min / 2, -9_223_372_036_854_775, -2_147_483_649, -1_000_000_001, -1_000_000_000, -999_999_999,
        -1,
        0, 1, 99, 100, 999_999_999, 1_000_000_000, 2_147_483_648, 4_294_967_296, 9_223_372_036_854_775, .max / 2,
        .max - 1, .max,
    ]
    private static let reals: [Double] = [
        .nan, .signalingNaN, -.infinity, .infinity, -.greatestFiniteMagnitude, .greatestFiniteMagnitude,
        .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude, 0, -0.0, .leastNonzeroMagnitude * 2024,
        0.5, 1, -1, 1e5, 1e18,
        0x1p63, -0x1p63, 0x1p63.nextDown, (-0x1p63).nextDown, 0x1p64, 1e300,
    ]
    private static let durations: [Duration] =
        integers.flatMap { [.nanoseconds($0), .seconds($0), .seconds($0) * 10] }
        + [Duration(attoseconds: .max), Duration(attoseconds: .min), Duration(attoseconds: 1)]

    private static func clamped(_ value: Int128) -> Int64 { Int64(clamping: value) }

    // MARK: Decimals

    @Test(arguments: [
        "1e-9223372036854775808", "1e9223372036854775807", "1e-9223372036854775809", "1e9223372036854775808", "0e-1001",
        "1E-9223372036854775808", "1.5e-2147483649", "0.000000001e-170141183460469231731687303715884105728",
    ])
    func `an exponent beyond a thousand is refused`(text: String) {
        #expect(Credits.read(text) == nil)
    }

    @Test func `a megabyte of digits is refused`() {
        let digits = String(repeating: "9", count: 1 << 20)
        for text in [digits, "0." + digits, "1e" + digits, "1e-" + digits, digits + "e-1048576", "0" + digits] {
            #expect(Credits.read(text) == nil)
        }
    }

    @Test func `any decimal parses to the same amount as its printed form, or is refused`() {
        var read = 0
        for seed in UInt64(0)..<20_000 {
            var random = SplitMix64(seed: seed)
            let text = Self.decimal(&random)
            guard let reading = Credits.read(text) else { continue }
            read += 1
            #expect(reading.credits >= .zero, "seed \(seed): \(text)")
            #expect(
                Credits.read(reading.credits.description) == .init(credits: reading.credits, isRounded: false),
                "seed \(seed): \(text)")
        }
        #expect(read > 1000)
    }

    /// Mostly decimals: signs, any number of digits, points, exponents at the extremes of each type.
    private static func decimal(_ random: inout SplitMix64) -> String {
        func digits(_ most: Int) -> String {
            let count = Int.random(in: 0...most, using: &random)
            let isSame = Bool.random(using: &random)
            return String(
                (0..<count).map { _ in isSame ? "9" : "0123456789".randomElement(using: &random) ?? "0" })
        }
        var text = ["", "", "", "+", "-"].randomElement(using: &random) ?? ""
        text += digits(Bool.random(using: &random) ? 12 : 120)
        if Bool.random(using: &random) { text += "." + digits(Bool.random(using: &random) ? 12 : 120) }
        if Bool.random(using: &random) {
            let edge = integers.randomElement(using: &random) ?? 0
            let small = Int64.random(in: -1010...1010, using: &random)
            let exponent =
                Int128(Bool.random(using: &random) ? edge : small) + Int128.random(in: -1...1, using: &random)
            text += (Bool.random(using: &random) ? "e" : "E") + "\(exponent)"
        }
        return text
    }

    // MARK: Money

    @Test func `extreme amounts add and multiply, and clamp out of range`() {
        for a in Self.integers {
            for b in Self.integers {
                #expect(
                    Credits(nano: a).adding(Credits(nano: b)).nano == Self.clamped(Int128(a) + Int128(b)), "\(a) \(b)")
                let product = Int128(a) * Int128(b)
                let wanted = product < 0 ? 0 : Self.clamped((product + 99) / 100)
                #expect(Credits(nano: a).times(hundredths: b).nano == wanted, "\(a) times \(b)")
            }
        }
    }

    @Test func `extreme totals add and subtract, and clamp out of range`() {
        let parts: [Int64] = [.min, -1_000_000_001, -1_000_000_000, -1, 0, 1, 999_999_999, 1_000_000_000, .max]
        let totals = Self.integers.flatMap { whole in parts.map { CreditTotal(whole: whole, billionths: $0) } }
        for total in totals {
            #expect(0..<1_000_000_000 ~= total.billionths)
            #expect(total.description == Self.text(Self.value(of: total)))
        }
        for a in totals {
            for b in [totals[0], totals[totals.count - 1]] + totals.filter({ $0.billionths <= 1 }) {
                #expect(Self.value(of: a + b) == Self.inRange(Self.value(of: a) + Self.value(of: b)), "\(a) + \(b)")
                #expect(Self.value(of: a - b) == Self.inRange(Self.value(of: a) - Self.value(of: b)), "\(a) - \(b)")
            }
        }
    }

    private static func value(of total: CreditTotal) -> Int128 {
        Int128(total.whole) * 1_000_000_000 + Int128(total.billionths)
    }

    private static func inRange(_ value: Int128) -> Int128 {
        min(max(value, Int128(Int64.min) * 1_000_000_000), Int128(Int64.max) * 1_000_000_000 + 999_999_999)
    }

    private static func text(_ value: Int128) -> String {
        let (whole, rest) = value.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        var decimals = String(String(rest + 1_000_000_000).dropFirst())
        while decimals.last == "0" { decimals.removeLast() }
        return (value < 0 ? "-" : "") + "\(whole)" + (decimals.isEmpty ? "" : ".\(decimals)")
    }

    @Test func `prices and reservations of extreme amounts are valid amounts`() {
        let amounts = Self.integers.map { Credits(nano: $0) }
        for price in amounts {
            for seconds in [nil, 0, 1, 8, 86_400, Int.max, Int.min] as [Int?] {
                let shape = RequestShape(model: ModelID("m"), durationSeconds: seconds, resolution: nil)
                let rate = PriceBook.Rate(perSecond: price, fee: price)
                let observed = amounts.map {
                    ObservedPrice(shape: shape, charged: $0, estimate: price, settledAt: .distantFuture)
                }
                var book = PriceBook(
                    catalog: ModelCatalog(compiled: "", models: []), rates: [shape.model: rate],
                    maximumPerTask: price, observed: observed)
                book.learn(price, estimate: price, for: shape)
                book.learnQuote(price, for: shape)
                _ = book.contradiction(for: shape)
                #expect(book.summary(of: PriceKind(shape)) != nil)
                #expect(book.bound(for: shape) != nil && book.highestExpected(for: shape) != nil)
            }
            for isTrusted in [false, true] {
                for old in amounts {
                    #expect(Reservation.after(estimate: price, holding: old, isTrusted: isTrusted) != nil)
                }
            }
            for cap in amounts {
                var guarded = Budget(position: .init(cap: cap, settled: .zero, reserved: .zero))
                for amount in amounts + amounts {
                    _ = guarded.verdict(for: amount)
                    _ = guarded.allows(changing: price, to: amount)
                    guarded.reserve(amount)
                    _ = guarded.settle(amount, reserved: price)
                }
                // It does not trap.
                _ = guarded.position.settled.description
            }
        }
    }

    // MARK: Time

    @Test func `extreme instants and durations add, subtract and convert, and clamp out of range`() {
        for duration in Self.durations {
            let nanoseconds = Self.clamped(duration.attoseconds / 1_000_000_000)
            #expect(duration.nanoseconds == nanoseconds)
            for nanosecond in Self.integers {
                let moment = Instant(nanoseconds: nanosecond)
                let sum = Self.clamped(Int128(nanosecond) + Int128(nanoseconds))
                let difference = Self.clamped(Int128(nanosecond) - Int128(nanoseconds))
                #expect((moment + duration).nanoseconds == sum && (moment - duration).nanoseconds == difference)
            }
            for factor in Self.reals {
                // Whatever the result, nothing traps, and it can be used.
                _ = (duration.divided(bySpeed: factor).nanoseconds, duration.multiplied(by: factor).nanoseconds)
                #expect(!duration.formatted(atSpeed: factor).isEmpty)
            }
        }
        for a in Self.integers {
            let moment = Instant(milliseconds: a)
            #expect(moment.nanoseconds == Self.clamped(Int128(a) * 1_000_000))
            for b in Self.integers {
                let wait = Instant(nanoseconds: a) - Instant(nanoseconds: b)
                #expect(wait.nanoseconds == Self.clamped(Int128(a) - Int128(b)))
            }
        }
    }

    @Test func `any floating-point number has a usable whole part`() {
        #expect(
            Int64(saturating: .nan) == 0 && UInt8(saturating: -.infinity) == 0 && Int8(saturating: .infinity) == 127)
        #expect(Int64(saturating: 0x1p63) == .max && Int64(saturating: -0x1p63) == .min)
        #expect(Int64(saturating: (0x1p63).nextDown) == 9_223_372_036_854_774_784)
        #expect(
            Int(saturating: -2.9) == -2 && Int(saturating: .leastNonzeroMagnitude) == 0
                && UInt16(saturating: 65_535.9) == 65_535)
        for value in Self.reals { #expect(Int128(Int64(saturating: value)) == Int128(saturating: value).clampedTo64) }
    }

    @Test func `the next poll of any cadence is later, up to the end of time`() {
        let waits = Self.durations.filter { $0 > .zero }
        for elapsed in Self.durations {
            for interval in waits {
                for until in [nil, waits[0], .seconds(60), waits[waits.count - 1]] as [Duration?] {
                    let cadence = PollCadence(phases: [.init(interval: interval, until: until)])
                    for speed in [1.0, 1e-300, 1e300] {
                        let next = cadence.divided(bySpeed: speed).nextPoll(
                            after: elapsed, afterwards: interval.divided(bySpeed: speed))
                        #expect(next > elapsed || elapsed.nanoseconds == .max, "\(elapsed) \(interval) \(speed)")
                    }
                }
            }
        }
    }

    @Test func `waits between tries are positive for any settings`() {
        var random = SplitMix64(seed: 5)
        for duration in Self.durations {
            for speed in [1.0, 1e-300, 1e300] {
                var policy = RetryPolicy()
                (policy.initialWait, policy.initialProbeInterval, policy.maximumProbeInterval) = (
                    .seconds(1), .seconds(10), duration
                )
                let divided = policy.divided(bySpeed: speed)
                for failures in [1, 4, 5, 30, Int.max] {
                    #expect(divided.wait(afterFailures: failures, using: &random) > .zero)
                }
            }
        }
    }

    @Test func `impossible durations give no poll plan`() {
        let shape = RequestShape(model: ModelID("m"), durationSeconds: 8, resolution: nil)
        for duration in Self.durations where duration > .seconds(60 * 86_400) || duration <= .zero {
            var book = DurationHistory(share: 0.3)
            for _ in 0..<40 { book.learn(duration, for: shape) }
            #expect(book.plan(for: shape, documented: .fallback, afterwards: .seconds(10)) == nil)
        }
        var book = DurationHistory(share: 0.3)
        for _ in 0..<40 { book.learn(.seconds(29 * 86_400), for: shape) }
        #expect(book.plan(for: shape, documented: .fallback, afterwards: .seconds(10)) != nil)
    }

    // MARK: A whole run

    @Test func `a run survives any numbers in replies and rows`() {
        for seed in UInt64(0)..<500 {
            var random = SplitMix64(seed: seed)
            var settings = SchedulerSettings()
            settings.pollWindow =
                [nil, .zero, .seconds(60), .nanoseconds(Int64.max)].randomElement(using: &random) ?? nil
            settings.quoteTolerance = [nil, .min, 0, 100_000, .max].randomElement(using: &random) ?? nil
            if Bool.random(using: &random) { settings.cadence = .adaptive(share: 0.5) }
            let rig = SchedulerHarness(settings: settings, store: Self.store(&random), seed: seed)
            rig.start()
            for _ in 0..<60 where rig.ending == nil { Self.step(rig, &random) }
            #expect(rig.problems.isEmpty, "seed \(seed): \(rig.problems.prefix(2))")
        }
    }

    /// Two waiting tasks, and one that was sent at an extreme time.
    private static func store(_ random: inout SplitMix64) -> StoreModel {
        let remote = RemoteTaskID("remote-1")
        var store = SchedulerHarness.leftBehind(
            .accepted(remote, isRunning: Bool.random(using: &random)),
            submittedAt: Instant(nanoseconds: integers.randomElement(using: &random) ?? 0)
        ) { $0.remoteID = remote }
        store.add(SchedulerHarness.task(2))
        store.add(SchedulerHarness.task(3))
        store.trust[SchedulerHarness.account] = .honored
        return store
    }

    /// Ends a request in flight, or serves the next wake-up.
    private static func step(_ rig: SchedulerHarness, _ random: inout SplitMix64) {
        let phases: [RemoteTask.Phase] = [.queued, .running, .running, .completed, .failed, .cancelled]
        let phase = phases.randomElement(using: &random) ?? .running
        let wait = durations.filter { $0 >= .zero }.randomElement(using: &random)
        let fault = ProviderError(kind: .status, status: 429, message: "", retryAfter: wait)
        let isFault = Int.random(in: 0..<5, using: &random) == 0
        if let submission = rig.submits.first {
            let id = submission.attempt.task.rawValue
            rig.land(isFault ? .throttled(fault, .rate) : .accepted(report(.queued, id, &random)), id)
        } else if let question = rig.questions.first {
            let id = question.attempt.task.rawValue
            rig.answer(isFault ? .fault(fault) : .found(report(phase, id, &random)), id)
        } else if let cancelled = rig.cancels.first {
            rig.answerCancel(isFault ? .fault(fault) : .found(report(phase, cancelled.task.rawValue, &random)))
        } else if let download = rig.downloads.first {
            rig.save(download.attempt.task.rawValue)
        } else if let next = rig.nextWake, next < Instant(nanoseconds: .max / 2) {
            rig.serveNextWake()
        }
    }

    private static func report(
        _ phase: RemoteTask.Phase, _ id: Int64, _ random: inout SplitMix64
    ) -> RemoteTask {
        func amount() -> Amount {
            let nano = max(integers.randomElement(using: &random) ?? 0, 0)
            return Amount(credits: Credits(nano: nano), text: "?", source: "credits", isRounded: false)
        }
        func duration() -> Duration? { durations.filter { $0 >= .zero }.randomElement(using: &random) }
        func moment() -> Instant? { integers.randomElement(using: &random).map { Instant(nanoseconds: $0) } }
        return RemoteTask(
            phase: phase, remoteID: RemoteTaskID("remote-\(id)"), submissionKey: SubmissionKey("key-\(id)#1"),
            estimate: Bool.random(using: &random) ? amount() : nil,
            charges: Bool.random(using: &random) ? [amount()] : [],
            remaining: duration(), retryAfter: duration(), asset: AssetLocation(url: "https://h/\(id)"),
            deliveredSeconds: reals.randomElement(using: &random), submittedAt: moment(), completedAt: moment(),
            repliedAt: moment())
    }
}

extension Int128 {
    fileprivate var clampedTo64: Int128 { Int128(Int64(clamping: self)) }
}
