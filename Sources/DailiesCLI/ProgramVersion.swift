import CBuildInfo

/// What `dailies --version` prints.
enum ProgramVersion {
    static let number = "1.0.0"
    /// `dailies 1.0.0 (commit 1a2b3c4)`; where whoever built it named no commit, that is said instead of a guess.
    static let text = "dailies \(number) (\(commit.isEmpty ? "commit not recorded at build time" : "commit " + commit))"

    private static let commit = String(cString: dailies_build_commit())
}
