import DailiesCore

// The duration, cost and outcome of a task, fixed when it is accepted.
extension SimulatedProvider {
    struct Price {
        let perSecond: Credits
        let estimate: Credits
    }

    struct DrawnFaults {
        var outcome = SimulatedTask.Outcome.completes
        var forgottenUntil: Instant?
        var keyForgottenAt: Instant?
        var repliesWithoutURL = 0
        var container = ClipWriter.Container.mp4
        var droppedAt: Instant?
        var repliesWithoutCost = 0
        /// Factors of the price and the bill, in hundredths.
        var quoteHundredths: Int64 = 100
        var billHundredths: Int64 = 100
        var estimatesNothing = false
        var isAssetLate = false
    }

    /// Range of the excess factors of estimates and bills.
    private static let excessFactors: ClosedRange<Int64> = 2...9

    /// A separate generator for each task and purpose, so that results do not depend on the order of requests.
    func outcomeGenerator(seed: UInt64, _ seedSuffix: String) -> SplitMix64 {
        var hash = FNV1a(seedSuffix.utf8)
        withUnsafeBytes(of: seed.littleEndian) { hash.add($0) }
        var generator = SplitMix64(seed: hash.value)
        // Seeds of consecutive tasks differ in few bits; the first draw mixes them.
        return SplitMix64(seed: generator.next())
    }

    // MARK: Time

    /// The real time from acceptance to end of a task submitted with this key: the same for every simulator with this
    /// configuration.
    package func renderTime(of key: SubmissionKey, model: ModelID, seconds: Int) -> Duration {
        var outcomeDraws = outcomeGenerator(seed: configuration.seed, Self.seedSuffix(key.text))
        let times = latency(catalog[model], seconds: seconds, &outcomeDraws)
        return times.queued + times.running
    }

    /// The seed suffix for a task with a key.
    static func seedSuffix(_ key: String) -> String { "k\(key)" }

    func latency(
        _ spec: ModelSpec?, seconds: Int, _ generator: inout SplitMix64
    ) -> (queued: Duration, running: Duration) {
        switch configuration.latency {
        case .fixed(let queued, let running): return (scaled(queued), scaled(running))
        case .uniform(let queued, let running):
            return (scaled(generator.draw(queued)), scaled(generator.draw(running)))
        case .lognormal(let mean, let variation):
            return (.zero, scaled(generator.drawLognormal(mean: mean, variation: variation)))
        case .catalog:
            let typical = spec?.typicalLatency ?? .seconds(30) ... .seconds(90)
            let stated = max(1, spec?.typicalLatencyForSeconds ?? 5)
            let total = (generator.draw(typical) / stated).multiplied(by: seconds).nanoseconds
            let queued = total / 100 * generator.draw(5...20)
            return (scaled(.nanoseconds(queued)), scaled(.nanoseconds(total - queued)))
        }
    }

    // MARK: Money

    /// The published rate for the resolution, for any resolution, the model's first rate, or the configured one, in
    /// this order; times the current factor.
    func price(_ model: String, resolution: String?, seconds: Int) -> Price {
        let money = configuration.money
        var factor = controls.factorHundredths
        if let change = money.priceChange, bill.accepted >= change.submits { factor = change.factorHundredths }
        let listed = money.perSecond[model] ?? publishedRate(model, resolution) ?? money.unknownModelPerSecond
        let perSecond = factor == 100 ? listed : listed.times(hundredths: factor)
        return Price(perSecond: perSecond, estimate: perSecond.times(seconds).adding(money.submissionFee))
    }

    private func publishedRate(_ model: String, _ resolution: String?) -> Credits? {
        let prices = catalog[ModelID(model)]?.prices ?? []
        let fitting = prices.filter { $0.resolution == resolution } + prices.filter { $0.resolution == nil }
        return (fitting + prices).lazy.compactMap { price in
            switch price.figure {
            case .rate(let perSecond, _): perSecond
            case .example: nil
            }
        }.first
    }

    /// When the spend limit allows this estimate; nil for now.
    func spendLimitReset(for estimate: Credits) -> Instant? {
        guard let limit = configuration.money.rateBucket else { return nil }
        let window = spendWindow(limit)
        let spent = bucket.window == window ? bucket.spent : .zero
        guard CreditTotal(limit.limit) < spent + estimate else { return nil }
        return Instant(nanoseconds: 0) + scaled(limit.window).multiplied(by: Int128(window) + 1)
    }

    mutating func spend(_ estimate: Credits) {
        guard let limit = configuration.money.rateBucket else { return }
        let window = spendWindow(limit)
        if bucket.window != window { bucket = SpendWindow(window: window) }
        bucket.spent = bucket.spent + estimate
    }

    private func spendWindow(_ limit: SimulatorConfiguration.RateBucket) -> Int64 {
        now.nanoseconds / max(1, scaled(limit.window).nanoseconds)
    }

    // MARK: Faults

    func drawFaults(_ generator: inout SplitMix64) -> DrawnFaults {
        let faults = configuration.faults
        var result = DrawnFaults()
        guard controls.drawsFaults else { return result }
        if generator.chance(faults[.forget]) { result.forgottenUntil = now + scaled(faults.forgottenFor) }
        if generator.chance(faults[.lateURL]) { result.repliesWithoutURL = faults.incompleteReplies }
        if generator.chance(faults[.noURL]) { result.repliesWithoutURL = .max }
        if generator.chance(faults[.lateCost]) { result.repliesWithoutCost = faults.incompleteReplies }
        if generator.chance(faults[.noCost]) { result.repliesWithoutCost = .max }
        if generator.chance(faults[.failRender]) {
            result.outcome = .fails(code: "upstream_error", message: "the upstream could not render this")
        } else if generator.chance(faults[.failRenderSilently]) {
            result.outcome = .fails(code: nil, message: nil)
        } else if generator.chance(faults[.failRenderByPolicy]) {
            result.outcome = .fails(code: "content_policy_violation", message: "the upstream refused the prompt")
        }
        if generator.chance(faults[.quoteAbovePrice]) { result.quoteHundredths *= generator.draw(Self.excessFactors) }
        if generator.chance(faults[.billAboveQuote]) { result.billHundredths *= generator.draw(Self.excessFactors) }
        result.estimatesNothing = generator.chance(faults[.zeroEstimate])
        if generator.chance(faults[.forgetKey]) { result.keyForgottenAt = now + scaled(faults.keysForgottenAfter) }
        result.isAssetLate = generator.chance(faults[.lateAsset])
        if generator.chance(faults[.otherFormat]) {
            result.container = generator.draw(0...1) == 0 ? .quickTime : .webM
        } else if generator.chance(faults[.bytesAfterEnd]) {
            result.container = .mp4WithMore
        }
        if generator.chance(faults[.dropTask]) { result.droppedAt = now + scaled(faults.tasksKeptFor) }
        return result
    }
}

extension Credits {
    /// The amount changed by a share, truncated to whole billionths; clamped to the range.
    func deviating(byHundredthsOfPercent share: Int64) -> Credits {
        if share == 0 { return self }
        return Credits(nano: Int64(clamping: Int128(nano) * max(0, 10_000 + Int128(share)) / 10_000))
    }
}

extension Duration {
    /// The product, clamped to 292 years.
    func multiplied(by factor: some BinaryInteger) -> Duration {
        .nanoseconds(Int64(clamping: Int128(nanoseconds) * Int128(factor)))
    }
}

extension Instant {
    /// Truncated to the milliseconds used in responses.
    var atMilliseconds: Instant { Instant(milliseconds: milliseconds) }
}
