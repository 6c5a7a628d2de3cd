import DailiesCore

/// How a spend report is grouped.
public enum ReportDimension: Hashable, Sendable {
    /// By model ID.
    case model
    /// By the final state of the attempt.
    case state
    /// By batch name.
    case batch
    /// By the UTC day of settlement, such as `2026-11-23`.
    case day
    /// By the value of the tag of this name; nil if a task does not have it.
    case tag(String)
}

/// Spending over settled attempts, each with its own model, state and cost.
public struct SpendReport: Hashable, Sendable {
    /// One group.
    public struct Row: Hashable, Sendable {
        /// One value per requested dimension; nil: none.
        public let values: [String?]
        /// The figures of this group.
        public let figures: SpendFigures
    }
    /// The requested dimensions, in order.
    public let dimensions: [ReportDimension]
    /// Sorted by their values.
    public let rows: [Row]
    /// The total, with each task counted once.
    public let total: SpendFigures
}

/// Counts and amounts over a set of settled attempts.
public struct SpendFigures: Hashable, Sendable {
    /// Distinct tasks. The sum over rows may exceed the total, since a task may be in several rows.
    public var tasks = 0
    /// Settled attempts.
    public var attempts = 0
    /// Attempts whose clip is on disk.
    public var clipsSaved = 0
    /// Seconds of output as the provider states them, for display.
    public var secondsDelivered = 0.0
    /// Seconds of attempts with a known cost, the basis of a price per second.
    public var secondsOfKnownCost = 0.0
    /// The sum of the provider's estimates.
    public var estimated = CreditTotal.zero
    /// Charged credits, where known.
    public var charged = CreditTotal.zero
    /// Estimates of charged attempts.
    public var estimatedOfCharged = CreditTotal.zero
    /// Charges of attempts with an estimate.
    public var chargedOfEstimated = CreditTotal.zero
    /// Settled attempts with an unknown cost.
    public var unknownCosts = 0
    /// Their estimates or else reservations: what they may have cost.
    public var unknownAtMost = CreditTotal.zero
    /// Attempts with neither a cost nor such a bound.
    public var unboundedCosts = 0
    /// Costs stated with more than nine decimals.
    public var roundedCosts = 0
    /// Renders that existed before they were requested here.
    public var replayed = 0
    /// Failed attempts that were charged.
    public var chargedFailures = 0
    /// Their charges.
    public var chargedForFailures = CreditTotal.zero
    /// Cancelled attempts that were charged.
    public var chargedCancellations = 0
    /// Their charges.
    public var chargedForCancellations = CreditTotal.zero
    /// Completed attempts whose clip is not on disk.
    public var paidNotSaved = 0
    /// Their charges, where known.
    public var chargedNotSaved = CreditTotal.zero
    /// Charged attempts that a later one replaced.
    public var supersededTakes = 0
    /// Their charges.
    public var chargedForSuperseded = CreditTotal.zero
    /// Attempts settled in the future, by a clock that was ahead; they count as settled now.
    public var settledInFuture = 0

    /// Creates zero figures.
    public init() {}

    /// Adds the figures of another group.
    ///
    /// - Parameter tasks: tasks of the other group that are not in this one.
    mutating func add(_ other: SpendFigures, tasks: Int) {
        self.tasks += tasks
        attempts += other.attempts
        clipsSaved += other.clipsSaved
        secondsDelivered += other.secondsDelivered
        secondsOfKnownCost += other.secondsOfKnownCost
        estimated += other.estimated
        charged += other.charged
        estimatedOfCharged += other.estimatedOfCharged
        chargedOfEstimated += other.chargedOfEstimated
        unknownCosts += other.unknownCosts
        unknownAtMost += other.unknownAtMost
        unboundedCosts += other.unboundedCosts
        roundedCosts += other.roundedCosts
        replayed += other.replayed
        chargedFailures += other.chargedFailures
        chargedForFailures += other.chargedForFailures
        chargedCancellations += other.chargedCancellations
        chargedForCancellations += other.chargedForCancellations
        paidNotSaved += other.paidNotSaved
        chargedNotSaved += other.chargedNotSaved
        supersededTakes += other.supersededTakes
        chargedForSuperseded += other.chargedForSuperseded
        settledInFuture += other.settledInFuture
    }
}

extension Store {
    /// Reports spending.
    ///
    /// - Parameters:
    ///   - dimensions: how to group, in order; empty: the total only.
    ///   - since: only attempts settled at or after this time.
    ///   - until: only attempts settled before this time.
    ///   - batches: only these batches; nil: all.
    ///   - now: attempts settled after this time, by a clock that was ahead, count as settled now.
    package func spend(
        by dimensions: [ReportDimension], since: Instant? = nil, until: Instant? = nil, batches: [BatchID]? = nil,
        now: Instant = .distantFuture
    ) throws(StoreError) -> SpendReport {
        let query = SpendQuery(dimensions: dimensions, since: since, until: until, batches: batches, now: now)
        return try reading { database throws(StoreError) in
            var total = SpendFigures()
            let rows = try database.sortingInMemory { () throws(StoreError) in
                try database.rows(query.statement, list: query.values) { row in
                    let figures = SpendFigures(in: row)
                    total.add(figures, tasks: row["new_tasks"])
                    return SpendReport.Row(values: query.values(in: row), figures: figures)
                }
            }
            return SpendReport(dimensions: dimensions, rows: dimensions.isEmpty ? [] : rows, total: total)
        }
    }
}

/// The SQL statement of a spend report, built from fixed parts; user input is only ever bound. It reads the attempts
/// once: the total is the sum of the groups.
private struct SpendQuery {
    private let dimensions: [ReportDimension]
    private(set) var values: [SQLValue] = []
    /// The expressions that group, sort and are shown, in the order of the dimensions.
    private var keys: [String] = []
    /// The placeholders of the bounds.
    private let since: String?
    private let until: String?
    private let batches: String?
    private let now: String

    init(dimensions: [ReportDimension], since: Instant?, until: Instant?, batches: [BatchID]?, now: Instant) {
        self.dimensions = dimensions
        var values: [SQLValue] = []
        func bind(_ value: SQLValue) -> String {
            values.append(value)
            return "$\(values.count)"
        }
        self.now = bind(SQLValue(now))
        self.since = since.map { bind(SQLValue($0)) }
        self.until = until.map { bind(SQLValue($0)) }
        self.batches = batches.map { bind(SQLDialect.list($0)) }
        keys = dimensions.map { dimension in
            switch dimension {
            case .model: "a.model"
            case .state: "a.state"
            case .batch: "b.name"
            case .day: Self.day("a", now: self.now)
            case .tag(let name): "(SELECT value FROM task_tag WHERE task = a.task AND name = \(bind(.text(name))))"
            }
        }
        self.values = values
    }

    /// The values of a group's dimensions.
    func values(in row: SQLRow) -> [String?] {
        dimensions.enumerated().map { index, dimension in
            let value = row.optionalText(named: "dimension_\(index)")
            return dimension == .day ? value.flatMap(Int64.init).flatMap(Self.date(ofDay:)) : value
        }
    }

    /// The date of a day that is counted from 1970-01-01; nil if its year does not have four digits.
    private static func date(ofDay day: Int64) -> String? {
        // From 0000-01-01 to 9999-12-31.
        guard -719_528...2_932_896 ~= day else { return nil }
        // Years from 1 March on, so that a leap day is the last day of its year, in 400-year cycles.
        let days = day + 719_468
        let cycle = (days < 0 ? days - 146_096 : days) / 146_097
        let dayOfCycle = days - cycle * 146_097
        let yearOfCycle = (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let march = (5 * dayOfYear + 2) / 153
        let month = march < 10 ? march + 3 : march - 9
        let year = cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0)
        func padded(_ number: Int64, to width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(width - digits.count, 0)) + digits
        }
        return "\(padded(year, to: 4))-\(padded(month, to: 2))-\(padded(dayOfYear - (153 * march + 2) / 5 + 1, to: 2))"
    }

    var statement: String {
        let places = keys.joined(separator: ", ")
        let joins =
            dimensions.contains(.batch) ? " JOIN batch AS b ON b.id = a.batch_id" : ""
        let columns = keys.enumerated().map { "\($1) AS dimension_\($0)" } + figureColumns
        let groups = keys.isEmpty ? "" : "GROUP BY \(places) ORDER BY \(places)"
        return """
            SELECT \(columns.joined(separator: ",\n"))
            FROM attempt AS a\(joins)
            WHERE \(isSettled("a"))\(batches.map { " AND " + SQLDialect.isIn("a.batch_id", $0) } ?? "")
            \(groups)
            """
    }

    /// Whether an attempt settled in the requested time.
    private func isSettled(_ attempt: String) -> String {
        let settled = "(\(Self.settledAt(attempt, now: now)))"
        let bounds = [since.map { "\(settled) >= \($0)" }, until.map { "\(settled) < \($0)" }].compactMap { $0 }
        return bounds.isEmpty ? "\(settled) IS NOT NULL" : bounds.joined(separator: " AND ")
    }

    private static func settledAt(_ attempt: String, now: String) -> String {
        "CASE WHEN \(attempt).settled_at_ms > \(now) THEN \(now) ELSE \(attempt).settled_at_ms END"
    }

    /// The number of the UTC day since 1970-01-01.
    private static func day(_ attempt: String, now: String) -> String {
        "(\(settledAt(attempt, now: now))) / 86400000"
    }

    /// Whether no earlier attempt of the task is counted, in the whole report or in the same group. Only later attempts
    /// need the lookup, which avoids sorting all tasks.
    private func isFirst(inGroup: Bool) -> String {
        let same: [String] = dimensions.compactMap { dimension in
            switch dimension {
            case .model: "p.model = a.model"
            case .state: "p.state = a.state"
            case .day: "\(Self.day("p", now: now)) = \(Self.day("a", now: now))"
            case .batch, .tag: nil
            }
        }
        let conditions = ["p.task = a.task", "p.number < a.number", isSettled("p")] + (inGroup ? same : [])
        return "a.number = 1 OR NOT EXISTS (SELECT 1 FROM attempt AS p WHERE \(conditions.joined(separator: " AND ")))"
    }

    /// Each amount is two integer sums, whole credits and billionths: a single sum could overflow, and a REAL one would
    /// round.
    private var figureColumns: [String] {
        func both(_ amount: String, where condition: String? = nil, as name: String) -> String {
            let filter = condition.map { " FILTER (WHERE \($0))" } ?? ""
            return """
                sum(\(amount) / 1000000000)\(filter) AS \(name)_whole,
                sum(\(amount) % 1000000000)\(filter) AS \(name)_billionths
                """
        }
        func count(_ condition: String, as name: String) -> String { "count(*) FILTER (WHERE \(condition)) AS \(name)" }
        let held = "coalesce(a.estimated_credits_nano, a.reserved_nano)"
        return [
            // Tasks that are in no earlier group.
            count(isFirst(inGroup: false), as: "new_tasks"),
            count(isFirst(inGroup: true), as: "tasks"),
            "count(*) AS attempts",
            count("a.output_path IS NOT NULL", as: "clips_saved"),
            "coalesce(sum(a.delivered_seconds), 0) AS seconds_delivered",
            "coalesce(sum(a.delivered_seconds) FILTER (WHERE a.credits_nano IS NOT NULL), 0) AS seconds_of_known_cost",
            both("a.estimated_credits_nano", as: "estimated"),
            both("a.credits_nano", as: "charged"),
            both("a.estimated_credits_nano", where: "a.credits_nano > 0", as: "estimated_of_charged"),
            both("a.credits_nano", where: "a.estimated_credits_nano IS NOT NULL", as: "charged_of_estimated"),
            count("a.credits_nano IS NULL", as: "unknown_costs"),
            both(held, where: "a.credits_nano IS NULL", as: "unknown_at_most"),
            count("a.credits_nano IS NULL AND \(held) IS NULL", as: "unbounded_costs"),
            count("a.is_rounded", as: "rounded_costs"),
            count("a.is_replayed", as: "replayed"),
            count("a.state = 'failed' AND a.credits_nano > 0", as: "charged_failures"),
            both("a.credits_nano", where: "a.state = 'failed'", as: "charged_for_failures"),
            count("a.state = 'cancelled' AND a.credits_nano > 0", as: "charged_cancellations"),
            both("a.credits_nano", where: "a.state = 'cancelled'", as: "charged_for_cancellations"),
            count("a.state = 'completed' AND a.output_path IS NULL", as: "paid_not_saved"),
            both("a.credits_nano", where: "a.state = 'completed' AND a.output_path IS NULL", as: "charged_not_saved"),
            count("a.superseded_at_ms IS NOT NULL AND a.credits_nano > 0", as: "superseded_takes"),
            both("a.credits_nano", where: "a.superseded_at_ms IS NOT NULL", as: "charged_for_superseded"),
            count("a.settled_at_ms > \(now)", as: "settled_in_future"),
        ]
    }
}

extension SpendFigures {
    /// Reads the columns of ``SpendQuery/figureColumns``.
    fileprivate init(in row: SQLRow) {
        tasks = row["tasks"]
        attempts = row["attempts"]
        clipsSaved = row["clips_saved"]
        secondsDelivered = row["seconds_delivered"]
        secondsOfKnownCost = row["seconds_of_known_cost"]
        estimated = row.total("estimated")
        charged = row.total("charged")
        estimatedOfCharged = row.total("estimated_of_charged")
        chargedOfEstimated = row.total("charged_of_estimated")
        unknownCosts = row["unknown_costs"]
        unknownAtMost = row.total("unknown_at_most")
        unboundedCosts = row["unbounded_costs"]
        roundedCosts = row["rounded_costs"]
        replayed = row["replayed"]
        chargedFailures = row["charged_failures"]
        chargedForFailures = row.total("charged_for_failures")
        chargedCancellations = row["charged_cancellations"]
        chargedForCancellations = row.total("charged_for_cancellations")
        paidNotSaved = row["paid_not_saved"]
        chargedNotSaved = row.total("charged_not_saved")
        supersededTakes = row["superseded_takes"]
        chargedForSuperseded = row.total("charged_for_superseded")
        settledInFuture = row["settled_in_future"]
    }
}
