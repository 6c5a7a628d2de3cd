import DailiesCore
import DailiesRunner
import Testing

@testable import DailiesCLI

/// Estimates of the remaining time.
struct ETAEstimatorTests {
    private func forecast(_ seconds: [Int]) -> ETAEstimator {
        var forecast = ETAEstimator()
        for second in seconds { forecast.learn(.seconds(second)) }
        return forecast
    }

    @Test func `the remaining work is spread over the slots, from the median to the 90th percentile`() {
        // Of ten samples, the sixth is the median (60 s) and the last one the 90th percentile (100 s).
        let forecast = forecast([40, 50, 50, 60, 60, 60, 70, 80, 90, 100])
        // Ten waiting and two in flight, one of them half done: 10 × 60 + 30 + 60, over two slots.
        #expect(
            forecast.range(waiting: 10, ages: [.seconds(30), .zero], slots: 2)
                == .seconds(345)...(.seconds(10 * 100 + 70 + 100) / 2))
    }

    @Test func `the estimate is at least one full render if a clip has not started`() {
        let forecast = forecast([60, 60, 60, 60, 60])
        #expect(forecast.range(waiting: 1, ages: [], slots: 100) == .seconds(60)...(.seconds(60)))
        #expect(
            forecast.range(waiting: 0, ages: [.seconds(59), .seconds(20)], slots: 2)
                == .seconds(40)...(.seconds(40)))
        // A task that takes longer than all before it may finish at any time.
        #expect(forecast.range(waiting: 0, ages: [.seconds(600)], slots: 1) == .zero ... .zero)
    }

    @Test func `there is no estimate with too few or too uneven samples`() {
        #expect(forecast([60, 60, 60, 60]).range(waiting: 1, ages: [], slots: 1) == nil)
        #expect(forecast([60, 60, 60, 60, 60]).range(waiting: 0, ages: [], slots: 1) == nil)
        #expect(forecast([60, 60, 60, 60, 60]).range(waiting: 1, ages: [], slots: 0) == nil)
        #expect(forecast([10, 10, 10, 10, 61]).range(waiting: 1, ages: [], slots: 1) == nil)
        #expect(forecast([10, 10, 10, 10, 60]).range(waiting: 1, ages: [], slots: 1) != nil)
    }

    @Test func `only the last two hundred samples count`() {
        #expect(forecast(Array(repeating: 600, count: 500)).sampleCount == 200)
        let sped = forecast(Array(repeating: 600, count: 200) + Array(repeating: 60, count: 200))
        #expect(sped.range(waiting: 1, ages: [], slots: 1) == .seconds(60)...(.seconds(60)))
    }

    @Test(arguments: [
        (0, 0, "about 1 s"), (40, 40, "about 40 s"), (30, 50, "30–50 s"), (40, 119, "40–119 s"),
        (40, 150, "up to 3 min"),
        (180, 299, "3–5 min"), (345, 345, "5–6 min"), (600, 600, "about 10 min"), (3000, 7200, "up to 2 h"),
        (7200, 7200, "about 2 h"), (10_000, 20_000, "2–6 h"),
    ])
    func `the estimate as text`(_ low: Int, _ high: Int, _ words: String) {
        #expect(ETAEstimator.description(of: .seconds(low)...(.seconds(high))) == words)
    }

    @Test(arguments: [Int64.min, -1, 0, 2_592_001, 9_223_372_036, 9_223_372_036_854_775, .max])
    func `impossible durations are ignored`(seconds: Int64) {
        var forecast = ETAEstimator()
        for _ in 0..<10 { forecast.learn(.seconds(seconds)) }
        #expect(forecast.sampleCount == 0)
        for _ in 0..<10 { forecast.learn(.seconds(2_592_000)) }
        let ages: [Duration] = [.nanoseconds(Int64.min), .zero, .nanoseconds(Int64.max)]
        let range = forecast.range(
            waiting: 100_000_000, ages: Array(repeating: ages, count: 3000).flatMap { $0 }, slots: 1)
        #expect(range.map { !ETAEstimator.description(of: $0).isEmpty } == true)
    }
}
