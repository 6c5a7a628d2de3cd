import Foundation
import Testing

/// The table of benchmarks says what was recorded, and nothing that was recorded misses its bound.
struct RecordedResultTests {
    private static let folder = "Sources/DailiesBenchmarks/Results"

    /// The cells of each row of the table, by the benchmark's name.
    private func rows() throws -> [String: [String]] {
        let lines = try Repository.text("Sources/DailiesKit/DailiesKit.docc/Benchmarks.md").split(separator: "\n")
        let head = try #require(lines.firstIndex { $0.hasPrefix("| `swift run -c release DailiesBenchmarks") })
        let rows = lines[(head + 2)...].prefix { $0.hasPrefix("|") }.map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0].replacing("`", with: ""), $0) })
    }

    @Test func `each benchmark of the documentation has a result, and each result a row`() throws {
        let results = try FileManager.default.contentsOfDirectory(
            atPath: Repository.root.appendingPathComponent(Self.folder).path)
        let names = results.filter { $0.hasSuffix(".txt") }.map { String($0.dropLast(4)) }
        #expect(names.sorted() == (try rows()).keys.sorted())
    }

    @Test func `the documentation gives each figure that was judged, and each held`() throws {
        for (name, row) in try rows() {
            try #require(row.count == 5, "not five cells: \(row)")
            let text = try Repository.text("\(Self.folder)/\(name).txt")
            #expect(!text.contains("MISSED"), "\(name)")
            let judged = text.matches(of: #/(\S+) \(at (?:most|least) \S+\): holds/#).map { String($0.output.1) }
            #expect(!judged.isEmpty, "\(name)")
            let told = row[3].matches(of: #/[0-9][0-9.]*/#).map { String($0.output) }
            #expect(judged.filter { !told.contains($0) } == [], "not in the documentation's row of \(name)")
            #expect(told.filter { !text.contains($0) } == [], "not in the record of \(name)")
        }
    }
}
