import DailiesCore

/// What a spend report is grouped by.
public enum ReportDimension: Hashable, Sendable {
    case model
    case state
    /// By name.
    case batch
    /// The UTC day on which it was settled, `2026-11-23`.
    case day
    /// The value of the tag of this name; nil where a task does not have it.
    case tag(String)
}

/// What was spent. It counts attempts that are settled: each with its own model, state and cost.
public struct SpendReport: Hashable, Sendable {
    public struct Row: Hashable, Sendable {
        /// One value for each dimension asked for; nil: there is none.
        public let values: [String?]
        public let figures: SpendFigures
    }
    public let dimensions: [ReportDimension]
    /// Sorted by their values.
    public let rows: [Row]
    public let total: SpendFigures
}

public struct SpendFigures: Hashable, Sendable {
    /// Different tasks. The sum over rows may be higher than the total: a task may stand in several.
    public var tasks = 0
    public var attempts = 0
    public var clipsSaved = 0
    /// As stated by the provider; for people.
    public var secondsDelivered = 0.0
    /// Those of attempts whose cost is known: what a price for a second is taken over.
    public var secondsOfKnownCost = 0.0
    /// The provider's estimates, over the attempts that had one.
    public var estimated = CreditTotal.zero
    public var charged = CreditTotal.zero
    /// Settled attempts whose cost is not known (yet).
    public var unknownCosts = 0
    /// Costs stated with more than nine decimals.
    public var roundedCosts = 0
    /// Bookings of renders that existed before they were asked for here.
    public var replayed = 0
    public var chargedFailures = 0
    public var chargedForFailures = CreditTotal.zero
    public var chargedCancellations = 0
    public var chargedForCancellations = CreditTotal.zero
    public var paidNotSaved = 0
    public var chargedNotSaved = CreditTotal.zero
    /// Charged attempts that a later one took the place of.
    public var supersededTakes = 0
    public var chargedForSuperseded = CreditTotal.zero

    public init() {}
}

extension Store {
    /// - Parameters:
    ///   - dimensions: in this order; empty: the total alone.
    ///   - since: settled at or after this moment.
    ///   - until: settled before this moment.
    ///   - batches: nil: all.
    public func spend(
        by dimensions: [ReportDimension], since: Instant? = nil, until: Instant? = nil, batches: [BatchID]? = nil
    ) throws(StoreError) -> SpendReport {
        let query = SpendQuery(dimensions: dimensions, since: since, until: until, batches: batches)
        return try reading { database throws(StoreError) in
            let total = try database.rows(query.totals, list: query.bounds) { row in
                SpendQuery.figures(in: row, from: 0)
            }
            guard !dimensions.isEmpty else {
                return SpendReport(dimensions: [], rows: [], total: total.first ?? SpendFigures())
            }
            let rows = try database.rows(query.groups, list: query.tagNames + query.bounds) { row in
                SpendReport.Row(
                    values: dimensions.indices.map { row.optionalText(Int32($0)) },
                    figures: SpendQuery.figures(in: row, from: Int32(dimensions.count)))
            }
            return SpendReport(dimensions: dimensions, rows: rows, total: total.first ?? SpendFigures())
        }
    }
}

/// The statement of a spend report, put together from fixed parts; what the user typed is only ever bound.
private struct SpendQuery {
    let dimensions: [ReportDimension]
    let since: Instant?
    let until: Instant?
    let batches: [BatchID]?

    /// Each amount as two integer sums, whole credits and billionths: one sum could overflow, a REAL one would round.
    private static let figureColumns: String = {
        func both(_ amount: String, where condition: String = "1") -> String {
            """
            coalesce(sum(\(amount) / 1000000000) FILTER (WHERE \(condition)), 0),
            coalesce(sum(\(amount) % 1000000000) FILTER (WHERE \(condition)), 0)
            """
        }
        func count(_ condition: String) -> String { "count(*) FILTER (WHERE \(condition))" }
        return [
            "count(DISTINCT a.task)", "count(*)", count("a.output_path IS NOT NULL"), "total(a.delivered_seconds)",
            "total(a.delivered_seconds) FILTER (WHERE a.credits_nano IS NOT NULL)",
            both("a.estimated_credits_nano"), both("a.credits_nano"), count("a.credits_nano IS NULL"),
            count("a.is_rounded"), count("a.is_replayed"),
            count("a.state = 'failed' AND a.credits_nano > 0"), both("a.credits_nano", where: "a.state = 'failed'"),
            count("a.state = 'cancelled' AND a.credits_nano > 0"),
            both("a.credits_nano", where: "a.state = 'cancelled'"),
            count("a.state = 'completed' AND a.output_path IS NULL"),
            both("a.credits_nano", where: "a.state = 'completed' AND a.output_path IS NULL"),
            count("a.superseded_at_ms IS NOT NULL AND a.credits_nano > 0"),
            both("a.credits_nano", where: "a.superseded_at_ms IS NOT NULL"),
        ].joined(separator: ",\n")
    }()

    private static let source = """
        FROM attempt AS a JOIN batch AS b ON b.id = a.batch_id
        """
    private static let condition = """
        WHERE a.settled_at_ms IS NOT NULL AND (? IS NULL OR a.settled_at_ms >= ?) AND (? IS NULL OR a.settled_at_ms < ?)
            AND (? IS NULL OR a.batch_id IN (SELECT value FROM json_each(?)))
        """

    var totals: String { "SELECT \(Self.figureColumns)\n\(Self.source)\n\(Self.condition)" }

    var groups: String {
        let expressions = dimensions.map(Self.expression)
        let places = dimensions.indices.map { "\($0 + 1)" }.joined(separator: ", ")
        let input = tagNames.isEmpty ? "" : "JOIN task_input AS i ON i.id = a.task"
        return """
            SELECT \(expressions.joined(separator: ", ")),
            \(Self.figureColumns)
            \(Self.source) \(input)
            \(Self.condition)
            GROUP BY \(places) ORDER BY \(places)
            """
    }

    private static func expression(for dimension: ReportDimension) -> String {
        switch dimension {
        case .model: "a.model"
        case .state: "a.state"
        case .batch: "b.name"
        case .day: "date(a.settled_at_ms / 1000, 'unixepoch')"
        case .tag: "(SELECT value FROM json_each(i.tags) WHERE key = ?)"
        }
    }

    var tagNames: [Value] {
        dimensions.compactMap { dimension in
            if case .tag(let name) = dimension { .text(name) } else { nil }
        }
    }

    var bounds: [Value] {
        let chosen = batches.map { "[" + $0.map(\.description).joined(separator: ",") + "]" }
        return [Value(since), Value(since), Value(until), Value(until), Value(chosen), Value(chosen)]
    }

    /// The columns of ``figureColumns``, in their order.
    static func figures(in row: DailiesStore.Row, from start: Int32) -> SpendFigures {
        var column = start
        func count() -> Int {
            defer { column += 1 }
            return row.int(column)
        }
        func total() -> CreditTotal {
            defer { column += 2 }
            return row.total(column)
        }
        var figures = SpendFigures()
        figures.tasks = count()
        figures.attempts = count()
        figures.clipsSaved = count()
        figures.secondsDelivered = row.optionalReal(column) ?? 0
        figures.secondsOfKnownCost = row.optionalReal(column + 1) ?? 0
        column += 2
        figures.estimated = total()
        figures.charged = total()
        figures.unknownCosts = count()
        figures.roundedCosts = count()
        figures.replayed = count()
        figures.chargedFailures = count()
        figures.chargedForFailures = total()
        figures.chargedCancellations = count()
        figures.chargedForCancellations = total()
        figures.paidNotSaved = count()
        figures.chargedNotSaved = total()
        figures.supersededTakes = count()
        figures.chargedForSuperseded = total()
        return figures
    }
}
