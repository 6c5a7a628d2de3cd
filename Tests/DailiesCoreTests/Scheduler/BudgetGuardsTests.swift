import Testing

@testable import DailiesCore

/// Budgets, prices and their guards, and the times of polls.
@Suite struct BudgetGuardsTests {
    private let batch = SchedulerHarness.batch
    private let tag = TagBudgetID(7)

    /// Two credits for each task, of a budget with this cap.
    private func guards(cap: Int64?, tagCap: Int64? = nil, mode: BudgetMode = .cautious) -> BudgetGuards {
        var guards = BudgetGuards(quoteTolerance: 50)
        let tags = tagCap.map { cap in
            [
                TagBudget(
                    id: tag, batch: batch, tag: TaskSpec.Tag(name: "client", value: "acme"),
                    position: BudgetUsage(cap: credits(cap), settled: .zero, reserved: .zero))
            ]
        }
        guards.start(
            Budgets(
                batches: [batch: BudgetUsage(cap: cap.map(credits), settled: .zero, reserved: .zero, mode: mode)],
                tags: tags ?? []),
            PriceBook(catalog: SchedulerHarness.catalog, maximumPerTask: SchedulerHarness.maximumPerTask))
        return guards
    }

    private func credits(_ whole: Int64) -> Credits { Credits(nano: whole * 1_000_000_000) }

    private func attempt(_ task: WaitingTask, estimate: Int64? = nil, reserved: Credits? = nil) -> ActiveAttempt {
        var attempt = ActiveAttempt(
            id: task.attemptID,
            kind: AttemptTraits(
                AttemptTraits.Content(
                    batch: task.batch, shape: task.shape, account: SchedulerHarness.account,
                    tagBudgets: task.tagBudgets)),
            key: task.key, submissionKey: SubmissionKey("key"), sentAt: Instant(milliseconds: 0), output: nil,
            state: .accepted(RemoteTaskID("r1")), reserved: reserved, holdsSlot: true)
        attempt.estimate = estimate.map(credits)
        return attempt
    }

    private func begin(_ task: WaitingTask, in guards: inout BudgetGuards) -> Bool {
        guard case (.allowed(let bound), _) = guards.admit(task, mayFreeCredits: true) else { return false }
        guards.reserve(bound, for: task)
        return true
    }

    @Test func `a full batch budget waits while credits may be freed, and is then reached and reported once`() {
        var guards = guards(cap: 3)
        #expect(begin(SchedulerHarness.task(1), in: &guards))
        if case (.batchWaits, _) = guards.admit(SchedulerHarness.task(2), mayFreeCredits: true) {
        } else {
            Issue.record("it does not wait")
        }
        var details: [String?] = []
        for _ in 1...2 {
            if case (.reached(.batch(batch), let detail), _) = guards.admit(
                SchedulerHarness.task(2), mayFreeCredits: false)
            {
                details.append(detail)
            }
        }
        #expect(details.count == 2 && details[0] != nil && details[1] == nil)
    }

    @Test func `tasks of a tag wait behind the first one that waits, until credits are freed`() {
        var guards = guards(cap: nil, tagCap: 3)
        let tasks = (1...3).map { SchedulerHarness.task($0, tagBudgets: [tag]) }
        #expect(begin(tasks[0], in: &guards))
        for task in tasks[1...] {
            if case (.tagWaits, _) = guards.admit(task, mayFreeCredits: true) {} else { Issue.record("\(task.id)") }
        }
        #expect(begin(SchedulerHarness.task(4), in: &guards))
        #expect(guards.resumesTags(mayFreeCredits: true) == false)
        guards.release(attempt(tasks[0], reserved: credits(2)))
        #expect(guards.resumesTags(mayFreeCredits: true) && !guards.resumesTags(mayFreeCredits: false))
        #expect(begin(tasks[1], in: &guards))
    }

    @Test func `a stopped tag lets no task with it begin`() {
        var guards = guards(cap: nil, tagCap: 100)
        guards.stop(tag, "too expensive")
        if case (.stopped("too expensive"), _) = guards.admit(
            SchedulerHarness.task(1, tagBudgets: [tag]), mayFreeCredits: true)
        {
        } else {
            Issue.record("it is not stopped")
        }
        #expect(begin(SchedulerHarness.task(2), in: &guards))
    }

    @Test func `an estimate raises the reservation, and a budget that does not allow it is named`() {
        var guards = guards(cap: 3)
        let task = SchedulerHarness.task(1)
        #expect(begin(task, in: &guards))
        var attempt = attempt(task, estimate: 5, reserved: credits(2))
        let (reserved, refusing) = guards.reservation(byEstimateOf: attempt, isTrusted: false)
        #expect(refusing == .batch(batch) && reserved.map { $0 >= credits(5) } == true)
        #expect(guards.verdicts(on: attempt, refusedBy: refusing).map(\.reason).first == .budget)
        guards.reserve(reserved, byEstimateOf: &attempt)
        #expect(attempt.reserved == reserved && guards[batch]?.position.reserved == reserved.map { CreditTotal($0) })
    }

    @Test func `a bill replaces the reservation, and one above it is broken out by budget`() {
        var guards = guards(cap: 10)
        let task = SchedulerHarness.task(1)
        #expect(begin(task, in: &guards))
        var attempt = attempt(task, reserved: credits(2))
        #expect(guards.settle(credits(5), of: &attempt) == [.batch(batch)] && attempt.reserved == nil)
        #expect(guards[batch]?.position.reserved == .zero)
    }

    @Test func `a bill above its quote by more than the tolerance is objected to`() {
        let guards = guards(cap: nil)
        let attempt = attempt(SchedulerHarness.task(1), estimate: 2)
        #expect(guards.objection(to: .of(3, from: "cost"), of: attempt) == nil)
        #expect(guards.objection(to: .of(4, from: "cost"), of: attempt) != nil)
    }

    @Test func `the reason of a guard's cancel is kept until the cancel ends`() {
        var guards = guards(cap: nil)
        let id = SchedulerHarness.task(1).attemptID
        guards.noteCancel(of: id, "too expensive")
        #expect(guards.endCancel(of: id) == "too expensive" && guards.endCancel(of: id) == nil)
    }

    // MARK: Poll times

    @Test func `polls follow the documented cadence, then the late interval, then that of unresolved attempts`() {
        var times = PollTimes(SchedulerSettings(), SchedulerHarness.catalog)
        var attempt = attempt(SchedulerHarness.task(1))
        let sent = attempt.sentAt
        #expect(!times.learns)
        #expect(times.nextPoll(of: attempt, sent, after: nil) == sent + .seconds(2))
        #expect(times.nextPoll(of: attempt, sent + .seconds(90), after: nil) == sent + .seconds(95))
        #expect(
            !times.isPastCadence(attempt, sent + .seconds(239)) && times.isPastCadence(attempt, sent + .seconds(240)))
        #expect(times.nextPoll(of: attempt, sent + .seconds(240), after: nil) == sent + .seconds(250))
        #expect(
            !times.isPastWindow(attempt, sent + .seconds(3599)) && times.isPastWindow(attempt, sent + .seconds(3600)))
        attempt.isUnresolved = true
        #expect(times.nextPoll(of: attempt, sent + .seconds(3601), after: nil) == sent + .seconds(3661))
    }
}
