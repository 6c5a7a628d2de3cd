import DailiesCore

@testable import DailiesStore
@testable import ProviderSimulator

/// How the program once was, as a control: whatever the checks of a world do not catch, they cannot see.
enum FormerBehavior: CaseIterable, Sendable {
    /// A task of the provider may belong to several attempts.
    case believesTakenIDs
    /// A key that is not found proves that nothing arrived, however old it is.
    case trustsForgottenKeys
    /// A render that does not wait when it is accepted counts as one that existed before.
    case takesStartedForReplayed
    /// A gateway's 4xx fails a task.
    case failsByGatewayPages
    /// What a guard cancels stays cancelled.
    case losesGuardedTasks
    /// What a guard wants cancelled is kept in memory, and a crash forgets it.
    case forgetsGuards
    /// A cancel whose reply states no cost is booked as free, whatever a later question would bring.
    case takesSilenceForFree
    /// An estimate takes the place of a larger reservation.
    case lowersReservations
    /// A bill may be any number of times its quote.
    case paysAnyBill
    /// Whatever goes on at the right byte of a clip is joined, and a body without a length is whole where it ends.
    case fetchesClipsBlindly
    /// What another key of the account sent counts as sent by the present one: not found under that, it is sent again.
    case forgetsTransfers

    /// Takes the one rule away that keeps owners apart.
    static func forgetOwners(in path: String) throws {
        let database = try SQLiteConnection(path: path, flags: 2)
        database.waitWhenBusy(milliseconds: 5000)
        try database.run("DROP INDEX IF EXISTS attempt_of_task_id")
    }

    static func forgetTransfers(in path: String) throws {
        let database = try SQLiteConnection(path: path, flags: 2)
        database.waitWhenBusy(milliseconds: 5000)
        try database.run("UPDATE attempt SET handed_over_from = NULL WHERE handed_over_from IS NOT NULL")
    }
}

extension FormerBehavior? {
    /// The result of a submit as the former version read it.
    func changed(_ outcome: SubmitResult) -> SubmitResult {
        switch (self, outcome) {
        case (.failsByGatewayPages, .notAccepted(let fault)) where fault.status != nil: return .refused(fault)
        case (.takesStartedForReplayed, .accepted(var report)) where report.phase != .queued:
            report.submittedAt = report.repliedAt.map { $0 - .seconds(86_400) }
            return .accepted(report)
        default: return outcome
        }
    }
}

/// What guards did, played on the store and the wire from outside.
extension World {
    /// After a commit, before anything is looked at.
    func playFormerCommit() throws {
        let waiting = """
            SELECT s.id FROM task_state AS s JOIN attempt AS a ON a.task = s.id AND a.number = s.attempt - 1
            WHERE s.state = 'queued' AND s.is_submitted = 0 AND a.state = 'cancelled' AND a.cancel_reason IS NOT NULL
            """
        switch scenario.former {
        case .losesGuardedTasks:
            try change(
                """
                UPDATE attempt SET superseded_at_ms = NULL WHERE task IN (\(waiting)) AND state = 'cancelled';
                UPDATE task_state SET state = 'cancelled', attempt = attempt - 1, is_submitted = 1 WHERE id IN (\(waiting));
                """)
        case .lowersReservations:
            try change(
                """
                UPDATE attempt SET reserved_nano = estimated_credits_nano
                WHERE is_open AND task_id IS NOT NULL AND estimated_credits_nano < reserved_nano;
                UPDATE batch_total SET (reserved_whole, reserved_billionths) = (
                    SELECT coalesce(sum(reserved_nano / 1000000000), 0), coalesce(sum(reserved_nano % 1000000000), 0)
                    FROM attempt AS a WHERE a.batch_id = batch_total.batch_id)
                """)
        default: break
        }
    }

    /// After a crash, before anything is looked at.
    func playFormerCrash() throws {
        guard scenario.former == .forgetsGuards else { return }
        try change("UPDATE attempt SET cancel_reason = NULL")
    }

    /// After the machine has carried out a cancel.
    func playFormerCancel(of remote: RemoteTaskID, _ response: SimulatedResponse) {
        guard scenario.former == .takesSilenceForFree, let ordinal = machine.ordinalByID[remote.text],
            case .cancelled(_, .some) = machine.tasks[ordinal].phase,
            !String(decoding: response.body, as: UTF8.self).contains("\"credits")
        else { return }
        machine.tasks[ordinal].statesCancelCharge = false
    }

    private func change(_ sql: String) throws {
        let readAndWrite: Int32 = 2
        let database = try SQLiteConnection(path: disk.store, flags: readAndWrite)
        try database.execute(script: sql)
    }
}
