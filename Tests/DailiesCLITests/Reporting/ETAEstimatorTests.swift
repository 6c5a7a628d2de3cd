import DailiesCore
import Testing

@testable import DailiesCLI

/// How long the rest takes, in numbers.
struct ETAEstimatorTests {
    private func forecast(_ seconds: [Int]) -> ETAEstimator {
        var forecast = ETAEstimator()
        for second in seconds { forecast.learn(.seconds(second)) }
        return forecast
    }

    @Test func `what is left is spread over the slots, from the middle to the slow end`() {
        // Of ten the sixth is the middle and the last but none the slow end: 60 s and 100 s.
        let forecast = forecast([40, 50, 50, 60, 60, 60, 70, 80, 90, 100])
        // Ten waiting and two in flight, one of them half done: 10 × 60 + 30 + 60 over two slots.
        #expect(
            forecast.range(waiting: 10, ages: [.seconds(30), .zero], slots: 2)
                == .seconds(345)...(.seconds(10 * 100 + 70 + 100) / 2))
    }

    @Test func `it is never over before a clip that has not begun has had its time`() {
        let forecast = forecast([60, 60, 60, 60, 60])
        #expect(forecast.range(waiting: 1, ages: [], slots: 100) == .seconds(60)...(.seconds(60)))
        #expect(
            forecast.range(waiting: 0, ages: [.seconds(59), .seconds(20)], slots: 2)
                == .seconds(40)...(.seconds(40)))
        // One that takes longer than all before it may be over at any moment.
        #expect(forecast.range(waiting: 0, ages: [.seconds(600)], slots: 1) == .zero ... .zero)
    }

    @Test func `nothing is said out of an anecdote, of nothing, or of what is too uneven`() {
        #expect(forecast([60, 60, 60, 60]).range(waiting: 1, ages: [], slots: 1) == nil)
        #expect(forecast([60, 60, 60, 60, 60]).range(waiting: 0, ages: [], slots: 1) == nil)
        #expect(forecast([60, 60, 60, 60, 60]).range(waiting: 1, ages: [], slots: 0) == nil)
        #expect(forecast([10, 10, 10, 10, 61]).range(waiting: 1, ages: [], slots: 1) == nil)
        #expect(forecast([10, 10, 10, 10, 60]).range(waiting: 1, ages: [], slots: 1) != nil)
    }

    @Test func `only the last two hundred count`() {
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
    func `the words for it`(_ low: Int, _ high: Int, _ words: String) {
        #expect(ETAEstimator.words(.seconds(low)...(.seconds(high))) == words)
    }

    @Test(arguments: [Int64.min, -1, 0, 2_592_001, 9_223_372_036, 9_223_372_036_854_775, .max])
    func `durations that no render has are nothing to learn from`(seconds: Int64) {
        var forecast = ETAEstimator()
        for _ in 0..<10 { forecast.learn(.seconds(seconds)) }
        #expect(forecast.sampleCount == 0)
        for _ in 0..<10 { forecast.learn(.seconds(2_592_000)) }
        let ages: [Duration] = [.nanoseconds(Int64.min), .zero, .nanoseconds(Int64.max)]
        let range = forecast.range(
            waiting: 100_000_000, ages: Array(repeating: ages, count: 3000).flatMap { $0 }, slots: 1)
        #expect(range.map { !ETAEstimator.words($0).isEmpty } == true)
    }
}
