import DailiesCore
import DailiesStore

/// What a clip will cost, low to high, and who says so.
struct PriceEstimate: Hashable, Sendable {
    let range: ClosedRange<Credits>
    let source: Source

    struct Source: Hashable, Sendable {
        enum Kind: String, Sendable {
            /// The latest bills of the service in this store.
            case learned
            /// The user's rates.
            case rates
            /// The provider's pages.
            case published
            /// The user's bound for any task; nothing else is known.
            case bound
        }
        let kind: Kind
        /// For people.
        let name: String
        /// Of the latest bill, of the rates as the user dates them, or of the catalogue.
        let date: String?
    }
}

/// What clips will cost at one service: from its latest bills in this store where there are any, else from the user's
/// rates, else from what is published, else from the user's bound for any task; nothing where none of them knows.
struct PlanPrices {
    private let catalogue: ModelCatalogue
    private let rates: RateCard?
    private let maximumPerTask: Credits?
    private let book: PriceBook
    /// When the latest bill of each kind of clip was settled.
    private let settledAt: [PriceKind: Instant]

    /// - Parameter observed: bills of the service, and of no other.
    init(catalogue: ModelCatalogue, rates: RateCard?, maximumPerTask: Credits?, observed: [ObservedPrice]) {
        self.catalogue = catalogue
        self.rates = rates
        self.maximumPerTask = maximumPerTask
        book = PriceBook(catalogue: catalogue, rates: rates?.rates ?? [:], observed: observed)
        settledAt = Dictionary(observed.map { (PriceKind($0.shape), $0.settledAt) }, uniquingKeysWith: max)
    }

    func estimate(for shape: RequestShape) -> PriceEstimate? {
        let seconds = Int64(max(shape.durationSeconds ?? 1, 1))
        let kind = PriceKind(shape)
        if let summary = book.summary(of: kind), let range = summary.range {
            let outliers = summary.outliers.isEmpty ? "" : ", excluding \(TaskDescription.count(summary.outliers.count, "outlier"))"
            return PriceEstimate(
                range: Self.product(range.lowerBound, seconds)...Self.product(range.upperBound, seconds),
                source: .init(
                    kind: .learned, name: "bills settled in this store" + outliers,
                    date: settledAt[kind].map(Composition.Calendar.day)))
        }
        if let entry = rates?.entries[shape.model] {
            let amount = Self.product(entry.rate.perSecond, seconds).adding(entry.rate.fee)
            return PriceEstimate(
                range: amount...amount,
                source: .init(kind: .rates, name: entry.source ?? "your rates", date: entry.date))
        }
        guard let range = book.publishedRange(for: shape), let spec = catalogue[shape.model] else {
            return maximumPerTask.map {
                PriceEstimate(
                    range: .zero...$0, source: .init(kind: .bound, name: "--max-credits-per-task", date: nil))
            }
        }
        return PriceEstimate(
            range: range,
            source: .init(
                kind: .published, name: "published: " + spec.priceSources(for: shape.resolution),
                date: catalogue.compiled))
    }

    private static func product(_ credits: Credits, _ seconds: Int64) -> Credits {
        let (product, overflow) = credits.nano.multipliedReportingOverflow(by: seconds)
        return Credits(nano: overflow ? .max : product)
    }
}

extension ModelSpec {
    /// Who publishes the prices that count for a resolution, for people.
    func priceSources(for resolution: String?) -> String {
        let fitting = prices.filter { $0.resolution == nil || $0.resolution == resolution }
        return Set((fitting.isEmpty ? prices : fitting).map(\.source)).sorted().joined(separator: "; ")
    }
}

/// How long clips take, low to high, with so many in flight and submits so far apart.
///
/// The bounds are those of any order in which a free slot takes the next clip that its model's limit allows: never shorter
/// than the longest clip, nor than all of them spread evenly, nor than those of a model spread evenly over its limit. Never
/// longer than the last clip and, before it, times at which all slots are full and others at which its model's are.
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
    /// Below that of all together.
    private let slotsByModel: [ModelID: Double]
    /// Between two submits.
    private let interval: Double
    /// Clips that are submitted, of known latency.
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

    /// - Parameter isUnderWay: it was sent already, so that it may be done at any moment.
    mutating func add(_ shape: RequestShape, in catalogue: ModelCatalogue, isUnderWay: Bool = false) {
        guard let spec = catalogue[shape.model], let latency = spec.typicalLatency else {
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

    /// nil: nothing of known latency is to do.
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
        // The last one is submitted after all intervals, and at the latest so much later than without them.
        let paced = interval * Double(max(submits - 1, 0))
        low = max(low, paced)
        high += paced
        // A catalogue of the user's may make it longer than a duration can be.
        let (shortest, longest) = (low.rounded(), max(low, high).rounded(.up))
        return .nanoseconds(rounding: shortest * 1e9)...(.nanoseconds(rounding: longest * 1e9))
    }
}
