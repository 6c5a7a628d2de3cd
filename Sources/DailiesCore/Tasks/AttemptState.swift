/// The life cycle of a task. ``word`` is the value of the column `state`; other columns (`task_id`,
/// `outcome_unknown_at_ms`, `output_path`) distinguish states with the same word.
package enum AttemptState: Hashable, Sendable {
    /// No attempt is open and nothing is owed. Goes to `submitting` when a slot is granted, or to `cancelled`.
    case waiting
    /// The intent is durable and the submit is in flight. Goes to `accepted`, `running`, a final state or `uncertain`,
    /// back to `waiting` if certainly nothing was accepted, or to `failed` if refused.
    case submitting
    /// Sent, outcome unknown: never submitted again unless that is safe. Goes where `submitting` goes, after a query.
    case uncertain
    /// Queued at the provider. Cancelling is free. Goes to `running` or to a final state.
    case accepted(RemoteTaskID)
    /// Rendering. Cancelling may cost. Goes to a final state; a later reply of "queued" is ignored.
    case running(RemoteTaskID)
    /// Paid but not saved. Goes to `saved`, or stays for the next run.
    case completed(RemoteTaskID)
    /// Paid and on disk. Final; a new attempt needs a user's command.
    case saved(RemoteTaskID)
    /// Final, usually free. `retry` opens the next attempt.
    case failed
    /// Final. `retry`, or adding it to the manifest again, opens the next attempt.
    case cancelled

    /// An event in a task's life.
    package enum Event: Hashable, Sendable {
        /// A slot was granted: the intent is recorded and the submit is in flight.
        case sent
        /// The provider provably does not have it.
        case notAccepted
        /// It is unknown whether the provider has it.
        case outcomeUnknown
        /// The provider has it under this ID, queued.
        case accepted(RemoteTaskID)
        /// The provider has it under this ID and is rendering it.
        case started(RemoteTaskID)
        /// The provider has rendered it.
        case completed(RemoteTaskID)
        /// The render failed, the submit was refused, or a user gave it up (`assumed_lost`).
        case failed
        /// It was cancelled at the provider, or before it was sent.
        case cancelled
        /// The complete clip is on disk.
        case saved
        /// A user, or a retry rule after a free failure, requested another attempt.
        case retried
    }

    /// The state after an event; nil if the event is not allowed. All transitions are defined here.
    package func after(_ event: Event) -> AttemptState? {
        switch (self, event) {
        case (.waiting, .sent): .submitting
        case (.waiting, .cancelled): .cancelled
        case (.submitting, .notAccepted), (.uncertain, .notAccepted): .waiting
        case (.submitting, .outcomeUnknown), (.uncertain, .outcomeUnknown): .uncertain
        case (.submitting, .accepted(let remote)), (.uncertain, .accepted(let remote)): .accepted(remote)
        case (.submitting, .started(let remote)), (.uncertain, .started(let remote)): .running(remote)
        case (.submitting, .failed), (.uncertain, .failed): .failed
        case (.accepted(let known), .accepted(let remote)): known == remote ? self : nil
        case (.accepted(let known), .started(let remote)): known == remote ? .running(remote) : nil
        case (.running(let known), .accepted(let remote)), (.running(let known), .started(let remote)):
            known == remote ? self : nil
        case (.accepted(let known), .completed(let remote)), (.running(let known), .completed(let remote)):
            known == remote ? .completed(remote) : nil
        case (.accepted, .failed), (.running, .failed): .failed
        case (.accepted, .cancelled), (.running, .cancelled): .cancelled
        case (.completed(let remote), .saved): .saved(remote)
        case (.failed, .retried), (.cancelled, .retried), (.saved, .retried): .waiting
        case (.waiting, _), (.submitting, _), (.uncertain, _), (.accepted, _), (.running, _), (.completed, _),
            (.saved, _), (.failed, _), (.cancelled, _):
            nil
        }
    }

    /// The value of the column `state`.
    package var word: TaskState {
        switch self {
        case .waiting, .submitting, .uncertain, .accepted: .queued
        case .running: .running
        case .completed, .saved: .completed
        case .failed: .failed
        case .cancelled: .cancelled
        }
    }

    /// The provider's task ID; nil: none yet.
    package var remoteID: RemoteTaskID? {
        switch self {
        case .accepted(let remote), .running(let remote), .completed(let remote), .saved(let remote): remote
        case .waiting, .submitting, .uncertain, .failed, .cancelled: nil
        }
    }
}

/// The values of the column `state`: the four that users asked for, and `cancelled`, because the API has it.
public enum TaskState: String, CaseIterable, Hashable, Sendable {
    /// Waiting locally or at the provider, being submitted, or uncertain.
    case queued
    /// Rendering.
    case running
    /// Rendered and paid, saved or not.
    case completed
    /// Ended without a clip.
    case failed
    /// Cancelled, or removed from its manifest.
    case cancelled
}
