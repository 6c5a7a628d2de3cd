import DailiesCore
import DailiesManifest
import DailiesProvider
import DailiesRunner
import DailiesStore
import Foundation
import Logging

/// Renders manifests, with the guarantees of the `dailies` program.
public enum Dailies {
    /// What a run uses besides its manifest, store and provider.
    public struct Options: Sendable {
        /// Limits and behavior of the run.
        public var settings = SchedulerSettings()
        /// The folder for clips, as `FOLDER/BATCH/KEY.mp4`. nil (default): `renders` beside the store.
        public var clips: URL?
        /// Published model limits and prices. Default: the embedded ones.
        public var catalog = EmbeddedCatalog.catalog
        /// Replaces the batch name in the manifest or its file name. Default nil.
        public var batchName: String?
        /// Receives errors that end the run.
        public var logger = Logger(label: "dailies")

        /// Creates default options.
        public init() {}
    }

    /// Renders a manifest at the provider and waits for the end. Called again after a crash or a stop, it continues:
    /// nothing is paid for twice.
    ///
    /// Cancelling the calling task stops the run cleanly: nothing more is submitted, requests in flight finish, and the
    /// report says `isInterrupted`.
    ///
    /// - Parameters:
    ///   - manifest: a JSONL, JSON, YAML or CSV file.
    ///   - store: the store file, created if it does not exist. One run at a time uses it.
    ///   - budget: the maximum of the batch over all its runs; nil: unchanged, or none for a new batch.
    /// - Throws: `ManifestError` with all errors of the manifest, `ImportError` if it does not fit the stored batch,
    ///   `StoreError` if the store cannot be used or another run uses it, and ``RunFailure``.
    public static func run(
        manifest: URL, store: URL, provider: ProviderConfiguration, budget: Credits? = nil,
        options: Options = Options()
    ) async throws -> RunReport {
        try await start(manifest: manifest, store: store, provider: provider, budget: budget, options: options).report()
    }

    /// Starts rendering a manifest at the provider. The run continues if the result is not used.
    ///
    /// - Throws: as ``run(manifest:store:provider:budget:options:)``, except ``RunFailure``.
    public static func start(
        manifest: URL, store: URL, provider: ProviderConfiguration, budget: Credits? = nil,
        options: Options = Options()
    ) async throws -> BatchRun {
        let service = ByteSpikeProvider(provider)
        do {
            return try start(manifest: manifest, store: store, provider: service, budget: budget, options: options) {
                await service.shutdown()
            }
        } catch {
            await service.shutdown()
            throw error
        }
    }

    /// Starts rendering a manifest with a provider of the caller, which must work until the report is there.
    ///
    /// - Throws: as ``run(manifest:store:provider:budget:options:)``, except ``RunFailure``.
    public static func start(
        manifest: URL, store: URL, provider: any RenderProvider, budget: Credits? = nil, options: Options = Options()
    ) throws -> BatchRun {
        try start(manifest: manifest, store: store, provider: provider, budget: budget, options: options) {}
    }

    private static func start(
        manifest: URL, store url: URL, provider: any RenderProvider, budget: Credits?, options: Options,
        atEnd: @escaping @Sendable () async -> Void
    ) throws -> BatchRun {
        let path = manifest.standardizedFileURL.path
        // All errors of a manifest are known before anything else happens.
        let valid = try ManifestReader(catalog: options.catalog, today: nil)
            .check(.file(path), batchName: options.batchName)
        let lock = try Store.lock(url.path)
        let store = try Store.open(url.path, for: .running)
        do {
            let clips = options.clips ?? url.deletingLastPathComponent().appendingPathComponent("renders")
            let definition = BatchDefinition(
                name: valid.batchName, manifestPath: path, provider: provider.name, baseURL: provider.baseURL,
                outputDirectory: clips.standardizedFileURL.path,
                budget: budget.map(BudgetSetting.cap) ?? .unchanged)
            var keys: [String: KeyFingerprint] = [:]
            let batch = try store.importManifest(definition, at: DispatchClock().now) { body in
                try valid.forEachTask { task in
                    let model = task.shape.model
                    if keys[model.text] == nil { keys[model.text] = provider.fingerprint(for: model) }
                    try body(task)
                }
            }.batch
            var chance = SystemRandomNumberGenerator()
            let configuration = Runner.Configuration(
                settings: options.settings, catalog: options.catalog, batches: [batch],
                accounts: APIKeyRouting(byPrefix: keys), seed: chance.next())
            return BatchRun(store, lock, provider, configuration, options.logger, atEnd: atEnd)
        } catch {
            try store.close()
            throw error
        }
    }
}

extension ProviderConfiguration {
    /// The ByteSpike service.
    ///
    /// - Throws: ``DailiesProvider/ConfigurationError`` for an unusable key or base URL.
    public static func byteSpike(
        apiKey: String, baseURL: String = defaultBaseURL
    ) throws(ConfigurationError) -> ProviderConfiguration {
        try ProviderConfiguration(baseURL: baseURL, keys: [ModelAPIKey(key: APIKey(apiKey))])
    }
}
