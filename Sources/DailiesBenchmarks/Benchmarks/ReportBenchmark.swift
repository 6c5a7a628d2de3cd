import ArgumentParser
import DailiesStore
import Foundation

/// Compares `dailies report` on a large store, including startup, with the `sqlite3` shell computing the same sums.
struct ReportBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Compares `dailies report` with the sqlite3 shell on a store of a million tasks.",
        discussion: """
            Both processes start, read the same file, compute exact sums and exit. They run alternately, and the \
            best time of each counts. The shell runs plain statements for the report's figures: each group, and the \
            total.
            """)

    @Option(help: "Number of tasks in the store.") var tasks = 1_000_000
    @Option(help: "Runs of each program.") var turns = 3
    @OptionGroup var recording: RecordOptions

    /// Maximum time relative to the shell.
    private static let bound = 1.5

    func run() throws {
        var recorder = ResultRecorder("report", recording)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("report-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(at: folder) } catch { print("left behind: \(folder.path)") }
        }
        let store = folder.appendingPathComponent("dailies.sqlite").path
        try Store.open(store, for: .running).close()
        let filled = try ProcessUsage.run("sqlite3", [store], input: ReportFixture.filling(tasks: tasks))
        recorder.say(
            "\(tasks) tasks, \(filled.out.trimmingCharacters(in: .whitespacesAndNewlines)) attempts, "
                + "\(Self.megabytes(Self.size(store))) MB")
        var worst = 0.0
        for grouping in ReportFixture.groupings {
            worst = max(worst, try compare(grouping, store, &recorder))
        }
        recorder.judge("the slowest report takes, of the shell's time,", worst, atMost: Self.bound)
        recorder.say("beside the store: \(Self.size(store + "-wal")) bytes of write-ahead log")
        try recorder.finish()
    }

    private func compare(
        _ grouping: ReportFixture.Grouping, _ store: String, _ recorder: inout ResultRecorder
    ) throws -> Double {
        let program = HostInfo.programs.appendingPathComponent("dailies").path
        var (report, shell): ([ProcessUsage], [ProcessUsage]) = ([], [])
        for _ in 0..<max(turns, 1) {
            shell.append(try ProcessUsage.run("sqlite3", ["-readonly", store], input: grouping.statements))
            report.append(try ProcessUsage.run(program, ["report", "--store", store] + grouping.options))
        }
        let json = try ProcessUsage.run(program, ["report", "--store", store, "--json"] + grouping.options)
        let charged = try ReportFixture.charged(in: store)
        guard json.out.contains("\"credits\":\(charged)") else {
            throw ProcessUsage.Failure(
                description: "the report does not total \(charged) credits: \(json.out.suffix(600))")
        }
        let best = (
            report: report.map(\.seconds).min() ?? 0, shell: shell.map(\.seconds).min() ?? 0,
            reportCPU: report.map(\.processorSeconds).min() ?? 0, shellCPU: shell.map(\.processorSeconds).min() ?? 0
        )
        let ratio = best.report / best.shell
        recorder.say(
            "report \(grouping.options.joined(separator: " ")): \(ResultRecorder.figure(best.report)) s "
                + "(\(ResultRecorder.figure(best.reportCPU)) s of processor, at most "
                + "\(Self.megabytes(report.map(\.peakBytes).max() ?? 0)) MB); sqlite3: \(ResultRecorder.figure(best.shell)) s "
                + "(\(ResultRecorder.figure(best.shellCPU)) s); ratio \(ResultRecorder.figure(ratio))")
        return ratio
    }

    private static func size(_ path: String) -> Int {
        // A missing file counts as 0 bytes.
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.intValue ?? 0
    }

    private static func megabytes(_ bytes: Int) -> Int { bytes / 1_048_576 }
}
