import Foundation
import Testing

/// `Tests/Faults.md` names no test that is not there, and no fault without one.
struct FaultTableTests {
    /// The cells of every row below a table's head.
    private func rows() throws -> [[String]] {
        try Repository.text("Tests/Faults.md").split(separator: "\n").filter {
            $0.hasPrefix("| ") && !$0.hasPrefix("| fault |")
        }.map { line in
            line.split(separator: "|", omittingEmptySubsequences: true).map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    private static func tests(in cell: String) -> [String] {
        cell.matches(of: #/`([^`]+)`/#).map { String($0.output.1) }
    }

    @Test func `each fault has a test that exists, and says what the user sees`() throws {
        let rows = try rows()
        #expect(rows.count >= 50)
        let functions = try Repository.swiftFiles(below: "Tests").flatMap { file in
            file.lines.flatMap { $0.matches(of: #/func `([^`]+)`\(/#).map { String($0.output.1) } }
        }
        for row in rows {
            try #require(row.count == 3, "not three cells: \(row)")
            let named = Self.tests(in: row[1])
            #expect(!named.isEmpty && !row[2].isEmpty, "\(row[0])")
            #expect(named.filter { !functions.contains($0) } == [], "no such test, for: \(row[0])")
        }
    }

    @Test func `the README leads to the table`() throws {
        #expect(try Repository.text("README.md").contains("(Tests/Faults.md)"))
    }
}
