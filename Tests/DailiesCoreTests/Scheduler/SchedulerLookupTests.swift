import Testing

@testable import DailiesCore

/// Lookups that users request (`reconcile`, `--adopt`, `--assume-lost`), in a run and in one that serves only commands.
@Suite struct SchedulerLookupTests {
    private static let served = CommandID(1)
    private static let notFound = QueryResult.notFound(.notFound)

    /// A run that serves only commands, with one attempt that an earlier run left open.
    private func serving(
        _ stage: StoreModel.Stage, beside others: (inout StoreModel) -> Void = { _ in },
        change: (inout StoreModel.Attempt) -> Void = { _ in }
    ) -> SchedulerHarness {
        let settings = SchedulerHarness.settings {
            $0.servesCommandsOnly = true
            $0.submitsNothing = true
            $0.downloads = false
        }
        var store = SchedulerHarness.leftBehind(stage, change: change)
        others(&store)
        let rig = SchedulerHarness(settings: settings, store: store)
        rig.start(scope: [])
        return rig
    }

    private func lookUp(_ action: UserCommand.Action, id: Int64 = 1, command: Int64 = 1, in rig: SchedulerHarness) {
        let attempt = AttemptID(task: TaskID(id), number: 1)
        let lookup = UserCommand(
            id: CommandID(command), order: action, attempt: attempt,
            queue: TaskQueueID(batch: SchedulerHarness.batch, model: SchedulerHarness.model))
        rig.handle(.commanded(lookup))
    }

    /// Nothing is left in the scheduler, and the run ends once it is stopped.
    private func expectEnd(_ rig: SchedulerHarness) {
        #expect(rig.scheduler.attempts.values.count { _ in true } == 0 && rig.submits.isEmpty)
        #expect(rig.ending == nil, "it serves commands until it is stopped")
        rig.handle(.stopRequested)
        #expect(rig.ending != nil)
        rig.expectSound()
    }

    @Test func `an uncertain attempt that the provider finds is recorded, and then left to a run`() {
        let rig = serving(.uncertain)
        lookUp(.reconcile, in: rig)
        #expect(rig.questions.map(\.question.subject) == [.key(SubmissionKey("key-1#1"))])
        rig.answer(.found(.queued("r1")))
        #expect(rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: false))
        #expect(rig.store.commands == [Self.served: .found] && rig.store.trust.values.first == .honored)
        expectEnd(rig)
    }

    @Test func `an uncertain attempt that has completed is settled with its cost`() {
        let rig = serving(.uncertain)
        lookUp(.reconcile, in: rig)
        rig.answer(.found(.completed("r1", cost: 2)))
        #expect(rig.store.commands == [Self.served: .found])
        #expect(rig.attempt(1)?.charge == Credits(nano: 2_000_000_000) && rig.downloads.isEmpty)
        expectEnd(rig)
    }

    @Test func `an attempt that the provider does not find stays uncertain, and is never submitted`() {
        let rig = serving(.uncertain)
        lookUp(.reconcile, in: rig)
        rig.answer(Self.notFound)
        #expect(rig.store.commands == [Self.served: .notFound] && rig.stage(1) == .uncertain)
        expectEnd(rig)
    }

    @Test func `an adopted task is queried by the given ID and belongs to the attempt`() {
        let rig = serving(.uncertain)
        lookUp(.adopt(RemoteTaskID("r9")), in: rig)
        #expect(rig.questions.map(\.question.subject) == [.remote(RemoteTaskID("r9"))])
        rig.answer(.found(.running("r9")))
        #expect(rig.stage(1) == .accepted(RemoteTaskID("r9"), isRunning: true))
        #expect(rig.store.commands == [Self.served: .adopted])
        #expect(rig.questions.isEmpty, "a key that the provider never saw is not tested")
        expectEnd(rig)
    }

    @Test func `a lookup ends in the commit that claims the task`() {
        let ends: [(UserCommand.Action, CommandOutcome)] = [
            (.adopt(RemoteTaskID("r9")), .adopted), (.reconcile, .found), (.assumeLost(afterLookup: true), .refused),
        ]
        for (action, outcome) in ends {
            let rig = serving(.uncertain)
            rig.holdsClaims = true
            lookUp(action, in: rig)
            rig.answer(.found(.running("r9")))
            #expect(rig.stage(1) == .accepted(RemoteTaskID("r9"), isRunning: true))
            #expect(rig.store.commands == [Self.served: outcome], "a crash here leaves no command open")
            rig.deliverClaim()
            expectEnd(rig)
        }
    }

    @Test func `the answer about a task to adopt belongs to that command alone`() {
        let later: [(UserCommand.Action, CommandOutcome)] = [
            (.reconcile, .notFound), (.adopt(RemoteTaskID("r2")), .refused),
            (.cancel(evenIfCharged: false), .uncertain),
            (.assumeLost(afterLookup: true), .assumedLost),
        ]
        for (action, outcome) in later {
            let rig = serving(.uncertain)
            lookUp(.adopt(RemoteTaskID("r9")), command: 1, in: rig)
            lookUp(action, command: 2, in: rig)
            #expect(rig.questions.count == 1, "one command at a time")
            rig.answer(Self.notFound)
            #expect(rig.store.commands == [Self.served: .refused])
            let subject: TaskQuery.Subject =
                if case .adopt(let remote) = action { .remote(remote) } else { .key(SubmissionKey("key-1#1")) }
            #expect(rig.questions.map(\.question.subject) == [subject], "the second command asks itself")
            rig.answer(Self.notFound)
            #expect(rig.store.commands == [Self.served: .refused, CommandID(2): outcome])
            expectEnd(rig)
        }
    }

    @Test func `an adoption does not prove key support, and a later lookup finds what was adopted`() {
        let rig = serving(.uncertain)
        lookUp(.adopt(RemoteTaskID("r9")), command: 1, in: rig)
        lookUp(.reconcile, command: 2, in: rig)
        rig.answer(.found(.running("r9")))
        #expect(rig.stage(1) == .accepted(RemoteTaskID("r9"), isRunning: true))
        #expect(rig.store.commands == [Self.served: .adopted, CommandID(2): .found])
        #expect(rig.store.trust.isEmpty)
        expectEnd(rig)
    }

    @Test func `an answer by key that comes before the adoption decides under its own task`() {
        let rig = SchedulerHarness(store: SchedulerHarness.leftBehind(.uncertain))
        rig.start()
        #expect(rig.questions.map(\.question.subject) == [.key(SubmissionKey("key-1#1"))])
        lookUp(.adopt(RemoteTaskID("r9")), in: rig)
        rig.answer(.found(.running("r1")))
        #expect(rig.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: true))
        #expect(rig.store.commands == [Self.served: .found])
    }

    @Test func `a cancel even if charged is not weakened by a plain one that follows`() {
        let rig = serving(.accepted(RemoteTaskID("r1"), isRunning: true), change: { $0.remoteID = RemoteTaskID("r1") })
        lookUp(.cancel(evenIfCharged: true), command: 1, in: rig)
        lookUp(.cancel(evenIfCharged: false), command: 2, in: rig)
        rig.answer(.found(.running("r1")))
        #expect(rig.cancels.count == 1, "the first command stays what it was")
        rig.answerCancel(.found(.running("r1")))
        #expect(rig.store.commands[Self.served] == .requested)
        rig.answer(.found(.running("r1")), 1, .poll)
        #expect(rig.store.commands[CommandID(2)] == .alreadyRunning && rig.cancels.count <= 1)
    }

    @Test func `a task that was already adopted is adopted, without a query`() {
        let remote = RemoteTaskID("r9")
        let rig = serving(.accepted(remote, isRunning: false), change: { $0.remoteID = remote })
        lookUp(.adopt(remote), in: rig)
        #expect(rig.store.commands == [Self.served: .adopted] && rig.asked.isEmpty)
        expectEnd(rig)
    }

    @Test func `a task that is unknown, another one or taken is not adopted`() {
        let unknown = serving(.uncertain)
        lookUp(.adopt(RemoteTaskID("r9")), in: unknown)
        unknown.answer(Self.notFound)
        #expect(unknown.store.commands == [Self.served: .refused])

        let another = serving(.uncertain)
        lookUp(.adopt(RemoteTaskID("r9")), in: another)
        another.answer(.found(.queued("r9", echo: "another")))
        #expect(another.store.commands == [Self.served: .otherTask])

        let taken = serving(.uncertain) { store in
            let remote = RemoteTaskID("r9")
            store.addLeftBehind(.accepted(remote, isRunning: false), id: 2) { $0.remoteID = remote }
        }
        lookUp(.adopt(RemoteTaskID("r9")), in: taken)
        taken.answer(.found(.queued("r9")))
        #expect(taken.store.commands == [Self.served: .otherTask])

        for rig in [unknown, another, taken] {
            #expect(rig.stage(1) == .uncertain)
            expectEnd(rig)
        }
    }

    @Test func `an attempt is given up only if the provider does not find it, unless no lookup is wanted`() {
        let absent = serving(.uncertain)
        lookUp(.assumeLost(afterLookup: true), in: absent)
        absent.answer(Self.notFound)
        #expect(absent.stage(1) == .failed && absent.store.commands == [Self.served: .assumedLost])
        #expect(absent.attempt(1)?.reserved == Credits(nano: 2_000_000_000), "it may have been billed")
        expectEnd(absent)

        let present = serving(.uncertain)
        lookUp(.assumeLost(afterLookup: true), in: present)
        present.answer(.found(.running("r1")))
        #expect(present.store.commands == [Self.served: .refused])
        #expect(present.stage(1) == .accepted(RemoteTaskID("r1"), isRunning: true))
        expectEnd(present)

        let unasked = serving(.uncertain)
        lookUp(.assumeLost(afterLookup: false), in: unasked)
        #expect(unasked.stage(1) == .failed && unasked.asked.isEmpty)
        expectEnd(unasked)
    }

    @Test func `a lost attempt is looked up by its task ID, and found, still lost or given up`() {
        let lost = StoreModel.Stage.accepted(RemoteTaskID("r1"), isRunning: false)
        let mark = { (attempt: inout StoreModel.Attempt) in attempt.lostAt = Instant(milliseconds: 1_000_000) }
        let found = serving(lost, change: mark)
        lookUp(.reconcile, in: found)
        found.answer(.found(.queued("r1")))
        #expect(found.store.commands == [Self.served: .found] && found.attempt(1)?.lostAt == nil)
        let absent = serving(lost, change: mark)
        lookUp(.reconcile, in: absent)
        absent.answer(Self.notFound)
        #expect(absent.store.commands == [Self.served: .notFound] && absent.attempt(1)?.lostAt != nil)
        let given = serving(lost, change: mark)
        lookUp(.assumeLost(afterLookup: true), in: given)
        given.answer(Self.notFound)
        #expect(given.store.commands == [Self.served: .assumedLost] && given.stage(1) == .failed)
        for rig in [found, absent, given] { expectEnd(rig) }
    }

    @Test func `an unknown cost is queried, and recorded if it is reported`() {
        func rig() -> SchedulerHarness { serving(.failed, change: { $0.remoteID = RemoteTaskID("r1") }) }
        let reported = rig()
        lookUp(.reconcile, in: reported)
        reported.answer(.found(.failed("r1", cost: 2)), 1, .complete)
        #expect(reported.store.commands == [Self.served: .costLearned])
        #expect(reported.attempt(1)?.charge == Credits(nano: 2_000_000_000))
        let silent = rig()
        lookUp(.reconcile, in: silent)
        silent.answer(.found(.failed("r1")), 1, .complete)
        #expect(silent.store.commands == [Self.served: .costUnknown] && silent.attempt(1)?.charge == nil)
        let broken = rig()
        lookUp(.reconcile, in: broken)
        broken.answer(.fault(.timeout))
        broken.advance(by: .seconds(2))
        broken.answer(.found(.failed("r1", cost: 3)), 1, .complete)
        #expect(broken.store.commands == [Self.served: .costLearned], "one fault does not end it")
        for rig in [reported, silent, broken] { expectEnd(rig) }
    }

    @Test func `an outage and a refused key end every open command and those that follow`() {
        let away = serving(.uncertain) { store in
            for id in 2...3 as ClosedRange<Int64> { store.addLeftBehind(.uncertain, id: id) }
        }
        lookUp(.reconcile, in: away)
        lookUp(.reconcile, id: 2, command: 2, in: away)
        while !away.questions.isEmpty {
            away.answer(.fault(.timeout))
            if away.questions.isEmpty { away.advance(by: .seconds(5)) }
        }
        #expect(away.store.commands == [CommandID(1): .noAnswer, CommandID(2): .noAnswer])
        #expect(away.asked.count <= 8, "four attempts each")
        lookUp(.reconcile, id: 3, command: 3, in: away)
        #expect(away.store.commands[CommandID(3)] == .noAnswer && away.questions.isEmpty)

        let refused = serving(.uncertain) { $0.addLeftBehind(.uncertain, id: 2) }
        lookUp(.reconcile, in: refused)
        lookUp(.reconcile, id: 2, command: 2, in: refused)
        refused.answer(.stopped(.status(401), .keyRefused), 1)
        #expect(refused.store.commands == [CommandID(1): .keyRefused, CommandID(2): .keyRefused])
        refused.answer(.stopped(.status(401), .keyRefused), 2)
        for rig in [away, refused] { expectEnd(rig) }
    }

    @Test func `commands on attempts of another key are left to a run with that key`() {
        let settings = SchedulerHarness.settings {
            $0.servesCommandsOnly = true
            $0.submitsNothing = true
        }
        let store = SchedulerHarness.leftBehind(.uncertain, account: SchedulerHarness.otherAccount)
        let rig = SchedulerHarness(settings: settings, store: store)
        rig.start(scope: [])
        lookUp(.reconcile, in: rig)
        lookUp(.cancel(evenIfCharged: false), command: 2, in: rig)
        #expect(rig.store.commands.isEmpty && rig.asked.isEmpty)
        expectEnd(rig)
    }

    @Test func `in a run, a lookup wakes an attempt that was left uncertain, and the run follows it`() {
        let rig = SchedulerHarness.with(
            2, settings: SchedulerHarness.settings { $0.concurrency = 1 }, trust: .ignored)
        rig.land(.timedOut)
        rig.advance(by: .seconds(2))
        rig.answer(Self.notFound, 1)
        #expect(rig.stage(1) == .uncertain && rig.submits.count == 1, "the second task is sent")
        lookUp(.reconcile, in: rig)
        rig.answer(Self.notFound, 1)
        #expect(rig.store.commands == [CommandID(1): .notFound])
        lookUp(.adopt(RemoteTaskID("r1")), command: 2, in: rig)
        rig.answer(.found(.queued("r1")), 1)
        #expect(rig.store.commands[CommandID(2)] == .adopted)
        rig.advance(by: .seconds(4))
        rig.answer(.found(.completed("r1")), 1)
        rig.save(1)
        rig.land(.accepted(.completed("r2")))
        rig.save(2)
        #expect(rig.ending == RunResult())
        rig.expectSound()
    }

    @Test func `a lookup of a submit in flight waits for its reply`() {
        let rig = SchedulerHarness.with(1)
        lookUp(.reconcile, in: rig)
        lookUp(.assumeLost(afterLookup: false), command: 2, in: rig)
        #expect(rig.store.commands.isEmpty)
        rig.land(.accepted(.completed("r1")))
        #expect(rig.store.commands == [CommandID(1): .found, CommandID(2): .found], "it is not given up")
        rig.save(1)
        rig.expectSound()
    }
}
