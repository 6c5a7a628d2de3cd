import ArgumentParser
import DailiesCore
import DailiesProvider
import DailiesRunner
import DailiesStore
import Foundation

struct FetchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Download missing or changed clips again, free of charge.",
        discussion: """
            Looks up clips that are missing, empty or changed at the provider by task id, and downloads them again. \
            Existing files are never overwritten. Also downloads paid clips that were never saved, as `resume` does. \
            Nothing is rendered or charged.

            If the provider no longer has a clip, prints the command that renders it again (charged).

            Examples:
              dailies status --check-files
              dailies fetch --missing
              dailies fetch dolly crane
              dailies fetch --missing --output renders-again

            Exit codes: 0 all saved, 5 stopped early (run again), 7 access denied, 9 some not saved, 11 store in use, \
            64 usage error, 77 API key.
            """)

    @Argument(help: ArgumentHelp("Keys of the tasks whose clips to check.", valueName: "key"))
    var keys: [String] = []
    @Flag(help: "Fetch all clips that are missing or changed.")
    var missing = false
    @Option(help: ArgumentHelp("Fetch only clips of this batch.", valueName: "name"))
    var batch: String?
    @Option(
        help: ArgumentHelp(
            "Save clips in this folder from now on (default: the batch's folder, or its copy next to a moved store).",
            valueName: "dir"))
    var output: String?
    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Provider") var provider: ProviderOptions
    @Flag(help: "Print one JSON object per line.")
    var json = false

    mutating func validate() throws {
        guard keys.isEmpty == missing else { throw ValidationError("specify task keys or --missing, not both") }
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
            var operation = try FetchOperation(opened, configuration, text: text)
            try operation.find(keys: keys, batch: batch, output: output)
            try await operation.query(RetryingProvider(service, configuration, speed: provider.speed))
            code = try await operation.save(service, lock, speed: provider.speed)
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

/// Finds missing clips, gets new URLs from the provider, and downloads the clips again.
struct FetchOperation {
    private static let pageSize = 500

    private let store: Store
    private let configuration: ProviderConfiguration
    private let text: FetchOutput
    private let batches: [BatchID: StoredBatch]
    private var lost: [SavedClipRow] = []
    /// Clips that the provider no longer has.
    private var gone = 0
    private var codes: Set<ExitCode> = [.success]

    init(_ store: Store, _ configuration: ProviderConfiguration, text: FetchOutput) throws {
        self.store = store
        self.configuration = configuration
        self.text = text
        batches = Dictionary(uniqueKeysWithValues: try store.batches().map { ($0.id, $0) })
    }

    // MARK: Missing clips

    /// - Throws: ``Stop`` with 64 for an unknown key or batch, and for an unusable folder.
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
        try chooseFolders(finder, output: output)
    }

    /// Clips go to the folder of their batch. If it is gone, a folder of the moved project replaces it.
    private func chooseFolders(_ finder: ClipFinder, output: String?) throws {
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

    // MARK: Queries

    /// The store forgets the old path only for clips that the provider has a URL for.
    mutating func query(_ provider: RetryingProvider) async throws {
        for row in lost {
            if let requirement = unmetRequirement(of: row, provider) {
                text.isNotFetched(row, requirement)
                codes.insert(.unsaved)
                continue
            }
            switch await provider.ask(TaskQuery(.remote(row.remote), account: row.account)) {
            case .found(let report):
                if let mismatch = report.mismatch(with: row.remote, row.submissionKey) {
                    text.isNotFetched(row, "the provider returned \(SafeText.escaped(mismatch))")
                    codes.insert(.unsaved)
                } else if let asset = report.asset {
                    try await record([.clipGone(row.attempt), .assetFound(row.attempt, asset)])
                } else {
                    isGone(row, "the provider has no URL for it")
                }
            case .notFound(let fault): isGone(row, "no longer known to the provider (\(fault.shown))")
            case .stopped(let fault, let stop):
                text.isNotFetched(row, "refused (\(fault.shown))")
                codes.insert(stop == .keyRefused ? .keyRefused : .accountRefused)
                return
            case .fault(let fault):
                text.isNotFetched(row, "no response (\(fault.shown))")
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

    private func unmetRequirement(of row: SavedClipRow, _ provider: RetryingProvider) -> String? {
        guard let batch = batches[row.batch], batch.provider == provider.name, batch.baseURL == provider.baseURL else {
            let batch = batches[row.batch]
            let options = ShellWord.line(["--provider", batch?.provider ?? "", "--base-url", batch?.baseURL ?? ""])
            return "its batch belongs to another service; use \(options)"
        }
        guard provider.holds(row.account) else {
            return
                "it was sent with another API key; use --api-key-file with the key whose fingerprint is \(row.account)"
        }
        return nil
    }

    private func record(_ steps: [Mutation.Kind]) async throws {
        let at = DispatchClock().now
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            store.write(steps.map { Mutation(at: at, $0) }) {
                continuation.resume(with: $0.map { _ in }.mapError { $0 })
            }
        }
    }

    // MARK: Downloads

    /// A run that only downloads unsaved clips.
    func save(_ service: ByteSpikeProvider, _ lock: RunnerLock, speed: Double) async throws -> ExitCode {
        var run = Runner.Configuration(
            settings: SchedulerSettings().divided(bySpeed: speed), catalog: Composition.catalog, batches: [],
            accounts: APIKeyRouting(of: configuration), seed: UInt64(bitPattern: DispatchClock().now.nanoseconds))
        run.mode = .saveClips
        let monitor = RunMonitor(text)
        let runner = Composition.runner(
            store: store, lock: lock, provider: service, configuration: run, isQuiet: false, monitor: monitor)
        let signals = StopSignals { runner.stop() }
        let outcome = await withCheckedContinuation { continuation in
            runner.start { continuation.resume(returning: $0) }
        }
        signals.cancel()
        monitor.stop()
        guard case .ended(let ending) = outcome else {
            throw Stop(.unexpected, "store error while fetching clips; fix the cause and run the command again")
        }
        var codes = codes
        codes.insert(ExitCode.of(ending, failed: 0, signal: signals.received))
        let code = ExitCode.precedence.first(where: codes.contains) ?? .success
        text.finish(lost: lost.count, gone: gone, unsaved: ending.unsaved, code: code)
        return code
    }
}
