/// The API keys of a run, and what is known about the service behind each: whether it honors submission keys, and which
/// requests are in flight that will show it.
///
/// Until an account has proven that it honors keys, one submit is in flight at a time, so that a crash leaves only one
/// task whose outcome cannot be determined.
struct AccountStates: Sendable {
    /// A test of key support: a query by the key of an attempt that was just accepted.
    struct KeyCheck: Sendable {
        let attempt: AttemptID
        let key: SubmissionKey
        let remote: RemoteTaskID
    }

    /// A reply that names an attempt's task, until the store has decided who owns the task.
    struct Claim: Sendable {
        let account: KeyFingerprint
        let report: RemoteTask
        let acceptance: Acceptance
        let source: Acceptance.Source
        /// What it shows about key support, if it is accepted.
        let evidence: String?
        /// The reservation before.
        let reserved: Credits?
        /// The guards' decisions, if it is accepted.
        let verdicts: [GuardDecision]
        /// The user's command that ends with it, if it is accepted.
        let command: CommandID?
    }

    let baseURL: String
    let dialect: Dialect
    private var routing = APIKeyRouting(byPrefix: [:])
    /// A missing entry means unknown.
    private var support: [KeyFingerprint: KeySupport] = [:]
    private var submitsInFlight: [KeyFingerprint: Int] = [:]
    private var checks: [KeyFingerprint: KeyCheck] = [:]
    private var claims: [AttemptID: Claim] = [:]
    /// Whether the API has answered a submit in this run or has a task of an earlier one, which proves the route.
    private var isRouteProven = false

    init(baseURL: String, dialect: Dialect) {
        self.baseURL = baseURL
        self.dialect = dialect
    }

    mutating func start(_ routing: APIKeyRouting, support: [KeyFingerprint: KeySupport]) {
        self.routing = routing
        self.support = support
    }

    /// The API key for a model; nil: this run has none.
    func account(for model: ModelID) -> KeyFingerprint? { routing.account(for: model) }

    /// Whether this run has the API key.
    func contains(_ account: KeyFingerprint) -> Bool { routing.contains(account) }

    // MARK: Submits

    /// Whether another submit may be sent with this API key.
    func maySubmit(with account: KeyFingerprint) -> Bool {
        if isHonoring(account) { return true }
        return submitsInFlight[account, default: 0] == 0 && checks[account] == nil
            && !claims.values.contains { $0.account == account }
    }

    mutating func submitSent(with account: KeyFingerprint) { submitsInFlight[account, default: 0] += 1 }

    mutating func submitEnded(with account: KeyFingerprint) { submitsInFlight[account, default: 0] -= 1 }

    var totalSubmitsInFlight: Int { submitsInFlight.values.reduce(0, +) }

    // MARK: Claims

    var hasClaims: Bool { !claims.isEmpty }

    /// Whether the attempt's answer has arrived, and the store is checking who owns the task.
    func isClaiming(_ id: AttemptID) -> Bool { claims[id] != nil }

    mutating func claim(_ id: AttemptID, _ claim: Claim) { claims[id] = claim }

    /// Ends a claim; nil if there is none.
    mutating func takeClaim(of id: AttemptID) -> Claim? { claims.removeValue(forKey: id) }

    // MARK: Key support

    /// Whether the account has proven that it honors submission keys.
    func isHonoring(_ account: KeyFingerprint) -> Bool { support[account] == .honored }

    /// Whether nothing has shown yet whether the account honors submission keys.
    func isUnproven(_ account: KeyFingerprint) -> Bool { (support[account] ?? .unknown) == .unknown }

    /// What an accepted reply shows about key support; nil: nothing. A submission in another dialect is not evidence for
    /// this run's dialect.
    func evidence(in report: RemoteTask, of submission: Submission, _ source: Acceptance.Source) -> String? {
        guard submission.dialect == dialect else { return nil }
        if source == .query { return "query_found" }
        return report.submissionKey == submission.key ? "echo" : nil
    }

    /// The record that makes proven key support durable.
    func record(_ support: KeySupport, of account: KeyFingerprint, evidence: String) -> KeySupportRecord {
        KeySupportRecord(baseURL: baseURL, account: account, dialect: dialect, trust: support, evidence: evidence)
    }

    /// The account has honored a submission key.
    mutating func honored(_ account: KeyFingerprint) { support[account] = .honored }

    mutating func beginCheck(_ check: KeyCheck, of account: KeyFingerprint) { checks[account] = check }

    /// The key that a test of key support is about; nil: no test is in flight for this attempt.
    func checkedKey(of id: AttemptID) -> SubmissionKey? {
        checks.values.first { $0.attempt == id }?.key
    }

    /// Ends a test of key support.
    ///
    /// - Returns: the record to make durable; nil if it shows nothing new.
    mutating func endCheck(of id: AttemptID, _ answer: QueryResult) -> KeySupportRecord? {
        guard let (account, check) = checks.first(where: { $0.value.attempt == id }) else { return nil }
        checks[account] = nil
        guard let (shown, evidence) = Self.support(in: answer, to: check), isUnproven(account) else { return nil }
        support[account] = shown
        return record(shown, of: account, evidence: evidence)
    }

    private static func support(in answer: QueryResult, to check: KeyCheck) -> (KeySupport, evidence: String)? {
        switch answer {
        case .found(let report):
            // A provider that returns another task does not know the key; a reply without a task ID proves nothing.
            let isOurs = report.remoteID == check.remote && report.submissionKey ?? check.key == check.key
            if isOurs { return (.honored, "query_found") }
            return report.remoteID == nil ? nil : (.ignored, "query_found_another")
        case .notFound: return (.ignored, "query_not_found")
        case .stopped, .fault: return nil
        }
    }

    // MARK: The route

    /// The API is at the base URL.
    mutating func proveRoute() { isRouteProven = true }

    /// Whether nothing has shown that the API is at the base URL.
    var mayLackRoute: Bool { !isRouteProven && support.values.allSatisfy { $0 == .unknown } }
}
