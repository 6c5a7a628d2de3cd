import DailiesCore
import DailiesStore
import Testing

@testable import DailiesCLI

/// How `status --watch` stands on a narrow terminal.
struct StatusTextTests {
    @Test func `a batch in words loses no figure that the table has`() {
        var counts = StatusCounts()
        counts.states = [.queued: 1200, .running: 3, .completed: 9000, .failed: 12]
        counts.accepted = 2
        counts.running = 3
        counts.settled = CreditTotal(whole: 4321, billionths: 500_000_000)
        let budget = Credits(nano: 5_000_000_000_000)
        #expect(
            StatusText.words("night-market", counts, budget: budget, width: 39) == [
                "night-market", "  1200 queued · 3 running", "  9000 completed · 12 failed",
                "  5 in flight · 4321.5 credits of 5000",
            ])
        #expect(StatusText.words("a-long-name", counts, budget: nil, width: 10).allSatisfy { $0.count <= 10 })
    }
}
