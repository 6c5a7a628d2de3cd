import DailiesCore

/// A runner's registration, random and never used again.
package struct RunnerID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package var description: String { "\(rawValue)" }
}

/// Runners, and the waiting tasks that they have claimed.
///
/// A claim reserves a waiting task for one runner until it submits or releases the task, or is over: the intent to
/// submit a task is refused if another runner has claimed it. Claims are rows, so that they also hold between processes.
/// A runner is over once it has ended, once its lease has passed and another runner has noticed, or, in a file, once
/// another runner has the lock. It stays over.
///
/// The program does not use this yet. Its runner holds the lock of the store's file, so that it is the only one; it does
/// not register, and it reads its queues with ``waiting(batch:model:after:limit:)``. Nothing but an intent checks a
/// claim, and a change by a runner that is over is not refused.
extension Store {
    /// Registers the runner that holds the store's lock and whose changes this store writes. All earlier ones are over:
    /// the claims that they left behind are released.
    package func register(
        _ runner: RunnerID, host: String, process: Int32, lease: Duration, at: Instant
    ) throws(StoreError) {
        try transaction { database throws(StoreError) in
            try database.run("UPDATE runner SET ended_at_ms = $1 WHERE ended_at_ms IS NULL", SQLValue(at))
            try database.releaseClaimsOfEndedRunners()
            try database.run(
                "INSERT INTO runner (id, host, pid, started_at_ms, lease_until_ms) VALUES ($1, $2, $3, $4, $5)",
                .integer(runner.rawValue), .text(host), .integer(Int64(process)), SQLValue(at), SQLValue(at + lease))
            self.runner = runner
        }
    }

    /// Claims the first unclaimed tasks of a queue and renews the runner's lease.
    ///
    /// - Returns: the claimed tasks, up to `limit`: higher priority first, then manifest order.
    /// - Throws: `conflict` if the runner is over; it must not act any more.
    package func claim(
        _ queue: TaskQueueID, limit: Int, by runner: RunnerID, lease: Duration, at: Instant
    ) throws(StoreError) -> [WaitingTask] {
        precondition(limit > 0, "a claim of \(limit) tasks")
        return try transaction { database throws(StoreError) in
            try database.renew(runner, lease: lease, at: at)
            let claimed: [TaskID] = try database.column(
                """
                UPDATE task_state SET claimed_by = $1 WHERE id IN (
                    SELECT id FROM task_state
                    WHERE batch_id = $2 AND model = $3 AND state = 'queued' AND NOT is_submitted AND claimed_by IS NULL
                    ORDER BY priority DESC, id LIMIT $4)
                RETURNING id
                """, .integer(runner.rawValue), SQLValue(queue.batch), .text(queue.model.text), SQLValue(limit))
            return try database.rows(
                Self.waitingTasks("\(SQLDialect.isIn("s.id", "$1"))"), SQLDialect.list(claimed.map(\.rawValue)),
                map: Self.waitingTask)
        }
    }

    /// Renews a runner's lease.
    ///
    /// - Throws: `conflict` if the runner is over; it must not act any more.
    package func renew(_ runner: RunnerID, lease: Duration, at: Instant) throws(StoreError) {
        try transaction { database throws(StoreError) in try database.renew(runner, lease: lease, at: at) }
    }

    /// Ends a runner and releases its claims.
    package func end(_ runner: RunnerID, at: Instant) throws(StoreError) {
        try transaction { database throws(StoreError) in
            try database.run(
                "UPDATE runner SET ended_at_ms = $1 WHERE id = $2 AND ended_at_ms IS NULL", SQLValue(at),
                .integer(runner.rawValue))
            try database.releaseClaimsOfEndedRunners()
        }
    }

    /// Ends the runners whose lease has passed and releases their claims.
    ///
    /// - Returns: the number of released tasks.
    @discardableResult
    package func takeOver(at: Instant) throws(StoreError) -> Int {
        try transaction { database throws(StoreError) in
            try database.run(
                "UPDATE runner SET ended_at_ms = $1 WHERE ended_at_ms IS NULL AND lease_until_ms <= $1", SQLValue(at))
            return try database.releaseClaimsOfEndedRunners()
        }
    }

    /// Releases claims that a runner does not need.
    package func release(_ tasks: [TaskID], by runner: RunnerID) throws(StoreError) {
        try transaction { database throws(StoreError) in
            for task in tasks {
                try database.run(
                    "UPDATE task_state SET claimed_by = NULL WHERE id = $1 AND claimed_by = $2", SQLValue(task),
                    .integer(runner.rawValue))
            }
        }
    }
}

extension SQLiteConnection {
    fileprivate func renew(_ runner: RunnerID, lease: Duration, at: Instant) throws(StoreError) {
        let renewed = try run(
            "UPDATE runner SET lease_until_ms = $1 WHERE id = $2 AND ended_at_ms IS NULL AND lease_until_ms > $3",
            SQLValue(at + lease), .integer(runner.rawValue), SQLValue(at))
        guard renewed == 1 else { throw StoreError(.conflict, "the lease of runner \(runner) is over") }
    }

    @discardableResult
    fileprivate func releaseClaimsOfEndedRunners() throws(StoreError) -> Int {
        try run(
            """
            UPDATE task_state SET claimed_by = NULL
            WHERE claimed_by IN (SELECT id FROM runner WHERE ended_at_ms IS NOT NULL)
            """)
    }
}
