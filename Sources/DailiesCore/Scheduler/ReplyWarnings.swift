/// Warnings about replies, each given once, and up to a hundred of each kind.
struct ReplyWarnings: Sendable {
    private static let limit = 100

    private var unknownStates: Set<String> = []
    private var mismatches = 0

    /// - Returns: whether to report a state that this program does not know.
    mutating func reportsUnknownState(_ word: String) -> Bool {
        unknownStates.count < Self.limit && unknownStates.insert(word).inserted
    }

    /// - Returns: whether to report a reply that does not fit its attempt; once per attempt.
    mutating func reportsMismatch(of attempt: inout ActiveAttempt) -> Bool {
        guard !attempt.isMismatchReported, mismatches < Self.limit else { return false }
        mismatches += 1
        attempt.isMismatchReported = true
        return true
    }
}
