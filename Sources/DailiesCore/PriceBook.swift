/// What a clip may cost at most, from everything that is known before it is asked for.
public struct PriceBook: Sendable {
    /// The user's rates, by model: credits per second of output and a fee per clip.
    public struct Rate: Hashable, Sendable {
        /// Credits for each second of output.
        public let perSecond: Credits
        /// Credits for each clip.
        public let fee: Credits
        /// Takes its properties as they are given.
        public init(perSecond: Credits, fee: Credits) {
            self.perSecond = perSecond
            self.fee = fee
        }
    }

    private struct Kind: Hashable {
        let model: ModelID
        let resolution: String?
    }

    /// A settled price may be exceeded by the next bill by half.
    private static let settledMarginHundredths: Int64 = 150

    private let catalogue: ModelCatalogue
    private let rates: [ModelID: Rate]
    private let maximumPerTask: Credits?
    private var settled: [Kind: Credits] = [:]
    private var firstQuotes: [Kind: Credits] = [:]

    /// - Parameters:
    ///   - catalogue: the published figures.
    ///   - rates: the user's, by model.
    ///   - maximumPerTask: the user's bound for any task; nil: none.
    ///   - settled: the highest prices in this store.
    public init(
        catalogue: ModelCatalogue, rates: [ModelID: Rate] = [:], maximumPerTask: Credits? = nil,
        settled: [SettledPrice] = []
    ) {
        self.catalogue = catalogue
        self.rates = rates
        self.maximumPerTask = maximumPerTask
        for price in settled {
            let kind = Kind(model: price.model, resolution: price.resolution)
            self.settled[kind] = price.highestPerSecond
            if price.highestQuotePerSecond > .zero { firstQuotes[kind] = price.highestQuotePerSecond }
        }
    }

    /// Learns from a bill.
    public mutating func learn(_ charged: Credits, for shape: RequestShape) {
        let kind = Kind(model: shape.model, resolution: shape.resolution)
        settled[kind] = max(settled[kind] ?? .zero, Self.perSecond(charged, shape))
    }

    /// The largest of: the user's rates or bound per task; 1.5 × the highest price settled; the highest published
    /// figure. Nil when nothing at all is known.
    public func bound(for shape: RequestShape) -> Credits? {
        let seconds = max(shape.durationSeconds ?? 1, 1)
        var bound: Credits?
        func consider(_ figure: Credits?) {
            if let figure { bound = max(bound ?? .zero, figure) }
        }
        if let rate = rates[shape.model] { consider(Self.product(rate.perSecond, seconds).adding(rate.fee)) }
        consider(maximumPerTask)
        if let highest = settled[Kind(model: shape.model, resolution: shape.resolution)] {
            consider(Self.product(highest, seconds).times(hundredths: Self.settledMarginHundredths))
        }
        for figure in published(for: shape) { consider(figure) }
        return bound
    }

    /// What a quote is measured by, in the order in which `plan` reckons: the highest bill of such a clip, with the quote
    /// that came before it, since bills may lie below their quotes; else the published figures. The user's rate counts
    /// beside the bills and takes the place of what is published. Where none is known, the bound per task and this run's
    /// first quote. Nil when nothing at all is known.
    public func highestExpected(for shape: RequestShape) -> Credits? {
        let seconds = max(shape.durationSeconds ?? 1, 1)
        let kind = Kind(model: shape.model, resolution: shape.resolution)
        let rate = rates[shape.model].map { Self.product($0.perSecond, seconds).adding($0.fee) }
        let quote = firstQuotes[kind].map { Self.product($0, seconds) }
        if let highest = settled[kind] {
            return [Self.product(highest, seconds), quote, rate].compactMap { $0 }.max()
        }
        if let rate { return rate }
        return published(for: shape).max() ?? [maximumPerTask, quote].compactMap { $0 }.max()
    }

    /// Remembers the first quote for a kind of clip: bills may lie below their quotes, which makes the next quote no rise.
    mutating func learnQuote(_ quote: Credits, for shape: RequestShape) {
        let kind = Kind(model: shape.model, resolution: shape.resolution)
        if firstQuotes[kind] == nil { firstQuotes[kind] = Self.perSecond(quote, shape) }
    }

    private static func perSecond(_ credits: Credits, _ shape: RequestShape) -> Credits {
        let seconds = Int64(max(shape.durationSeconds ?? 1, 1))
        return Credits(nano: credits.nano / seconds + (credits.nano % seconds == 0 ? 0 : 1))
    }

    /// Lowest and highest published figure for a clip, or nil where nothing is published.
    public func publishedRange(for shape: RequestShape) -> ClosedRange<Credits>? {
        let figures = published(for: shape)
        guard let lowest = figures.min(), let highest = figures.max() else { return nil }
        return lowest...highest
    }

    /// Prices of the asked resolution or of every one; where the page has none of these, those of the others.
    private func published(for shape: RequestShape) -> [Credits] {
        guard let prices = catalogue[shape.model]?.prices else { return [] }
        let matching = prices.filter { $0.resolution == nil || $0.resolution == shape.resolution }
        let seconds = max(shape.durationSeconds ?? 1, 1)
        return (matching.isEmpty ? prices : matching).map { price in
            switch price.figure {
            case .rate(let perSecond, let fee):
                return Self.product(perSecond, seconds).adding(fee)
            case .example(let total, let exampleSeconds):
                let exampleSeconds = Int64(max(exampleSeconds, 1))
                let perSecond = Credits(
                    nano: total.nano / exampleSeconds + (total.nano % exampleSeconds == 0 ? 0 : 1))
                return seconds == Int(exampleSeconds) ? total : Self.product(perSecond, seconds)
            }
        }
    }

    private static func product(_ credits: Credits, _ seconds: Int) -> Credits {
        let (product, overflow) = credits.nano.multipliedReportingOverflow(by: Int64(seconds))
        return Credits(nano: overflow ? .max : product)
    }
}
