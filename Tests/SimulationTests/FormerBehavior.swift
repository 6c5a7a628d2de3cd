import DailiesCore

@testable import DailiesStore

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

    /// Takes the one rule away that keeps owners apart.
    static func forgetOwners(in path: String) throws {
        let database = try Database(path: path, flags: 2)
        database.waitWhenBusy(milliseconds: 5000)
        try database.run("DROP INDEX IF EXISTS attempt_of_task_id")
    }
}

extension FormerBehavior? {
    /// The fate of a submit as it was read then.
    func changed(_ fate: SubmitFate) -> SubmitFate {
        switch (self, fate) {
        case (.failsByGatewayPages, .notAccepted(let fault)) where fault.status != nil: return .refused(fault)
        case (.takesStartedForReplayed, .accepted(var report)) where report.phase != .queued:
            report.submittedAt = report.repliedAt.map { $0 - .seconds(86_400) }
            return .accepted(report)
        default: return fate
        }
    }
}
