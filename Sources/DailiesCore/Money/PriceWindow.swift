/// The bill of a completed clip, as evidence for later prices at the same service.
package struct ObservedPrice: Hashable, Sendable {
    /// The requested model, duration and resolution.
    package let shape: RequestShape
    /// The cost, above zero; free clips say nothing about prices.
    package let charged: Credits
    /// The provider's estimate when it accepted the task; nil: none.
    package let estimate: Credits?
    /// When the bill was booked.
    package let settledAt: Instant
    package init(shape: RequestShape, charged: Credits, estimate: Credits?, settledAt: Instant) {
        self.shape = shape
        self.charged = charged
        self.estimate = estimate
        self.settledAt = settledAt
    }
}

/// A kind of clips that share one price per second of output.
package struct PriceKind: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The billed model.
    package let model: ModelID
    /// The requested resolution; nil: none.
    package let resolution: String?
    package init(model: ModelID, resolution: String?) {
        self.model = model
        self.resolution = resolution
    }
    /// Creates the kind of a clip.
    package init(_ shape: RequestShape) { self.init(model: shape.model, resolution: shape.resolution) }
    /// A label for display, such as `sora-2-pro 1080p`.
    package var description: String { model.text + (resolution.map { " \($0)" } ?? "") }
    package static func < (a: PriceKind, b: PriceKind) -> Bool {
        a.model != b.model ? a.model < b.model : (a.resolution ?? "") < (b.resolution ?? "")
    }
}

/// A summary of the latest bills of one kind of clip, per second of requested output (per clip if no duration was
/// requested), rounded up to a billionth.
package struct PriceSummary: Hashable, Sendable {
    /// Number of bills in the window, including outliers.
    package let bills: Int
    /// Lowest and highest without outliers; nil if all are outliers.
    package let range: ClosedRange<Credits>?
    /// The median of all bills in the window; the lower one of two in the middle.
    package let median: Credits
    /// Bills that are ignored, in ascending order.
    package let outliers: [Credits]
    /// The highest quote of these bills without outliers; nil: no quotes.
    package let highestQuote: Credits?
}

/// The latest bills of one kind of clip at one service.
struct PriceWindow: Sendable {
    private struct Bill: Sendable {
        let price: Credits
        let quote: Credits?
    }

    /// Factor above or below the median that makes a figure an outlier.
    private static let outlierFactor: Int64 = 5
    /// This many figures beyond that factor, on the same side and in one window, are a real price.
    private static let figuresOfAPrice = 3

    /// Up to ``PriceBook/windowSize`` bills, the latest last.
    private var bills: [Bill] = []

    /// Adds a price and its quote, both per second.
    mutating func add(_ price: Credits, quote: Credits?) {
        if bills.count == PriceBook.windowSize { bills.removeFirst() }
        bills.append(Bill(price: price, quote: quote))
    }

    /// - Parameter stated: the price per second that the user or the provider states. It counts as one more figure for
    ///   the median, so that the first bill is compared with something.
    /// - Returns: nil for an empty window.
    func summary(comparedWith stated: Credits?) -> PriceSummary? {
        let prices = bills.map(\.price).sorted()
        guard !prices.isEmpty else { return nil }
        let usual = Self.median((prices + [stated].compactMap { $0 }).sorted())
        let outliers = Self.outliers(of: prices, comparedWith: usual)
        let counted = prices.filter { !outliers.contains($0) }
        let quotes = bills.compactMap(\.quote).sorted()
        let oddQuotes = Self.outliers(of: quotes, comparedWith: usual)
        return PriceSummary(
            bills: prices.count, range: counted.first.flatMap { lowest in counted.last.map { lowest...$0 } },
            median: Self.median(prices), outliers: outliers,
            highestQuote: quotes.last { !oddQuotes.contains($0) })
    }

    /// - Parameter sorted: not empty.
    private static func median(_ sorted: [Credits]) -> Credits { sorted[(sorted.count - 1) / 2] }

    /// One or two absurd figures are ignored. Three or more, each near the next, are the service's current price; one
    /// that is as far above those is still absurd.
    private static func outliers(of figures: [Credits], comparedWith usual: Credits) -> [Credits] {
        let above = figures.filter { $0 > usual.times(hundredths: 100 * outlierFactor) }
        let below = figures.filter { $0.times(hundredths: 100 * outlierFactor) < usual }
        return (groups(of: below) + groups(of: above)).filter { $0.count < figuresOfAPrice }.flatMap { $0 }
    }

    /// Groups of figures, each within the factor of the previous one.
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
