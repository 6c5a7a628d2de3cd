/// What the program returns. Where several hold, the first in the order of ``precedence`` is taken.
public enum ExitCode: Int32, CaseIterable, Sendable {
    case success = 0
    case unexpected = 1
    /// `plan --detailed-exitcode` only.
    case workToDo = 2
    case someFailed = 3
    case stoppedEarly = 5
    case uncertain = 6
    case accountRefused = 7
    case budgetReached = 8
    case unsaved = 9
    case storeLocked = 11
    case usage = 64
    case refused = 65
    case keyRefused = 77
    case interrupted = 130
    case terminated = 143

    public static let precedence: [ExitCode] = [
        .unexpected, .usage, .refused, .keyRefused, .storeLocked, .interrupted, .terminated, .accountRefused,
        .uncertain, .unsaved, .budgetReached, .stoppedEarly, .someFailed, .success,
    ]

    /// The code for a run that ended.
    ///
    /// - Parameters:
    ///   - failed: failed tasks of the batches of this run, from the store.
    ///   - signal: the code of the signal that ended it, where one did.
    public static func of(_ ending: RunEnding, failed: Int, signal: ExitCode?) -> ExitCode {
        var holds: Set<ExitCode> = [.success]
        if ending.keyRefused { holds.insert(.keyRefused) }
        if ending.isInterrupted { holds.insert(signal ?? .interrupted) }
        if ending.accountRefused { holds.insert(.accountRefused) }
        if ending.uncertain > 0 { holds.insert(.uncertain) }
        if ending.unsaved > 0 { holds.insert(.unsaved) }
        if ending.budgetReached { holds.insert(.budgetReached) }
        if ending.isWorkOutstanding { holds.insert(.stoppedEarly) }
        if failed > 0 { holds.insert(.someFailed) }
        return precedence.first(where: holds.contains) ?? .success
    }
}
