import Testing

@testable import DailiesCore

@Suite struct BudgetTests {
    private func position(cap: Int64?, settled: Int64 = 0, reserved: Int64 = 0) -> BudgetUsage {
        BudgetUsage(
            cap: cap.map { Credits(nano: $0) }, settled: CreditTotal(Credits(nano: settled)),
            reserved: CreditTotal(Credits(nano: reserved)))
    }

    @Test func `a price that fits exactly is allowed, and one billionth more is not`() {
        let guarded = Budget(position: position(cap: 10, settled: 4, reserved: 3))
        #expect(guarded.verdict(for: Credits(nano: 3)) == .allowed)
        #expect(guarded.verdict(for: Credits(nano: 4)) == .wait)
        #expect(guarded.verdict(for: Credits(nano: 6)) == .wait)
        #expect(guarded.verdict(for: Credits(nano: 7)) == .exhausted)
        #expect(Budget(position: position(cap: 10, settled: 8)).verdict(for: Credits(nano: 3)) == .exhausted)
        #expect(guarded.verdict(for: nil) == .unknownPrice)
    }

    @Test func `without a cap every task is allowed, even at an unknown price, and no bill breaks the budget`() {
        var free = Budget(position: position(cap: nil))
        #expect(free.verdict(for: nil) == .allowed && free.verdict(for: Credits(nano: .max)) == .allowed)
        let isAbove = free.settle(Credits(nano: 9), reserved: nil)
        #expect(!isAbove && free.verdict(for: Credits(nano: 1)) == .allowed)
        #expect(free.allows(changing: nil, to: Credits(nano: .max)))
    }

    @Test func `a bill above its reservation is booked and ends submission`() {
        var guarded = Budget(position: position(cap: 100))
        guarded.reserve(Credits(nano: 5))
        let isAbove = guarded.settle(Credits(nano: 6), reserved: Credits(nano: 5))
        #expect(isAbove && guarded.isBroken && guarded.position == position(cap: 100, settled: 6))
        #expect(guarded.verdict(for: Credits(nano: 1)) == .exhausted)
    }

    @Test func `settled plus reserved stays within the cap as long as no bill exceeds its reservation`() {
        for seed in UInt64(0)..<100 {
            var random = SplitMix64(seed: seed)
            let cap = Credits(nano: Int64.random(in: 0...1000, using: &random))
            var guarded = Budget(position: BudgetUsage(cap: cap, settled: .zero, reserved: .zero))
            var held: [Credits] = []
            var settled: Int64 = 0
            for step in 0..<60 {
                let amount = Credits(nano: Int64.random(in: 0...300, using: &random))
                let choice = Int.random(in: 0..<4, using: &random)
                if choice == 0 || held.isEmpty {
                    if guarded.verdict(for: amount) == .allowed {
                        guarded.reserve(amount)
                        held.append(amount)
                    }
                } else {
                    let index = Int.random(in: 0..<held.count, using: &random)
                    if choice == 1 {
                        guarded.release(held.remove(at: index))
                    } else if choice == 2 {
                        let old = held.remove(at: index)
                        let bill = Credits(nano: Int64.random(in: 0...old.nano, using: &random))
                        let isAbove = guarded.settle(bill, reserved: old)
                        #expect(!isAbove, "seed \(seed), step \(step)")
                        settled += bill.nano
                    } else if guarded.allows(changing: held[index], to: amount) {
                        guarded.release(held[index])
                        guarded.reserve(amount)
                        held[index] = amount
                    }
                }
                let reserved = held.reduce(Int64(0)) { $0 + $1.nano }
                #expect(
                    guarded.position == position(cap: cap.nano, settled: settled, reserved: reserved),
                    "seed \(seed), step \(step)")
                #expect(settled + reserved <= cap.nano, "seed \(seed), step \(step)")
            }
        }
    }
}
