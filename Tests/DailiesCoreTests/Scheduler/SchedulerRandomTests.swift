import Testing

@testable import DailiesCore

/// Random runs, repeatable by seed: whatever a provider within its protocol answers, in any order, and wherever the
/// program is interrupted, the harness's invariants hold, every run ends, and the books equal the bill.
@Suite struct SchedulerRandomTests {
    /// More events than any of these runs needs.
    private static let eventLimit = 4000
    /// A thousand runs in total, each with up to three starts, in two seconds.
    private static let seedsEach: UInt64 = 125

    @Test(arguments: 0..<8)
    func `random runs keep the invariants, end, and account for every render`(block: UInt64) {
        for seed in block * Self.seedsEach..<(block + 1) * Self.seedsEach {
            let breaches = run(seed: seed)
            #expect(breaches.isEmpty, "seed \(seed): \(breaches.prefix(2).joined(separator: "\n"))")
            if !breaches.isEmpty { return }
        }
    }

    private func run(seed: UInt64) -> [String] {
        var random = SplitMix64(seed: seed)
        var provider = ProviderModel(seed: seed &+ 1_000_003, faults: Int.random(in: 0...120, using: &random))
        var rig = SchedulerHarness(
            settings: settings(&random), store: store(&random), seed: seed)
        rig.holdsLoads = Bool.random(using: &random)
        let holdsLoads = rig.holdsLoads
        rig.start(accounts: accounts)
        var crashes = Int.random(in: 0...2, using: &random)
        var runs = 1
        var events = 0
        while true {
            events += 1
            guard events < Self.eventLimit else { return rig.problems + ["it does not end"] }
            guard rig.problems.isEmpty else { return rig.problems }
            if rig.ending != nil {
                runs += 1
                // A later run must find nothing wrong in an earlier run's data.
                if runs > 3 { break }
            } else if crashes > 0, Int.random(in: 0..<60, using: &random) == 0 {
                crashes -= 1
                // Requests in flight may still arrive; their replies are lost.
                for submission in rig.submits where Bool.random(using: &random) { _ = provider.submit(submission) }
            } else {
                step(rig, &provider, &random)
                continue
            }
            rig = rig.restarted(seed: seed &+ UInt64(runs))
            rig.holdsLoads = holdsLoads
            rig.start(accounts: Int.random(in: 0..<10, using: &random) == 0 ? oneAccount : accounts)
        }
        return audit(rig.store, provider)
    }

    /// Each model has its own key; a later run may lack one of them.
    private let accounts = APIKeyRouting(byPrefix: [
        "": SchedulerHarness.account, "other": SchedulerHarness.otherAccount,
    ])
    private let oneAccount = APIKeyRouting(byPrefix: ["": SchedulerHarness.account])

    private func settings(_ random: inout SplitMix64) -> SchedulerSettings {
        var settings = SchedulerSettings()
        settings.concurrency = Int.random(in: 1...4, using: &random)
        settings.retries = Int.random(in: 0...2, using: &random)
        settings.pageSize = Int.random(in: 1...6, using: &random)
        settings.recoveryPageSize = Int.random(in: 1...6, using: &random)
        settings.uncertainLimit = Int.random(in: 1...5, using: &random)
        settings.unsavedLimit = Int.random(in: 2...8, using: &random)
        settings.downloads = Int.random(in: 0..<5, using: &random) > 0
        settings.trustsServerErrors = Int.random(in: 0..<4, using: &random) == 0
        if Int.random(in: 0..<3, using: &random) == 0 { settings.pollWindow = .seconds(60) }
        if Int.random(in: 0..<3, using: &random) == 0 { settings.modelConcurrency[ModelID("other-model")] = 1 }
        if Int.random(in: 0..<3, using: &random) == 0 { settings.cadence = .adaptive(share: 0.5) }
        if Int.random(in: 0..<4, using: &random) == 0 { settings.maximumPolicyRejections = 1 }
        if Int.random(in: 0..<4, using: &random) == 0 {
            var canary = CanarySettings(clips: Int.random(in: 1...4, using: &random))
            canary.successRate = Int.random(in: 0...100, using: &random)
            settings.canary = canary
        }
        if Int.random(in: 0..<3, using: &random) == 0 {
            let actions = RetryRules.Action.allCases
            settings.retryRules.rules = [
                .init(status: 400, action: actions[Int.random(in: 0..<actions.count, using: &random)]),
                .init(code: "internal", action: actions[Int.random(in: 0..<actions.count, using: &random)]),
            ]
        }
        if Int.random(in: 0..<4, using: &random) == 0 { settings.submitPace = SubmitRate(interval: .milliseconds(700)) }
        return Bool.random(using: &random) ? settings : settings.divided(bySpeed: 60)
    }

    private func store(_ random: inout SplitMix64) -> StoreModel {
        var store = StoreModel()
        let models = [SchedulerHarness.model, ModelID("other-model")]
        for id in 1...Int64.random(in: 1...9, using: &random) {
            store.add(
                SchedulerHarness.task(
                    id, model: models.randomElement(using: &random) ?? SchedulerHarness.model,
                    batch: BatchID(Int64.random(in: 1...2, using: &random)),
                    priority: Int.random(in: 0...1, using: &random)))
        }
        if Bool.random(using: &random) {
            store.cap = Credits(nano: Int64.random(in: 1...12, using: &random) * 1_000_000_000)
        }
        return store
    }

    /// The user changes limits or pauses something for a while.
    private func change(_ rig: SchedulerHarness, _ random: inout SplitMix64) {
        var limits = SubmissionLimits(concurrency: Int.random(in: 1...5, using: &random))
        if Bool.random(using: &random) {
            limits.byModel[SchedulerHarness.model] = Int.random(in: 1...3, using: &random)
        }
        if Bool.random(using: &random) {
            limits.pace = SubmitRate(interval: .milliseconds(Int.random(in: 1...3000, using: &random)))
        }
        let scopes: [PauseScope] = [.everything, .batch(BatchID(1)), .model(SchedulerHarness.model)]
        let scope = scopes[Int.random(in: 0..<3, using: &random)]
        switch Int.random(in: 0..<3, using: &random) {
        case 0: rig.handle(.pauseRequested(scope))
        default: rig.handle(.limitsChanged(limits))
        }
    }

    /// One event: a reply arrives, or the time advances to the next wake-up.
    private func step(_ rig: SchedulerHarness, _ provider: inout ProviderModel, _ random: inout SplitMix64) {
        if Int.random(in: 0..<400, using: &random) == 0 { return rig.handle(.stopRequested) }
        if Int.random(in: 0..<100, using: &random) == 0 {
            return change(rig, &random)
        }
        if !rig.loads.isEmpty, Int.random(in: 0..<3, using: &random) == 0 { return rig.deliverLoad() }
        if !rig.openLoads.isEmpty, Int.random(in: 0..<3, using: &random) == 0 { return rig.deliverOpenLoad() }
        let replies = rig.submits.count + rig.questions.count + rig.cancels.count + rig.downloads.count
        // Pauses end when nothing else happens, at the latest.
        if let scope = rig.scheduler.pauses.scopes.first, replies == 0 || Int.random(in: 0..<20, using: &random) == 0 {
            return rig.handle(.unpauseRequested(scope))
        }
        guard replies > 0, Int.random(in: 0..<4, using: &random) > 0 else {
            return rig.wakes.isEmpty ? () : rig.serveNextWake()
        }
        var chosen = Int.random(in: 0..<replies, using: &random)
        if chosen < rig.submits.count {
            let submission = rig.submits[chosen]
            return rig.land(provider.submit(submission), submission.attempt.task.rawValue)
        }
        chosen -= rig.submits.count
        if chosen < rig.questions.count {
            let question = rig.questions[chosen]
            return rig.answer(
                provider.query(question.question), question.attempt.task.rawValue, question.purpose)
        }
        chosen -= rig.questions.count
        if chosen < rig.cancels.count {
            guard let remote = rig.store.attempts[rig.cancels[0]]?.remote else { return }
            return rig.answerCancel(provider.cancel(remote))
        }
        rig.finishDownload(provider.download(), rig.downloads[chosen - rig.cancels.count].attempt.task.rawValue)
    }

    /// Compares the books with the bill.
    private func audit(_ store: StoreModel, _ provider: ProviderModel) -> [String] {
        var problems: [String] = []
        let counts = Dictionary(grouping: provider.renders, by: \.attempt).mapValues(\.count)
        for (attempt, count) in counts where count > 1 { problems.append("\(attempt) was rendered \(count) times") }
        for render in provider.renders {
            guard let kept = store.attempts[render.attempt] else {
                problems.append("the render \(render.remote) is in no book")
                continue
            }
            switch kept.stage {
            case .completed:
                if render.phase != .completed { problems.append("\(render.attempt) is not a completed render") }
                if let charge = kept.charge, charge != render.price {
                    problems.append("\(render.attempt) is booked wrong")
                }
            case .failed, .cancelled:
                if render.phase == .completed { problems.append("\(render.attempt) is paid and given up") }
            case .notAccepted, .submitting: problems.append("\(render.attempt) is rendered, and \(kept.stage)")
            case .uncertain, .accepted: break
            }
        }
        return problems
    }
}

extension StoreModel.Attempt {
    var remote: RemoteTaskID? {
        switch stage {
        case .accepted(let remote, _), .completed(let remote): remote
        case .submitting, .uncertain, .failed, .cancelled, .notAccepted: nil
        }
    }
}
