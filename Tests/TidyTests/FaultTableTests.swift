import Foundation
import Testing

/// `Tests/Faults.md` names no test that is not there, no fault without one, and no message that none looks for.
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

    /// The message of a cell in parts, between what is cut (`…`), what stands for something (`KEY`), and after its kind.
    private static func parts(of message: String) -> [String] {
        let kind = message.firstMatch(of: #/^(uncertain|not saved|warning|waiting|stopped|failed): /#)
        return message[(kind?.range.upperBound ?? message.startIndex)...]
            .split(separator: #/…|\bKEY\b|\bMODEL\b/#)
            .map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " :;,")) }.filter { $0.count > 3 }
            + (kind.map { ["\($0.1): "] } ?? [])
    }

    @Test func `each message that the table shows is looked for by a test, letter by letter`() throws {
        let tests = try Repository.swiftFiles(below: "Tests").flatMap(\.lines).joined(separator: "\n")
        let messages = try rows().flatMap { Self.tests(in: $0[2]) }
        #expect(messages.count >= 50)
        for message in messages {
            let parts = Self.parts(of: message)
            #expect(parts.filter { !tests.contains($0) } == [], "no test looks for this of: \(message)")
        }
    }

    @Test func `the README leads to the table`() throws {
        #expect(try Repository.text("README.md").contains("(Tests/Faults.md)"))
    }
}
