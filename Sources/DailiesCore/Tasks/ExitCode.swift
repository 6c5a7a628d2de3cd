/// The program's exit codes. If several apply, the first in ``precedence`` is returned.
package enum ExitCode: Int32, CaseIterable, Sendable {
    /// Everything is completed, and saved unless saving was disabled.
    case success = 0
    /// Any other error.
    case unexpected = 1
    /// `plan --detailed-exitcode` only.
    case workToDo = 2
    /// Finished, and some tasks failed.
    case someFailed = 3
    /// Work remains: run again.
    case stoppedEarly = 5
    /// Some outcomes are uncertain: reconcile.
    case uncertain = 6
    /// 402 or 403: out of money, or access denied.
    case accountRefused = 7
    /// A budget is reached.
    case budgetReached = 8
    /// Some clips are paid for and not on disk.
    case unsaved = 9
    /// Another run is using the store.
    case storeLocked = 11
    /// The command line is invalid, or what it names cannot be used: no API at the base URL.
    case usage = 64
    /// A manifest or a batch is refused; nothing was submitted.
    case refused = 65
    /// The API key is missing or refused (401).
    case keyRefused = 77
    /// SIGHUP, after a clean stop.
    case hungUp = 129
    /// SIGINT, after a clean stop.
    case interrupted = 130
    /// SIGTERM, after a clean stop.
    case terminated = 143

    /// The order in which applicable codes are considered.
    package static let precedence: [ExitCode] = [
        .unexpected, .usage, .refused, .keyRefused, .storeLocked, .hungUp, .interrupted, .terminated,
        .accountRefused, .uncertain, .unsaved, .budgetReached, .stoppedEarly, .someFailed, .success,
    ]

    /// The code for a finished run.
    ///
    /// - Parameters:
    ///   - failed: failed tasks of the batches of this run, from the store.
    ///   - signal: the code of the signal that stopped it; nil: none.
    package static func of(_ ending: RunResult, failed: Int, signal: ExitCode?) -> ExitCode {
        var holds: Set<ExitCode> = [.success]
        if ending.isRouteMissing { holds.insert(.usage) }
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
