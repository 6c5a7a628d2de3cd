import Testing

@testable import DailiesCore

/// Unavailable models, canaries, consecutive rejections, and retry rules.
@Suite struct SchedulerGuardTests {
    private let veo = ModelID("veo-3.1")
    private let sora = SchedulerHarness.model
    private let unserved = SubmitResult.unknown(.status(503, "api_error"), isFreeByContract: true)

    private func ids(_ rig: SchedulerHarness) -> [Int64] { rig.sent.map(\.task.rawValue) }

    private func mixed(_ count: Int64, _ change: (inout SchedulerSettings) -> Void) -> SchedulerHarness {
        var store = StoreModel()
        for id in 1...count { store.add(SchedulerHarness.task(id, model: id % 2 == 1 ? veo : sora)) }
        store.trust[SchedulerHarness.account] = .honored
        let rig = SchedulerHarness(settings: SchedulerHarness.settings(change), store: store)
        rig.start()
        return rig
    }

    // MARK: Models

    @Test func `a 503 for one model pauses only its queue, and a probe detects its return`() {
        let rig = mixed(40) {
            $0.concurrency = 8
            $0.modelConcurrency[sora] = 5
        }
        for id in [1, 3, 5, 7] as [Int64] { rig.land(unserved, id) }
        #expect(rig.scheduler.models.isPaused(veo) && !rig.scheduler.outage.isOpen)
        // Their keys are queried and not found, and their resubmissions wait; the other model continues.
        rig.advance(by: .seconds(1))
        while let question = rig.questions.first(where: { $0.purpose == .resolveSubmission }) {
            rig.answer(.notFound(.notFound), question.attempt.task.rawValue, .resolveSubmission)
        }
        for _ in 0..<5 { rig.land(.refused(.status(400)), rig.submits.first?.attempt.task.rawValue) }
        #expect(rig.submits.allSatisfy { $0.model == sora })
        let before = rig.sent.count
        rig.advance(by: .seconds(20))
        let probe = rig.sent.dropFirst(before).filter { $0.task.rawValue % 2 == 1 }
        #expect(probe.count == 1)
        rig.land(.accepted(.queued("r1")), probe.first?.task.rawValue)
        #expect(!rig.scheduler.models.isPaused(veo))
        #expect(rig.steps.allSatisfy { if case .settled(let id, _) = $0 { id.task.rawValue % 2 == 0 } else { true } })
        rig.expectSound()
    }

    @Test func `a model that is unavailable for too long is given up, and its tasks stay`() {
        let rig = SchedulerHarness.with(2, settings: SchedulerHarness.settings { $0.concurrency = 1 })
        let start = rig.now
        while rig.ending == nil, rig.sent.count < 1000 {
            if !rig.submits.isEmpty {
                rig.land(unserved)
            } else if !rig.questions.isEmpty {
                rig.answer(.notFound(.notFound))
            } else {
                rig.serveNextWake()
            }
        }
        #expect(rig.now - start >= .seconds(900) && rig.now - start < .seconds(1000) && rig.sent.count < 60)
        #expect(rig.ending?.isWorkOutstanding == true && rig.ending?.uncertain == 1)
        #expect(rig.ending?.reasons.contains("the provider has been unable to serve sora-2-pro for 15 min") == true)
        rig.expectSound()
    }

    @Test
    func `a model that is no longer offered fails no task, is probed while others render, and then ends the run`() {
        let rig = mixed(4) { $0.concurrency = 2 }
        rig.land(.refused(.status(400, "model_not_found")), 1)
        #expect(rig.stage(1) == .notAccepted && ids(rig) == [1, 2, 4])
        rig.land(.accepted(.queued("r2")), 2)
        rig.land(.refused(.status(400)), 4)
        rig.advance(by: .seconds(12))
        #expect(ids(rig) == [1, 2, 4, 1])
        rig.land(.refused(.status(400, "model_not_found")), 1)
        while let question = rig.questions.first { rig.answer(.found(.failed("r2")), question.attempt.task.rawValue) }
        #expect(rig.ending?.isWorkOutstanding == true)
        #expect(rig.ending?.reasons == ["no more veo-3.1 clips were submitted: status 400"])
        rig.expectSound()
    }

    // MARK: Canary

    private func canary(_ change: (inout CanarySettings) -> Void = { _ in }) -> SchedulerHarness {
        var rule = CanarySettings(clips: 3)
        change(&rule)
        return SchedulerHarness.with(
            9,
            settings: SchedulerHarness.settings {
                $0.concurrency = 5
                $0.downloads = false
                $0.canary = rule
            })
    }

    private func complete(_ rig: SchedulerHarness, _ id: Int64, cost: Int64? = 1) {
        rig.land(.accepted(.completed("r\(id)", cost: cost)), id)
    }

    @Test func `a few clips go first, and the rest follows if they succeed`() {
        let rig = canary()
        #expect(ids(rig) == [1, 2, 3])
        complete(rig, 1)
        complete(rig, 2)
        #expect(ids(rig) == [1, 2, 3])
        complete(rig, 3)
        #expect(ids(rig) == [1, 2, 3, 4, 5, 6, 7, 8] && rig.reported.contains(.resumed))
        rig.expectSound()
    }

    @Test func `too many failed canary clips stop the run and are reported`() {
        let rig = canary()
        complete(rig, 1)
        complete(rig, 2)
        rig.land(.refused(.status(400)), 3)
        #expect(ids(rig) == [1, 2, 3] && rig.ending?.isWorkOutstanding == true)
        let message = "2 of 3 canary clips completed (66 %); 80 % required; nothing more was submitted"
        #expect(rig.ending?.reasons == [message])
        rig.expectSound()
    }

    @Test func `a canary that costs too much stops the run, also if its cost stays unknown`() {
        for cost in [5, nil] as [Int64?] {
            let rig = canary { $0.maximumCredits = Credits(nano: 4_000_000_000) }
            complete(rig, 1)
            complete(rig, 2, cost: cost)
            complete(rig, 3)
            while cost == nil, rig.ending == nil, rig.now < Instant(milliseconds: 1_100_000) {
                if rig.questions.isEmpty {
                    rig.serveNextWake()
                } else {
                    rig.answer(.found(.completed("r2", cost: nil)))
                }
            }
            let what = cost == nil ? "an unknown amount" : "5 credits"
            #expect(ids(rig) == [1, 2, 3])
            #expect(
                rig.ending?.reasons == [
                    "the canary clip task-2 cost \(what); the limit is 4 per clip; nothing more was submitted"
                ])
            rig.expectSound()
        }
    }

    @Test
    func `an unsent canary clip is replaced, and fewer tasks than canary clips need no verdict`() {
        let rig = canary()
        rig.land(.throttled(.status(429), .rate), 2)
        rig.advance(by: .seconds(4))
        #expect(ids(rig) == [1, 2, 3, 2])
        let few = SchedulerHarness.with(
            2,
            settings: SchedulerHarness.settings {
                $0.downloads = false
                $0.canary = CanarySettings(clips: 3)
            })
        few.land(.refused(.status(400)), 1)
        few.land(.refused(.status(400)), 2)
        #expect(few.ending == RunResult())
    }

    // MARK: Rejections

    @Test func `ten consecutive policy rejections end submission, and a rendered clip resets the count`() {
        let rig = SchedulerHarness.with(
            30,
            settings: SchedulerHarness.settings {
                $0.concurrency = 1
                $0.downloads = false
            })
        for id in 1...9 { rig.land(.refused(.status(451)), Int64(id)) }
        complete(rig, 10)
        for id in 11...19 { rig.land(.refused(.status(451)), Int64(id)) }
        #expect(rig.ending == nil)
        rig.land(.refused(.status(451)), 20)
        #expect(rig.ending?.isWorkOutstanding == true && rig.sent.count == 20)
        #expect(rig.ending?.reasons.first?.hasPrefix("the content policy rejected 10 clips in a row") == true)
        rig.expectSound()
    }

    @Test func `counting rejections can be disabled`() {
        let rig = SchedulerHarness.with(
            30,
            settings: SchedulerHarness.settings {
                $0.concurrency = 1
                $0.maximumPolicyRejections = nil
            })
        for id in 1...30 { rig.land(.refused(.status(451)), Int64(id)) }
        #expect(rig.ending == RunResult())
    }

    // MARK: Retry rules

    @Test func `the first matching rule decides, and unmatched failed renders are retried`() {
        let rules = RetryRules(rules: [
            .init(code: "content_policy_violation", text: "Violence", action: .skip),
            .init(code: "content_policy_violation", action: .newSeed), .init(status: 422, action: .retry),
        ])
        func action(_ status: Int?, _ code: String?, _ message: String? = nil) -> RetryRules.Action {
            rules.action(for: .init(status: status, code: code, message: message))
        }
        #expect(action(nil, "content_policy_violation", "graphic violence") == .skip)
        #expect(action(nil, "content_policy_violation", "a face") == .newSeed)
        #expect(action(nil, "content_policy_violation") == .newSeed)
        #expect(action(422, nil) == .retry && action(400, "whatever") == .skip)
        #expect(action(400, "model_not_found") == .pause && action(nil, "invalid_param") == .skip)
        #expect(action(nil, "internal") == .retry && action(nil, nil) == .retry && action(451, nil) == .skip)
    }

    private var seeded: ModelCatalog {
        let spec = SchedulerHarness.catalog.models[sora].map { known in
            ModelSpec(
                id: known.id, vendor: known.vendor, durationSeconds: known.durationSeconds,
                resolutions: known.resolutions, defaultResolution: known.defaultResolution, aspectRatios: [],
                defaultAspectRatio: nil, extraFields: ["seed": .integer], acceptsImageInit: false,
                cadence: known.cadence, typicalLatency: nil, typicalLatencyForSeconds: nil, prices: [],
                urlLifetime: nil, withdrawn: nil)
        }
        return ModelCatalog(compiled: "2026-11-23", models: spec.map { [$0] } ?? [])
    }

    @Test
    func `a new seed applies to the next attempt and is always the same, and other failures keep their seed`() {
        let rules = RetryRules(rules: [.init(code: "ugly", action: .newSeed)])
        let settings = SchedulerHarness.settings {
            $0.concurrency = 1
            $0.retries = 2
            $0.retryRules = rules
        }
        var seeds: [[Int64?]] = []
        for _ in 0..<2 {
            var store = StoreModel()
            store.add(SchedulerHarness.task(1))
            store.trust[SchedulerHarness.account] = .honored
            let rig = SchedulerHarness(settings: settings, store: store, catalog: seeded)
            rig.start()
            var seen: [Int64?] = []
            for (attempt, code) in [(1, "ugly"), (2, "internal")] {
                rig.land(.accepted(.failed("r\(attempt)", code: code)))
                seen.append(rig.store.seeds[TaskID(1)])
            }
            #expect(rig.submits.map(\.attempt) == [AttemptID(task: TaskID(1), number: 3)])
            #expect(
                rig.steps.count { if case .reseeded(TaskID(1), _, isByRule: true) = $0 { true } else { false } } == 1)
            rig.expectSound()
            seeds.append(seen)
        }
        #expect(seeds[0] == seeds[1] && seeds[0][0] == seeds[0][1] && seeds[0][0] != nil)
    }

    @Test func `a model without a seed is retried unchanged`() {
        let rig = SchedulerHarness.with(
            1,
            settings: SchedulerHarness.settings {
                $0.retries = 1
                $0.retryRules = RetryRules(rules: [.init(code: "ugly", action: .newSeed)])
            })
        rig.land(.accepted(.failed("r1", code: "ugly")))
        #expect(rig.submits.map(\.attempt.number) == [2] && rig.store.seeds.isEmpty)
        rig.expectSound()
    }

    @Test func `a refused submit is retried only by rule and within the maximum`() {
        let rules = RetryRules(rules: [.init(status: 422, action: .retry)])
        let rig = SchedulerHarness.with(
            1,
            settings: SchedulerHarness.settings {
                $0.retries = 1
                $0.retryRules = rules
            })
        rig.land(.refused(.status(422)))
        #expect(rig.submits.map(\.attempt.number) == [2])
        rig.land(.refused(.status(422)))
        #expect(rig.ending == RunResult() && rig.sent.count == 2)
        rig.expectSound()
    }
}
