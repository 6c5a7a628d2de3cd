/// Progress of reading the attempts that the last run left open, in pages, so that queries can start after the first
/// page.
struct Recovery: Sendable {
    private enum Progress {
        case notStarted
        /// The end of the pages read so far; nil: the next one is not read.
        case reading(after: OpenAttempt.Cursor?)
        /// A page is being read.
        case loading
        /// All pages are read.
        case whole
    }

    private var progress = Progress.notStarted
    /// Attempts with an unknown outcome. They are queried once all are known, since an answer may name another attempt.
    private var unknown: [AttemptID] = []
    /// Users' commands, deferred since their attempts may be on a later page.
    private var commands: [UserCommand] = []
    /// Attempts with times in the future.
    private var fromFuture = 0
    /// Attempts of API keys that this run does not have.
    private var otherAccounts: [KeyFingerprint: Int] = [:]
    /// Queries for unknown costs since the start.
    private var lateCostQueries = 0

    /// Whether all pages are read. Nothing is submitted before, since unread attempts hold slots and reservations.
    var isWhole: Bool { if case .whole = progress { true } else { false } }
    var isLoading: Bool { if case .loading = progress { true } else { false } }
    var hasStarted: Bool { if case .notStarted = progress { false } else { true } }

    /// The run starts, with commands that no run has carried out.
    mutating func start(_ commands: [UserCommand]) {
        precondition(!hasStarted, "a scheduler starts once")
        progress = .loading
        self.commands = commands
    }

    /// A page was read.
    mutating func received(_ page: [OpenAttempt], isLast: Bool) {
        precondition(!isWhole, "a page after the last")
        progress = isLast || page.isEmpty ? .whole : .reading(after: page.last?.place)
    }

    /// The end of the last page if the next one may be read now; it is then being read.
    mutating func nextPage() -> OpenAttempt.Cursor? {
        guard case .reading(let place?) = progress else { return nil }
        progress = .loading
        return place
    }

    // MARK: What the pages contain

    mutating func noteFutureTime() { fromFuture += 1 }

    mutating func noteMissingKey(_ account: KeyFingerprint) { otherAccounts[account, default: 0] += 1 }

    mutating func queryLater(_ id: AttemptID) { unknown.append(id) }

    /// The attempts are not queried: a command decides which query to send.
    mutating func dropQueries() { unknown = [] }

    mutating func deferUntilWhole(_ command: UserCommand) { commands.append(command) }

    /// What follows once all pages are read: warnings, attempts to query, and commands to carry out.
    mutating func takeDeferred() -> (warnings: [String], unknown: [AttemptID], commands: [UserCommand]) {
        defer { (unknown, commands, otherAccounts) = ([], [], [:]) }
        return (futureTimes + missingKeys, unknown, commands)
    }

    /// A clock that was once ahead leaves times in the future. They are treated as now, or their tasks would not be
    /// queried until then.
    private var futureTimes: [String] {
        guard fromFuture > 0 else { return [] }
        let attempts = fromFuture == 1 ? "1 unfinished attempt has" : "\(fromFuture) unfinished attempts have"
        let reason = "the clock was ahead when they were recorded, or is behind now"
        return ["\(attempts) times in the future, treated as now: \(reason)"]
    }

    /// One warning per key, whatever the number of clips.
    private var missingKeys: [String] {
        otherAccounts.sorted { $0.key.text < $1.key.text }.map {
            MissingKey(account: $0.key, clips: $0.value).description
        }
    }

    // MARK: Late costs

    /// Whether to query an unknown cost: clips left at the provider may be many, so a run queries some and `reconcile`
    /// all.
    mutating func mayAsk(for cost: OpenAttempt.Cost, limit: Int) -> Bool {
        switch cost {
        case .known: return false
        case .awaited: return true
        case .unknown:
            lateCostQueries += 1
            return lateCostQueries <= limit
        }
    }
}
