import DailiesCore

/// The API keys of unfinished attempts.
extension Store {
    /// Unfinished attempts (open, not saved, or with a cost still being queried) whose API key is not available, by
    /// key.
    ///
    /// - Parameters:
    ///   - present: the available keys; nil: unknown, in which case the key of a model's latest attempt counts as
    ///     available for that model.
    ///   - batches: nil: all.
    ///   - task: nil: all.
    package func keyNeeds(
        present: Set<KeyFingerprint>?, in batches: [BatchID]? = nil, of task: TaskID? = nil
    ) throws(StoreError) -> [MissingKey] {
        try reading { database throws(StoreError) in
            let known: Set<KeyFingerprint>
            if let present { known = present } else { known = try database.latestAccount() }
            var clips: [KeyFingerprint: Int] = [:]
            for batch in try database.batches() where batches?.contains(batch.id) ?? true {
                for group in try database.groups(.unfinished, of: batch.id, without: known, task: task) {
                    if present == nil, try database.latestAccount(of: group) == group.account { continue }
                    clips[group.account, default: 0] += group.clips
                }
            }
            return clips.sorted { $0.key.text < $1.key.text }.map { MissingKey(account: $0.key, clips: $0.value) }
        }
    }

    /// Assigns a service's unfinished attempts, and those with an unknown cost, that were sent with unavailable keys to
    /// the available key of their model, since the user states that it is of the same account. One transaction, with an
    /// event for each.
    ///
    /// An attempt keeps its key if another attempt under the new key has its provider task, or if its model has no
    /// available key.
    package func transferAttempts(
        to accounts: APIKeyRouting, provider: String, baseURL: String, at: Instant
    ) throws(StoreError) -> [KeyTransfer] {
        try transaction { database throws(StoreError) in
            var transfers: [KeyTransfer] = []
            for batch in try database.batches() where batch.provider == provider && batch.baseURL == baseURL {
                let groups =
                    try database.groups(.unfinished, of: batch.id, without: accounts.all)
                    + database.groups(.unpriced, of: batch.id, without: accounts.all)
                for group in groups {
                    guard let account = accounts.account(for: group.model) else { continue }
                    let clips = try database.transferAttempts(group, of: batch.id, to: account, at: at)
                    guard clips > 0 else { continue }
                    if let index = transfers.firstIndex(where: { $0.from == group.account && $0.to == account }) {
                        transfers[index].clips += clips
                    } else {
                        transfers.append(KeyTransfer(from: group.account, to: account, clips: clips))
                    }
                }
            }
            return transfers
        }
    }
}

/// Attempts that were assigned from one API key to another.
package struct KeyTransfer: Hashable, Sendable {
    package let from: KeyFingerprint
    package let to: KeyFingerprint
    package var clips: Int
}

/// Attempts of one batch with these properties in common.
private struct AccountGroup {
    /// The kinds of attempts; each is read from a separate index.
    enum Part: String {
        case unfinished = "(is_open OR is_unsaved OR is_cost_awaited)"
        /// Settled, and their cost was queried without success.
        case unpriced = """
            settled_at_ms IS NOT NULL AND credits_nano IS NULL AND task_id IS NOT NULL
                AND NOT (is_open OR is_unsaved OR is_cost_awaited)
            """
    }

    let part: Part
    let account: KeyFingerprint
    let service: Int64
    let model: ModelID
    let clips: Int
}

extension SQLiteConnection {
    /// Attempts of available keys are excluded before grouping.
    fileprivate func groups(
        _ part: AccountGroup.Part, of batch: BatchID, without known: Set<KeyFingerprint>, task: TaskID? = nil
    ) throws(StoreError) -> [AccountGroup] {
        try rows(
            """
            SELECT key_fingerprint, service_id, model, count(*) AS clips FROM attempt
            WHERE batch_id = $1 AND \(part.rawValue)
                AND NOT \(SQLDialect.isIn("key_fingerprint", "$2")) AND ($3 IS NULL OR task = $3)
            GROUP BY key_fingerprint, service_id, model ORDER BY key_fingerprint, service_id, model
            """, SQLValue(batch), SQLDialect.list(known.map(\.text)), SQLValue(task?.rawValue)
        ) { row in
            AccountGroup(
                part: part, account: row["key_fingerprint"], service: row["service_id"], model: row["model"],
                clips: row["clips"])
        }
    }

    /// Attempts get their IDs in the order of their first sends.
    fileprivate func latestAccount() throws(StoreError) -> Set<KeyFingerprint> {
        Set(try column("SELECT key_fingerprint FROM attempt ORDER BY id DESC LIMIT 1"))
    }

    fileprivate func latestAccount(of group: AccountGroup) throws(StoreError) -> KeyFingerprint? {
        try value(
            "SELECT key_fingerprint FROM attempt WHERE service_id = $1 AND model = $2 ORDER BY id DESC LIMIT 1",
            SQLValue(group.service), .text(group.model.text))
    }

    fileprivate func transferAttempts(
        _ group: AccountGroup, of batch: BatchID, to account: KeyFingerprint, at: Instant
    ) throws(StoreError) -> Int {
        let selection = """
            a.batch_id = $1 AND \(group.part.rawValue) AND a.key_fingerprint = $2
                AND a.service_id = $3 AND a.model = $4 AND (a.shares_task_id OR NOT EXISTS (
                    SELECT 1 FROM attempt AS o
                    WHERE o.service_id = a.service_id AND o.key_fingerprint = $5 AND o.task_id = a.task_id
                        AND o.task_id IS NOT NULL AND NOT o.shares_task_id))
            """
        let values = [
            SQLValue(batch), .text(group.account.text), SQLValue(group.service), .text(group.model.text),
            .text(account.text),
        ]
        let logged = try run(
            """
            INSERT INTO event (at_ms, batch_id, task, attempt, kind, source, message)
            SELECT $6, a.batch_id, a.task, a.number, 'handed_over', 'user', $2 || ' to ' || $5
            FROM attempt AS a WHERE \(selection)
            """, list: values + [SQLValue(at)])
        let changed = try run(
            """
            UPDATE attempt AS a SET handed_over_from = nullif(coalesce(a.handed_over_from, a.key_fingerprint), $5),
                key_fingerprint = $5
            WHERE \(selection)
            """, list: values)
        precondition(changed == logged, "\(changed) attempts were handed over, but \(logged) events were logged")
        return changed
    }
}
