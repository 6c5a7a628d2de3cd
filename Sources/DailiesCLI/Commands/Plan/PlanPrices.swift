import DailiesCore
import DailiesStore

/// The expected price range of a clip, and its source.
struct PriceEstimate: Hashable, Sendable {
    let range: ClosedRange<Credits>
    let source: Source

    struct Source: Hashable, Sendable {
        enum Kind: String, Sendable {
            /// The service's latest bills in this store.
            case learned
            /// The user's rates.
            case rates
            /// The provider's pages.
            case published
            /// `--max-credits-per-task`, if nothing else is known.
            case bound
        }
        let kind: Kind
        /// Shown to the user.
        let name: String
        /// The date of the latest bill, of the user's rates or of the catalog.
        let date: String?
    }
}

/// Expected prices at one service, by the arithmetic of a run (``PriceBook/estimate(for:)``), with the names and dates of
/// their sources.
struct PlanPrices {
    private let catalog: ModelCatalog
    private let rates: RateCard?
    private let book: PriceBook
    /// When the latest bill of each kind of clip was settled.
    private let settledAt: [PriceKind: Instant]

    /// - Parameter observed: bills of this service only.
    init(catalog: ModelCatalog, rates: RateCard?, maximumPerTask: Credits?, observed: [ObservedPrice]) {
        self.catalog = catalog
        self.rates = rates
        book = PriceBook(
            catalog: catalog, rates: rates?.rates ?? [:], maximumPerTask: maximumPerTask, observed: observed)
        settledAt = Dictionary(observed.map { (PriceKind($0.shape), $0.settledAt) }, uniquingKeysWith: max)
    }

    func estimate(for shape: RequestShape) -> PriceEstimate? {
        book.estimate(for: shape).map { PriceEstimate(range: $0.range, source: source(of: $0, shape)) }
    }

    private func source(of estimate: PriceBook.Estimate, _ shape: RequestShape) -> PriceEstimate.Source {
        let kind = PriceKind(shape)
        switch estimate.source {
        case .bills:
            let outliers = book.summary(of: kind)?.outliers.count ?? 0
            let exception = outliers == 0 ? "" : ", excluding \(TaskDescription.count(outliers, "outlier"))"
            return .init(
                kind: .learned, name: "bills settled in this store" + exception,
                date: settledAt[kind].map(Composition.Calendar.day))
        case .rate:
            let entry = rates?.entries[shape.model]
            return .init(kind: .rates, name: entry?.source ?? "your rates", date: entry?.date)
        case .published:
            let sources = catalog[shape.model]?.priceSources(for: shape.resolution) ?? ""
            return .init(kind: .published, name: "published: " + sources, date: catalog.compiled)
        case .maximum: return .init(kind: .bound, name: "--max-credits-per-task", date: nil)
        }
    }
}

extension ModelSpec {
    /// The sources of the published prices for a resolution, as text.
    func priceSources(for resolution: String?) -> String {
        let fitting = prices.filter { $0.resolution == nil || $0.resolution == resolution }
        return Set((fitting.isEmpty ? prices : fitting).map(\.source)).sorted().joined(separator: "; ")
    }
}

/// The estimated duration range of a set of clips under limits of concurrency and submit rate.
///
/// The bounds apply to any order in which a free slot takes the next clip that its model's limit allows. The lower
/// bound is the longest clip, all clips spread evenly over the slots, or a model's clips spread evenly over its limit,
/// whichever is longest. The upper bound is the last clip, preceded by times at which all slots or all slots of its
/// model are full.
struct PlanDuration {
    /// Seconds, low to high.
    private struct Load {
        var sum = (low: 0.0, high: 0.0)
        var longest = (low: 0.0, high: 0.0)

        mutating func add(_ low: Double, _ high: Double) {
            sum = (sum.low + low, sum.high + high)
            longest = (max(longest.low, low), max(longest.high, high))
        }
    }

    private let slots: Double
    /// Only limits below the total.
    private let slotsByModel: [ModelID: Double]
    /// Seconds between two submits.
    private let interval: Double
    /// Clips to submit with a known latency.
    private var submits = 0
    private var all = Load()
    private var byModel: [ModelID: Load] = [:]
    /// Clips of models whose latency is not published.
    private(set) var unknown = 0
    private(set) var counted = 0

    init(_ limits: SubmissionLimits) {
        slots = Double(limits.concurrency)
        interval = limits.pace?.interval.inSeconds ?? 0
        slotsByModel = limits.byModel.filter { $0.value < limits.concurrency }.mapValues(Double.init)
    }

    /// - Parameter isUnderWay: it was already sent, so it may complete at any moment.
    mutating func add(_ shape: RequestShape, in catalog: ModelCatalog, isUnderWay: Bool = false) {
        guard let spec = catalog[shape.model], let latency = spec.typicalLatency else {
            unknown += 1
            return
        }
        counted += 1
        if !isUnderWay { submits += 1 }
        let base = Double(max(spec.typicalLatencyForSeconds ?? 1, 1))
        let seconds = Double(max(shape.durationSeconds ?? spec.typicalLatencyForSeconds ?? 1, 1))
        let low = isUnderWay ? 0 : latency.lowerBound / .seconds(1) * seconds / base
        let high = latency.upperBound / .seconds(1) * seconds / base
        all.add(low, high)
        byModel[shape.model, default: Load()].add(low, high)
    }

    /// nil: there are no clips with a known latency.
    var range: ClosedRange<Duration>? {
        guard counted > 0 else { return nil }
        var low = max(all.sum.low / slots, all.longest.low)
        var high = low
        for (model, load) in byModel {
            let own = slotsByModel[model] ?? slots
            low = max(low, load.sum.low / own)
            let full = all.sum.high / slots + load.sum.high * (1 / own - 1 / slots)
            high = max(high, full + load.longest.high * (1 - 1 / own))
        }
        // The last submit comes after all intervals, and is delayed by at most their sum.
        let paced = interval * Double(max(submits - 1, 0))
        low = max(low, paced)
        high += paced
        // A user's catalog may make it longer than a duration can be.
        let (shortest, longest) = (low.rounded(), max(low, high).rounded(.up))
        return .nanoseconds(rounding: shortest * 1e9)...(.nanoseconds(rounding: longest * 1e9))
    }
}
