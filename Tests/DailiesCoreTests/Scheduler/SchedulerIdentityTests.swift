import Testing

@testable import DailiesCore

/// Ownership of renders: one service, account and task ID have one owner, and only the store knows every owner.
@Suite struct SchedulerIdentityTests {
    private let account = SchedulerHarness.account
    private let key = SubmissionKey("key-1#1")

    /// Two tasks being submitted, the first of which is accepted as `r1`.
    private func rig(_ count: Int64 = 2, trust: KeySupport = .honored) -> SchedulerHarness {
        let rig = SchedulerHarness.with(count, trust: trust)
        rig.land(.accepted(.queued("r1")), 1)
        return rig
    }

    private func uncertainties(_ rig: SchedulerHarness) -> [ProviderError] {
        rig.steps.compactMap { if case .uncertain(_, let fault) = $0 { fault } else { nil } }
    }

    // MARK: Learned IDs

    @Test func `a reply that names another attempt's task is rejected, and both names are logged`() {
        let rig = rig()
        rig.land(.accepted(.queued("r1", echo: "key-2#1")), 2)
        #expect(rig.stage(2) == .uncertain && rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: false))
        let fault = uncertainties(rig).last
        #expect(fault?.code == "task_id_taken")
        #expect(fault?.message == "the reply names the task r1, which belongs to task-1, attempt 1, in batch batch")
        #expect(rig.reported.contains(.uncertain(SchedulerHarness.name(2), reason: fault?.message ?? "")))
        rig.expectSound()
    }

    @Test func `after such a reply the submission is queried by key and found under its own ID`() {
        let rig = rig()
        rig.land(.accepted(.queued("r1")), 2)
        rig.advance(by: .seconds(1))
        rig.answer(.found(.running("r2")), 2, .resolveSubmission)
        #expect(rig.stage(2) == .accepted(RemoteTaskID("r2"), isRunning: true) && rig.sent.count == 2)
        rig.expectSound()
    }

    @Test func `after such a reply the same bytes are not resubmitted in that run, even if keys are honored`() {
        let rig = rig()
        rig.land(.accepted(.queued("r1")), 2)
        rig.advance(by: .seconds(1))
        rig.answer(.notFound(.notFound), 2, .resolveSubmission)
        #expect(rig.sent.count == 2 && rig.scheduler.tally.uncertain == 1)
        rig.expectSound()
    }

    @Test func `such a reply proves nothing about keys, whatever it echoes`() {
        let rig = SchedulerHarness.with(2, trust: .unknown)
        rig.land(.accepted(.queued("r1")), 1)
        rig.answer(.notFound(.notFound), 1, .verifyKeySupport)
        #expect(rig.store.trust[account] == .ignored)
        rig.land(.accepted(.queued("r1", echo: "key-2#1")), 2)
        #expect(rig.stage(2) == .uncertain && rig.store.trust[account] == .ignored)
        #expect(!rig.scheduler.accounts.isUnproven(account) && !rig.scheduler.accounts.isHonoring(account))
        rig.expectSound()
    }

    @Test
    func `an answer by key with a task that the store has is rejected, even if that task is no longer active`() {
        var store = SchedulerHarness.leftBehind(.completed(RemoteTaskID("r1"))) {
            $0.path = "/clips/1.mp4"
            $0.charge = .zero
            $0.remoteID = RemoteTaskID("r1")
        }
        store.addLeftBehind(.uncertain, id: 2)
        store.trust[account] = .ignored
        let rig = SchedulerHarness(store: store)
        rig.start()
        rig.answer(.found(.completed("r1")), 2, .resolveSubmission)
        #expect(rig.stage(2) == .uncertain && rig.ending?.uncertain == 1)
        #expect(rig.store.trust[account] == .ignored, "it does not prove key support either")
        let owner = "which belongs to task-1, attempt 1, in batch batch"
        let text = "the provider returned the task r1, \(owner) for its submission key"
        #expect(uncertainties(rig).last == ProviderError(kind: .unreadable, code: "task_id_taken", message: text))
        let reported =
            "sent, outcome unknown: the provider returned the task r1, \(owner) for its submission key; run `dailies reconcile`"
        #expect(rig.reported.contains(.uncertain(SchedulerHarness.name(2), reason: reported)))
        rig.expectSound()
    }

    @Test func `an earlier take of the same task owns its ID`() {
        let rig = SchedulerHarness.with(1, settings: SchedulerHarness.settings { $0.retries = 1 })
        rig.land(.accepted(.queued("r1")))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.failed("r1")))
        rig.land(.accepted(.queued("r1")))
        #expect(rig.stage(1, attempt: 2) == .uncertain)
        #expect(uncertainties(rig).last?.message.hasSuffix("belongs to task-1, attempt 1, in batch batch") == true)
        rig.expectSound()
    }

    @Test func `another account may have a task of the same ID`() {
        var store = StoreModel()
        store.add(SchedulerHarness.task(1))
        store.add(SchedulerHarness.task(2, model: ModelID("other-model")))
        store.trust = [account: .honored, SchedulerHarness.otherAccount: .honored]
        let rig = SchedulerHarness(store: store)
        rig.start(accounts: APIKeyRouting(byPrefix: ["": account, "other": SchedulerHarness.otherAccount]))
        rig.land(.accepted(.queued("r1")), 1)
        rig.land(.accepted(.queued("r1")), 2)
        #expect(rig.stage(2) == .accepted(RemoteTaskID("r1"), isRunning: false))
        rig.expectSound()
    }

    @Test func `nothing is applied, queried or ended before the store has decided who owns the task`() {
        let rig = SchedulerHarness.with(2, trust: .unknown)
        rig.holdsClaims = true
        rig.land(.accepted(.completed("r1")))
        rig.advance(by: .seconds(30))
        #expect(rig.questions.isEmpty && rig.downloads.isEmpty && rig.ending == nil)
        #expect(rig.sent.count == 1, "keys are not proven, so that one submit is on its way at a time")
        rig.handle(.stopRequested)
        #expect(rig.ending == nil)
        rig.deliverClaim()
        #expect(rig.stage(1) == .completed(RemoteTaskID("r1")) && rig.ending?.isInterrupted == true)
        rig.expectSound()
    }

    @Test func `the larger reservation applies until the store has answered, and the old one after a refusal`() {
        let rig = SchedulerHarness.with(2, cap: 100)
        rig.land(.accepted(.queued("r1", estimate: 1)), 1)
        rig.holdsClaims = true
        rig.land(.accepted(.queued("r1", estimate: 10)), 2)
        let held = { rig.scheduler.budgets[SchedulerHarness.batch]?.position.reserved }
        #expect(held() == CreditTotal(whole: 13, billionths: 0))
        rig.deliverClaim()
        #expect(held() == rig.store.position(SchedulerHarness.batch).reserved)
        #expect(held() == CreditTotal(whole: 4, billionths: 0))
        rig.expectSound()
    }

    // MARK: Proofs of keys

    @Test func `an answer without a task to a query by key proves nothing`() {
        let rig = SchedulerHarness.with(2, trust: .unknown)
        rig.land(.accepted(.queued("r1")), 1)
        rig.answer(.found(RemoteTask(phase: .running)), 1, .verifyKeySupport)
        #expect(rig.store.trust[account] == nil || rig.store.trust[account] == .unknown)
        rig.land(.accepted(.queued("r2")), 2)
        rig.answer(
            .found(
                RemoteTask(phase: .running, remoteID: RemoteTaskID("r2"), submissionKey: SubmissionKey("another"))),
            2, .verifyKeySupport)
        #expect(rig.store.trust[account] == .ignored)
        rig.expectSound()
    }

    // MARK: Replies about accepted tasks

    @Test func `a poll that names another task or submission is rejected and reported once`() {
        let rig = rig(1)
        let others = [
            RemoteTask.completed("r9"),
            RemoteTask(phase: .completed, remoteID: RemoteTaskID("r1"), submissionKey: SubmissionKey("another")),
        ]
        for other in others {
            while rig.questions.isEmpty { rig.serveNextWake() }
            rig.answer(.found(other), 1, .poll)
            #expect(rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: false))
        }
        #expect(
            rig.reported.filter { if case .warning = $0 { true } else { false } }
                == [.warning("task-1: the provider answered with the task r9 instead; still polling")])
        while rig.questions.isEmpty { rig.serveNextWake() }
        rig.answer(.found(.completed("r1")), 1, .poll)
        #expect(rig.stage(1) == .completed(RemoteTaskID("r1")))
        rig.expectSound()
    }

    @Test func `the reply to a cancel that names another submission cancels nothing`() {
        let settings = SchedulerHarness.settings { $0.quoteTolerance = 10 }
        let rig = SchedulerHarness.with(1, settings: settings)
        rig.land(.accepted(.queued("r1", estimate: 50)))
        #expect(rig.cancels.count == 1)
        rig.answerCancel(
            .found(
                RemoteTask(phase: .cancelled, remoteID: RemoteTaskID("r1"), submissionKey: SubmissionKey("another"))))
        #expect(rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: false))
        while rig.questions.isEmpty { rig.serveNextWake() }
        rig.answer(.found(.queued("r1")))
        #expect(rig.cancels.count == 1, "it is cancelled once more")
        rig.expectSound()
    }

    // MARK: Forgotten keys

    @Test(arguments: [(3600 * 24 - 60, true), (3600 * 24, false), (3600 * 72, false)])
    func `a key that is not found is resent only while the provider surely remembers it`(age: Int, isSent: Bool) {
        var store = SchedulerHarness.leftBehind(.uncertain)
        store.trust[account] = .honored
        let rig = SchedulerHarness(store: store, at: Instant(milliseconds: 1_000_000) + .seconds(age))
        rig.start()
        rig.answer(.notFound(.notFound))
        #expect(rig.sent.isEmpty != isSent)
        if !isSent {
            #expect(rig.ending?.uncertain == 1)
            let reason =
                "sent, outcome unknown: the provider does not recognize its submission key, which it may have forgotten (after 24 h)"
            #expect(
                rig.reported.contains(
                    .uncertain(SchedulerHarness.name(1), reason: reason + "; run `dailies reconcile`")))
        }
        rig.expectSound()
    }

    @Test func `the key memory can be set and is divided by the speed`() {
        for (memory, isSent) in [(Duration.seconds(3600), false), (.seconds(7200), true)] {
            var store = SchedulerHarness.leftBehind(.uncertain)
            store.trust[account] = .honored
            let settings = SchedulerHarness.settings { $0.keyMemory = memory }.divided(bySpeed: 60)
            let rig = SchedulerHarness(
                settings: settings, store: store, at: Instant(milliseconds: 1_000_000) + .seconds(90))
            rig.start()
            rig.answer(.notFound(.notFound))
            #expect(rig.sent.isEmpty != isSent)
            rig.expectSound()
        }
    }

    @Test func `a refusal of the second send settles nothing if the first may be forgotten`() {
        var store = SchedulerHarness.leftBehind(.uncertain)
        store.trust[account] = .honored
        let settings = SchedulerHarness.settings { $0.keyMemory = .seconds(300) }
        let rig = SchedulerHarness(settings: settings, store: store, at: Instant(milliseconds: 1_100_000))
        rig.start()
        rig.answer(.notFound(.notFound))
        rig.land(.refused(.status(400, "invalid_param")))
        while rig.ending == nil {
            if rig.questions.isEmpty { rig.serveNextWake() } else { rig.answer(.notFound(.notFound)) }
        }
        #expect(rig.stage(1) == .uncertain && rig.ending?.uncertain == 1)
        rig.expectSound()
    }

    @Test func `a resubmission that waited too long for its slot is not sent`() {
        let rig = SchedulerHarness.with(1)
        rig.land(.timedOut)
        rig.handle(.pauseRequested(.everything))
        rig.advance(by: .seconds(2))
        rig.answer(.notFound(.notFound))
        rig.advance(by: .seconds(3600 * 25))
        rig.handle(.unpauseRequested(.everything))
        #expect(rig.sent.count == 1 && rig.ending?.uncertain == 1)
        rig.expectSound()
    }

    @Test func `a resubmission counts its cadence and window from its own send, in the next run too`() {
        var store = SchedulerHarness.leftBehind(.uncertain)
        store.trust[account] = .honored
        let settings = SchedulerHarness.settings { $0.pollWindow = .seconds(7200) }
        // Sent two hours ago: the first send is past the window.
        let rig = SchedulerHarness(settings: settings, store: store, at: Instant(milliseconds: 8_200_000))
        rig.start()
        rig.answer(.notFound(.notFound))
        let start = rig.now
        rig.land(.accepted(.queued("r1")))
        rig.advance(by: .seconds(4))
        #expect(rig.askedAfter(.poll, since: start) == [2])
        #expect(
            rig.scheduler.tally.inFlight == 1 && !rig.steps.contains(.unresolved(AttemptID(task: TaskID(1), number: 1)))
        )
        #expect(rig.attempt(1)?.sentAt == start)
        rig.expectSound()

        let later = SchedulerHarness(settings: settings, store: rig.store, at: start + .seconds(61))
        later.start()
        later.advance(by: .seconds(2))
        #expect(later.askedAfter(.poll, since: start) == [62])
        #expect(later.scheduler.tally.inFlight == 1)
        later.expectSound()
    }

    // MARK: Replays

    @Test(arguments: [RemoteTask.running("r1"), .completed("r1"), RemoteTask(phase: .unknown("preparing"))])
    func `a new submit is not a replay, whatever its progress`(report: RemoteTask) {
        var report = report
        report.remoteID = RemoteTaskID("r1")
        report.submittedAt = Instant(milliseconds: 1_000_000)
        report.repliedAt = Instant(milliseconds: 1_002_000)
        let rig = SchedulerHarness.with(1)
        rig.land(.accepted(report))
        #expect(rig.attempt(1)?.isReplayed == false)
        rig.expectSound()
    }

    @Test func `a render made or completed before the submit, by the provider's clock, is a replay`() {
        let completed = RemoteTask(
            phase: .completed, remoteID: RemoteTaskID("r1"), completedAt: Instant(milliseconds: 5_000_000),
            repliedAt: Instant(milliseconds: 5_010_000))
        for report in [RemoteTask.queued().made(10, before: Instant(milliseconds: 77)), completed] {
            let rig = SchedulerHarness.with(1)
            rig.land(.accepted(report))
            #expect(rig.attempt(1)?.isReplayed == true)
            rig.expectSound()
        }
    }

    @Test func `an immediate start is checked against expected prices like any other`() {
        let settings = SchedulerHarness.settings {
            $0.quoteTolerance = 10
            $0.concurrency = 1
        }
        let rig = SchedulerHarness.with(3, settings: settings)
        var report = RemoteTask.running("r1")
        report.estimate = .of(10, from: "estimated_credits")
        rig.land(.accepted(report))
        rig.advance(by: .seconds(2))
        rig.answer(.found(.completed("r1", cost: 10)))
        rig.save()
        #expect(rig.sent.count == 1 && rig.ending?.isWorkOutstanding == true)
        #expect(rig.ending?.reasons.first?.contains("quotes 10 credits") == true)
        rig.expectSound()
    }

    // MARK: Clocks

    @Test func `times in the future are treated as now and reported once`() {
        let now = Instant(milliseconds: 1_000_000)
        let ahead = now + .seconds(86_400)
        var store = SchedulerHarness.leftBehind(.accepted(RemoteTaskID("r1"), isRunning: false), submittedAt: ahead)
        store.addLeftBehind(.accepted(RemoteTaskID("r2"), isRunning: true), id: 2, submittedAt: now) {
            $0.lostAt = ahead
        }
        store.addLeftBehind(.accepted(RemoteTaskID("r3"), isRunning: true), id: 3, submittedAt: now)
        let rig = SchedulerHarness(store: store, at: now)
        rig.start()
        rig.answer(.found(.running("r2")), 2, .poll)
        rig.advance(by: .seconds(2))
        #expect(Set(rig.questions.map(\.attempt.task.rawValue)) == [1, 2, 3], "all are queried within two seconds")
        func warnings(_ rig: SchedulerHarness) -> [RunEvent] {
            rig.reported.filter { if case .warning = $0 { true } else { false } }
        }
        let reason = "the clock was ahead when they were recorded, or is behind now"
        #expect(
            warnings(rig)
                == [.warning("2 unfinished attempts have times in the future, treated as now: \(reason)")])
        rig.expectSound()

        let one = SchedulerHarness(
            store: SchedulerHarness.leftBehind(.accepted(RemoteTaskID("r1"), isRunning: true), submittedAt: ahead),
            at: now)
        one.start()
        #expect(
            warnings(one) == [.warning("1 unfinished attempt has times in the future, treated as now: \(reason)")])
    }

    @Test func `a key of unknown age is not resent`() {
        var store = SchedulerHarness.leftBehind(.uncertain, submittedAt: Instant(milliseconds: 90_000_000))
        store.trust[account] = .honored
        let rig = SchedulerHarness(store: store)
        rig.start()
        rig.answer(.notFound(.notFound))
        #expect(rig.sent.isEmpty && rig.ending?.uncertain == 1)
        rig.expectSound()
    }

    // MARK: Gateways

    @Test func `a gateway's pages fail no task, are waited out, and end a run that can be resumed`() {
        let rig = SchedulerHarness.with(9)
        var landed = 0
        while rig.ending == nil, landed < 1000 {
            if rig.submits.isEmpty {
                rig.serveNextWake()
            } else {
                landed += 1
                rig.land(.notAccepted(.status(400)))
            }
        }
        #expect(landed < 200 && rig.ending?.isWorkOutstanding == true && rig.ending?.uncertain == 0)
        #expect((1...9).allSatisfy { rig.stage($0) == .notAccepted || rig.stage($0) == nil })
        #expect(rig.reported.contains { if case .paused(.outage, _, _) = $0 { true } else { false } })
        rig.expectSound()
    }

    private static let page = ProviderError(
        kind: .unreadable, status: 200, code: ProviderError.notTheAPI, message: "<html>")

    @Test(
        arguments: [
            (SubmitResult.notAccepted(.status(404)), 404), (.notAccepted(.status(405)), 405),
            (.stopped(.status(404), .noRoute), 404),
        ] as [(SubmitResult, Int)])
    func `a missing route stops the run before anything is marked`(outcome: SubmitResult, status: Int) {
        let rig = SchedulerHarness.with(9, trust: .unknown)
        rig.land(outcome)
        #expect(rig.sent.count == 1 && rig.ending?.isRouteMissing == true && rig.ending?.uncertain == 0)
        #expect(rig.ending?.isWorkOutstanding == true)
        #expect(
            rig.ending?.reasons
                == ["the API does not answer at http://provider; check the base URL (status \(status))"])
        #expect(rig.stage(1) == .notAccepted)
        #expect(rig.ending.map { ExitCode.of($0, failed: 0, signal: nil) } == .usage)
        rig.expectSound()
    }

    @Test func `a page in place of the first answer ends the run immediately and leaves its task to the user`() {
        let rig = SchedulerHarness.with(9, trust: .unknown)
        rig.land(.unknown(Self.page, isFreeByContract: false))
        #expect(rig.sent.count == 1 && rig.questions.isEmpty && rig.ending?.isRouteMissing == true)
        #expect(rig.stage(1) == .uncertain && rig.stage(2) == nil)
        #expect(uncertainties(rig).map(\.code) == [ProviderError.notTheAPI])
        #expect(rig.ending.map { ExitCode.of($0, failed: 0, signal: nil) } == .usage)
        rig.expectSound()

        let next = rig.restarted()
        next.start()
        next.answer(.fault(Self.page), 1, .resolveSubmission)
        // The first outcome does not block others: another submit may have left with the query.
        while !next.submits.isEmpty { next.land(.unknown(Self.page, isFreeByContract: false)) }
        #expect(next.sent.count <= 1 && next.ending?.isRouteMissing == true && next.stage(1) == .uncertain)
        next.expectSound()
    }

    @Test func `a page after the API has answered is an unknown outcome`() {
        for trust in [KeySupport.honored, .ignored] {
            let rig = SchedulerHarness.with(2, trust: trust)
            rig.land(.unknown(Self.page, isFreeByContract: false))
            #expect(rig.ending == nil && rig.stage(1) == .uncertain)
            rig.advance(by: .seconds(1))
            rig.answer(.found(.queued("r1")), 1, .resolveSubmission)
            #expect(rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: false))
            rig.expectSound()
        }
        let rig = SchedulerHarness(store: SchedulerHarness.leftBehind(.accepted(RemoteTaskID("r1"), isRunning: false)))
        #expect(rig.scheduler.accounts.mayLackRoute)
        rig.start()
        #expect(!rig.scheduler.accounts.mayLackRoute)
    }

    // MARK: Errors about other submissions

    @Test(arguments: [
        SubmitResult.refused(
            ProviderError(kind: .status, status: 400, message: "m", submissionKey: SubmissionKey("other"))),
        .notAccepted(ProviderError(kind: .status, status: 400, message: "m", submissionKey: SubmissionKey("other"))),
        .throttled(
            ProviderError(kind: .status, status: 429, message: "m", submissionKey: SubmissionKey("other")), .rate),
        .stopped(
            ProviderError(kind: .status, status: 403, message: "m", submissionKey: SubmissionKey("other")),
            .accessDenied),
    ])
    func `an error about another submission is ignored for this one`(outcome: SubmitResult) {
        let rig = SchedulerHarness.with(1)
        rig.land(outcome)
        #expect(rig.stage(1) == .uncertain && rig.ending == nil)
        #expect(uncertainties(rig).map(\.message) == ["the reply is about another submission"])
        rig.advance(by: .seconds(1))
        rig.answer(.found(.running("r1")), 1, .resolveSubmission)
        #expect(rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: true))
        rig.expectSound()
    }

    @Test func `a 404 or refusal about another submission answers no query`() {
        let missing = ProviderError(
            kind: .status, status: 404, code: "task_not_found", message: "m", submissionKey: SubmissionKey("other"))
        for answer in [QueryResult.notFound(missing), .stopped(missing, .accessDenied)] {
            let rig = rig()
            rig.land(.timedOut, 2)
            rig.advance(by: .seconds(1))
            rig.answer(answer, 2, .resolveSubmission)
            #expect(rig.sent.count == 2 && rig.stage(2) == .uncertain && rig.scheduler.tally.uncertain == 0)
            rig.advance(by: .seconds(2))
            rig.answer(answer, 1, .poll)
            #expect(
                rig.scheduler.attempts[AttemptID(task: TaskID(1), number: 1)]?.notFoundSince == nil && rig.ending == nil
            )
            rig.expectSound()
        }
        #expect(QueryResult.notFound(missing).checked(for: SubmissionKey("other")) == .notFound(missing))
        #expect(QueryResult.notFound(missing).checked(for: nil) == .notFound(missing))
    }

    @Test func `a 404 page after the service has answered is a transient fault`() {
        let rig = rig()
        rig.land(.notAccepted(.status(404)), 2)
        while rig.submits.isEmpty {
            rig.serveNextWake()
            if !rig.questions.isEmpty { rig.answer(.found(.running("r1"))) }
        }
        rig.land(.accepted(.queued("r2")), 2)
        #expect(rig.stage(2) == .accepted(RemoteTaskID("r2"), isRunning: false))
        rig.expectSound()
    }
}
