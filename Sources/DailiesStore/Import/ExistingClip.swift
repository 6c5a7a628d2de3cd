import DailiesCore

/// A stored or rendering clip that a request duplicates.
package struct ExistingClip: Hashable, Sendable {
    /// The key of its task.
    package let key: TaskKey
    /// The name of its batch.
    package let batchName: String
    /// Whether it is paid for; false: the provider is still working on it.
    package let isPaid: Bool
    /// Whether the requests differ only in blanks at the ends of lines and texts, or in Unicode form.
    package let isNear: Bool
}

/// Tasks to be rendered whose request has a clip already, or will have one.
package struct Duplicates: Hashable, Sendable {
    /// A task to be rendered and a similar clip of another task.
    package struct Pair: Hashable, Sendable {
        /// The key of the task to be rendered.
        package let key: TaskKey
        /// The existing clip.
        package let clip: ExistingClip
    }

    /// Tasks equal to a clip: the first ``ImportError/maximumListed`` of ``equalCount``.
    package private(set) var equal: [Pair] = []
    /// The total number.
    package private(set) var equalCount = 0
    /// Tasks nearly equal to a clip: the first of ``nearCount``.
    package private(set) var near: [Pair] = []
    /// The total number.
    package private(set) var nearCount = 0
    /// Tasks equal to an earlier task of the same manifest: the first of ``repeatedCount``.
    package private(set) var repeated: [TaskKey] = []
    /// The total number.
    package private(set) var repeatedCount = 0
    /// The number of tasks to be rendered.
    package private(set) var count = 0
    private var requests = RepeatedRequests()

    package init() {}

    /// Adds a task to be rendered, in manifest order.
    ///
    /// - Parameter clip: a similar clip of another task.
    package mutating func add(_ task: TaskSpec, like clip: ExistingClip?) {
        count += 1
        if requests.insert(task.request) {
            repeatedCount += 1
            if repeated.count < ImportError.maximumListed { repeated.append(task.key) }
        }
        guard let clip else { return }
        let pair = Pair(key: task.key, clip: clip)
        if clip.isNear {
            nearCount += 1
            if near.count < ImportError.maximumListed { near.append(pair) }
        } else {
            equalCount += 1
            if equal.count < ImportError.maximumListed { equal.append(pair) }
        }
    }
}

/// Finds clips similar to a request.
struct ClipFinder {
    /// Maximum clips examined per request, so that ten thousand takes of one prompt stay fast.
    private static let maximumExamined = 64
    /// The condition must equal that of the index, or SQLite does not use it.
    static let similar = """
        SELECT i.key, b.name, a.state = 'completed' AS is_paid, i.request, s.new_seed
        FROM (
            SELECT * FROM attempt WHERE similarity_hash BETWEEN $1 AND $2 AND task <> $3
                AND (state = 'completed' OR task_id IS NOT NULL AND state IN ('queued', 'running'))
            LIMIT \(maximumExamined)) AS a
        JOIN task_state AS s ON s.id = a.task AND s.attempt = a.number AND s.is_submitted
        JOIN task_input AS i ON i.id = a.task JOIN batch AS b ON b.id = a.batch_id
        JOIN service AS v ON v.id = a.service_id
        WHERE v.provider = $4
        ORDER BY a.state = 'completed' DESC, a.task
        """

    /// A row number that no task has.
    private static let noTask = TaskID(0)

    /// Only this provider's clips count, not those of a simulator.
    private let provider: String
    /// Whether nothing was ever sent, so that there is nothing to find.
    private let isEmpty: Bool

    init(_ provider: String, in database: SQLiteConnection) throws(StoreError) {
        self.provider = provider
        isEmpty = try !database.exists("SELECT 1 FROM attempt LIMIT 1")
    }

    /// - Parameter task: the requesting task, whose own clips are skipped.
    func clip(
        like request: CanonicalRequest, except task: TaskID?, in database: SQLiteConnection
    ) throws(StoreError) -> ExistingClip? {
        if isEmpty { return nil }
        let hash = SimilarityHash(request)
        for range in [hash.number...hash.number, hash.nearby] {
            let found = try database.rows(
                Self.similar, SQLValue(range.lowerBound), SQLValue(range.upperBound), SQLValue(task ?? Self.noTask),
                .text(provider)
            ) { row -> ExistingClip? in
                let stored = row.requestAsSent
                let isSame = stored.isSame(as: request)
                guard isSame || stored.isNearly(request) else { return nil }
                return ExistingClip(
                    key: row["key"], batchName: row["name"], isPaid: row["is_paid"], isNear: !isSame)
            }
            let clips = found.compactMap { $0 }
            if let clip = clips.first(where: { !$0.isNear }) ?? clips.first { return clip }
        }
        return nil
    }
}
