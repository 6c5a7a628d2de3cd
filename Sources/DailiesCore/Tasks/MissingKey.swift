/// Unfinished attempts that need an API key that is not available.
package struct MissingKey: Hashable, Sendable, CustomStringConvertible {
    /// The key that sent them.
    package let account: KeyFingerprint
    /// The number of attempts, at least one.
    package let clips: Int

    package init(account: KeyFingerprint, clips: Int) {
        self.account = account
        self.clips = clips
    }

    /// What the user can do.
    package static let remedy =
        "run with that key, or with --same-account if it was replaced by another key of the same account"

    /// A message such as `2 clips need the API key f3ab…: …` with the remedy.
    package var description: String {
        "\(clips) \(clips == 1 ? "clip needs" : "clips need") the API key \(account): \(Self.remedy)"
    }
}
