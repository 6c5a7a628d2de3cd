import ArgumentParser

/// Measurements of Dailies against something that anyone can have: the `sqlite3` shell, a bare loop, a script.
///
///     swift run -c release DailiesBenchmarks NAME [--record]
@main struct DailiesBenchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "DailiesBenchmarks",
        abstract: "Measures Dailies, each figure as a ratio within one run.",
        discussion: "Build it with -c release. --record keeps what was printed in Sources/DailiesBenchmarks/Results.",
        subcommands: [
            AdaptiveBenchmark.self, MakespanBenchmark.self, ImportBenchmark.self, ScaleBenchmark.self,
            CPUBenchmark.self,
            ReportBenchmark.self, RestartBenchmark.self, WriteBenchmark.self, HTTPBaseline.self, ScaleRun.self,
        ])
}
