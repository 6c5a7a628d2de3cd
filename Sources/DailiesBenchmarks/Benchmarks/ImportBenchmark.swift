import ArgumentParser
import Foundation

/// Compares checking and storing a manifest with the `sqlite3` shell's `.import` of the same rows.
///
/// Runs `dailies run` with a budget of zero, which reads the manifest twice, imports it into the store, submits nothing
/// and exits with code 8. The shell imports the rows as CSV, without checks, into a table with the same columns, unique
/// key, log and syncs.
struct ImportBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manifest-store",
        abstract: "Compares checking and storing a manifest with .import of the same rows.")

    /// Exit code when the budget is reached before the first submit.
    private static let budgetReached: Int32 = 8
    private static let maximumRatio = 2.0
    private static let maximumMegabytes = 100.0

    @Option(help: "Number of tasks in the manifest, about 500 bytes each.") var tasks = 1_000_000
    @Option(help: "Alternating runs of each; the median is judged.") var rounds = 3
    @OptionGroup var options: RecordOptions

    private struct Measurement {
        let dailies: ProcessUsage
        let shell: ProcessUsage
        let fields: ProcessUsage
    }

    mutating func validate() throws {
        guard tasks >= 1, tasks <= 10_000_000, rounds >= 1, rounds <= 100 else {
            throw ValidationError("--tasks must be from 1 to 10000000, and --rounds from 1 to 100")
        }
    }

    func run() throws {
        var recorder = ResultRecorder("manifest-store", options)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "manifest-store-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(at: folder) } catch { print("left behind: \(folder.path)") }
        }
        let files = Files(folder: folder.path)
        let bytes = try ManifestText.write(tasks, manifest: files.manifest, table: files.fields)
        recorder.say("\(tasks) tasks of \(bytes / tasks) bytes; sqlite3 \(try version()); \(rounds) rounds in turn")
        var done: [Measurement] = []
        for _ in 0..<rounds { done.append(try round(files)) }
        report(done, to: &recorder)
        try recorder.finish()
    }

    private func version() throws -> String {
        String(try ProcessUsage.run("sqlite3", ["--version"]).out.prefix { $0 != " " })
    }

    // MARK: One round

    private struct Files {
        let folder: String
        var manifest: String { folder + "/tasks.jsonl" }
        /// The fields of the manifest.
        var fields: String { folder + "/fields.csv" }
        /// The rows that the store makes of them.
        var rows: String { folder + "/rows.csv" }
        var dailies: String { folder + "/dailies.sqlite" }
        var shell: String { folder + "/shell.sqlite" }
    }

    private static let columns = """
        batch_id INTEGER NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, duration_seconds INTEGER,
        resolution TEXT, tags TEXT NOT NULL, output TEXT, model TEXT NOT NULL, priority INTEGER NOT NULL,
        state TEXT NOT NULL, UNIQUE (batch_id, key)
        """

    private func round(_ files: Files) throws -> Measurement {
        let dailies = try ProcessUsage.run(
            HostInfo.programs.appendingPathComponent("dailies").path,
            [
                "run", files.manifest, "--store", files.dailies, "--output", files.folder + "/renders", "--budget", "0",
                "--provider", "simulator", "--base-url", "http://127.0.0.1:9", "--quiet", "--json",
            ], codes: [Self.budgetReached])
        _ = try ProcessUsage.run(
            "sqlite3",
            [
                files.dailies, ".mode csv", ".once \(files.rows)",
                """
                SELECT i.batch_id, i.key, i.request, i.duration_seconds, i.resolution, i.tags, i.output, s.model,
                    s.priority, s.state
                FROM task_input AS i JOIN task_state AS s ON s.id = i.id
                """,
            ])
        let shell = try imported(files.rows, into: files, columns: Self.columns)
        let fields = try imported(
            files.fields, into: files,
            columns: """
                id TEXT NOT NULL UNIQUE, model TEXT NOT NULL, prompt TEXT NOT NULL, duration_seconds INTEGER,
                resolution TEXT, aspect_ratio TEXT, seed INTEGER, client TEXT
                """)
        try remove(files.dailies)
        return Measurement(dailies: dailies, shell: shell, fields: fields)
    }

    private func imported(_ rows: String, into files: Files, columns: String) throws -> ProcessUsage {
        let measured = try ProcessUsage.run(
            "sqlite3",
            [
                files.shell, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
                "CREATE TABLE task (\(columns)) STRICT", ".import --csv \(rows) task",
            ])
        let count = try ProcessUsage.run("sqlite3", [files.shell, "SELECT count(*) FROM task"]).out
        guard count == "\(tasks)\n" else { throw ProcessUsage.Failure(description: "\(count) rows were imported") }
        try remove(files.shell)
        return measured
    }

    private func remove(_ store: String) throws {
        for path in [store, store + "-wal", store + "-shm"] where FileManager.default.fileExists(atPath: path) {
            try FileManager.default.removeItem(atPath: path)
        }
    }

    // MARK: Results

    private func report(_ rounds: [Measurement], to recorder: inout ResultRecorder) {
        let names = ["dailies run", ".import of the stored rows", ".import of the manifest's fields"]
        for (name, measured) in zip(names, [rounds.map(\.dailies), rounds.map(\.shell), rounds.map(\.fields)]) {
            let seconds = Self.median(measured.map(\.seconds)),
                processor = Self.median(measured.map(\.processorSeconds))
            let megabytes = Self.median(measured.map { Double($0.peakBytes) / 1e6 })
            recorder.say(
                "\(name): \(ResultRecorder.figure(seconds)) s, \(ResultRecorder.figure(processor)) s of processor, "
                    + "\(ResultRecorder.figure(megabytes)) MB")
        }
        let ratio = { (cost: (ProcessUsage) -> Double, other: (Measurement) -> ProcessUsage) in
            Self.median(rounds.map { cost($0.dailies) / cost(other($0)) })
        }
        recorder.say(
            "processor time, of that of the stored rows: \(ResultRecorder.figure(ratio(\.processorSeconds, \.shell)))")
        recorder.say("time, of that of the manifest's fields: \(ResultRecorder.figure(ratio(\.seconds, \.fields)))")
        recorder.judge("time, of that of the stored rows", ratio(\.seconds, \.shell), atMost: Self.maximumRatio)
        recorder.judge(
            "largest size in MB", rounds.map { Double($0.dailies.peakBytes) / 1e6 }.max() ?? 0,
            atMost: Self.maximumMegabytes)
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}

/// Tasks as a script would write them, and their fields as CSV for the shell.
private enum ManifestText {
    private static let chunk = 1 << 20
    private static let words = [
        "misty", "forest", "dawn", "crane", "stag", "river", "lantern", "neon", "harbour", "gull", "rain", "glass",
        "copper", "velvet", "drone", "alley",
    ]

    /// - Returns: the size of the manifest in bytes.
    static func write(_ tasks: Int, manifest: String, table: String) throws -> Int {
        let (lines, rows) = (try file(manifest), try file(table))
        var size = 0
        var line = "", row = ""
        for index in 0..<tasks {
            let prompt = prompt(index)
            let seed = (index &* 2_654_435_761) & Int.max
            line += """
                {"id":"shot-\(index)","model":"sora-2-pro","prompt":"\(prompt)","duration_seconds":8,\
                "resolution":"1080p","aspect_ratio":"16:9","seed":\(seed),"tags":{"client":"acme"}}

                """
            row += "shot-\(index),sora-2-pro,\"\(prompt)\",8,1080p,16:9,\(seed),acme\n"
            if line.utf8.count > chunk || index == tasks - 1 {
                size += line.utf8.count
                try lines.write(contentsOf: Data(line.utf8))
                try rows.write(contentsOf: Data(row.utf8))
                (line, row) = ("", "")
            }
        }
        try lines.close()
        try rows.close()
        return size
    }

    private static func file(_ path: String) throws -> FileHandle {
        try Data().write(to: URL(fileURLWithPath: path))
        return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    }

    /// About 340 bytes, different for each task.
    private static func prompt(_ index: Int) -> String {
        let text = (0..<56).map { (place: Int) -> String in
            let number: Int = index &* 7 &+ place &* (5 &+ place)
            return words[number & 15]
        }.joined(separator: " ")
        return "take \(index): \(text)"
    }
}
