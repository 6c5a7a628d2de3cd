import DailiesCore
import DailiesManifest
import DailiesRunner
import DailiesStore
import Foundation
import Logging

/// A whole program around DailiesKit: renders a manifest and says what became of it and what it cost.
///
/// It is what a service needs and no more: no terminal, no arguments. Called again after a crash at any moment, it goes on
/// where the store says that it was, and pays for nothing twice.
struct EmbeddingExample {
    /// The store, made where there is none. One runner at a time works on it.
    let storePath: String
    /// Where clips go, as `FOLDER/BATCH/KEY.mp4`. Absolute.
    let clipFolder: String
    let catalogue: ModelCatalogue
    var settings = SchedulerSettings()

    /// What one call leaves behind.
    struct Result {
        let ending: RunResult
        let spend: SpendReport
        /// Of the clips on disk, by the key of their task.
        let paths: [String: String]
    }

    /// - Parameters:
    ///   - manifest: a JSONL, JSON, YAML or CSV file.
    ///   - account: the mark of the key that `provider` sends.
    ///   - budget: of this batch over all runs, in credits.
    ///   - watch: called for everything that happens; it must not block.
    /// - Throws: `ManifestError` with everything that is wrong with the manifest, `ImportError` where it does not fit
    ///   what is stored, `StoreError` (`lockedByRunner` while another process runs on this store).
    func render(
        _ manifest: String, with provider: any RenderProvider, account: KeyFingerprint, budget: Credits,
        watch: @escaping @Sendable (RunEvent) -> Void = { _ in }
    ) async throws -> Result {
        // All mistakes of a manifest are known before anything else happens.
        let checked = try ManifestReader(catalogue: catalogue, today: nil).check(.file(manifest))

        // The lock dies with the process, however it ends.
        let lock = try Store.lock(storePath)
        let store = try Store.open(storePath, for: .running)
        do {
            let timers = DispatchClock()
            let batch = try store.importManifest(
                BatchDefinition(
                    name: checked.batchName, manifestPath: URL(fileURLWithPath: manifest).path,
                    provider: provider.name, baseURL: provider.baseURL, outputDirectory: clipFolder,
                    budget: .cap(budget)),
                at: timers.now, forEachTask: checked.forEachTask
            ).batch

            let runner = Runner(
                store: store, lock: lock, provider: provider, timers: timers,
                plan: Runner.Plan(
                    settings: settings, catalogue: catalogue, batches: [batch],
                    accounts: APIKeyRouting(byPrefix: ["": account]), seed: .random(in: .min ... .max)),
                logger: Logger(label: "embedding"), observer: { event, _ in watch(event) })
            // The caller keeps the runner alive.
            defer { withExtendedLifetime(runner) {} }
            let outcome = await withCheckedContinuation { continuation in
                runner.start { continuation.resume(returning: $0) }
            }
            // A store that fails ends a run: what was acknowledged before is in it, and the next call goes on from there.
            guard case .ended(let ending) = outcome else { throw StoreFailed() }

            let result = Result(
                ending: ending, spend: try store.spend(by: [.model], batches: [batch]),
                paths: try paths(of: batch, in: store))
            try store.close()
            return result
        } catch {
            try store.close()
            throw error
        }
    }

    struct StoreFailed: Error {}

    /// Page by page, since a store may hold millions of tasks.
    private func paths(of batch: BatchID, in store: Store) throws -> [String: String] {
        var paths: [String: String] = [:]
        var last: TaskID?
        while true {
            let page = try store.tasks(matching: TaskFilter(batches: [batch]), after: last, limit: 1000)
            for task in page { paths[task.key.text] = task.latest?.outputPath }
            guard page.count == 1000 else { return paths }
            last = page.last?.id
        }
    }
}
