/// What a clip may cost at one service, from everything that is known before it is asked for.
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

    /// The user's own figure for a kind of clip, and a higher one that bills have come to: ``contradiction(for:)``.
    public struct Contradiction: Hashable, Sendable {
        /// What the user says that the clip costs at most.
        public let stated: Credits
        /// What it costs by the highest of the latest bills.
        public let billed: Credits
    }

    /// The bills of one kind of clip, and what they say.
    private struct History {
        var window = PriceWindow()
        var summary: PriceSummary?
    }

    /// Latest bills that count for a kind of clip, and bills in a row that must bear out a model's estimates.
    public static let windowSize = 20
    /// The next bill may exceed the highest of the latest ones by half.
    private static let billedMarginHundredths: Int64 = 150
    /// On top of whatever a clip is known to cost: bills may lie above what was expected. It is what a reservation becomes
    /// once the provider estimates the same.
    private static let boundMarginHundredths: Int64 = 110
    /// A bill up to this share of its estimate bears it out.
    private static let estimateMarginHundredths: Int64 = 110

    private let catalogue: ModelCatalogue
    private let rates: [ModelID: Rate]
    private let maximumPerTask: Credits?
    private var histories: [PriceKind: History] = [:]
    private var firstQuotes: [PriceKind: Credits] = [:]
    /// Bills in a row, up to now, that were borne out by their estimates.
    private var trueEstimates: [ModelID: Int] = [:]
    /// Kinds of which a contradiction was reported.
    private var contradicted: Set<PriceKind> = []

    /// - Parameters:
    ///   - catalogue: the published figures.
    ///   - rates: the user's, by model.
    ///   - maximumPerTask: the user's bound for any task; nil: none.
    ///   - observed: bills of the service that the book is about, and of no other; the latest last.
    public init(
        catalogue: ModelCatalogue, rates: [ModelID: Rate] = [:], maximumPerTask: Credits? = nil,
        observed: [ObservedPrice] = []
    ) {
        self.catalogue = catalogue
        self.rates = rates
        self.maximumPerTask = maximumPerTask
        for price in observed { add(price.charged, estimate: price.estimate, for: price.shape) }
        for kind in histories.keys { summarize(kind) }
    }

    /// Learns from the bill of a completed clip. A free clip says nothing of prices.
    ///
    /// - Parameter estimate: what the provider expected when it took the task; nil: it did not say.
    public mutating func learn(_ charged: Credits, estimate: Credits?, for shape: RequestShape) {
        add(charged, estimate: estimate, for: shape)
        summarize(PriceKind(shape))
    }

    private mutating func add(_ charged: Credits, estimate: Credits?, for shape: RequestShape) {
        guard charged > .zero else { return }
        histories[PriceKind(shape), default: History()].window.add(
            Self.perSecond(charged, shape), quote: estimate.map { Self.perSecond($0, shape) })
        guard let estimate else { return }
        let isTrue = charged <= estimate.times(hundredths: Self.estimateMarginHundredths)
        trueEstimates[shape.model] = isTrue ? min(trueEstimates[shape.model, default: 0] + 1, Self.windowSize) : 0
    }

    private mutating func summarize(_ kind: PriceKind) {
        let summary = histories[kind]?.window.summary(beside: statedPerSecond(kind))
        histories[kind]?.summary = summary
    }

    /// What the latest bills of a kind say; nil: there is none.
    public func summary(of kind: PriceKind) -> PriceSummary? { histories[kind]?.summary }

    /// The kinds of clips that were billed.
    public var kinds: [PriceKind] { histories.keys.sorted() }

    /// Whether a model's estimates may lower a reservation: each of its latest ``windowSize`` bills was at most a tenth above
    /// its estimate. Bills without an estimate do not count.
    public func trustsEstimates(of model: ModelID) -> Bool { trueEstimates[model, default: 0] >= Self.windowSize }

    /// What a clip may cost, with a tenth on top; nil when nothing at all is known.
    ///
    /// The largest of the highest published figure and the user's own, which is the larger one of the rate and the bound
    /// per task. Where the user gives none, 1.5 × the highest of the latest bills takes its place: a figure of the user's
    /// holds against the bills, so that no bill can bar a model.
    public func bound(for shape: RequestShape) -> Credits? {
        let billed = usersFigure(for: shape) == nil ? highestBilled(for: shape) : nil
        let figures =
            published(for: shape)
            + [usersFigure(for: shape), billed?.times(hundredths: Self.billedMarginHundredths)].compactMap { $0 }
        return figures.max()?.times(hundredths: Self.boundMarginHundredths)
    }

    /// The user's figure where bills have come to more: the figure wins, and the user is to know of both.
    ///
    /// - Returns: nil also for a kind of clip whose contradiction was returned before.
    mutating func contradiction(for shape: RequestShape) -> Contradiction? {
        guard let stated = usersFigure(for: shape), let billed = highestBilled(for: shape), billed > stated,
            contradicted.insert(PriceKind(shape)).inserted
        else { return nil }
        return Contradiction(stated: stated, billed: billed)
    }

    private func usersFigure(for shape: RequestShape) -> Credits? {
        [rate(for: shape), maximumPerTask].compactMap { $0 }.max()
    }

    private func rate(for shape: RequestShape) -> Credits? {
        rates[shape.model].map { Self.product($0.perSecond, Self.seconds(shape)).adding($0.fee) }
    }

    private func highestBilled(for shape: RequestShape) -> Credits? {
        histories[PriceKind(shape)]?.summary?.range.map { Self.product($0.upperBound, Self.seconds(shape)) }
    }

    /// What a second costs by the user's rate, else by what is published: of a clip of one second, the fee included.
    private func statedPerSecond(_ kind: PriceKind) -> Credits? {
        let second = RequestShape(model: kind.model, durationSeconds: 1, resolution: kind.resolution)
        return rate(for: second) ?? published(for: second).max()
    }

    /// What a quote is measured by, in the order in which `plan` reckons: the highest of the latest bills of such clips,
    /// with their quotes, since bills may lie below these; else the published figures. The user's rate counts beside the
    /// bills and takes the place of what is published. Where none is known, the bound per task and this run's first quote.
    /// Nil when nothing at all is known.
    public func highestExpected(for shape: RequestShape) -> Credits? {
        let kind = PriceKind(shape)
        let rate = rate(for: shape)
        let quotes = [firstQuotes[kind], histories[kind]?.summary?.highestQuote].compactMap { $0 }
        let quote = quotes.max().map { Self.product($0, Self.seconds(shape)) }
        if let highest = highestBilled(for: shape) { return [highest, quote, rate].compactMap { $0 }.max() }
        if let rate { return rate }
        return published(for: shape).max() ?? [maximumPerTask, quote].compactMap { $0 }.max()
    }

    /// Remembers the first quote for a kind of clip: bills may lie below their quotes, which makes the next quote no rise.
    mutating func learnQuote(_ quote: Credits, for shape: RequestShape) {
        let kind = PriceKind(shape)
        if firstQuotes[kind] == nil { firstQuotes[kind] = Self.perSecond(quote, shape) }
    }

    private static func seconds(_ shape: RequestShape) -> Int { max(shape.durationSeconds ?? 1, 1) }

    private static func perSecond(_ credits: Credits, _ shape: RequestShape) -> Credits {
        let seconds = Int64(seconds(shape))
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
        let seconds = Self.seconds(shape)
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
