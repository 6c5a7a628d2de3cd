/// The life of a task, as far as money and promises are concerned. The five words of the column `state` are ``word``;
/// what distinguishes cases of one word are columns of their own (`task_id`, `outcome_unknown_at_ms`, `output_path`).
public enum AttemptState: Hashable, Sendable {
    /// No attempt is open; nothing is owed. Goes to `submitting` when a slot is granted, or to `cancelled`.
    case waiting
    /// The intent is durable and the submit is in the air. Goes to `accepted`, `running`, back to `waiting` when it is
    /// certain that nothing was accepted, to `uncertain`, to a final state, or is refused (`failed`).
    case submitting
    /// Sent, fate unknown until proven: nobody may submit it anew. Goes where `submitting` goes, by asking.
    case uncertain
    /// Waits at the provider. Cancelling is free. Goes to `running` or to a final state.
    case accepted(RemoteTaskID)
    /// Renders. Cancelling may cost. Goes to a final state; a reply that says "queued" again is not believed.
    case running(RemoteTaskID)
    /// Paid, not saved (yet). Goes to `saved`, or stays for the next run.
    case completed(RemoteTaskID)
    /// Paid and on disk. Final; a new attempt needs the user's word.
    case saved(RemoteTaskID)
    /// Final, usually free. `retry` opens the next attempt.
    case failed
    /// Final. `retry`, or standing in the manifest again, opens the next attempt.
    case cancelled

    /// What can happen to a task.
    public enum Event: Hashable, Sendable {
        /// A slot was granted: intent recorded, submit on its way.
        case sent
        /// Proof that the provider does not have it.
        case notAccepted
        /// No proof either way.
        case outcomeUnknown
        /// The provider has it under this name, waiting.
        case accepted(RemoteTaskID)
        /// The provider has it under this name and renders it.
        case started(RemoteTaskID)
        /// The provider has rendered it.
        case completed(RemoteTaskID)
        /// A failed render, a refused submit, or `assumed_lost` by the user's word.
        case failed
        /// It was cancelled at the provider, or before it was sent.
        case cancelled
        /// The clip is whole on disk.
        case saved
        /// The user, or a rule with a free failure, wants another attempt.
        case retried
    }

    /// The state after an event, or nil where the event cannot happen: the one place where that is decided.
    public func after(_ event: Event) -> AttemptState? {
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

    /// The word in the column `state`.
    public var word: TaskState {
        switch self {
        case .waiting, .submitting, .uncertain, .accepted: .queued
        case .running: .running
        case .completed, .saved: .completed
        case .failed: .failed
        case .cancelled: .cancelled
        }
    }

    /// The provider's name of the task, once it has one.
    public var remoteID: RemoteTaskID? {
        switch self {
        case .accepted(let remote), .running(let remote), .completed(let remote), .saved(let remote): remote
        case .waiting, .submitting, .uncertain, .failed, .cancelled: nil
        }
    }
}

/// The words of the column `state`: the four that users asked for, and `cancelled`, because the API has it.
public enum TaskState: String, CaseIterable, Hashable, Sendable {
    /// Waits here or at the provider, is in the air, or is uncertain.
    case queued
    /// Renders.
    case running
    /// Rendered and paid; saved or not.
    case completed
    /// Over without a clip.
    case failed
    /// Over by a cancel, or no longer in its manifest.
    case cancelled
}
