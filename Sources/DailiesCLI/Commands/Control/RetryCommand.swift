import ArgumentParser
import DailiesCore
import DailiesRunner
import DailiesStore

struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Retry failed or cancelled tasks.",
        discussion: """
            Each selected task is queued again under the next attempt number. The active run, or else the next run, \
            submits it as a new render, which is charged like any other. Tasks that are still at the provider or \
            uncertain are refused: their outcome must be known first.

            A completed task is rendered again only if you specify its key and --again. This produces an additional \
            clip and an additional charge.

            Examples:
              dailies retry --state failed
              dailies retry --failure-code render_failed --batch misty-forest
              dailies retry dolly crane
              dailies retry --state failed --new-seed
              dailies retry dolly --again

            Exit codes: 0 done, 5 queued for an active run that has not processed it yet, 64 usage, 65 refused \
            (nothing changed).
            """)

    @OptionGroup var selection: TaskSelection
    @Option(help: ArgumentHelp("Only tasks that ended with this code, such as http_400.", valueName: "code"))
    var failureCode: String?
    @Flag(help: "Render completed tasks again as additional takes, which are charged. Requires task keys.")
    var again = false
    @Flag(help: "Use a new seed for each task (same prompt, different result).")
    var newSeed = false
    @Flag(help: "Write JSON.")
    var json = false
    @OptionGroup var store: StoreOptions

    private static let states: [TaskState] = [.failed, .cancelled]

    mutating func validate() throws {
        try selection.refuse(statesOutside: Self.states, of: "retry")
        guard selection.isGiven || failureCode != nil else {
            throw ValidationError("specify which tasks: keys, --state, --tag, --batch or --failure-code")
        }
        if failureCode != nil, !selection.keys.isEmpty {
            throw ValidationError("use either keys or --failure-code, not both")
        }
        if again, selection.keys.isEmpty { throw ValidationError("--again requires task keys") }
    }

    func run() async throws { try await CommandSession.with(store, orElse: "then retry", retry) }

    private func retry(_ session: CommandSession) async throws {
        try session.connect(.offline)
        var result = RetryResult()
        try await eachPage(of: session.store) { rows in
            let requests = rows.map { row in
                CommandSession.Request(
                    .retry(again: again, newSeed: seed(for: row)), of: row.attemptID, in: row.batch, account: nil)
            }
            for (row, answer) in zip(rows, try await session.answers(to: requests)) {
                switch answer {
                case .ended(.requeued, _): result.count([row])
                case .queued: result.pending += 1
                case .missing: preconditionFailure("a retry needs no provider")
                case .ended(_, let message):
                    result.refused += 1
                    let reason = SafeText.escaped(message ?? "it has changed")
                    Console.error("dailies: \(row.shownName): \(reason)")
                }
            }
        }
        let waiting = try session.store.summary().total.waiting
        Console.out(
            json
                ? result.json(waiting: waiting).text
                : session.hasActiveRun ? result.queuedText : result.text(waiting: waiting))
        if result.refused > 0 { throw ExitCode.refused.asExit }
        if result.pending > 0 { throw ExitCode.stoppedEarly.asExit }
    }

    private func eachPage(of store: Store, _ body: ([TaskRow]) async throws -> Void) async throws {
        var pages = try selection.pages(of: store, states: Self.states)
        let chosen = pages.areNamed
        while let page = try pages.next() {
            let rows = chosen ? page : page.filter(matches)
            let refusals = rows.compactMap { row in refusal(of: row).map { "\(row.shownName): \($0)" } }
            guard refusals.isEmpty else {
                // Only named tasks are refused, and they fit in one page, so nothing has changed yet.
                throw Stop(.refused, refusals.joined(separator: "\ndailies: ") + "\ndailies: nothing changed")
            }
            try await body(rows)
        }
    }

    /// Tasks removed from their manifest are retried only by key or by `--failure-code`.
    private func matches(_ row: TaskRow) -> Bool {
        if let failureCode { return row.failureCode.map { ByteKey($0) == ByteKey(failureCode) } ?? false }
        return row.withdrawn != .removed
    }

    private func refusal(of row: TaskRow) -> String? {
        RetryRefusal(
            state: row.state, isSent: row.latest != nil, isAccepted: row.latest?.remoteID != nil,
            isLost: row.latest?.lostAt != nil,
            isCostAwaited: row.latest?.isCostAwaited == true, again: again)?.message
    }

    /// The seed of a task's next attempt, derived from its name and the attempt number, so it is reproducible. It has
    /// 31 bits, which every provider accepts.
    private func seed(for row: TaskRow) -> Int64? {
        guard newSeed else { return nil }
        var digest = SHA256Digester()
        for text in ["seed", row.batchName, row.key.text, "\(row.attempt + 1)"] { digest.add(text) }
        return Int64(digest.hex.prefix(8), radix: 16).map { $0 & 0x7FFF_FFFF }
    }
}

/// Counts of retried tasks.
private struct RetryResult {
    private var tasks = 0
    private var takes = 0
    private var unsent = 0
    /// Known charges of all attempts of these tasks.
    private var charged = CreditTotal.zero
    private var unknownCosts = 0
    /// Commands that the active run refused, and those it has not processed yet.
    var refused = 0
    var pending = 0

    /// The result during an active run.
    var queuedText: String {
        guard tasks + pending > 0 else {
            return refused > 0 ? "no other matching tasks" : "no matching tasks; nothing changed"
        }
        let retried = "\(TaskDescription.count(tasks, "task")) queued again for the active run"
        return pending > 0 ? "\(retried); \(TaskDescription.count(pending, "more task")) not processed yet" : retried
    }

    mutating func count(_ rows: [TaskRow]) {
        tasks += rows.count
        takes += rows.filter { $0.state == .completed }.count
        unsent += rows.filter { $0.withdrawn != nil }.count
        for row in rows where row.withdrawn == nil {
            if let credits = row.credits { charged += CreditTotal(credits) } else { unknownCosts += 1 }
        }
    }

    /// - Parameter waiting: all waiting tasks in the store, including these.
    func text(waiting: Int) -> String {
        guard tasks > 0 else { return "no matching tasks; nothing changed" }
        var details: [String] = []
        if unsent > 0 { details.append("\(unsent) never sent") }
        if takes > 0 { details.append("\(takes) as \(takes == 1 ? "an additional take" : "additional takes")") }
        let what = details.isEmpty ? "" : " (\(details.joined(separator: ", ")))"
        return "\(TaskDescription.count(tasks, "task")) queued again\(what)\(costSoFar)\n"
            + "\(TaskDescription.count(waiting, "task")) waiting in the store; the next `dailies run` or `dailies resume` "
            + "submits \(waiting == 1 ? "it" : "them"), and each rendered clip is charged"
    }

    private var costSoFar: String {
        guard tasks > unsent else { return "" }
        let unknown = unknownCosts > 0 ? ", plus \(unknownCosts) of unknown cost" : ""
        if charged == .zero, unknownCosts == 0 {
            return "; nothing charged so far"
        }
        return "; charged so far: \(charged) credits\(unknown)"
    }

    func json(waiting: Int) -> JSONObject {
        ["retried": tasks, "never_sent": unsent, "new_takes": takes, "waiting": waiting]
    }
}
