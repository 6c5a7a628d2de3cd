import DailiesCore
import DailiesRunner
import DailiesStore
import Testing

@testable import DailiesCLI

/// The exact lines of the live view at chosen times.
struct ProgressViewLinesTests {
    private static let start = Instant(milliseconds: 1_795_000_000_000)

    private static let own = BatchID(1)
    private static let names = BatchNames(own: [own], [own: "market", BatchID(2): "forest"])

    private static func task(_ key: String, in batch: BatchID = own) -> TaskName {
        TaskName(batch: batch, key: TaskKey(key))
    }

    private func progress(total: Int, concurrency: Int = 2) -> RunStatus {
        var counts = StatusCounts()
        counts.states = [.queued: total]
        return RunStatus(of: Self.names, counts, concurrency: concurrency, budget: Credits(nano: 50_000_000_000))
    }

    private func lines(_ progress: RunStatus, after seconds: Int, width: Int = 79) -> [String] {
        ProgressView.lines(
            progress, at: Self.start + .seconds(seconds), width: width, style: TextStyle(isColored: false))
    }

    @Test(arguments: [
        (PauseReason.noFunds, "out of credits; tasks in flight continue"),
        (.rateLimit, "the provider's rate limit"), (.outage, "the provider is not responding"),
    ])
    func `a pause counts down and disappears when it ends`(_ reason: PauseReason, _ words: String) {
        var progress = progress(total: 4)
        progress.apply(.paused(reason, detail: "", until: Self.start + .seconds(100)), at: Self.start)
        #expect(lines(progress, after: 0, width: 119).last == "◷ waiting: \(words), retrying in 1 min 40 s")
        #expect(lines(progress, after: 60, width: 119).last == "◷ waiting: \(words), retrying in 40 s")
        #expect(lines(progress, after: 99, width: 119).last == "◷ waiting: \(words), retrying in 1 s")
        #expect(!lines(progress, after: 100).contains { $0.hasPrefix("◷") })
    }

    @Test func `an accepted submit ends a pause early`() {
        var progress = progress(total: 4)
        progress.apply(.paused(.outage, detail: "gone", until: Self.start + .seconds(60)), at: Self.start)
        progress.apply(
            .accepted(Self.task("cook"), RemoteTaskID("r"), estimate: nil), at: Self.start + .seconds(5))
        #expect(!lines(progress, after: 6).contains { $0.hasPrefix("◷") })
    }

    /// After 100 s, ten of twenty are completed, each in 20 s, and two have been in flight for 10 s and 0 s.
    private func halfDone() -> RunStatus {
        var progress = progress(total: 20)
        for number in 0..<12 {
            let began = Self.start + .seconds(number / 2 * 20)
            let key = Self.task("clip-\(number)")
            progress.apply(.submitted(key, ModelID("sora-2")), at: began)
            progress.apply(
                .accepted(key, RemoteTaskID("r\(number)"), estimate: nil),
                at: number == 10 ? began - .seconds(10) : began)
            guard number < 10 else { continue }
            progress.apply(.running(key), at: began + .seconds(2))
            progress.apply(.completed(key, charged: Credits(nano: 400_000_000)), at: began + .seconds(20))
            progress.apply(.saved(key, path: "/clips/\(number).mp4"), at: began + .seconds(20))
        }
        return progress
    }

    @Test func `the view shows counts, credits, rate and remaining time`() {
        let bar = String(repeating: "━", count: 29) + "╸" + String(repeating: "─", count: 29)
        #expect(
            lines(halfDone(), after: 100) == [
                "market " + bar + "  10/20  50 %",
                "10 completed · 10 saved · 2 in flight · 8 waiting",
                // (8 × 20 s + 10 s + 20 s), over two slots.
                "4 credits spent · budget 50 · 6 clips/min · done in about 95 s",
                "  clip-10  sora-2  queued   10 s",
                "  clip-11  sora-2  queued    0 s",
            ])
    }

    @Test func `the bar grows only with completed clips, and failed clips are at its right end`() {
        var progress = progress(total: 4)
        for key in ["a", "b", "c"] {
            progress.apply(.submitted(Self.task(key), ModelID("sora-2")), at: Self.start)
        }
        progress.apply(.completed(Self.task("a"), charged: nil), at: Self.start)
        progress.apply(.failed(Self.task("b"), code: nil, message: nil, charged: nil), at: Self.start)
        progress.apply(.cancelled(Self.task("c"), charged: nil), at: Self.start)
        let bar = String(repeating: "━", count: 15) + String(repeating: "─", count: 30)
        #expect(lines(progress, after: 1)[0] == "market " + bar + String(repeating: "━", count: 15) + "  1/4  25 %")
        let colored = ProgressView.lines(
            progress, at: Self.start, width: 79, style: TextStyle(isColored: true))[0]
        #expect(colored.contains(TextStyle(isColored: true).red(String(repeating: "━", count: 15))))
    }

    @Test func `there is no forecast while submission is paused`() {
        var progress = halfDone()
        progress.apply(
            .paused(.noFunds, detail: "top up", until: nil), at: Self.start + .seconds(100))
        let shown = lines(progress, after: 100)
        #expect(!shown.contains { $0.contains("done in") })
        #expect(shown.last == "◷ waiting: out of credits; tasks in flight continue: top up")
    }

    @Test func `the last three failures are shown, with control characters escaped`() {
        var progress = progress(total: 9)
        for number in 1...4 {
            progress.apply(.submitted(Self.task("k\(number)"), ModelID("sora-2")), at: Self.start)
            progress.apply(
                .failed(
                    Self.task("k\(number)"), code: "content_policy", message: "no \u{1B}[2J\(number)", charged: nil),
                at: Self.start)
        }
        let shown = lines(progress, after: 1).filter { $0.hasPrefix("✗") }
        #expect(shown.map { $0.prefix(4) } == ["✗ k2", "✗ k3", "✗ k4"])
        #expect(shown.allSatisfy { !$0.contains("\u{1B}") })
    }

    @Test(arguments: [20, 40, 80, 200]) func `no line is wider than the terminal`(_ width: Int) {
        var progress = halfDone()
        progress.apply(
            .paused(.rateLimit, detail: String(repeating: "slow ", count: 60), until: Self.start + .seconds(200)),
            at: Self.start + .seconds(100))
        #expect(lines(progress, after: 101, width: width).allSatisfy { DisplayWidth.width(of: $0) <= width })
    }

    @Test func `tasks of two batches with one key are two tasks, each shown with its batch`() {
        let batches = [BatchID(1), BatchID(2)]
        var counts = StatusCounts()
        counts.states = [.queued: 2]
        var progress = RunStatus(
            of: BatchNames(own: batches, [BatchID(1): "market", BatchID(2): "forest"]), counts, concurrency: 2,
            budget: nil)
        for batch in batches {
            progress.apply(.submitted(Self.task("shot-1", in: batch), ModelID("sora-2")), at: Self.start)
            progress.apply(
                .accepted(Self.task("shot-1", in: batch), RemoteTaskID("r\(batch.rawValue)"), estimate: nil),
                at: Self.start)
        }
        progress.apply(.running(Self.task("shot-1", in: BatchID(2))), at: Self.start)
        let shown = lines(progress, after: 1).filter { $0.contains("shot-1") }
        #expect(
            shown.map { $0.split(separator: " ").prefix(3).joined(separator: " ") } == [
                "market/shot-1 sora-2 queued", "forest/shot-1 sora-2 running",
            ])
        progress.apply(.completed(Self.task("shot-1", in: BatchID(1)), charged: nil), at: Self.start)
        #expect(progress.inFlightCount == 1 && progress.completed == 1)
        progress.apply(
            .failed(Self.task("shot-1", in: BatchID(2)), code: "broken", message: "no", charged: nil), at: Self.start)
        #expect(progress.failures == ["forest/shot-1: broken: no"])
        #expect(progress.inFlightCount == 0 && progress.failed == 1)
    }

    @Test func `tasks of other batches do not count as progress`() {
        var progress = progress(total: 2)
        progress.apply(.submitted(Self.task("own"), ModelID("sora-2")), at: Self.start)
        for number in 0..<5 {
            let other = Self.task("other-\(number)", in: BatchID(2))
            progress.apply(.accepted(other, RemoteTaskID("r\(number)"), estimate: nil), at: Self.start)
            progress.apply(.completed(other, charged: nil), at: Self.start)
            progress.apply(.saved(other, path: "/x"), at: Self.start)
        }
        progress.apply(
            .failed(Self.task("other", in: BatchID(2)), code: nil, message: nil, charged: nil), at: Self.start)
        #expect(lines(progress, after: 1)[0].hasSuffix("──  0/2  0 %"))
        progress.apply(.completed(Self.task("own"), charged: nil), at: Self.start)
        progress.apply(.saved(Self.task("own"), path: "/x"), at: Self.start)
        for width in [1, 20, 79, 500] { #expect(!lines(progress, after: 1, width: width).isEmpty) }
        #expect(lines(progress, after: 1)[0].hasSuffix("──  1/2  50 %"))
        #expect(lines(progress, after: 1)[1] == "1 completed · 1 saved · 0 in flight · 1 waiting")
    }

    @Test(arguments: [Instant.distantPast, .distantFuture])
    func `an absurd age is shown`(since: Instant) {
        var progress = progress(total: 2)
        progress.apply(.accepted(Self.task("a"), RemoteTaskID("r"), estimate: Credits(nano: .max)), at: since)
        for number in 0..<3 {
            progress.apply(.submitted(Self.task("\(number)"), ModelID("sora-2")), at: since)
            progress.apply(.completed(Self.task("\(number)"), charged: Credits(nano: .max)), at: since)
        }
        #expect(!lines(progress, after: 0).isEmpty)
    }
}
