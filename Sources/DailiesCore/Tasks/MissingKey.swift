/// Unfinished attempts that only one API key can ask for, which is not at hand.
public struct MissingKey: Hashable, Sendable {
    /// The key that sent them.
    public let account: KeyFingerprint
    /// How many there are, at least one.
    public let clips: Int

    /// Takes its properties as they are given.
    public init(account: KeyFingerprint, clips: Int) {
        self.account = account
        self.clips = clips
    }

    /// What a user can do about it.
    package static let remedy =
        "run with that key, or with --same-account if it was replaced by another key of the same account"

    /// `2 clips need the API key f3ab…: ` and what to do.
    package var words: String {
        "\(clips) \(clips == 1 ? "clip needs" : "clips need") the API key \(account): \(Self.remedy)"
    }
}
