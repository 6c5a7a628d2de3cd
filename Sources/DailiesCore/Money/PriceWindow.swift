/// The bill of a completed clip: what it says of the price of further clips at the same service.
public struct ObservedPrice: Hashable, Sendable {
    /// What was asked for.
    public let shape: RequestShape
    /// Above zero: a free clip says nothing of prices.
    public let charged: Credits
    /// What the provider expected it to cost when it took the task; nil: it did not say.
    public let estimate: Credits?
    /// When the bill was booked.
    public let settledAt: Instant
    /// Takes its properties as they are given.
    public init(shape: RequestShape, charged: Credits, estimate: Credits?, settledAt: Instant) {
        self.shape = shape
        self.charged = charged
        self.estimate = estimate
        self.settledAt = settledAt
    }
}

/// Clips of one kind have one price per second of output.
public struct PriceKind: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The model that is billed.
    public let model: ModelID
    /// As asked for; nil: none was.
    public let resolution: String?
    /// Takes its properties as they are given.
    public init(model: ModelID, resolution: String?) {
        self.model = model
        self.resolution = resolution
    }
    /// The kind of a clip.
    public init(_ shape: RequestShape) { self.init(model: shape.model, resolution: shape.resolution) }
    /// `sora-2-pro 1080p`, for people.
    public var description: String { model.text + (resolution.map { " \($0)" } ?? "") }
    public static func < (a: PriceKind, b: PriceKind) -> Bool {
        a.model != b.model ? a.model < b.model : (a.resolution ?? "") < (b.resolution ?? "")
    }
}

/// What the latest bills of one kind of clip say, per second of output asked for (per clip where no duration was),
/// rounded up to a billionth.
public struct PriceSummary: Hashable, Sendable {
    /// The bills in the window, outliers among them.
    public let bills: Int
    /// Lowest and highest without the outliers; nil: there are only outliers.
    public let range: ClosedRange<Credits>?
    /// Of all bills in the window; of two in the middle the lower one.
    public let median: Credits
    /// Bills that decide nothing, in ascending order.
    public let outliers: [Credits]
    /// The highest quote of these bills, outliers among the quotes left out; nil: none was quoted.
    public let highestQuote: Credits?
}

/// The latest bills of one kind of clip at one service.
struct PriceWindow: Sendable {
    private struct Bill: Sendable {
        let price: Credits
        let quote: Credits?
    }

    /// Times above or below the median that make a figure an outlier.
    private static let outlierFactor: Int64 = 5
    /// As many figures beyond that factor, on the same side and within one window, are a price and no mistake.
    private static let figuresOfAPrice = 3

    /// At most ``PriceBook/windowSize``, the latest last.
    private var bills: [Bill] = []

    /// Both per second.
    mutating func add(_ price: Credits, quote: Credits?) {
        if bills.count == PriceBook.windowSize { bills.removeFirst() }
        bills.append(Bill(price: price, quote: quote))
    }

    /// - Parameter stated: what the user or the provider says that a second costs. It counts as one more figure when the
    ///   median is taken, so that a first bill is measured by something.
    /// - Returns: nil for an empty window.
    func summary(beside stated: Credits?) -> PriceSummary? {
        let prices = bills.map(\.price).sorted()
        guard !prices.isEmpty else { return nil }
        let usual = Self.median((prices + [stated].compactMap { $0 }).sorted())
        let outliers = Self.outliers(of: prices, beside: usual)
        let counted = prices.filter { !outliers.contains($0) }
        let quotes = bills.compactMap(\.quote).sorted()
        let oddQuotes = Self.outliers(of: quotes, beside: usual)
        return PriceSummary(
            bills: prices.count, range: counted.first.flatMap { lowest in counted.last.map { lowest...$0 } },
            median: Self.median(prices), outliers: outliers,
            highestQuote: quotes.last { !oddQuotes.contains($0) })
    }

    /// - Parameter sorted: not empty.
    private static func median(_ sorted: [Credits]) -> Credits { sorted[(sorted.count - 1) / 2] }

    /// One absurd figure, or two, decide nothing. From three on, each near the next, they are what this service charges
    /// now; one that is as far above those is absurd all the same.
    private static func outliers(of figures: [Credits], beside usual: Credits) -> [Credits] {
        let above = figures.filter { $0 > usual.times(hundredths: 100 * outlierFactor) }
        let below = figures.filter { $0.times(hundredths: 100 * outlierFactor) < usual }
        return (groups(of: below) + groups(of: above)).filter { $0.count < figuresOfAPrice }.flatMap { $0 }
    }

    /// Figures that are near each other: none is more than the factor above the one before.
    ///
    /// - Parameter sorted: ascending.
    private static func groups(of sorted: [Credits]) -> [[Credits]] {
        sorted.reduce(into: []) { groups, figure in
            if let last = groups.last?.last, figure <= last.times(hundredths: 100 * outlierFactor) {
                groups[groups.count - 1].append(figure)
            } else {
                groups.append([figure])
            }
        }
    }
}
