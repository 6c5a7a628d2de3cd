/// Pauses of submission: those that the user requests, and those of the whole account that replies cause. Tasks in
/// flight continue.
struct SubmissionPauses: Sendable {
    /// Scopes that the user paused.
    private(set) var scopes: Set<PauseScope> = []
    /// When an empty rate bucket resets.
    private(set) var rateLimitEnd: Instant?
    /// No submit before this time, since the last one could not be sent, or an outage has just ended.
    private var retryAt: Instant?
    /// 402: submission waits until all tasks in flight have settled, then tries once.
    private var isWithoutFunds = false
    /// Whether that one submit is in flight.
    private var isTryingFunds = false
    /// Consecutive submits that were neither accepted nor permanently refused, and when they began.
    private var failures: (count: Int, since: Instant)?
    /// Reported pauses that still apply.
    private var announced: Set<PauseReason> = []

    // MARK: The user's pauses

    /// - Returns: false if it was paused before.
    mutating func pause(_ scope: PauseScope) -> Bool { scopes.insert(scope).inserted }

    /// - Returns: false if it was not paused.
    mutating func unpause(_ scope: PauseScope) -> Bool { scopes.remove(scope) != nil }

    /// Whether the user paused a queue's batch or model.
    func isPaused(_ queue: TaskQueueID) -> Bool {
        !scopes.isEmpty && (scopes.contains(.batch(queue.batch)) || scopes.contains(.model(queue.model)))
    }

    // MARK: The account's pauses

    /// Whether the account may send another submit, new or repeated.
    ///
    /// - Parameter isIdle: whether everything in flight has settled.
    func allowsSubmit(at now: Instant, isIdle: @autoclosure () -> Bool) -> Bool {
        if scopes.contains(.everything) { return false }
        if let end = [rateLimitEnd, retryAt].compactMap({ $0 }).max(), now < end { return false }
        // One try once everything has settled: the reservations of our own renders may have been the reason.
        return !isWithoutFunds || (!isTryingFunds && isIdle())
    }

    mutating func submitSent() { if isWithoutFunds { isTryingFunds = true } }

    /// - Returns: whether the submit was the one try without funds.
    mutating func submitEnded() -> Bool {
        defer { isTryingFunds = false }
        return isTryingFunds
    }

    /// The account has funds again.
    mutating func fundsFound() { isWithoutFunds = false }

    /// The account is out of funds.
    ///
    /// - Returns: false if that was known.
    mutating func fundsMissing() -> Bool {
        defer { isWithoutFunds = true }
        return !isWithoutFunds
    }

    /// Records a submit that was neither accepted nor permanently refused.
    ///
    /// - Returns: how many failed in a row, and when they began.
    mutating func submitFailed(at now: Instant) -> (count: Int, since: Instant) {
        let next = (count: (failures?.count ?? 0) + 1, since: failures?.since ?? now)
        failures = next
        return next
    }

    /// Records a submit that was accepted or permanently refused.
    mutating func submitSettled() { failures = nil }

    /// Pauses until a rate bucket resets.
    mutating func extend(to end: Instant) { rateLimitEnd = max(rateLimitEnd ?? .distantPast, end) }

    /// The earliest time of the next submit; nil: now.
    mutating func retry(at instant: Instant?) { retryAt = instant }

    /// The times at which a pause ends.
    var moments: [Instant] { [rateLimitEnd, retryAt].compactMap { $0 } }

    /// Ends pauses whose time has come.
    ///
    /// - Returns: whether a reported pause ended.
    mutating func advance(to now: Instant) -> Bool {
        if let end = retryAt, now >= end { retryAt = nil }
        guard let end = rateLimitEnd, now >= end else { return false }
        rateLimitEnd = nil
        return true
    }

    // MARK: Reports

    /// - Returns: whether the reason is new, and to be reported.
    mutating func announce(_ reason: PauseReason) -> Bool { announced.insert(reason).inserted }

    /// The reason does not apply any more.
    mutating func withdraw(_ reason: PauseReason) { announced.remove(reason) }

    /// Whether it was reported that the canary clips go first.
    var hasAnnouncedCanary: Bool { announced.contains { if case .canary = $0 { true } else { false } } }
}

/// One timer for all account-wide times.
struct AccountTimer: Sendable {
    /// When it fires; nil: it is not set.
    private(set) var firesAt: Instant?
    private(set) var serial: UInt32 = 0

    /// Sets the timer to the earliest time.
    ///
    /// - Returns: the timer to request; nil if it is already set to this time, or there is none.
    mutating func set(to moments: [Instant]) -> Effect? {
        guard let next = moments.min(), next != firesAt else { return nil }
        firesAt = next
        serial &+= 1
        return .wake(.account(serial: serial), at: next)
    }

    /// - Returns: false if it was set to another time since.
    mutating func fired(_ serial: UInt32) -> Bool {
        guard serial == self.serial else { return false }
        firesAt = nil
        return true
    }
}
