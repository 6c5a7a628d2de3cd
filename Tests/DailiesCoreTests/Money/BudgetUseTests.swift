import Testing

@testable import DailiesCore

/// With an honest service a budget is used up: no guard may stop a batch early.
@Suite struct BudgetUseTests {
    private static let blocks = 8
    private static let casesEach: UInt64 = 60
    /// More events than any of these runs needs.
    private static let maximumEvents = 20_000

    /// One batch, one model, and a service that quotes and bills what it publishes.
    struct Case {
        let seed: UInt64
        let perSecond: Credits
        /// The length of each clip, in order.
        let seconds: [Int]
        let concurrency: Int
        let cap: Credits
        /// Whether the budget belongs to a tag that all clips have.
        let isOfTag: Bool

        /// - Parameter isUniform: whether all clips have the same length.
        init(seed: UInt64, isUniform: Bool) {
            self.seed = seed
            var random = SplitMix64(seed: seed)
            perSecond = Credits(nano: Int64.random(in: 1...700_000_000, using: &random))
            let length = Int.random(in: 1...20, using: &random)
            seconds = (0..<Int.random(in: 1...80, using: &random)).map { _ in
                isUniform ? length : Int.random(in: 1...20, using: &random)
            }
            concurrency = [1, 2, 5, 40].randomElement(using: &random) ?? 1
            let whole = seconds.reduce(0) { $0 + Int64($1) } * perSecond.nano
            cap = Credits(nano: Int64.random(in: 0...whole * 3 / 2, using: &random))
            isOfTag = Int.random(in: 0..<4, using: &random) == 0
        }

        func price(_ id: Int64) -> Credits { perSecond.times(hundredths: 100 * Int64(seconds[Int(id - 1)])) }
    }

    private static let tag = TagBudgetID(1)

    private func store(_ life: Case) -> StoreModel {
        var store = StoreModel()
        store.trust[SchedulerHarness.account] = .honored
        for (index, seconds) in life.seconds.enumerated() {
            store.add(
                SchedulerHarness.task(
                    Int64(index + 1), seconds: seconds, tagBudgets: life.isOfTag ? [Self.tag] : []))
        }
        return store
    }

    /// Runs until the end.
    private func run(_ life: Case, _ store: StoreModel, cap: Credits) -> SchedulerHarness {
        var store = store
        if !life.isOfTag { store.cap = cap }
        let settings = SchedulerHarness.settings {
            $0.concurrency = life.concurrency
            $0.downloads = false
            $0.quoteTolerance = 10
        }
        let published = PublishedPrice(
            figure: .rate(perSecond: life.perSecond, fee: .zero), resolution: nil, source: "")
        let catalog = ModelCatalog(
            compiled: "",
            models: [
                ModelSpec(
                    id: SchedulerHarness.model, vendor: "", durationSeconds: 1...20, resolutions: [],
                    defaultResolution: nil, aspectRatios: [], defaultAspectRatio: nil, extraFields: [:],
                    acceptsImageInit: false, cadence: SchedulerHarness.cadence, typicalLatency: nil,
                    typicalLatencyForSeconds: nil, prices: [published], urlLifetime: nil, withdrawn: nil)
            ])
        let rig = SchedulerHarness(settings: settings, store: store, catalog: catalog, seed: life.seed)
        rig.checksEvery = 20
        var position = store.position(SchedulerHarness.batch)
        position.cap = cap
        let budget = TagBudget(
            id: Self.tag, batch: SchedulerHarness.batch, tag: TaskSpec.Tag(name: "a", value: "b"), position: position)
        rig.start(prices: PriceBook(catalog: catalog), tagBudgets: life.isOfTag ? [budget] : [])
        drive(rig, life)
        return rig
    }

    /// Replies in random order, with time in between.
    private func drive(_ rig: SchedulerHarness, _ life: Case) {
        var random = SplitMix64(seed: life.seed &+ 77)
        var events = 0
        while rig.ending == nil, rig.problems.isEmpty, rig.cancels.isEmpty {
            events += 1
            guard events < Self.maximumEvents else { return }
            let replies = rig.submits.count + rig.questions.count
            guard replies > 0, rig.wakes.isEmpty || Int.random(in: 0..<8, using: &random) > 0 else {
                rig.serveNextWake()
                continue
            }
            let chosen = Int.random(in: 0..<replies, using: &random)
            if chosen < rig.submits.count {
                let id = rig.submits[chosen].attempt.task.rawValue
                var report = RemoteTask.queued("r\(id)")
                report.estimate = amount(life.price(id))
                rig.land(.accepted(report), id)
                continue
            }
            let question = rig.questions[chosen - rig.submits.count]
            let id = question.attempt.task.rawValue
            var report = RemoteTask.running("r\(id)")
            if Bool.random(using: &random) {
                report = .completed("r\(id)", cost: nil)
                report.charges = [amount(life.price(id))]
            }
            rig.answer(.found(report), id, question.purpose)
        }
    }

    private func amount(_ credits: Credits) -> Amount {
        Amount(credits: credits, text: "\(credits)", source: "credits_used", isRounded: false)
    }

    private func completed(_ rig: SchedulerHarness) -> [Int64] {
        rig.store.attempts.compactMap { id, attempt in attempt.charge == nil ? nil : id.task.rawValue }.sorted()
    }

    @Test(arguments: 0..<blocks)
    func `an honest service completes as many clips as the budget allows, give or take one`(block: Int) {
        for seed in UInt64(block) * Self.casesEach..<UInt64(block + 1) * Self.casesEach {
            let life = Case(seed: seed, isUniform: true)
            let rig = run(life, store(life), cap: life.cap)
            let held = min(Int(life.cap.nano / life.price(1).nano), life.seconds.count)
            let done = completed(rig).count
            #expect(rig.cancels.isEmpty && done <= held && done >= held - 1, "seed \(seed): \(done) of \(held)")
            let code = rig.ending.map { ExitCode.of($0, failed: 0, signal: nil) }
            #expect(code == (done == life.seconds.count ? .success : .budgetReached), "seed \(seed)")
            rig.expectSound()
            expectRest(life, rig)
        }
    }

    @Test(arguments: 0..<blocks)
    func `clips of any length are rendered in order until the next may exceed the budget`(block: Int) {
        for seed in UInt64(block) * Self.casesEach..<UInt64(block + 1) * Self.casesEach {
            let life = Case(seed: seed &+ 1_000_000, isUniform: false)
            // A full tag budget lets smaller clips pass.
            guard !life.isOfTag else { continue }
            let rig = run(life, store(life), cap: life.cap)
            let done = completed(rig)
            #expect(rig.cancels.isEmpty && done == Array(1...80).prefix(done.count).map(Int64.init), "seed \(seed)")
            let spent = done.reduce(CreditTotal.zero) { $0 + CreditTotal(life.price($1)) }
            #expect(spent <= CreditTotal(life.cap))
            if done.count < life.seconds.count {
                // 1.5 times the highest observed price plus a tenth; the highest price per second rounds up.
                let next = life.price(Int64(done.count + 1)).times(hundredths: 165).adding(Credits(nano: 100))
                #expect(spent + CreditTotal(next) > CreditTotal(life.cap), "seed \(seed): \(done.count) done")
                #expect(rig.ending?.budgetReached == true)
            }
            rig.expectSound()
            expectRest(life, rig)
        }
    }

    /// A sufficient budget renders the rest.
    private func expectRest(_ life: Case, _ rig: SchedulerHarness) {
        let all = life.seconds.indices.reduce(CreditTotal.zero) { $0 + CreditTotal(life.price(Int64($1 + 1))) }
        let enough = Credits(nano: all.whole * 2_000_000_000 + all.billionths * 2 + 10)
        let next = run(life, rig.store, cap: enough)
        #expect(completed(next).count == life.seconds.count && next.ending == RunResult(), "seed \(life.seed)")
        next.expectSound()
    }
}
