import DailiesCore
import Foundation
import ProviderSimulator

@testable import DailiesRunner
@testable import DailiesStore
@testable import ProviderSimulator

/// One run, from the manifest to its end or its crash.
extension World {
    /// - Returns: how it ended; nil: it was cut off.
    func run() throws -> RunResult? {
        coverage.runs += 1
        stepsOfRun = 0
        intentsOfStopped = [:]
        drawRun()
        drawKnobs()
        aheadBy = scenario.clockAhead > .zero && !isCalm && userChoices.happens(0.3) ? scenario.clockAhead : .zero
        runBegan = clientNow
        wasFolderAway = isFolderAway
        knowsDiskRefuses = false
        note("run \(coverage.runs) \(dialect)")
        guard try begin() else { return nil }
        if isDue(.duringStart) { return try crash(.duringStart) }
        try runRunner()
        if isDue(.duringStart) { return try crash(.duringStart) }
        while true {
            guard let life else { return nil }
            if let outcome = life.outcome { return try finish(life, outcome) }
            stepsOfRun += 1
            coverage.steps += 1
            guard stepsOfRun <= Self.maximumSteps else { throw Violation("a run does not end: \(try outstanding())") }
            try step()
        }
    }

    /// Opens the store, takes the manifests in, and starts the runner. False: cut off before that.
    private func begin() throws -> Bool {
        let faults = StoreFailpoints()
        if let crash = crashes.first, crash.point == .duringEnrolment, isDue(.duringEnrolment) {
            // All manifests are taken in by one commit.
            faults.plan(chance.happens(0.5) ? .crashesBefore : .crashesAfter, atCommit: 1)
        }
        let store = try Store.open(disk.store, for: .running, faults: faults)
        if !isCalm, chance.happens(0.1) { try refuseEnrolment(in: store) }
        do {
            batchIDs = try importManifest(in: store)
        } catch {
            guard faults.hasCrashed else { throw Violation("enrolment refused: \(error)") }
            try store.close()
            count(.duringEnrolment)
            return false
        }
        try transferAttempts(in: store)
        if scenario.former == .believesTakenIDs { try FormerBehavior.forgetOwners(in: disk.store) }
        let inspector = try InvariantChecker(path: disk.store)
        self.inspector = inspector
        toBeCancelled = try inspector.wantedCancelled(by: accounts)
        let timers = ManualRunnerClock(now: clientNow)
        let provider = MachineProvider(baseURL: Scenario.baseURL, dialect: dialect, accounts: accounts)
        let life = ProcessLifetime(
            store: store, faults: faults, provider: provider, timers: timers, configuration: configuration())
        self.life = life
        try life.start()
        return true
    }

    /// What the user does differently this time: another dialect or API key, another limit, a higher budget. In the calm
    /// every dialect and key has its turn, since only they can settle what was sent with them.
    private func drawRun() {
        settings = scenario.settings
        if scenario.former == .trustsForgottenKeys { settings.keyMemory = .seconds(100 * 365 * 86_400) }
        ceiling = settings.concurrency
        defer { replaceKey() }
        let (dialects, books) = (scenario.dialects, scenario.accountBooks)
        if isCalm {
            // What the provider asks by now, the user accepts.
            settings.quoteTolerance = nil
            let turn = coverage.runs
            dialect = dialects[turn % dialects.count]
            accounts = books[turn / dialects.count % books.count]
            return
        }
        dialect = chance.pick(dialects)
        accounts = chance.pick(books)
        if chance.happens(0.1) { settings.downloads = false }
        if scenario.changesItsMind, chance.happens(0.3) {
            ceiling = chance.number(1...8)
            settings.concurrency = ceiling
        }
        for index in budgets.indices where chance.happens(0.2) {
            budgets[index] = budgets[index]?.times(hundredths: 150)
        }
    }

    private func replaceKey() {
        guard let next = scenario.nextKey else { return }
        if !isKeyReplaced { isKeyReplaced = userChoices.happens(0.4) }
        if isKeyReplaced { accounts = next }
    }

    /// What the old key sent goes on with the new one once the user says that both are of one account: at once, or when a
    /// run has asked for that.
    private func transferAttempts(in store: Store) throws {
        guard isKeyReplaced, isCalm || userChoices.happens(0.7) else { return }
        let transfers = try store.transferAttempts(
            to: accounts, provider: "simulator", baseURL: Scenario.baseURL, at: clientNow)
        coverage.transferred += transfers.reduce(0) { $0 + $1.clips }
        if scenario.former == .forgetsTransfers { try FormerBehavior.forgetTransfers(in: disk.store) }
    }

    private func importManifest(in store: Store) throws -> [BatchID] {
        let manifests = try scenario.batches.indices.map { index in
            let budget: BudgetSetting = isCalm ? .none : budgets[index].map(BudgetSetting.cap) ?? .unchanged
            // Between two runs an editor may write the manifest with other line ends.
            let lineEnd = chance.pick([#"\n"#, #"\n"#, #"\r\n"#, #"\r"#])
            let tasks = try asExported(scenario.batches[index], in: store).map { Self.written($0, lineEnd) }
            return (batch: enrolment(scenario.batches[index], budget), forEachTask: Self.feed(tasks))
        }
        let results = try store.importManifest(manifests, rules: ImportOptions(), at: clientNow)
        return results.map(\.batch)
    }

    private static func written(_ task: TaskSpec, _ lineEnd: String) -> TaskSpec {
        let text = task.request.withLineFeeds.text.replacing(#"\n"#, with: lineEnd)
        return TaskSpec(
            key: task.key, shape: task.shape, prompt: task.prompt, request: CanonicalRequest(text: text),
            tags: task.tags,
            priority: task.priority, output: task.output)
    }

    private static func feed(_ tasks: [TaskSpec]) -> TaskStream { { body in for task in tasks { try body(task) } } }

    private func enrolment(_ batch: Scenario.Batch, _ budget: BudgetSetting) -> BatchDefinition {
        BatchDefinition(
            name: batch.name, manifestPath: "/\(batch.name).yaml", provider: "simulator", baseURL: Scenario.baseURL,
            outputDirectory: disk.clips, budget: budget, budgetMode: batch.budgetMode)
    }

    /// The manifest as its user wrote it, or as `export` writes it by now: with the seeds that its tasks got since.
    private func asExported(_ batch: Scenario.Batch, in store: Store) throws -> [TaskSpec] {
        guard chance.happens(0.3), let known = try store.batch(named: batch.name) else { return batch.tasks }
        let rows = try store.tasks(matching: TaskFilter(batches: [known.id]), limit: batch.tasks.count)
        let sent = Dictionary(uniqueKeysWithValues: rows.map { ($0.key, $0) })
        return batch.tasks.map { task in
            guard let row = sent[task.key], row.request != row.listedRequest else { return task }
            coverage.seedsReadBack += 1
            return TaskSpec(
                key: task.key, shape: task.shape, prompt: task.prompt, request: row.request, tags: task.tags,
                priority: task.priority, output: task.output)
        }
    }

    /// Several manifests of which the last asks for something else than it did: the others' budgets, removals and new tasks
    /// go with it.
    private func refuseEnrolment(in store: Store) throws {
        let first = scenario.batches[0]
        let changed = first.tasks.map { task in
            TaskSpec(
                key: task.key, shape: task.shape, prompt: task.prompt,
                request: CanonicalRequest(text: task.request.text.replacing("\"model\"", with: "\"seed\":1,\"model\"")),
                tags: [], priority: 0, output: nil)
        }
        var manifests = scenario.batches.map { batch in
            let tasks = Array(batch.tasks.dropFirst(batch.tasks.count / 2))
            return (batch: enrolment(batch, .cap(Scenario.credits("0.001"))), forEachTask: Self.feed(tasks))
        }
        manifests.append((enrolment(first, .none), Self.feed(changed)))
        let before = try store.revision()
        do {
            _ = try store.importManifest(manifests, rules: ImportOptions(), at: clientNow)
            throw Violation("a changed manifest was taken in")
        } catch let refusal as ManifestRefusal {
            guard case .changed = refusal.reason else { throw Violation("refused as \(refusal.reason)") }
        }
        guard try store.revision() == before else { throw Violation("a refused enrolment left something behind") }
        coverage.refusedEnrolments += 1
    }

    private func configuration() -> Runner.Configuration {
        var settings = settings
        if scenario.former == .paysAnyBill { settings.quoteTolerance = nil }
        return Runner.Configuration(
            settings: settings, catalog: scenario.catalog, batches: batchIDs, accounts: accounts,
            maximumPerTask: scenario.maximumPerTask, seed: chance.next())
    }

    private func finish(_ life: ProcessLifetime, _ outcome: Runner.Outcome) throws -> RunResult? {
        guard case .ended(let ending) = outcome else {
            guard expectsStoreFailure else { throw Violation("a run ended with \(outcome)") }
            expectsStoreFailure = false
            return try crash(.storeFailure)
        }
        guard !expectsStoreFailure else { throw Violation("a run outlived the failure of its store") }
        note("ended \(ending)")
        guard calls.allSatisfy({ !$0.isSubmit }), replies.allSatisfy({ !$0.isSubmit }) else {
            throw Violation("a run ended with a submit in flight")
        }
        clearAir()
        try life.close()
        try check()
        self.life = nil
        return ending
    }

    func clearAir() {
        calls = []
        replies = []
        transfers = []
    }

    // MARK: Steps

    private enum Step {
        case store
        case send(Int)
        case deliver(Int)
        case transfer(Int)
        case time
        case release
        /// The run waits for the user alone.
        case unpause
    }

    private func step() throws {
        guard let life else { return }
        if let stop = stops.first, stepsOfRun >= stop {
            stops.removeFirst()
            coverage.gracefulStops += 1
            note("stop")
            life.runner.stop()
            return try runRunner()
        }
        if scenario.changesItsMind, chance.happens(0.003) {
            let limit = chance.number(1...8)
            ceiling = max(ceiling, limit)
            note("at most \(limit) in flight")
            life.runner.setConcurrency(limit)
            return try runRunner()
        }
        if turnsKnob() { return try turnKnob(of: life) }
        if !isCalm, scenario.meddlesWithClips, !isFolderAway, meddling.happens(0.05) { try meddle() }
        if !isCalm, scenario.takesFolderAway, fileChance.happens(isFolderAway ? 0.05 : 0.01) { moveFolder() }
        if !isCalm, scenario.tellsItsRuns, chance.happens(0.01) {
            try tellSomething()
            return try runRunner()
        }
        switch try choose(life) {
        case .unpause:
            try unpauseEverything()
            try runRunner()
        case .store: try runStore(life)
        case .send(let index): try send(index)
        case .deliver(let index): try deliver(index)
        case .transfer(let index): try move(index)
        case .time: try moveTime(life)
        case .release: _ = try letGo(of: life)
        }
    }

    /// Any of the things that could happen next, so that every order comes up in some seed.
    private func choose(_ life: ProcessLifetime) throws -> Step {
        var steps: [Step] = []
        if life.mayHaveStoreWork { steps += [.store, .store, .store] }
        steps += calls.indices.map(Step.send)
        steps += replies.indices.filter { replies[$0].deliverAt <= now }.map(Step.deliver)
        steps += transfers.indices.filter { transfers[$0].nextAt <= now }.map(Step.transfer)
        let canMove =
            life.timers.target != nil || replies.contains { $0.deliverAt > now }
            || transfers.contains { $0.nextAt > now }
        if steps.isEmpty {
            if canMove { return .time }
            if !held.isEmpty { return .release }
            guard isPaused else { throw Violation("stuck: a run waits for nothing; \(try outstanding())") }
            return .unpause
        }
        if canMove, chance.happens(0.05) { return .time }
        return chance.pick(steps)
    }

    func runRunner() throws {
        guard let life else { return }
        life.runRunner()
        for line in life.takeTold() {
            note("    \(line.replacingOccurrences(of: disk.folder, with: ""))")
            try checkDisk(line)
        }
        takeCalls(of: life)
    }

    private func takeCalls(of life: ProcessLifetime) {
        for call in life.provider.take() {
            serial += 1
            note("  #\(serial) \(call.label)")
            calls.append(OpenCall(serial: serial, call: call))
        }
    }

    private func runStore(_ life: ProcessLifetime) throws {
        let writes = life.hasWaitingWrites
        if writes, isDue(.beforeCommit) {
            if chance.happens(0.5) {
                life.faults.plan(.crashesBefore, atCommit: life.faults.commits + 1)
                try life.runStore(reading: true)
            }
            try crash(.beforeCommit)
            return
        }
        if writes, isDue(.afterCommit) {
            if chance.happens(0.5) { life.faults.plan(.crashesAfter, atCommit: life.faults.commits + 1) }
            try life.runStore(reading: false)
            try crash(.afterCommit)
            return
        }
        if writes, !expectsStoreFailure, isDue(.storeFailure) {
            expectsStoreFailure = true
            life.faults.plan(.fails(StoreError(.full, "the disk is full")), atCommit: life.faults.commits + 1)
        }
        let before = life.faults.commits
        try life.runStore(reading: chance.happens(0.8))
        if life.faults.commits != before {
            coverage.commits += life.faults.commits - before
            note("commit")
            try playFormerCommit()
            try check()
        }
        try runRunner()
    }

    private func moveTime(_ life: ProcessLifetime) throws {
        if calls.isEmpty, replies.isEmpty, transfers.isEmpty, isDue(.atRest) {
            try crash(.atRest)
            return
        }
        let wake = life.timers.target.map { $0 - (clientNow - now) }
        try checkNextWake(until: wake)
        let arrival = (replies.map(\.deliverAt) + transfers.map(\.nextAt)).filter { $0 > now }.min()
        guard let next = [wake, arrival].compactMap({ $0 }).min() else { return }
        var target = next
        switch chance.number(0...19) {
        case 0...13: break
        case 14...16: target = now + .nanoseconds(max(0, (next - now).nanoseconds / 2))
        case 17...18: target = next + chance.milliseconds(0...3000)
        default: target = next + chance.milliseconds(0...(chance.happens(0.05) ? 7_200_000 : 60_000))
        }
        now = max(now, target)
        machine.advance(to: now)
        note("time")
        if life.timers.move(to: clientNow) { try runRunner() }
    }

    // MARK: Crashes

    /// Whether the next planned crash is of this kind, and all that it skips has been passed.
    func isDue(_ point: CrashPoint) -> Bool {
        guard let next = crashes.first, next.point == point else { return false }
        guard next.skips == 0 else {
            crashes[0].skips -= 1
            return false
        }
        crashes.removeFirst()
        return true
    }

    func count(_ point: CrashPoint) {
        coverage.crashes[point, default: 0] += 1
        note("crash \(point.rawValue)")
    }

    /// Pulls the plug. Requests that were on their way may arrive all the same.
    ///
    /// - Returns: nil, for the run that was cut off.
    @discardableResult
    func crash(_ point: CrashPoint) throws -> RunResult? {
        guard let life else { return nil }
        count(point)
        for call in calls {
            let arrives = chance.happens(0.4)
            if case .download = call.call { continue }
            coverage.network[arrives ? .arrivedAfterCrash : .lostInCrash, default: 0] += 1
            if arrives { _ = try carryOut(call) }
        }
        clearAir()
        inspector = nil
        if chance.happens(0.5) { try disk.takeImage() }
        try life.crash()
        self.life = nil
        try playFormerCrash()
        inspector = try InvariantChecker(path: disk.store)
        try check()
        return nil
    }
}
