import Foundation
import Testing

@testable import DailiesCore

/// The life cycle of a task: the code, this table and the article's table are the same.
@Suite struct AttemptStateTests {
    /// The next state for every state (rows) and event (columns); blank: the event is not allowed.
    static let table = """
        | state | sent | notAccepted | outcomeUnknown | accepted | started | completed | failed | cancelled | saved | retried |
        |---|---|---|---|---|---|---|---|---|---|---|
        | waiting | submitting | | | | | | | cancelled | | |
        | submitting | | waiting | uncertain | accepted | running | | failed | | | |
        | uncertain | | waiting | uncertain | accepted | running | | failed | | | |
        | accepted | | | | accepted | running | completed | failed | cancelled | | |
        | running | | | | running | running | completed | failed | cancelled | | |
        | completed | | | | | | | | | saved | |
        | saved | | | | | | | | | | waiting |
        | failed | | | | | | | | | | waiting |
        | cancelled | | | | | | | | | | waiting |
        """

    private static let remote = RemoteTaskID("r")
    private static let other = RemoteTaskID("other")

    private static let states: [(String, AttemptState)] = [
        ("waiting", .waiting), ("submitting", .submitting), ("uncertain", .uncertain), ("accepted", .accepted(remote)),
        ("running", .running(remote)), ("completed", .completed(remote)), ("saved", .saved(remote)),
        ("failed", .failed), ("cancelled", .cancelled),
    ]

    private static func events(_ remote: RemoteTaskID) -> [(String, AttemptState.Event)] {
        [
            ("sent", .sent), ("notAccepted", .notAccepted), ("outcomeUnknown", .outcomeUnknown),
            ("accepted", .accepted(remote)), ("started", .started(remote)), ("completed", .completed(remote)),
            ("failed", .failed), ("cancelled", .cancelled), ("saved", .saved), ("retried", .retried),
        ]
    }

    /// The cells of the first markdown table in a text, by (state, event).
    private static func cells(of text: some StringProtocol) -> [[String]: String] {
        let lines = text.split(separator: "\n").map { $0.drop { $0 == " " } }
        let rows = lines.drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") }.map { line in
            line.dropFirst().split(separator: "|", omittingEmptySubsequences: false).dropLast().map {
                $0.trimmingCharacters(in: .whitespaces).trimmingCharacters(in: ["`"])
            }
        }
        guard let head = rows.first else { return [:] }
        var cells: [[String]: String] = [:]
        for row in rows.dropFirst(2) where row.count == head.count {
            for (event, next) in zip(head, row).dropFirst() { cells[[row[0], event]] = next }
        }
        return cells
    }

    private static var cellsOfTheCode: [[String]: String] {
        var cells: [[String]: String] = [:]
        for (name, state) in states {
            for (event, happening) in events(remote) {
                let next = state.after(happening)
                cells[[name, event]] = states.first { $0.1 == next }?.0 ?? ""
            }
        }
        return cells
    }

    @Test func `every event leads from every state to the one in the table`() {
        let expected = Self.cells(of: Self.table)
        #expect(expected.count == 90)
        #expect(Self.cellsOfTheCode == expected)
    }

    @Test func `the article's table matches the code`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let article = try String(
            contentsOf: root.appending(path: "Sources/DailiesKit/DailiesKit.docc/LifeOfATask.md"), encoding: .utf8)
        let heading = try #require(article.range(of: "### Transitions\n"), "the article has no such chapter")
        let chapter = article[heading.upperBound...].prefix { $0 != "#" }
        #expect(Self.cells(of: chapter) == Self.cellsOfTheCode, "write this into the article:\n\(Self.table)")
    }

    @Test func `a provider's task never turns into another of its tasks`() {
        for (name, state) in Self.states where state.remoteID != nil {
            for (event, happening) in Self.events(Self.other) {
                let next = state.after(happening)
                #expect(next?.remoteID != Self.other, "\(name) by \(event)")
            }
        }
    }

    @Test func `states without a remote ID before acceptance differ only in other columns`() {
        let words = Self.states.map(\.1.word.rawValue)
        #expect(
            words == [
                "queued", "queued", "queued", "queued", "running", "completed", "completed", "failed", "cancelled",
            ])
        #expect(TaskState.allCases.map(\.rawValue) == ["queued", "running", "completed", "failed", "cancelled"])
        #expect(
            Self.states.map { $0.1.remoteID != nil } == [false, false, false, true, true, true, true, false, false])
    }

    @Test func `a settled task changes only by a retry, and only waiting tasks are sent`() {
        for (name, state) in Self.states {
            if name != "waiting" { #expect(state.after(.sent) == nil) }
            if ["failed", "cancelled", "saved"].contains(name) {
                let ways = Self.events(Self.remote).filter { state.after($0.1) != nil }.map(\.0)
                #expect(ways == ["retried"])
            }
        }
    }
}
