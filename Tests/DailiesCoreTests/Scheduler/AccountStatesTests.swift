import Testing

@testable import DailiesCore

/// API keys and their support of submission keys, the progress of recovery, and that of a run.
@Suite struct AccountStatesTests {
    private let account = SchedulerHarness.account
    private let id = AttemptID(task: TaskID(1), number: 1)
    private let remote = RemoteTaskID("r1")

    private func states(_ support: [KeyFingerprint: KeySupport] = [:]) -> AccountStates {
        var states = AccountStates(baseURL: "http://provider", dialect: .flat)
        states.start(APIKeyRouting(byPrefix: ["": account]), support: support)
        return states
    }

    private var check: AccountStates.KeyCheck {
        AccountStates.KeyCheck(attempt: id, key: SubmissionKey("key"), remote: remote)
    }

    @Test func `until keys are proven, one submit, claim or check is in flight at a time`() {
        var states = states()
        #expect(states.maySubmit(with: account) && states.isUnproven(account) && !states.isHonoring(account))
        states.submitSent(with: account)
        #expect(!states.maySubmit(with: account) && states.totalSubmitsInFlight == 1)
        states.submitEnded(with: account)
        #expect(states.maySubmit(with: account))
        states.beginCheck(check, of: account)
        #expect(!states.maySubmit(with: account) && states.checkedKey(of: id) == check.key)
        #expect(states.endCheck(of: id, .notFound(.notFound))?.trust == .ignored)
        #expect(states.maySubmit(with: account) && states.checkedKey(of: id) == nil && !states.isUnproven(account))
        states.honored(account)
        states.submitSent(with: account)
        #expect(states.maySubmit(with: account) && states.maySubmit(with: SchedulerHarness.otherAccount))
    }

    @Test func `a claim blocks its account until the store has decided`() {
        var states = states()
        let acceptance = Acceptance(remoteID: remote, isRunning: false, estimate: nil, reserved: nil, source: .reply)
        states.claim(
            id,
            AccountStates.Claim(
                account: account, report: .queued(), acceptance: acceptance, source: .reply, evidence: nil,
                reserved: nil, verdicts: [], command: nil))
        #expect(states.hasClaims && states.isClaiming(id) && !states.maySubmit(with: account))
        #expect(states.takeClaim(of: id) != nil && states.takeClaim(of: id) == nil && states.maySubmit(with: account))
    }

    @Test(arguments: [
        (QueryResult.found(.queued("r1")), KeySupport.honored, "query_found"),
        (.found(.queued("r2")), .ignored, "query_found_another"), (.notFound(.notFound), .ignored, "query_not_found"),
    ])
    func `the answer to a key check shows key support`(answer: QueryResult, shown: KeySupport, evidence: String) {
        var states = states()
        states.beginCheck(check, of: account)
        let record = states.endCheck(of: id, answer)
        #expect(record == states.record(shown, of: account, evidence: evidence))
        #expect(states.isHonoring(account) == (shown == .honored))
        #expect(states.endCheck(of: id, answer) == nil)
    }

    @Test func `a fault proves nothing, and nor does an answer after key support is known`() {
        var states = states()
        states.beginCheck(check, of: account)
        #expect(states.endCheck(of: id, .fault(.timeout)) == nil && states.isUnproven(account))
        states.beginCheck(check, of: account)
        states.honored(account)
        #expect(states.endCheck(of: id, .notFound(.notFound)) == nil && states.isHonoring(account))
    }

    @Test func `an answer or known key support proves the route`() {
        var states = states()
        #expect(states.mayLackRoute && !self.states([account: .ignored]).mayLackRoute)
        states.proveRoute()
        #expect(!states.mayLackRoute)
    }

    // MARK: Recovery

    @Test func `recovery reads page after page, and what waits for the last one is taken once`() {
        var recovery = Recovery()
        #expect(!recovery.hasStarted && recovery.nextPage() == nil)
        recovery.start([])
        #expect(recovery.hasStarted && recovery.isLoading && recovery.nextPage() == nil)
        let page = SchedulerHarness.leftBehind(.submitting).openPage(after: nil, limit: 1)
        recovery.received(page, isLast: false)
        recovery.queryLater(id)
        recovery.noteFutureTime()
        recovery.noteMissingKey(SchedulerHarness.otherAccount)
        #expect(!recovery.isLoading && recovery.nextPage() == page[0].place && recovery.isLoading)
        recovery.received([], isLast: false)
        #expect(recovery.isWhole && recovery.nextPage() == nil)
        let deferred = recovery.takeDeferred()
        #expect(deferred.warnings.count == 2 && deferred.unknown == [id] && deferred.commands.isEmpty)
        #expect(recovery.takeDeferred().unknown.isEmpty)
    }

    @Test func `a run queries awaited costs, and a limited number of unknown ones`() {
        var recovery = Recovery()
        #expect(!recovery.mayAsk(for: .known, limit: 1) && recovery.mayAsk(for: .awaited, limit: 0))
        #expect(recovery.mayAsk(for: .unknown, limit: 1) && !recovery.mayAsk(for: .unknown, limit: 1))
    }

    // MARK: Progress

    @Test func `a run that gives up submits and queries nothing more, for one reason`() {
        var run = RunProgress()
        run.giveUp("no answer")
        run.endSubmission("no answer")
        #expect(run.isSubmissionOver && run.areQueriesOver && run.result.isWorkOutstanding)
        #expect(run.result.reasons == ["no answer"] && !run.isStopping && !run.isFinished)
        run.stop()
        run.finish(uncertain: 1, unsaved: 2)
        #expect(run.isStopping && run.isFinished && run.result.isInterrupted)
        #expect(run.result.uncertain == 1 && run.result.unsaved == 2)
    }

    @Test(arguments: [
        (AccessDenial.keyRefused, [true, false, false]), (.noRoute, [false, false, true]),
        (.noFunds, [false, true, false]), (.modelNotInGroup, [false, true, false]),
        (.accessDenied, [false, true, false]),
    ])
    func `a denial decides the exit code`(denial: AccessDenial, flags: [Bool]) {
        var run = RunProgress()
        run.deny(denial)
        #expect([run.result.keyRefused, run.result.accountRefused, run.result.isRouteMissing] == flags)
        #expect(!run.isSubmissionOver)
    }
}
