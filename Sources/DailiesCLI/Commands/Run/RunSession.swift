import DailiesCore
import DailiesManifest
import DailiesProvider
import DailiesRunner
import DailiesStore
import Foundation

/// One run from the lock to the exit code, shared by `run`, `resume` and `rehearse`.
struct RunSession {
    let storePath: String
    let configuration: ProviderConfiguration
    let pace: PaceOptions
    let speed: Double
    /// The command that resumes the run after a stop.
    let resumeCommand: ResumeCommand.Line
    /// Builds suggested commands for the same store and provider.
    let hint: SuggestedCommand
    /// Asks for confirmation before the first credit is spent; only on a terminal.
    var asksFirst = false
    /// Rates from `--rates`.
    var rates: RateCard?
    /// A saved plan and this run's options; the run is refused if the plan is stale or the options differ.
    var approved: (plan: SavedPlan, options: [String: [String]])?
    /// How the manifests are read.
    var form = ManifestForm()
    /// Transfers unfinished tasks from earlier API keys to the current ones.
    var isSameAccount = false
    /// Includes the user's models.
    var catalog = Composition.catalog

    /// Runs the batches of these manifests; nil: everything unfinished in the store.
    ///
    /// The store is changed only after all checks and the confirmation. One transaction imports all manifests.
    ///
    /// - Parameter held: the store's lock, if it is already locked.
    /// - Returns: the exit code, after the summary was printed.
    func run(_ manifests: [ValidatedManifest]?, under held: RunnerLock? = nil) async throws -> ExitCode {
        FolderSettings.announce(json: pace.json)
        try OpenFiles.refuseIfTooFew()
        let retryRules = try RetryRulesFile.read(pace.retryRules)
        let lock = try held ?? Self.lock(storePath)
        defer { withExtendedLifetime(lock) {} }
        if let approved {
            try approved.plan.refuseIfStale(
                manifests ?? [], storePath: storePath, catalog: catalog, rates: rates, options: approved.options,
                configuration)
        }
        // A missing store is created only after all checks have passed.
        var store = FileManager.default.fileExists(atPath: storePath) ? try Self.open(storePath) : nil
        let provider = Composition.provider(configuration)
        let code: ExitCode
        do {
            try await refuseOtherSpeed(provider)
            ManifestLoading.warn(manifests ?? [], form, json: pace.json)
            let unfinished = try manifests == nil ? unfinished(in: store) : []
            if manifests == nil, unfinished.isEmpty {
                code = try reportNothingToDo(in: store)
            } else {
                let moves = store.map { movedFolders(of: unfinished, $0) } ?? [:]
                let output = output(of: manifests, unfinished, moves)
                try refuse(output, try output.fault(), store)
                if asksFirst { try ask(manifests, unfinished, store) }
                try refuse(output, output.trial(), store)
                let ready = try store ?? Self.open(storePath)
                store = ready
                try move(unfinished, moves, in: ready)
                let batches =
                    try manifests.map { try importManifest($0, in: ready) } ?? setBudgets(of: unfinished, in: ready)
                if isSameAccount {
                    try SameAccountTransfer.perform(in: ready, accounts, configuration)
                }
                code = try await drive(ready, lock, provider, batches, retryRules)
            }
        } catch {
            await provider.shutdown()
            try store?.close()
            throw error
        }
        await provider.shutdown()
        try store?.close()
        return code
    }

    static func lock(_ storePath: String) throws -> RunnerLock {
        do {
            return try Store.lock(storePath)
        } catch {
            throw stop(error, "lock", storePath)
        }
    }

    static func open(_ storePath: String) throws -> Store {
        do {
            return try Store.open(storePath, for: .running)
        } catch {
            throw stop(error, "open", storePath)
        }
    }

    private static func stop(_ error: StoreError, _ doing: String, _ storePath: String) -> Stop {
        if case .lockedByRunner = error.kind {
            return Stop(.storeLocked, "the store \(storePath) is in use: \(error)")
        }
        return Stop(.unexpected, "cannot \(doing) the store \(storePath): \(error)")
    }

    /// A simulator with a different speed would be polled at the wrong times.
    private func refuseOtherSpeed(_ provider: ByteSpikeProvider) async throws {
        guard let stated = await provider.statedSpeed(), stated != speed else { return }
        throw Stop(
            .usage,
            "the simulator runs at speed \(stated.formatted()), not \(speed.formatted()); use --speed "
                + stated.formatted(.number.grouping(.never)))
    }

    // MARK: batches

    private func importManifest(_ manifests: [ValidatedManifest], in store: Store) throws -> [BatchID] {
        do {
            let enrolled = try store.importManifest(
                manifests.map { (enrolment(of: $0), $0.forEachTask) },
                rules: ImportOptions(acceptChanges: pace.spending.acceptChanges, sameBatch: pace.sameBatch),
                at: DispatchClock().now)
            if !asksFirst {
                for (manifest, result) in zip(manifests, enrolled) { printNotes(on: result.duplicates, of: manifest) }
            }
            return enrolled.map(\.batch)
        } catch let refusal as ManifestRefusal {
            throw Refusal.of(refusal.reason, manifests[refusal.index])
        } catch let ImportError.store(error) {
            throw Stop(.unexpected, "cannot write the store: \(error)")
        } catch let failure as ManifestError {
            throw ManifestLoading.refuse(failure.problems, form, json: pace.json)
        }
    }

    private func enrolment(of manifest: ValidatedManifest) -> BatchDefinition {
        BatchDefinition(
            name: manifest.batchName, manifestPath: manifest.absolutePath, provider: configuration.name,
            baseURL: configuration.baseURL, outputDirectory: pace.outputFolder,
            budget: BudgetArgument.setting(of: pace.spending.budget), budgetMode: pace.spending.budgetMode,
            tagBudgets: BudgetArgument.tags(of: pace.spending.budget))
    }

    /// All unfinished batches of this provider.
    private func unfinished(in store: Store?) throws -> [StoredBatch] {
        let all = try store?.unfinishedBatches() ?? []
        let own = all.filter { $0.provider == configuration.name && $0.baseURL == configuration.baseURL }
        for other in all where !own.contains(other) {
            let name = SafeText.escaped(other.name)
            Console.error(
                "not resumed: \(name) belongs to \(SafeText.escaped(other.provider)) at \(SafeText.escaped(other.baseURL))"
            )
        }
        return own
    }

    /// Failed and cancelled tasks stay so until the user retries them.
    private func reportNothingToDo(in store: Store?) throws -> ExitCode {
        let isElsewhere = try store?.unfinishedBatches().isEmpty == false
        let code: ExitCode = isElsewhere ? .stoppedEarly : .success
        let reason =
            "nothing to resume: \(SafeText.escaped(storePath)) has no unfinished tasks for \(configuration.baseURL)"
        if pace.json {
            JSONReporter().refused(Stop(code, reason))
            return code
        }
        Console.error(reason)
        let counts = try store?.summary().total ?? StatusCounts()
        for state in [TaskState.failed, .cancelled] {
            guard let count = counts.states[state], count > 0 else { continue }
            Console.error("\(count) \(state.rawValue); to render them again:")
            Console.error("  " + hint.offline("retry", [("--state", state.rawValue)]))
        }
        if isElsewhere { Console.error("to resume the other batches, use their --provider and --base-url") }
        return code
    }

    private func setBudgets(of batches: [StoredBatch], in store: Store) throws -> [BatchID] {
        try store.setBudgets(
            of: batches.map(\.id), BudgetArgument.setting(of: pace.spending.budget),
            tags: BudgetArgument.tags(of: pace.spending.budget), mode: pace.spending.budgetMode,
            at: DispatchClock().now)
        return batches.map(\.id)
    }

    // MARK: the folder of the clips

    /// New output folders of resumed batches: the one from `--output`, or, if a batch's folder was moved with its
    /// parent, the folder that replaced it beside the store.
    private func movedFolders(of unfinished: [StoredBatch], _ store: Store) -> [BatchID: String] {
        let finder = ClipFinder(store: store.path)
        var moves: [BatchID: String] = [:]
        for batch in unfinished {
            let folder = pace.output == nil ? finder.folder(inPlaceOf: batch.outputDirectory) : pace.outputFolder
            if folder != batch.outputDirectory { moves[batch.id] = folder }
        }
        return moves
    }

    private func move(_ batches: [StoredBatch], _ moves: [BatchID: String], in store: Store) throws {
        for batch in batches {
            guard let folder = moves[batch.id] else { continue }
            try store.moveOutput(of: [batch.id], to: folder)
            guard pace.output == nil else { continue }
            Console.error(
                "clips of \(SafeText.escaped(batch.name)) will now be saved in \(SafeText.escaped(folder)) because "
                    + "\(SafeText.escaped(batch.outputDirectory)) no longer exists")
        }
    }

    private func output(
        of manifests: [ValidatedManifest]?, _ unfinished: [StoredBatch], _ moves: [BatchID: String]
    ) -> OutputFolderCheck {
        let folders =
            manifests == nil ? Set(unfinished.map { moves[$0.id] ?? $0.outputDirectory }) : [pace.outputFolder]
        return OutputFolderCheck(folders: pace.noDownload ? [] : folders.sorted(), manifests: manifests ?? [])
    }

    /// No folder is needed if there is nothing to render or save.
    private func refuse(_ output: OutputFolderCheck, _ fault: @autoclosure () throws -> String?, _ store: Store?) throws
    {
        guard let fault = try fault(), try output.hasWork(in: store) else { return }
        throw Stop(.usage, "\(fault) (nothing was submitted)")
    }

    // MARK: confirmation

    private func ask(_ manifests: [ValidatedManifest]?, _ unfinished: [StoredBatch], _ store: Store?) throws {
        var waiting = 0
        for manifest in manifests ?? [] {
            let duplicates = try toSubmit(of: manifest, in: store)
            printNotes(on: duplicates, of: manifest)
            waiting += duplicates.count
        }
        if manifests == nil { waiting = try store?.summary(unfinished.map(\.id)).total.waiting ?? 0 }
        let question = "\(waiting) clips will be rendered and charged by \(configuration.baseURL). Continue?"
        guard waiting == 0 || Console.confirms(question) else {
            throw Stop(.stoppedEarly, "nothing was submitted and the store was not changed")
        }
    }

    /// Warns of tasks whose clips already exist, before the first submit.
    private func printNotes(on duplicates: Duplicates, of manifest: ValidatedManifest) {
        let lines = DuplicatesOutput.lines(duplicates)
        if lines.isEmpty { return }
        guard pace.json else { return lines.forEach { Console.error("note: \($0)") } }
        JSONLine.write("duplicates", ["batch": manifest.batchName] + DuplicatesOutput.json(duplicates))
    }

    /// The tasks that a run would submit, compared with existing clips.
    ///
    /// - Throws: ``Stop`` with 65 for anything that the run would refuse.
    private func toSubmit(of manifest: ValidatedManifest, in store: Store?) throws -> Duplicates {
        var toRender = Duplicates()
        guard let store else {
            try manifest.forEachTask { toRender.add($0, like: nil) }
            return toRender
        }
        if let known = try store.batch(named: manifest.batchName) {
            let isElsewhere = known.provider != configuration.name || known.baseURL != configuration.baseURL
            if isElsewhere, try store.isBound(known.id) {
                throw Refusal.of(.differentProvider(name: known.provider, baseURL: known.baseURL), manifest)
            }
            if known.manifestPath != manifest.absolutePath, !pace.sameBatch {
                throw Refusal.of(.differentPath(stored: known.manifestPath), manifest)
            }
        }
        var (changed, unsettled) = (0, 0)
        var first: [ChangedTask] = []
        try store.compare(
            batchName: manifest.batchName, provider: configuration.name, forEachTask: manifest.forEachTask
        ) { finding in
            guard case .named(let spec, let verdict, let clip) = finding else { return }
            switch verdict {
            case .new, .waiting, .restored: toRender.add(spec, like: clip)
            case .changed(let task):
                toRender.add(spec, like: clip)
                changed += 1
                if task.progress == .unsettled { unsettled += 1 }
                let isNamed = !pace.spending.acceptChanges || task.progress == .unsettled
                if isNamed, first.count < ImportError.maximumListed { first.append(task) }
            case .resumable, .uncertain, .paid, .failed, .cancelled: break
            }
        }
        if pace.spending.acceptChanges, unsettled > 0 {
            throw Refusal.of(.unsettled(first.map(\.key), count: unsettled), manifest)
        }
        if !pace.spending.acceptChanges, changed > 0 { throw Refusal.of(.changed(first, count: changed), manifest) }
        return toRender
    }

    // MARK: the run itself

    private func drive(
        _ store: Store, _ lock: RunnerLock, _ provider: ByteSpikeProvider, _ batches: [BatchID],
        _ retryRules: RetryRules
    ) async throws -> ExitCode {
        let reporter = reporter()
        let monitor = RunMonitor(reporter)
        let names = BatchNames(own: batches, in: try store.batches())
        let count = try store.summaryLater(batches)
        var settings = pace.settings(speed: speed, controls: try store.runControls())
        settings.retryRules = retryRules
        let (concurrency, cap) = (settings.concurrency, try budget(of: batches, in: store))
        let runner = Composition.runner(
            store: store, lock: lock, provider: provider, configuration: runnerConfiguration(batches, settings),
            isQuiet: pace.quiet,
            monitor: monitor)
        let signals = StopSignals { runner.stop() }
        // Counting time grows with the store; the first request to the provider does not wait for it.
        monitor.follow(runner) {
            switch count() {
            case .success(let summary): RunStatus(of: names, summary.total, concurrency: concurrency, budget: cap)
            case .failure(let error):
                // The run continues; it reports its own store errors when they end it.
                Self.uncountedStart(names, concurrency, cap, error)
            }
        }
        let snapshots = StatusSignal { monitor.snapshot() }
        let watch = CommandPoller(runner)
        let outcome = await withCheckedContinuation { continuation in
            runner.start { continuation.resume(returning: $0) }
        }
        signals.cancel()
        watch.stop()
        snapshots.cancel()
        monitor.stop()
        switch outcome {
        case .storeFailed(let message):
            throw Stop(.unexpected, "the run stopped because of a store error: \(message); fix it and run again")
        case .ended(let ending):
            let after = try store.summary(batches).total
            let code = ExitCode.of(ending, failed: after.states[.failed, default: 0], signal: signals.received)
            let hasFailures = after.states[.failed, default: 0] > 0
            let budgets = code == .budgetReached ? try budgetNeed(of: batches, in: store) : []
            let service = try store.batches().filter {
                $0.provider == configuration.name && $0.baseURL == configuration.baseURL
            }
            let needs = try store.keyNeeds(present: accounts.all, in: service.map(\.id))
            reporter.ended(
                RunSummary(
                    code: code, status: after, failures: hasFailures ? try store.failures(batches) : [],
                    reasons: ending.reasons, budget: try budget(of: batches, in: store),
                    resumeCommand: resumeCommand.text(budgets: budgets ?? []),
                    saveCommand: pace.noDownload ? hint.online("resume") : resumeCommand.text(budgets: budgets ?? []),
                    isBudgetNeedUnknown: budgets == nil,
                    keyNeeds: needs, sameAccountCommand: resumeCommand.text(flags: ["--same-account"]), hint: hint))
            return code
        }
    }

    private static func uncountedStart(
        _ batches: BatchNames, _ concurrency: Int, _ budget: Credits?, _ error: StoreError
    ) -> RunStatus {
        Console.error("cannot count the tasks in the store, so progress starts at zero: \(error)")
        return RunStatus(of: batches, StatusCounts(), concurrency: concurrency, budget: budget)
    }

    /// The budget of the only batch; nil for several batches.
    private func budget(of batches: [BatchID], in store: Store) throws -> Credits? {
        batches.count == 1 ? try store.batches().first { $0.id == batches[0] }?.budget : nil
    }

    /// Budgets that are high enough for the waiting tasks; nil: their cost is unknown.
    private func budgetNeed(of batches: [BatchID], in store: Store) throws -> [BudgetArgument]? {
        let prices = PriceBook(
            catalog: catalog, rates: rates?.rates ?? [:],
            maximumPerTask: pace.spending.maxCreditsPerTask?.credits,
            observed: try store.observedPrices(of: configuration.service))
        return try RequiredBudgets(store, prices).budgets(for: batches)
    }

    private func reporter() -> any RunReporter {
        if pace.json { return JSONReporter() }
        let environment = ProcessInfo.processInfo.environment
        guard Console.isTerminal, environment["TERM"] != "dumb", !pace.quiet else {
            return LineReporter(pace.quiet ? .quiet : pace.verbose ? .verbose : .usual)
        }
        return TerminalReporter(
            style: .of(isTerminal: true, isRefused: pace.noColor, environment: environment), isVerbose: pace.verbose)
    }

    private var accounts: APIKeyRouting { APIKeyRouting(of: configuration) }

    private func runnerConfiguration(_ batches: [BatchID], _ settings: SchedulerSettings) -> Runner.Configuration {
        Runner.Configuration(
            settings: settings, catalog: catalog, batches: batches, accounts: accounts, rates: rates?.rates ?? [:],
            maximumPerTask: pace.spending.maxCreditsPerTask?.credits,
            seed: pace.jitterSeed ?? UInt64.random(in: .min ... .max, using: &Self.chance))
    }

    /// The only source of randomness in the program.
    nonisolated(unsafe) private static var chance = SystemRandomNumberGenerator()
}

/// Messages for import errors. All are exit 65 except store errors; nothing was submitted.
private enum Refusal {
    private static let maximumShown = 10

    static func of(_ error: ImportError, _ manifest: ValidatedManifest) -> Stop {
        let name = SafeText.quoted(manifest.batchName)
        switch error {
        case .differentPath(let stored):
            return Stop(
                .refused,
                "the batch \(name) came from \(SafeText.escaped(stored)); use --batch NAME to give this one its own name, "
                    + "or --same-batch if it is the same batch (nothing was submitted)")
        case .differentProvider(let provider, let url):
            return Stop(
                .refused,
                "the batch \(name) belongs to \(SafeText.escaped(provider)) at \(SafeText.escaped(url)); use --batch NAME to create another "
                    + "batch for this provider (nothing was submitted)")
        case .changed(let tasks, let count):
            return Stop(
                .refused,
                "\(count) changed in \(name): \(shown(tasks.map(\.key), of: count)); use --accept-changes to render "
                    + "them again, or give each a new id (nothing was submitted)")
        case .unsettled(let keys, let count):
            return Stop(
                .refused,
                "changed in \(name) while still at the provider: \(shown(keys, of: count)); run the unchanged manifest "
                    + "until they finish, then use --accept-changes (nothing was submitted)")
        case .store(let error): return Stop(.unexpected, "cannot write the store: \(error)")
        }
    }

    private static func shown(_ keys: [TaskKey], of count: Int) -> String {
        let words = keys.prefix(maximumShown).map { SafeText.quoted($0.text) }.joined(separator: ", ")
        return words + (count > maximumShown ? " and \(count - maximumShown) more" : "")
    }
}
