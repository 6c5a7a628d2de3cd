import DailiesCore
import Testing

@testable import DailiesRunner

struct TimerQueueTests {
    private static func wake(_ number: UInt32) -> TimerID { .account(serial: number) }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `wake-ups come in the order of their times, equal ones in the order of insertion`(seed: UInt64) {
        var chance = SplitMix64(seed: seed)
        var heap = TimerQueue()
        var model: [(instant: Int64, wake: TimerID)] = []
        for number in 0..<400 as Range<UInt32> {
            let instant = Int64.random(in: 0...40, using: &chance)
            if Bool.random(using: &chance) {
                heap.insert(Self.wake(number), at: Instant(milliseconds: instant))
                model.append((instant, Self.wake(number)))
            } else {
                // The first of the minimums: earlier insertions come first.
                let least = model.map(\.instant).min()
                let index = least.flatMap { least in
                    least <= instant ? model.firstIndex { $0.instant == least } : nil
                }
                let expected = index.map { model.remove(at: $0).wake }
                #expect(heap.popDue(at: Instant(milliseconds: instant)) == expected)
            }
            #expect(heap.count == model.count)
            #expect(heap.next == model.map(\.instant).min().map { Instant(milliseconds: $0) })
        }
    }

    @Test func `nothing is due before its time`() {
        var heap = TimerQueue()
        heap.insert(Self.wake(1), at: Instant(milliseconds: 10))
        #expect(heap.popDue(at: Instant(nanoseconds: 9_999_999)) == nil)
        #expect(heap.popDue(at: Instant(milliseconds: 10)) == Self.wake(1))
        #expect(heap.popDue(at: Instant(milliseconds: 10)) == nil)
    }
}
