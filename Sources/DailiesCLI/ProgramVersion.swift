import CBuildInfo

/// The output of `dailies --version`.
enum ProgramVersion {
    static let number = "1.0.0"
    /// `dailies 1.0.0 (commit 1a2b3c4)`, or a note if the commit was not set at build time.
    static let text = "dailies \(number) (\(commit.isEmpty ? "commit not recorded at build time" : "commit " + commit))"

    private static let commit = String(cString: dailies_build_commit())
}
