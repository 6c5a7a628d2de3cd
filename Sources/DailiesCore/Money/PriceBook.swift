/// Estimates what a clip may cost at one service, from all known prices.
package struct PriceBook: Sendable {
    /// A user's rate for a model.
    package struct Rate: Hashable, Sendable {
        /// Credits per second of output.
        package let perSecond: Credits
        /// Credits per clip.
        package let fee: Credits
        package init(perSecond: Credits, fee: Credits) {
            self.perSecond = perSecond
            self.fee = fee
        }
    }

    /// A user's figure for a kind of clip that bills have exceeded: ``contradiction(for:)``.
    package struct Contradiction: Hashable, Sendable {
        /// The user's maximum for the clip.
        package let stated: Credits
        /// Its cost by the highest of the latest bills.
        package let billed: Credits
    }

    /// The expected price of a clip.
    package struct Estimate: Hashable, Sendable {
        /// Where an expected price comes from.
        package enum Source: Hashable, Sendable {
            /// The service's latest bills in this store.
            case bills
            /// The user's rate.
            case rate
            /// The provider's published prices.
            case published
            /// The maximum per task, since nothing else is known.
            case maximum
        }
        /// Lowest and highest price.
        package let range: ClosedRange<Credits>
        /// Where it comes from.
        package let source: Source
    }

    /// The bills of one kind of clip and their summary.
    private struct History {
        var window = PriceWindow()
        var summary: PriceSummary?
    }

    /// Number of latest bills that count per kind of clip, and of consecutive bills that must confirm a model's
    /// estimates.
    package static let windowSize = 20
    /// The next bill may exceed the highest of the latest ones by half.
    private static let billedMarginHundredths: Int64 = 150
    /// Margin on every known price, since bills may exceed expectations. It equals the reservation after the provider
    /// estimates the same price.
    private static let boundMarginHundredths: Int64 = 110
    /// A bill up to this share of its estimate confirms the estimate.
    private static let estimateMarginHundredths: Int64 = 110

    private let catalog: ModelCatalog
    private let rates: [ModelID: Rate]
    private let maximumPerTask: Credits?
    private var histories: [PriceKind: History] = [:]
    private var firstQuotes: [PriceKind: Credits] = [:]
    /// Latest consecutive bills that confirmed their estimates.
    private var confirmedEstimates: [ModelID: Int] = [:]
    /// Kinds of clips whose contradiction was reported.
    private var contradicted: Set<PriceKind> = []

    /// - Parameters:
    ///   - catalog: the published prices.
    ///   - rates: the user's rates by model.
    ///   - maximumPerTask: the user's maximum for any task; nil: none.
    ///   - observed: bills of this service only, the latest last.
    package init(
        catalog: ModelCatalog, rates: [ModelID: Rate] = [:], maximumPerTask: Credits? = nil,
        observed: [ObservedPrice] = []
    ) {
        self.catalog = catalog
        self.rates = rates
        self.maximumPerTask = maximumPerTask
        for price in observed { add(price.charged, estimate: price.estimate, for: price.shape) }
        for kind in histories.keys { summarize(kind) }
    }

    /// Learns from the bill of a completed clip. Free clips are ignored.
    ///
    /// - Parameter estimate: the provider's estimate when it accepted the task; nil: none.
    package mutating func learn(_ charged: Credits, estimate: Credits?, for shape: RequestShape) {
        add(charged, estimate: estimate, for: shape)
        summarize(PriceKind(shape))
    }

    private mutating func add(_ charged: Credits, estimate: Credits?, for shape: RequestShape) {
        guard charged > .zero else { return }
        histories[PriceKind(shape), default: History()].window.add(
            Self.perSecond(charged, shape), quote: estimate.map { Self.perSecond($0, shape) })
        guard let estimate else { return }
        let isTrue = charged <= estimate.times(hundredths: Self.estimateMarginHundredths)
        confirmedEstimates[shape.model] =
            isTrue ? min(confirmedEstimates[shape.model, default: 0] + 1, Self.windowSize) : 0
    }

    private mutating func summarize(_ kind: PriceKind) {
        let summary = histories[kind]?.window.summary(comparedWith: statedPerSecond(kind))
        histories[kind]?.summary = summary
    }

    /// A summary of the latest bills of a kind; nil if there are none.
    package func summary(of kind: PriceKind) -> PriceSummary? { histories[kind]?.summary }

    /// The kinds of clips with bills.
    package var kinds: [PriceKind] { histories.keys.sorted() }

    /// Whether a model's estimates may lower a reservation: each of its latest ``windowSize`` bills exceeded its
    /// estimate by a tenth or less. Bills without an estimate do not count.
    package func trustsEstimates(of model: ModelID) -> Bool { confirmedEstimates[model, default: 0] >= Self.windowSize }

    /// The maximum price of a clip plus a tenth; nil if no price is known.
    ///
    /// It is the larger of the highest published price and the user's figure, which is the larger of the rate and the
    /// maximum per task. Without a user's figure, 1.5 × the highest of the latest bills takes its place. A user's
    /// figure overrides the bills, so that no bill can block a model.
    package func bound(for shape: RequestShape) -> Credits? {
        let billed = userPrice(for: shape) == nil ? highestBilled(for: shape) : nil
        let figures =
            published(for: shape)
            + [userPrice(for: shape), billed?.times(hundredths: Self.billedMarginHundredths)].compactMap { $0 }
        return figures.max()?.times(hundredths: Self.boundMarginHundredths)
    }

    /// The user's figure if bills exceed it. The figure is used, and both are reported.
    ///
    /// - Returns: nil also if the contradiction of this kind was returned before.
    mutating func contradiction(for shape: RequestShape) -> Contradiction? {
        guard let stated = userPrice(for: shape), let billed = highestBilled(for: shape), billed > stated,
            contradicted.insert(PriceKind(shape)).inserted
        else { return nil }
        return Contradiction(stated: stated, billed: billed)
    }

    private func userPrice(for shape: RequestShape) -> Credits? {
        [rate(for: shape), maximumPerTask].compactMap { $0 }.max()
    }

    private func rate(for shape: RequestShape) -> Credits? {
        rates[shape.model].map { $0.perSecond.times(Self.seconds(shape)).adding($0.fee) }
    }

    private func highestBilled(for shape: RequestShape) -> Credits? {
        histories[PriceKind(shape)]?.summary?.range.map { $0.upperBound.times(Self.seconds(shape)) }
    }

    /// The price of a one-second clip, including the fee, by the user's rate or else as published.
    private func statedPerSecond(_ kind: PriceKind) -> Credits? {
        let second = RequestShape(model: kind.model, durationSeconds: 1, resolution: kind.resolution)
        return rate(for: second) ?? published(for: second).max()
    }

    /// The price that a clip is expected to have, and where it comes from: the latest bills of such clips without
    /// outliers, else the user's rate, else the published prices, else up to the maximum per task. Nil if nothing is
    /// known.
    package func estimate(for shape: RequestShape) -> Estimate? {
        let seconds = Self.seconds(shape)
        if let billed = histories[PriceKind(shape)]?.summary?.range {
            return Estimate(
                range: billed.lowerBound.times(seconds)...billed.upperBound.times(seconds), source: .bills)
        }
        if let rate = rate(for: shape) { return Estimate(range: rate...rate, source: .rate) }
        if let published = publishedRange(for: shape) { return Estimate(range: published, source: .published) }
        return maximumPerTask.map { Estimate(range: .zero...$0, source: .maximum) }
    }

    /// The highest expected price of a clip, to compare quotes with: the upper end of ``estimate(for:)``. Bills may be
    /// lower than quotes, so the highest quote counts beside bills and beside the maximum per task, and the user's rate
    /// beside bills. Nil if nothing is known.
    package func highestExpected(for shape: RequestShape) -> Credits? {
        let kind = PriceKind(shape)
        let quotes = [firstQuotes[kind], histories[kind]?.summary?.highestQuote].compactMap { $0 }
        let quote = quotes.max().map { $0.times(Self.seconds(shape)) }
        guard let estimate = estimate(for: shape) else { return quote }
        let highest = estimate.range.upperBound
        return switch estimate.source {
        case .bills: [highest, quote, rate(for: shape)].compactMap { $0 }.max()
        case .rate, .published: highest
        case .maximum: [highest, quote].compactMap { $0 }.max()
        }
    }

    /// Remembers the first quote for a kind of clip. Bills may be lower than quotes, so the next quote is not a price
    /// rise.
    mutating func learnQuote(_ quote: Credits, for shape: RequestShape) {
        let kind = PriceKind(shape)
        if firstQuotes[kind] == nil { firstQuotes[kind] = Self.perSecond(quote, shape) }
    }

    private static func seconds(_ shape: RequestShape) -> Int { max(shape.durationSeconds ?? 1, 1) }

    private static func perSecond(_ credits: Credits, _ shape: RequestShape) -> Credits {
        let seconds = Int64(seconds(shape))
        return Credits(nano: credits.nano / seconds + (credits.nano % seconds == 0 ? 0 : 1))
    }

    /// Lowest and highest published price of a clip; nil if none is published.
    package func publishedRange(for shape: RequestShape) -> ClosedRange<Credits>? {
        let figures = published(for: shape)
        guard let lowest = figures.min(), let highest = figures.max() else { return nil }
        return lowest...highest
    }

    /// The prices for the requested resolution or for all; if there are none, those of the other resolutions.
    private func published(for shape: RequestShape) -> [Credits] {
        guard let prices = catalog[shape.model]?.prices else { return [] }
        let matching = prices.filter { $0.resolution == nil || $0.resolution == shape.resolution }
        let seconds = Self.seconds(shape)
        return (matching.isEmpty ? prices : matching).map { price in
            switch price.figure {
            case .rate(let perSecond, let fee):
                return perSecond.times(seconds).adding(fee)
            case .example(let total, let exampleSeconds):
                let exampleSeconds = Int64(max(exampleSeconds, 1))
                let perSecond = Credits(
                    nano: total.nano / exampleSeconds + (total.nano % exampleSeconds == 0 ? 0 : 1))
                return seconds == Int(exampleSeconds) ? total : perSecond.times(seconds)
            }
        }
    }
}
