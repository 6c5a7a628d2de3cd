import DailiesCore

/// A clip that the store has, or that is being rendered, and that a request asks for once more.
public struct ExistingClip: Hashable, Sendable {
    /// Of its task.
    public let key: TaskKey
    /// Of its batch.
    public let batchName: String
    /// Its render is paid for; false: it is in the provider's hands.
    public let isPaid: Bool
    /// The requests differ in blanks at the ends of lines and of texts, or in the Unicode form of texts, and in nothing else.
    public let isNear: Bool
}

/// Clips that would be rendered although there is, or will be, one for the same request.
public struct Duplicates: Hashable, Sendable {
    /// A task that is to be rendered, and the clip of another that is like it.
    public struct Pair: Hashable, Sendable {
        /// Of the task to be rendered.
        public let key: TaskKey
        /// What there is already.
        public let clip: ExistingClip
    }

    /// Those that are equal to a clip; the first ``ImportError/mostListed`` of ``equalCount``.
    public private(set) var equal: [Pair] = []
    /// How many.
    public private(set) var equalCount = 0
    /// Those that are nearly equal to a clip; the first of ``nearCount``.
    public private(set) var near: [Pair] = []
    /// How many.
    public private(set) var nearCount = 0
    /// Those that are equal to another task of the same manifest that comes before; the first of ``repeatedCount``.
    public private(set) var repeated: [TaskKey] = []
    /// How many.
    public private(set) var repeatedCount = 0
    /// Tasks that are to be rendered.
    public private(set) var count = 0
    private var requests = RepeatedRequests()

    /// None.
    public init() {}

    /// A task that is to be rendered, in the order of its manifest.
    ///
    /// - Parameter clip: a clip of another task that is like it.
    public mutating func add(_ task: TaskSpec, like clip: ExistingClip?) {
        count += 1
        if requests.insert(task.request) {
            repeatedCount += 1
            if repeated.count < ImportError.mostListed { repeated.append(task.key) }
        }
        guard let clip else { return }
        let pair = Pair(key: task.key, clip: clip)
        if clip.isNear {
            nearCount += 1
            if near.count < ImportError.mostListed { near.append(pair) }
        } else {
            equalCount += 1
            if equal.count < ImportError.mostListed { equal.append(pair) }
        }
    }
}

/// Looks for clips that are like a request.
struct ClipFinder {
    /// Clips that are looked at for one request, so that ten thousand takes of one prompt stay quick.
    private static let most = 64
    /// The condition is exactly that of the index, or SQLite does not use it.
    static let similar = """
        SELECT i.key, b.name, a.state = 'completed', \(Store.requestAsSent)
        FROM (
            SELECT * FROM attempt WHERE similarity_hash BETWEEN ?1 AND ?2 AND task <> ?3
                AND (state = 'completed' OR task_id IS NOT NULL AND state IN ('queued', 'running'))
            LIMIT \(most)) AS a
        JOIN task_standing AS s ON s.id = a.task AND s.attempt = a.n AND s.has_key = 1
        JOIN task_input AS i ON i.id = a.task JOIN batch AS b ON b.id = a.batch_id
        JOIN service AS v ON v.id = a.service_id
        WHERE v.provider = ?4
        ORDER BY a.state = 'completed' DESC, a.task
        """

    /// No row has this number.
    private static let noTask = TaskID(0)

    /// Clips of a simulator are none of another provider's.
    private let provider: String
    /// Nothing was ever sent: nothing need be looked for.
    private let isEmpty: Bool

    init(_ provider: String, in database: SQLiteConnection) throws(StoreError) {
        self.provider = provider
        isEmpty = try database.first("SELECT 1 FROM attempt LIMIT 1") { _ in true } == nil
    }

    /// - Parameter task: the one that asks; its own clips do not count.
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
                let stored = CanonicalRequest(text: row.text(3))
                let isSame = stored.isSame(as: request)
                guard isSame || stored.isNearly(request) else { return nil }
                return ExistingClip(
                    key: TaskKey(row.text(0)), batchName: row.text(1), isPaid: row.bool(2), isNear: !isSame)
            }
            let clips = found.compactMap { $0 }
            if let clip = clips.first(where: { !$0.isNear }) ?? clips.first { return clip }
        }
        return nil
    }
}
