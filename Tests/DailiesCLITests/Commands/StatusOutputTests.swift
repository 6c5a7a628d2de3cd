import DailiesCore
import DailiesStore
import Testing

@testable import DailiesCLI

/// `status --watch` on a narrow terminal.
struct StatusOutputTests {
    @Test func `a batch as text has all figures of the table`() {
        var counts = StatusCounts()
        counts.states = [.queued: 1200, .running: 3, .completed: 9000, .failed: 12]
        counts.accepted = 2
        counts.running = 3
        counts.settled = CreditTotal(whole: 4321, billionths: 500_000_000)
        let budget = Credits(nano: 5_000_000_000_000)
        #expect(
            StatusOutput.narrowRow("night-market", counts, budget: budget, width: 39) == [
                "night-market", "  1200 queued · 3 running", "  9000 completed · 12 failed",
                "  5 in flight · 4321.5 credits of 5000",
            ])
        #expect(StatusOutput.narrowRow("a-long-name", counts, budget: nil, width: 10).allSatisfy { $0.count <= 10 })
    }

    private func counts(waiting: Int) -> StatusCounts {
        var counts = StatusCounts()
        counts.states = [.queued: waiting, .completed: 1]
        counts.waiting = waiting
        return counts
    }

    @Test func `batches that do not fit are counted, and finished ones are dropped first`() {
        let counts = [0, 3, 0, 0, 7].map { self.counts(waiting: $0) }
        let batches = ["a", "b", "c", "d", "e"].map { [$0] }
        #expect(StatusOutput.fitting(batches, counts, in: 5) == ["a", "b", "c", "d", "e"])
        #expect(StatusOutput.fitting(batches, counts, in: 4) == ["a", "b", "e", "and 2 more"])
        #expect(StatusOutput.fitting(batches, counts, in: 2) == ["b", "and 4 more"])
        #expect(StatusOutput.fitting(batches, counts, in: 1) == ["and 5 more"])
        #expect(StatusOutput.fitting(batches, counts, in: 0) == [])
        let wide = batches.map { $0 + ["  more"] }
        #expect(StatusOutput.fitting(wide, counts, in: 6) == ["b", "  more", "e", "  more", "and 3 more"])
    }
}
