import ArgumentParser
import DailiesCore
import DailiesProvider
import DailiesRunner
import DailiesStore
import Foundation

struct FetchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Save clips again that vanished here, while the provider still has them; that is free.",
        discussion: """
            Clips that are missing, emptied or changed are asked for at the provider by their task ids and saved again, beside \
            whatever has their names by now. What is in place is left as it is. Clips that are paid and were never saved are \
            fetched too, as `resume` does. Nothing is rendered or charged.

            Where the provider does not have a clip any more, it says so and names the command that renders and charges it \
            again.

            Examples:
              dailies status --check-files
              dailies fetch --missing
              dailies fetch dolly crane
              dailies fetch --missing --output renders-again

            Exit codes: 0 all are saved, 5 stopped early (run again), 7 access refused, 9 some are not, 11 store in use, \
            64 usage, 77 API key.
            """)

    @Argument(help: ArgumentHelp("Keys of tasks whose clips to check.", valueName: "key"))
    var keys: [String] = []
    @Flag(help: "All clips that are missing, or are not what was saved.")
    var missing = false
    @Option(help: ArgumentHelp("Only clips of this batch.", valueName: "name"))
    var batch: String?
    @Option(
        help: ArgumentHelp(
            "The folder to save them in, from now on. Default: that of their batch, or the one beside the store that took its place.",
            valueName: "dir"))
    var output: String?
    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Provider") var provider: ProviderOptions
    @Flag(help: "Write one JSON object a line to standard output.")
    var json = false

    mutating func validate() throws {
        guard keys.isEmpty == missing else { throw ValidationError("name keys, or say --missing") }
    }

    func run() async throws {
        try store.requireStore()
        try OpenFiles.refuseIfTooFew()
        let configuration = try provider.configuration()
        let lock = try RunSession.lock(store.path)
        defer { withExtendedLifetime(lock) {} }
        let opened = try RunSession.open(store.path)
        let service = Composition.provider(configuration)
        let code: ExitCode
        do {
            let text = FetchOutput(hint: SuggestedCommand(store: store, provider: provider), isJSON: json)
            var round = try FetchOperation(opened, configuration, text: text)
            try round.find(keys: keys, batch: batch, output: output)
            try await round.ask(RetryingProvider(service, configuration, speed: provider.speed))
            code = try await round.save(service, lock, speed: provider.speed)
        } catch {
            await service.shutdown()
            try opened.close()
            throw error
        }
        await service.shutdown()
        try opened.close()
        throw code.asExit
    }
}

/// From the clips that vanished to those that are saved again.
struct FetchOperation {
    private static let pageSize = 500

    private let store: Store
    private let configuration: ProviderConfiguration
    private let text: FetchOutput
    private let batches: [BatchID: StoredBatch]
    private var lost: [SavedClipRow] = []
    /// Not saved, and not to be had.
    private var gone = 0
    private var codes: Set<ExitCode> = [.success]

    init(_ store: Store, _ configuration: ProviderConfiguration, text: FetchOutput) throws {
        self.store = store
        self.configuration = configuration
        self.text = text
        batches = Dictionary(uniqueKeysWithValues: try store.batches().map { ($0.id, $0) })
    }

    // MARK: What is lost

    /// - Throws: ``Stop`` with 64 for a key or batch that is not there, and for a folder that clips cannot be saved in.
    mutating func find(keys: [String], batch name: String?, output: String?) throws {
        let batch = try TaskLookup.batch(name, in: store)
        var finder = ClipFinder(store: store.path)
        if keys.isEmpty {
            var last: AttemptID?
            repeat {
                let page = try store.savedClips(in: batch?.id, after: last, limit: Self.pageSize)
                for row in page where finder.find(row.clip, checksContent: true).path == nil { lost.append(row) }
                last = page.count < Self.pageSize ? nil : page.last?.attempt
            } while last != nil
        } else {
            for key in keys {
                let task = try TaskLookup.task(key, batch: batch, in: store)
                let rows = try store.savedClips(of: task.id, limit: Self.pageSize)
                let bad = rows.filter { finder.find($0.clip, checksContent: true).path == nil }
                if bad.isEmpty { text.isNotLost(task, wasSaved: !rows.isEmpty) }
                lost += bad
            }
        }
        try settleFolders(finder, output: output)
    }

    /// Clips go to the folder of their batch. One that is gone is followed to where the project was moved.
    private func settleFolders(_ finder: ClipFinder, output: String?) throws {
        var folders: Set<String> = []
        var moves: [(batch: BatchID, folder: String)] = []
        for id in Set(lost.map(\.batch)).sorted() {
            guard let batch = batches[id] else { continue }
            let folder = output.map(OutputFolderCheck.absolute) ?? finder.folder(inPlaceOf: batch.outputDirectory)
            folders.insert(folder ?? batch.outputDirectory)
            if let folder { moves.append((id, folder)) }
        }
        let check = OutputFolderCheck(folders: folders.sorted(), manifests: [])
        if let fault = try check.fault() ?? check.trial() { throw Stop(.usage, "\(fault) (nothing was fetched)") }
        for move in moves { try store.moveOutput(of: [move.batch], to: move.folder) }
    }

    // MARK: Asking

    /// Only for a clip that the provider has an address of does the store forget where it was.
    mutating func ask(_ desk: RetryingProvider) async throws {
        for row in lost {
            if let need = need(of: row, desk) {
                text.isNotAsked(row, need)
                codes.insert(.unsaved)
                continue
            }
            switch await desk.ask(TaskQuery(.remote(row.remote), account: row.account)) {
            case .found(let report):
                if let another = report.mismatch(with: row.remote, row.submissionKey) {
                    text.isNotAsked(row, "the provider answers with \(SafeText.escaped(another))")
                    codes.insert(.unsaved)
                } else if let asset = report.asset {
                    try await record([.clipGone(row.attempt), .assetFound(row.attempt, asset)])
                } else {
                    isGone(row, "the provider gives no address for it")
                }
            case .notFound(let fault): isGone(row, "the provider does not know it any more (\(fault.shown))")
            case .stopped(let fault, let stop):
                text.isNotAsked(row, "refused (\(fault.shown))")
                codes.insert(stop == .keyRefused ? .keyRefused : .accountRefused)
                return
            case .fault(let fault):
                text.isNotAsked(row, "no answer (\(fault.shown))")
                codes.insert(.stoppedEarly)
                if fault.showsOutage { return }
            }
        }
    }

    private mutating func isGone(_ row: SavedClipRow, _ reason: String) {
        gone += 1
        codes.insert(.unsaved)
        text.isGone(row, reason, isAmbiguous: batches.count > 1)
    }

    private func need(of row: SavedClipRow, _ desk: RetryingProvider) -> String? {
        guard let batch = batches[row.batch], batch.provider == desk.name, batch.baseURL == desk.baseURL else {
            let batch = batches[row.batch]
            let options = ShellWord.line(["--provider", batch?.provider ?? "", "--base-url", batch?.baseURL ?? ""])
            return "its batch belongs to another service; give \(options)"
        }
        guard desk.holds(row.account) else {
            return
                "it was sent under another API key; give the one with the fingerprint \(row.account) with --api-key-file"
        }
        return nil
    }

    private func record(_ steps: [Mutation.Kind]) async throws {
        let at = DispatchClock().now
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            store.write(steps.map { Mutation(at: at, $0) }) { continuation.resume(with: $0.mapError { $0 }) }
        }
    }

    // MARK: Saving

    /// A run that saves what is not saved, and does nothing else.
    func save(_ service: ByteSpikeProvider, _ lock: RunnerLock, speed: Double) async throws -> ExitCode {
        var plan = Runner.Plan(
            settings: SchedulerSettings().divided(bySpeed: speed), catalogue: Composition.catalogue, batches: [],
            accounts: APIKeyRouting(of: configuration), seed: UInt64(bitPattern: DispatchClock().now.nanoseconds))
        plan.savesOnly = true
        let reporter = AsyncReporter(text)
        let runner = Composition.runner(
            store: store, lock: lock, provider: service, plan: plan, isQuiet: false, reporter: reporter)
        let signals = StopSignals { runner.stop() }
        let outcome = await withCheckedContinuation { continuation in
            runner.start { continuation.resume(returning: $0) }
        }
        signals.cancel()
        reporter.settle()
        guard case .ended(let ending) = outcome else {
            throw Stop(.unexpected, "the store failed while clips were fetched; fix that, then run it again")
        }
        var codes = codes
        codes.insert(ExitCode.of(ending, failed: 0, signal: signals.received))
        let code = ExitCode.precedence.first(where: codes.contains) ?? .success
        text.finish(lost: lost.count, gone: gone, unsaved: ending.unsaved, code: code)
        return code
    }
}
