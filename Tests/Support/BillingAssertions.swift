import ExactJSON
import Testing

extension TestEnvironment {
    /// The promise of the product, as far as one can see it from outside: every task completed and saved, rendered
    /// once, and the report equal to the bill digit by digit.
    ///
    /// - Parameter areGuarded: guards may have cancelled attempts, each of which is followed by another.
    func expectAllPaidOnce(
        _ simulator: Simulator, tasks: Int, areGuarded: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let bill = try simulator.bill()
        let cancelled =
            areGuarded ? try StoreFile(store).number("SELECT count(*) FROM attempt WHERE state = 'cancelled'") : 0
        #expect(bill.accepted == tasks + cancelled, sourceLocation: sourceLocation)
        #expect(areGuarded || bill.charges == tasks, sourceLocation: sourceLocation)
        #expect(bill.rendersByKey.count == tasks + cancelled, sourceLocation: sourceLocation)
        let twice = bill.rendersByKey.filter { $0.value != 1 }
        #expect(twice == [:], "rendered more than once", sourceLocation: sourceLocation)

        let file = try StoreFile(store)
        let states = try file.rows("SELECT state, count(*) FROM task GROUP BY state")
        #expect(states == ["completed|\(tasks)"], sourceLocation: sourceLocation)
        #expect(try file.one("SELECT sum(reserved_whole), sum(reserved_billionths) FROM batch_total") == "0|0")
        let clips = try file.rows("SELECT output_path, output_bytes FROM attempt WHERE output_path IS NOT NULL")
        #expect(clips.count == tasks, "\(tasks - clips.count) are not saved", sourceLocation: sourceLocation)
        for clip in clips {
            let columns = clip.split(separator: "|").map(String.init)
            let bytes = try self.bytes(of: columns[0])
            #expect("\(bytes.count)" == columns[1], "\(columns[0])", sourceLocation: sourceLocation)
            _ = try Clip(bytes)
        }
        let onDisk = files(below: renders)
        #expect(onDisk.count == tasks, "left over: \(onDisk.filter { !$0.hasSuffix(".mp4") })")

        let report = try self.report()
        #expect(report.credits == bill.total, "the report is not the bill", sourceLocation: sourceLocation)
        #expect(report.unknown == "0", sourceLocation: sourceLocation)
    }

    /// What `report --json` says in total, numbers as they are written.
    func report() throws -> (credits: String, unknown: String) {
        let run = try finish(["report", "--store", store, "--json"])
        try #require(run.code == 0, "\(run.err)")
        let total = try JSONValue.parse(Array(run.out.utf8))["total"]
        return (try #require(total?["credits"]?.number), try #require(total?["unknown_costs"]?.number))
    }

    /// A number of `status --json`, in total.
    func status(_ name: String) throws -> Int {
        let run = try finish(["status", "--store", store, "--json"])
        try #require(run.code == 0, "\(run.err)")
        let total = try JSONValue.parse(Array(run.out.utf8))["total"]
        return try #require(Int(total?[name]?.number ?? ""), "no \(name) in \(run.out)")
    }
}
