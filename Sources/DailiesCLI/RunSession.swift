import DailiesCore
import DailiesManifest
import DailiesProvider
import DailiesRunner
import DailiesStore
import Foundation

/// One run from the lock to the exit code: what `run`, `resume` and `rehearse` share.
struct RunSession {
    let storePath: String
    let configuration: ProviderConfiguration
    let pace: PaceOptions
    let speed: Double
    /// Typed by the user to go on after a stop.
    let resumeCommand: String
    /// Other commands on the same store and provider.
    let hint: CommandHint
    /// Asks before the first credit is spent; only on a terminal.
    var asksFirst = false
    /// The user's rates.
    var rates: PlanRates?
    /// Carried out only while it is not stale.
    var approved: PlanFile?
    /// With the user's own models.
    var catalogue = Composition.catalogue

    /// Runs the batches that these manifests name, or with none of them everything unfinished in the store.
    ///
    /// - Returns: the exit code, after the summary was printed.
    func run(_ manifests: [CheckedManifest]?) async throws -> ExitCode {
        let retryRules = try RetryRulesFile.read(pace.retryRules)
        let lock = try lockStore()
        defer { withExtendedLifetime(lock) {} }
        if let approved {
            try approved.refuseIfStale(
                manifests ?? [], storePath: storePath, catalogue: catalogue, rates: rates, configuration)
        }
        let store = try openStore()
        let provider = Composition.provider(configuration)
        let code: ExitCode
        do {
            try await refuseOtherSpeed(provider)
            let batches = try manifests.map { try enrol($0, in: store) } ?? unfinished(in: store)
            code = try await drive(store, lock, provider, batches, retryRules)
        } catch {
            await provider.shutdown()
            try store.close()
            throw error
        }
        await provider.shutdown()
        try store.close()
        return code
    }

    private func lockStore() throws -> RunnerLock {
        do {
            return try Store.lock(storePath)
        } catch {
            if case .lockedByRunner = error.kind {
                throw Stop(.storeLocked, "the store \(storePath) is in use: \(error)")
            }
            throw Stop(.unexpected, "cannot lock the store \(storePath): \(error)")
        }
    }

    private func openStore() throws -> Store {
        do {
            return try Store.open(storePath, for: .running)
        } catch {
            throw Stop(.unexpected, "cannot open the store \(storePath): \(error)")
        }
    }

    /// A simulator that runs at another speed would be asked at the wrong times.
    private func refuseOtherSpeed(_ provider: ByteSpikeProvider) async throws {
        guard let stated = await provider.statedSpeed(), stated != speed else { return }
        throw Stop(
            .usage,
            "the simulator runs at speed \(stated.formatted()), not \(speed.formatted()); give --speed "
                + stated.formatted(.number.grouping(.never)))
    }

    // MARK: batches

    private func enrol(_ manifests: [CheckedManifest], in store: Store) throws -> [BatchID] {
        for warning in manifests.flatMap(\.warnings) { Console.error("warning: \(warning)") }
        // Each is taken in whole or not at all; of several all are compared before any is written, so that a refusal
        // leaves nothing half taken in.
        if manifests.count > 1 { for manifest in manifests { try refuse(manifest, in: store) } }
        return try manifests.map { manifest in
            do {
                let batch = try store.enrol(
                    enrolment(of: manifest), rules: rules, at: DispatchTimers().now, forEachTask: manifest.forEachTask
                ).batch
                return try setTagBudgets(of: batch, in: store)
            } catch let error as EnrolmentError {
                throw Refusal.of(error, manifest)
            } catch let failure as ManifestFailure {
                throw ManifestLoading.refuse(failure.problems, json: pace.json)
            }
        }
    }

    private func setTagBudgets(of batch: BatchID, in store: Store) throws(EnrolmentError) -> BatchID {
        do throws(StoreError) {
            for (tag, cap) in BudgetArgument.tags(of: pace.budget) {
                try store.setTagBudget(batch, tag, cap, at: DispatchTimers().now)
            }
        } catch {
            throw .store(error)
        }
        return batch
    }

    private var rules: EnrolmentRules {
        EnrolmentRules(acceptChanges: pace.acceptChanges, sameBatch: pace.sameBatch)
    }

    private func enrolment(of manifest: CheckedManifest) -> BatchEnrolment {
        BatchEnrolment(
            name: manifest.batchName, manifestPath: manifest.absolutePath, provider: configuration.name,
            baseURL: configuration.baseURL, outputDirectory: pace.outputFolder,
            budget: BudgetArgument.setting(of: pace.budget), budgetMode: pace.budgetMode)
    }

    private func refuse(_ manifest: CheckedManifest, in store: Store) throws {
        guard let known = try store.batch(named: manifest.batchName) else { return }
        if known.provider != configuration.name || known.baseURL != configuration.baseURL {
            throw Refusal.of(.differentProvider(name: known.provider, baseURL: known.baseURL), manifest)
        }
        if known.manifestPath != manifest.absolutePath, !pace.sameBatch {
            throw Refusal.of(.differentPath(stored: known.manifestPath), manifest)
        }
        guard !pace.acceptChanges else { return }
        var first: [ChangedTask] = []
        var count = 0
        try store.compare(batchName: manifest.batchName, forEachTask: manifest.forEachTask) { finding in
            guard case .named(_, .changed(let task)) = finding else { return }
            count += 1
            if first.count < EnrolmentError.mostListed { first.append(task) }
        }
        if count > 0 { throw Refusal.of(.changed(first, count: count), manifest) }
    }

    /// Everything unfinished that belongs to this provider.
    private func unfinished(in store: Store) throws -> [BatchID] {
        let all = try store.unfinishedBatches()
        let ours = all.filter { $0.provider == configuration.name && $0.baseURL == configuration.baseURL }
        for other in all where !ours.contains(other) {
            let name = SafeText.escaped(other.name)
            Console.error("not resumed: \(name) belongs to \(other.provider) at \(SafeText.escaped(other.baseURL))")
        }
        for batch in ours {
            try store.setBudget(
                batch.id, BudgetArgument.setting(of: pace.budget), mode: pace.budgetMode, at: DispatchTimers().now)
            _ = try setTagBudgets(of: batch.id, in: store)
        }
        return ours.map(\.id)
    }

    // MARK: the run itself

    private func drive(
        _ store: Store, _ lock: RunnerLock, _ provider: ByteSpikeProvider, _ batches: [BatchID],
        _ retryRules: RetryRules
    ) async throws -> ExitCode {
        let reporter = QueuedReporter(reporter(batches))
        if asksFirst {
            let waiting = try store.summary(batches).total.waiting
            let question = "\(waiting) clips will be rendered and charged by \(configuration.baseURL). Go on?"
            guard waiting == 0 || Console.confirms(question) else {
                throw Stop(.stoppedEarly, "nothing was submitted")
            }
        }
        let known = try store.batches().filter { batches.contains($0.id) }
        let count = try store.summaryLater(batches)
        var settings = pace.settings(speed: speed, told: try store.lastingOrders())
        settings.retryRules = retryRules
        let (concurrency, cap) = (settings.concurrency, try budget(of: batches, in: store))
        // Counting takes time with the size of the store; the first question to the provider does not wait for it.
        reporter.began {
            switch count() {
            case .success(let summary): RunOverview(of: known, summary.total, concurrency: concurrency, budget: cap)
            case .failure(let error):
                // The run itself goes on, and what it cannot read or write ends it in its own words.
                Self.beginsUncounted(known, concurrency, cap, error)
            }
        }
        let runner = Composition.runner(
            store: store, lock: lock, provider: provider, plan: plan(batches, settings), isQuiet: pace.quiet,
            reporter: reporter)
        let signals = StopSignals { runner.stop() }
        let snapshots = SnapshotSignal { reporter.snapshot() }
        let watch = CommandWatch(runner)
        let outcome = await withCheckedContinuation { continuation in
            runner.start { continuation.resume(returning: $0) }
        }
        signals.cancel()
        watch.stop()
        snapshots.cancel()
        switch outcome {
        case .storeFailed(let message):
            throw Stop(.unexpected, "the run ended, since its store failed: \(message); run again once that is mended")
        case .ended(let ending):
            let after = try store.summary(batches).total
            let code = ExitCode.of(ending, failed: after.states[.failed, default: 0], signal: signals.received)
            let hasFailures = after.states[.failed, default: 0] > 0
            reporter.ended(
                RunSummary(
                    code: code, status: after, failures: hasFailures ? try store.failures(batches) : [],
                    reasons: ending.reasons, budget: try budget(of: batches, in: store), resumeCommand: resumeCommand,
                    hint: hint))
            return code
        }
    }

    private static func beginsUncounted(
        _ batches: [StoredBatch], _ concurrency: Int, _ budget: Credits?, _ error: StoreError
    ) -> RunOverview {
        Console.error("the store could not be counted, so that progress begins at nothing: \(error)")
        return RunOverview(of: batches, StatusCounts(), concurrency: concurrency, budget: budget)
    }

    /// Of the only batch; of several together there is none.
    private func budget(of batches: [BatchID], in store: Store) throws -> Credits? {
        batches.count == 1 ? try store.batches().first { $0.id == batches[0] }?.budget : nil
    }

    private func reporter(_ batches: [BatchID]) -> any RunReporter {
        if pace.json { return JSONReporter() }
        let environment = ProcessInfo.processInfo.environment
        let money = MoneyGauge(path: storePath, batches: batches)
        guard Console.isTerminal, environment["TERM"] != "dumb", !pace.quiet else {
            return PlainReporter(pace.quiet ? .quiet : pace.verbose ? .verbose : .usual, money: money)
        }
        return LiveReporter(
            style: .of(isTerminal: true, isRefused: pace.noColor, environment: environment), isVerbose: pace.verbose,
            money: money)
    }

    private func plan(_ batches: [BatchID], _ settings: SchedulerSettings) -> Runner.Plan {
        var accounts: [String: KeyFingerprint] = [:]
        for key in configuration.keys { accounts[key.modelPrefix] = key.key.fingerprint }
        return Runner.Plan(
            settings: settings, catalogue: catalogue, batches: batches,
            accounts: AccountBook(byPrefix: accounts), rates: rates?.rates ?? [:],
            maximumPerTask: pace.maxCreditsPerTask?.credits,
            seed: pace.jitterSeed ?? UInt64.random(in: .min ... .max, using: &Self.chance))
    }

    /// The one place where chance enters the program.
    nonisolated(unsafe) private static var chance = SystemRandomNumberGenerator()
}

/// Enrolment refusals in words; all of them are exit 65, and nothing was submitted.
private enum Refusal {
    private static let mostShown = 10

    static func of(_ error: EnrolmentError, _ manifest: CheckedManifest) -> Stop {
        let name = SafeText.quoted(manifest.batchName)
        switch error {
        case .differentPath(let stored):
            return Stop(
                .refused,
                "the batch \(name) came from \(SafeText.escaped(stored)); give this one its own name with --batch NAME, "
                    + "or say that it is the same with --same-batch (nothing was submitted)")
        case .differentProvider(let provider, let url):
            return Stop(
                .refused,
                "the batch \(name) belongs to \(provider) at \(SafeText.escaped(url)); another provider needs another "
                    + "batch: give --batch NAME (nothing was submitted)")
        case .changed(let tasks, let count):
            return Stop(
                .refused,
                "\(count) changed in \(name): \(shown(tasks.map(\.key), of: count)); give --accept-changes to render "
                    + "them anew, or a new id to each (nothing was submitted)")
        case .unsettled(let keys, let count):
            return Stop(
                .refused,
                "changed in \(name) while still at the provider: \(shown(keys, of: count)); run the unchanged manifest "
                    + "until they have settled, then --accept-changes (nothing was submitted)")
        case .store(let error): return Stop(.unexpected, "cannot write the store: \(error)")
        }
    }

    private static func shown(_ keys: [TaskKey], of count: Int) -> String {
        let words = keys.prefix(mostShown).map { SafeText.quoted($0.text) }.joined(separator: ", ")
        return words + (count > mostShown ? " and \(count - mostShown) more" : "")
    }
}
