import Testing

@testable import DailiesCore

/// Several budgets at once, and the three budget modes.
@Suite struct BudgetsTests {
    private static let batch = SchedulerHarness.batch
    private static let acme = TagBudgetID(1)

    private static func position(
        _ cap: Int64?, settled: Int64 = 0, mode: BudgetMode = .cautious
    ) -> BudgetUsage {
        BudgetUsage(
            cap: cap.map { Credits(nano: $0) }, settled: CreditTotal(Credits(nano: settled)), reserved: .zero,
            mode: mode)
    }

    private static func task(_ id: Int64, tagged: Bool) -> WaitingTask {
        SchedulerHarness.task(id, tagBudgets: tagged ? [acme] : [])
    }

    /// Each clip's maximum is two credits; the tag's budget is in whole credits.
    private func rig(
        tagged: [Bool], tagCap: Int64, cap: Int64? = nil, mode: BudgetMode = .cautious, concurrency: Int = 5
    ) -> SchedulerHarness {
        var store = StoreModel()
        for (index, isTagged) in tagged.enumerated() { store.add(Self.task(Int64(index + 1), tagged: isTagged)) }
        store.trust[SchedulerHarness.account] = .honored
        store.cap = cap.map { Credits(nano: $0 * 1_000_000_000) }
        let settings = SchedulerHarness.settings { $0.concurrency = concurrency }
        let rig = SchedulerHarness(settings: settings, store: store)
        let tag = TagBudget(
            id: Self.acme, batch: Self.batch, tag: TaskSpec.Tag(name: "client", value: "acme"),
            position: Self.position(tagCap * 1_000_000_000, mode: mode))
        rig.handle(
            .started(
                SchedulerSnapshot(
                    open: [], queues: store.queues, budgets: [Self.batch: store.position(Self.batch)],
                    prices: PriceBook(
                        catalog: SchedulerHarness.catalog, maximumPerTask: SchedulerHarness.maximumPerTask),
                    trust: store.trust, accounts: APIKeyRouting(byPrefix: ["": SchedulerHarness.account]),
                    tagBudgets: [tag])))
        return rig
    }

    private func finish(_ rig: SchedulerHarness, _ ids: ClosedRange<Int64>, cost: Int64 = 2) {
        for id in ids {
            rig.land(.accepted(.completed("r\(id)", cost: cost)), id)
            rig.save(id)
        }
    }

    @Test func `a tag's budget stops only tasks with that tag`() {
        let rig = rig(tagged: [true, true, true, false, true, false], tagCap: 3, concurrency: 1)
        finish(rig, 1...1)
        #expect(rig.submits.map(\.attempt.task.rawValue) == [4])
        finish(rig, 4...4)
        finish(rig, 6...6)
        #expect(rig.sent.map(\.task.rawValue) == [1, 4, 6])
        #expect(rig.ending?.budgetReached == true)
        #expect(rig.ending?.reasons.count == 1)
        #expect(rig.ending?.reasons.first?.contains("budget 3 of client=acme: 2 settled") == true)
        rig.expectSound()
    }

    @Test func `the batch's budget applies in addition to the tag's`() {
        let rig = rig(tagged: [true, false, false], tagCap: 100, cap: 4)
        finish(rig, 1...2)
        #expect(rig.sent.count == 2 && rig.ending?.budgetReached == true)
        rig.expectSound()
    }

    @Test func `a tagged task waits until reservations under the tag's budget are released`() {
        let rig = rig(tagged: [true, true], tagCap: 3)
        #expect(rig.submits.count == 1)
        rig.land(.accepted(.queued("r1")), 1)
        rig.advance(by: .seconds(2))
        rig.answer(.found(.failed("r1")), 1)
        #expect(rig.submits.map(\.attempt.task.rawValue) == [2])
        rig.expectSound()
    }

    @Test func `soft mode submits until settled costs reach the budget`() {
        let rig = rig(tagged: [true, true, true, true], tagCap: 3, mode: .soft, concurrency: 3)
        #expect(rig.submits.count == 3)
        finish(rig, 1...1)
        #expect(rig.submits.count == 3)
        finish(rig, 2...2)
        finish(rig, 3...4)
        #expect(rig.sent.count == 4 && rig.cancels.isEmpty)
    }

    @Test func `hard mode cancels tasks queued at the provider, and never the billed one`() {
        let rig = rig(tagged: [true, true, true, true, false], tagCap: 3, mode: .hard, concurrency: 3)
        rig.land(.accepted(.queued("r1")), 1)
        rig.land(.accepted(.queued("r2")), 2)
        rig.land(.accepted(.running("r3")), 3)
        rig.advance(by: .seconds(2))
        rig.answer(.found(.completed("r1", cost: 4)), 1)
        #expect(rig.cancels == [AttemptID(task: TaskID(2), number: 1)])
        #expect(rig.attempt(2)?.cancelReason == .budgetSpent)
        rig.confirmCancel(2)
        #expect(rig.stage(2) == .cancelled && rig.store.entries[TaskID(2)]?.isWaiting == true)
        #expect(rig.store.entries[TaskID(2)]?.task.attempt == 2)
        #expect(rig.submits.map(\.attempt.task.rawValue) == [5])
        rig.save(1)
        finish(rig, 5...5)
        rig.answer(.found(.completed("r3", cost: 2)), 3)
        rig.save(3)
        #expect(rig.ending?.budgetReached == true && rig.sent.count == 4)
    }

    @Test func `a task in flight when a hard budget is spent is cancelled on acceptance`() {
        let rig = rig(tagged: [true, true], tagCap: 3, mode: .hard, concurrency: 2)
        rig.land(.accepted(.completed("r1", cost: 4)), 1)
        rig.save(1)
        rig.land(.accepted(.queued("r2")), 2)
        #expect(rig.cancels == [AttemptID(task: TaskID(2), number: 1)])
        rig.confirmCancel(2)
        #expect(rig.stage(2) == .cancelled && rig.ending?.budgetReached == true)
        #expect(rig.store.entries[TaskID(2)]?.isWaiting == true && rig.sent.count == 2)
    }

    @Test(arguments: BudgetMode.allCases)
    func `a clip of unknown price does not start under a cap in any mode`(mode: BudgetMode) {
        let guarded = Budget(position: Self.position(9, mode: mode))
        #expect(guarded.verdict(for: nil) == .unknownPrice)
        #expect(guarded.verdict(for: Credits(nano: 9)) == .allowed)
    }

    @Test func `each batch uses its own budget mode`() {
        let other = BatchID(2)
        let book = Budgets(
            batches: [Self.batch: Self.position(3), other: Self.position(3, mode: .soft)], tags: [])
        #expect(book.verdict(for: Credits(nano: 4), of: [.batch(Self.batch)]).verdict == .exhausted)
        #expect(book.verdict(for: Credits(nano: 4), of: [.batch(other)]).verdict == .allowed)
    }

    /// Random prices, bills that differ from their estimates by up to half, late or missing settlements, and crashes
    /// after which the budgets are recreated from durable data.
    @Test(arguments: 0..<20)
    func `all budgets hold at every commit, and the bills add up to the settled amount`(seed: Int) {
        var chance = SplitMix64(seed: UInt64(seed) + 71)
        func draw(_ range: ClosedRange<Int64>) -> Int64 {
            range.lowerBound + Int64(chance.next() % UInt64(range.upperBound - range.lowerBound + 1))
        }
        let caps = (batch: draw(1_000_000_000...90_000_000_000), tag: draw(1_000_000_000...60_000_000_000))
        var held: [(reserved: Credits, isTagged: Bool)] = []
        var bills: [(charge: Credits, isTagged: Bool)] = []
        func book() -> Budgets {
            func position(_ cap: Int64, _ counts: (Bool) -> Bool) -> BudgetUsage {
                var position = Self.position(cap)
                for bill in bills where counts(bill.isTagged) { position.settled += CreditTotal(bill.charge) }
                for one in held where counts(one.isTagged) { position.reserved += CreditTotal(one.reserved) }
                return position
            }
            let tag = TagBudget(
                id: Self.acme, batch: Self.batch, tag: .init(name: "a", value: "b"), position: position(caps.tag) { $0 }
            )
            return Budgets(batches: [Self.batch: position(caps.batch) { _ in true }], tags: [tag])
        }
        var budgets = book()
        func check(_ what: String) {
            let known = book()
            for scope in [Budgets.Scope.batch(Self.batch), .tag(Self.acme)] {
                let position = budgets[scope]!.position
                #expect(position == known[scope]!.position, "\(what)")
                #expect(position.settled + position.reserved <= CreditTotal(position.cap!), "\(what)")
            }
        }
        for _ in 0..<600 {
            switch draw(0...9) {
            case 0...4 where held.count < 1000:
                // Tenths and odd billionths: 0.1 + 0.2 must be 0.3.
                let estimate = Credits(nano: draw(1...20) * 100_000_000 + draw(0...1) * draw(0...999))
                let bound = estimate.times(hundredths: 150)
                let isTagged = draw(0...1) == 0
                let scopes: [Budgets.Scope] = [.batch(Self.batch)] + (isTagged ? [.tag(Self.acme)] : [])
                guard budgets.verdict(for: bound, of: scopes).verdict == .allowed else { break }
                budgets.reserve(bound, for: scopes)
                held.append((bound, isTagged))
            case 5...8 where !held.isEmpty:
                let one = held.remove(at: Int(draw(0...Int64(held.count - 1))))
                let scopes: [Budgets.Scope] = [.batch(Self.batch)] + (one.isTagged ? [.tag(Self.acme)] : [])
                if draw(0...3) == 0 {
                    budgets.release(one.reserved, for: scopes)
                } else {
                    // The maximum is 1.5 × the estimate: up to half off the estimate in both directions.
                    let charge = Credits(nano: one.reserved.nano * draw(34...100) / 100)
                    #expect(budgets.settle(charge, reserved: one.reserved, for: scopes) == [])
                    bills.append((charge, one.isTagged))
                }
            case 9: budgets = book()
            default: break
            }
            check("seed \(seed)")
        }
        let sum = bills.reduce(CreditTotal.zero) { $0 + $1.charge }
        #expect(budgets[Self.batch]?.position.settled == sum)
        #expect(!bills.isEmpty)
    }
}
