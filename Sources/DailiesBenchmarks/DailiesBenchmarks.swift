import ArgumentParser

/// Compares Dailies with commonly available programs: the `sqlite3` shell, a bare HTTP loop, a script.
///
///     swift run -c release DailiesBenchmarks NAME [--record]
@main struct DailiesBenchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "DailiesBenchmarks",
        abstract: "Measures Dailies relative to a baseline in the same run.",
        discussion: "Build it with -c release. --record saves the output in Sources/DailiesBenchmarks/Results.",
        subcommands: [
            AdaptiveBenchmark.self, MakespanBenchmark.self, ImportBenchmark.self, ScaleBenchmark.self,
            CPUBenchmark.self,
            ReportBenchmark.self, RestartBenchmark.self, WriteBenchmark.self, HTTPBaseline.self, ScaleRun.self,
        ])
}
