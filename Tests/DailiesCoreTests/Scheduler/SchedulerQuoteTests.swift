import Testing

@testable import DailiesCore

/// A quote above all known prices of a clip stops its model. The expected maximum here is two credits.
@Suite struct SchedulerQuoteTests {
    private func rig(_ count: Int64, concurrency: Int, tolerance: Int64?) -> SchedulerHarness {
        let settings = SchedulerHarness.settings {
            $0.concurrency = concurrency
            $0.quoteTolerance = tolerance
        }
        return SchedulerHarness.with(count, settings: settings)
    }

    @Test func `a price that triples after a hundred tasks costs nothing more, and both amounts are reported`() {
        let rig = rig(110, concurrency: 4, tolerance: 10)
        for id in 1...100 {
            rig.land(.accepted(.completed("r\(id)", cost: 2)), Int64(id))
            rig.save(Int64(id))
        }
        let submitting = rig.submits.map(\.attempt)
        #expect(submitting.count == 4)
        for id in submitting { rig.land(.accepted(.queued("r\(id)", estimate: 6)), id.task.rawValue) }
        #expect(rig.cancels == submitting)
        for id in submitting { rig.answerCancel(.found(.cancelled("r\(id)"))) }
        rig.advance(by: .seconds(5))
        for id in submitting { rig.answer(.found(.cancelled("r\(id)")), id.task.rawValue, .poll) }
        #expect(rig.sent.count == 104 && rig.submits.isEmpty)
        #expect(submitting.allSatisfy { rig.store.entries[$0.task]?.isWaiting == true })
        let charged = rig.store.attempts.values.reduce(CreditTotal.zero) { $0 + ($1.charge ?? .zero) }
        #expect(charged == CreditTotal(whole: 200, billionths: 0))
        let ending = rig.ending
        let reason = """
            the provider quotes 6 credits for a clip of sora-2-pro, more than the expected maximum of 2; no more \
            sora-2-pro clips were submitted; use --accept-quote to continue
            """
        #expect(ending?.isWorkOutstanding == true && ending?.reasons == [reason])
        rig.expectSound()
    }

    @Test(arguments: [(Int64(2), false), (3, true)])
    func `a quote within the tolerance is accepted`(quote: Int64, isStopped: Bool) {
        let rig = rig(2, concurrency: 1, tolerance: 49)
        rig.land(.accepted(.queued("r1", estimate: quote)))
        #expect(rig.cancels.isEmpty != isStopped)
        rig.expectSound()
    }

    @Test func `any quote continues if quotes are accepted`() {
        let rig = rig(2, concurrency: 2, tolerance: nil)
        rig.land(.accepted(.queued("r1", estimate: 60)), 1)
        #expect(rig.cancels.isEmpty && rig.attempt(1)?.reserved == Credits(nano: 66_000_000_000))
        rig.expectSound()
    }

    @Test func `a replayed render is accepted at its cost`() {
        let rig = rig(1, concurrency: 1, tolerance: 10)
        var report = RemoteTask.running("r1").made(10, before: rig.now)
        report.estimate = .of(6, from: "estimated_credits")
        rig.land(.accepted(report))
        #expect(rig.cancels.isEmpty)
        rig.advance(by: .seconds(2))
        rig.answer(.found(.completed("r1", cost: 6)))
        rig.save()
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `a task found rendering by its key is not cancelled, but its model stops`() {
        let rig = rig(3, concurrency: 1, tolerance: 10)
        rig.land(.timedOut)
        rig.advance(by: .seconds(1))
        var report = RemoteTask.running("r1")
        report.estimate = .of(6, from: "estimated_credits")
        rig.answer(.found(report), 1, .resolveSubmission)
        #expect(rig.cancels.isEmpty)
        while rig.questions.isEmpty, rig.ending == nil { rig.serveNextWake() }
        rig.answer(.found(.completed("r1", cost: 6)), 1, .poll)
        rig.save()
        #expect(rig.sent.count == 1 && rig.ending?.isWorkOutstanding == true)
        rig.expectSound()
    }

    private func billed(_ cost: Int64, quoted: Int64?, tolerance: Int64?, cap: Int64? = nil) -> SchedulerHarness {
        let settings = SchedulerHarness.settings {
            $0.concurrency = 1
            $0.quoteTolerance = tolerance
        }
        let rig = SchedulerHarness.with(3, settings: settings, cap: cap)
        rig.land(.accepted(.queued("r1", estimate: quoted)))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.completed("r1", cost: cost)), 1, .poll)
        rig.save(1)
        return rig
    }

    @Test(arguments: [nil, 100] as [Int64?])
    func `a bill far above its quote stops the model, with or without a budget, and both amounts are reported`(
        cap: Int64?
    ) {
        let rig = billed(10, quoted: 1, tolerance: 10, cap: cap)
        #expect(rig.sent.count == 1 && rig.submits.isEmpty)
        #expect(
            rig.ending.map { ExitCode.of($0, failed: 0, signal: nil) } == (cap == nil ? .stoppedEarly : .budgetReached))
        let reason = """
            the provider billed 10 credits for a clip of sora-2-pro after quoting 1; no more sora-2-pro clips were \
            submitted; use --accept-quote to continue
            """
        #expect(rig.ending?.reasons.contains(reason) == true, "\(rig.ending?.reasons ?? [])")
        rig.expectSound()
    }

    @Test(arguments: [(Int64(2), Int64(100)), (10, nil)])
    func `a bill within the tolerance continues, and any bill if quotes are accepted`(
        cost: Int64, tolerance: Int64?
    ) {
        let rig = billed(cost, quoted: 1, tolerance: tolerance)
        #expect(rig.submits.count == 1 && rig.ending == nil)
        rig.expectSound()
    }

    @Test(arguments: [nil, 0] as [Int64?])
    func `a bill without a quote is compared with the expected price`(quoted: Int64?) {
        #expect(billed(2, quoted: quoted, tolerance: 10).submits.count == 1)
        let rig = billed(3, quoted: quoted, tolerance: 10)
        #expect(rig.submits.isEmpty && rig.ending?.isWorkOutstanding == true)
        #expect(rig.ending?.reasons.first?.contains("billed 3 credits") == true)
        rig.expectSound()
    }

    @Test func `a bill that another run learns late also stops the model`() {
        let settings = SchedulerHarness.settings { $0.quoteTolerance = 10 }
        var store = SchedulerHarness.leftBehind(.completed(RemoteTaskID("r1"))) {
            $0.path = "/clip"
            $0.isCostAwaited = true
            $0.estimate = Credits(nano: 1_000_000_000)
        }
        for id in 2...9 { store.add(SchedulerHarness.task(Int64(id))) }
        store.trust[SchedulerHarness.account] = .honored
        let rig = SchedulerHarness(settings: settings, store: store)
        rig.start()
        let begun = rig.sent.count
        rig.answer(.found(.completed("r1", cost: 10)), 1, .complete)
        for submit in rig.submits {
            rig.land(.accepted(.failed("f\(submit.attempt.task)")), submit.attempt.task.rawValue)
        }
        #expect(rig.sent.count == begun && rig.ending?.isWorkOutstanding == true)
        rig.expectSound()
    }

    @Test func `an uncertain task is not resubmitted after a guard has stopped its model`() {
        let rig = rig(3, concurrency: 2, tolerance: 10)
        rig.land(.timedOut, 1)
        rig.land(.accepted(.queued("r2", estimate: 6)), 2)
        rig.advance(by: .seconds(2))
        rig.answer(.notFound(.notFound), 1, .resolveSubmission)
        #expect(rig.sent.count == 2 && rig.stage(1) == .uncertain)
        rig.expectSound()
    }

    @Test func `a quote is compared with bills of such clips before published prices, and with the user's rate too`() {
        let shape = SchedulerHarness.task(1).shape
        let published = PublishedPrice(
            figure: .rate(perSecond: Credits(nano: 50), fee: .zero), resolution: nil, source: "")
        let catalog = ModelCatalog(
            compiled: "",
            models: SchedulerHarness.catalog.models.values.map { model in
                ModelSpec(
                    id: model.id, vendor: "", durationSeconds: 1...20, resolutions: [], defaultResolution: nil,
                    aspectRatios: [], defaultAspectRatio: nil, extraFields: [:], acceptsImageInit: false,
                    cadence: .fallback, typicalLatency: nil, typicalLatencyForSeconds: nil, prices: [published],
                    urlLifetime: nil, withdrawn: nil)
            })
        var book = PriceBook(catalog: catalog)
        #expect(book.highestExpected(for: shape)?.nano == 400)
        book.learn(Credits(nano: 80), estimate: nil, for: shape)
        #expect(book.highestExpected(for: shape)?.nano == 80)
        let observed = ObservedPrice(
            shape: shape, charged: Credits(nano: 80), estimate: Credits(nano: 96), settledAt: .distantPast)
        let rated = PriceBook(
            catalog: catalog, rates: [shape.model: .init(perSecond: Credits(nano: 20), fee: .zero)],
            observed: [observed])
        #expect(rated.highestExpected(for: shape)?.nano == 160)
        let stored = PriceBook(
            catalog: catalog,
            observed: [observed])
        #expect(stored.highestExpected(for: shape)?.nano == 96)
    }

    @Test func `bills lower than their quotes do not make the next quote a price rise`() {
        var book = PriceBook(catalog: SchedulerHarness.catalog)
        let shape = SchedulerHarness.task(1).shape
        #expect(book.highestExpected(for: shape) == nil)
        book.learnQuote(Credits(nano: 16), for: shape)
        book.learn(Credits(nano: 8), estimate: Credits(nano: 16), for: shape)
        book.learnQuote(Credits(nano: 80), for: shape)
        #expect(book.highestExpected(for: shape)?.nano == 16)
        book.learn(Credits(nano: 24), estimate: nil, for: shape)
        #expect(book.highestExpected(for: shape)?.nano == 24)
    }
}
