import DailiesCore
import DailiesManifest
import DailiesProvider
import DailiesRunner
import DailiesStore
import ExactJSON
import Foundation

/// A plan on disk with everything it depends on: manifests, store, prices, service, API key and options.
/// `run --plan` uses these options, and refuses the plan if anything else has changed.
struct SavedPlan: Sendable {
    struct ManifestEntry: Hashable, Sendable {
        let path: String
        let batch: String
        let digest: String
    }

    private static let type = "dailies-plan"
    private static let version = "2"
    private static let maximumBytes = 1 << 20

    let manifests: [ManifestEntry]
    /// Absolute.
    let storePath: String
    let storeDigest: String
    let pricesDigest: String
    /// The manifests' format; nil: by file extension.
    let format: ManifestFormat?
    let provider: String
    let baseURL: String
    /// Fingerprints of the keys by model prefix; nil: the plan was made without a key.
    let key: String?
    /// Values of the options that the figures depend on, by option name; unset options are left out. A set flag has the
    /// value `true`.
    let options: [String: [String]]

    private var acceptsChanges: Bool { options["accept-changes"] != nil }

    // MARK: Creating

    init(
        _ plan: RunPlan, storePath: String, revision: StoreRevision, _ configuration: ProviderConfiguration,
        keys: [ModelAPIKey]?, format: ManifestFormat?, options: [String: [String]]
    ) {
        manifests = plan.batches.map { ManifestEntry(path: $0.path, batch: $0.name, digest: $0.digest) }
        self.storePath = URL(fileURLWithPath: storePath).standardizedFileURL.path
        storeDigest = Self.digest(of: revision)
        pricesDigest = plan.pricesDigest
        self.format = format
        provider = configuration.name
        baseURL = configuration.baseURL
        key = keys.map(Self.text)
        self.options = options
    }

    static func digest(of revision: StoreRevision) -> String {
        var digest = SHA256Digester()
        digest.add(revision.description)
        return digest.hex
    }

    private static func text(of keys: [ModelAPIKey]) -> String {
        keys.map { "\($0.modelPrefix):\($0.key.fingerprint)" }.sorted().joined(separator: " ")
    }

    // MARK: Reading and writing

    func write(to path: String, _ plan: RunPlan, madeAt: Instant) throws {
        let manifests = manifests.map { manifest -> JSONObject in
            ["path": manifest.path, "batch": manifest.batch, "digest": manifest.digest]
        }
        let saved: JSONObject = [
            "type": Self.type,
            "version": JSONNumber(text: Self.version),
            "made_at": madeAt,
            "manifests": manifests,
            "store": storePath,
            "store_digest": storeDigest,
            "prices_digest": pricesDigest,
            "format": format?.rawValue,
            "provider": provider,
            "base_url": baseURL,
            "key": key,
            "options": JSONObject(options.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }),
            "summary": PlanOutput.json(plan),
        ]
        let text = try JSONValue.parse(saved.text.utf8).prettyText + "\n"
        try OutputFile(path, .plan, besideStore: storePath).write { append in try append(text) }
    }

    /// - Throws: ``Stop`` with 65 for anything that is not a plan of this version.
    static func read(_ path: String) throws -> SavedPlan {
        guard let data = FileManager.default.contents(atPath: path), data.count <= maximumBytes else {
            throw Stop(.refused, "cannot read a plan from \(SafeText.quoted(path))")
        }
        let plan: SavedPlan?
        do {
            plan = SavedPlan(try JSONValue.parse(Array(data)))
        } catch {
            throw Stop(.refused, "\(SafeText.escaped(path)):\(error)")
        }
        guard let plan else {
            throw Stop(
                .refused,
                "\(SafeText.quoted(path)) is not a plan of this version of dailies; make one with `dailies plan --out`")
        }
        return plan
    }

    private init?(_ json: JSONValue) {
        guard json["type"]?.string == Self.type, json["version"]?.number == Self.version,
            let manifests = json["manifests"]?.array, !manifests.isEmpty, let store = json["store"]?.string,
            let storeDigest = json["store_digest"]?.string, let pricesDigest = json["prices_digest"]?.string,
            let format = json["format"], let provider = json["provider"]?.string,
            let baseURL = json["base_url"]?.string, let key = json["key"], let members = json["options"]?.members
        else { return nil }
        let entries = manifests.compactMap { entry -> ManifestEntry? in
            guard let path = entry["path"]?.string, let batch = entry["batch"]?.string,
                let digest = entry["digest"]?.string
            else { return nil }
            return ManifestEntry(path: path, batch: batch, digest: digest)
        }
        var options: [String: [String]] = [:]
        for member in members {
            // Unknown options are refused, not ignored.
            guard OptionRule[member.name]?.isPlanned == true, let texts = member.value.array?.compactMap(\.string),
                !texts.isEmpty, texts.count == member.value.array?.count
            else { return nil }
            options[member.name] = texts
        }
        self.format = format.string.flatMap { ManifestFormat(rawValue: $0) }
        guard entries.count == manifests.count, (self.format == nil) == (format.string == nil),
            (key.string == nil) == key.isNull
        else { return nil }
        self.manifests = entries
        storePath = store
        self.storeDigest = storeDigest
        self.pricesDigest = pricesDigest
        self.provider = provider
        self.baseURL = baseURL
        self.key = key.string
        self.options = options
    }

    // MARK: Running

    /// The manifests in their current state, with the batch name that `--batch` gave when the plan was made.
    ///
    /// - Parameter form: from the run's options, which come from the plan except for the format.
    func check(_ form: ManifestForm, catalog: ModelCatalog, json: Bool) throws -> [ValidatedManifest] {
        var form = form
        form.format = format
        return try ManifestLoading.check(
            manifests.map(\.path), batchName: manifests.count == 1 ? manifests.first?.batch : nil, form: form,
            catalog: catalog, json: json)
    }

    /// Refuses a `--batch` that differs from the plan.
    ///
    /// - Throws: ``Stop`` with 65.
    func refuseDifferent(batch: String?) throws {
        guard let batch else { return }
        let planned = manifests.map(\.batch)
        guard planned != [batch] else { return }
        throw Self.differentOptions([
            "--batch is \(SafeText.quoted(batch)), but the plan is for \(planned.map { SafeText.quoted($0) }.joined(separator: ", "))"
        ])
    }

    /// Refuses options that differ from the plan. Options that were not typed come from the plan.
    private func refuseDifferent(options now: [String: [String]], _ configuration: ProviderConfiguration) throws {
        var differences: [String] = []
        if provider != configuration.name {
            differences.append(Self.difference("--provider", [configuration.name], [provider]))
        }
        if baseURL != configuration.baseURL {
            differences.append(Self.difference("--base-url", [configuration.baseURL], [baseURL]))
        }
        for name in Set(options.keys).union(now.keys).sorted() where options[name] != now[name] {
            differences.append(Self.difference("--" + name, now[name], options[name]))
        }
        if !differences.isEmpty { throw Self.differentOptions(differences) }
    }

    /// `--budget is 5, but 1 in the plan`
    private static func difference(_ name: String, _ now: [String]?, _ planned: [String]?) -> String {
        func text(_ values: [String]?) -> String {
            values?.map(SafeText.escaped).joined(separator: " ") ?? "not set"
        }
        return "\(name) is \(text(now)), but \(text(planned)) in the plan"
    }

    private static func differentOptions(_ differences: [String]) -> Stop {
        Stop(
            .refused,
            "the plan has different options: \(differences.joined(separator: "; ")); use the same, or make a new plan with "
                + "`dailies plan --out` (nothing was submitted)")
    }

    /// The options of a command that a plan stores.
    ///
    /// - Parameter controls: limits set with `dailies concurrency`, if the command applies them.
    static func options(
        _ spending: SpendingOptions, _ dialect: Dialect, _ reading: ManifestOptions,
        controls: RunControls = RunControls()
    ) -> [String: [String]] {
        var options = spending.plannedValues(ConcurrencyArgument.limits(spending.concurrencyLimits, controls: controls))
        options["map"] = reading.map.isEmpty ? nil : reading.map.map(\.description)
        options["strict"] = reading.strict ? ["true"] : nil
        options["dialect"] = [dialect.rawValue]
        options["catalog"] = reading.models.catalog.map { [URL(fileURLWithPath: $0).standardizedFileURL.path] }
        return options
    }

    /// Called with the store locked, before anything is sent or written.
    ///
    /// - Throws: ``Stop`` with 65 that names what has changed.
    func refuseIfStale(
        _ checked: [ValidatedManifest], storePath: String, catalog: ModelCatalog, rates: RateCard?,
        options: [String: [String]], _ configuration: ProviderConfiguration
    ) throws {
        try refuseDifferent(options: options, configuration)
        let now = try checked.map {
            ManifestEntry(path: $0.absolutePath, batch: $0.batchName, digest: try RunPlan.digest(of: $0))
        }
        for (planned, found) in zip(manifests, now) where planned != found {
            throw Self.stale("the manifest \(SafeText.escaped(planned.path)) has changed")
        }
        guard now.count == manifests.count else { throw Self.stale("the plan is for different manifests") }
        let path = URL(fileURLWithPath: storePath).standardizedFileURL.path
        guard path == self.storePath else {
            throw Self.stale(
                "the store is \(SafeText.escaped(path)), but the plan was made for \(SafeText.escaped(self.storePath))")
        }
        let (revision, observed) = try Self.readStore(storePath, for: configuration.service)
        guard Self.digest(of: revision) == storeDigest else {
            throw Self.stale("the store \(SafeText.escaped(path)) has changed since the plan was made")
        }
        guard let key else {
            throw Self.stale("it was made without an API key")
        }
        guard key == Self.text(of: configuration.keys) else { throw Self.stale("the API key has changed") }
        let prices = PlanPrices(
            catalog: catalog, rates: rates, maximumPerTask: try maximumPerTask, observed: observed)
        guard try runPlan(checked, storePath: storePath, catalog, prices).pricesDigest == pricesDigest else {
            throw Self.stale("prices have changed")
        }
    }

    private var maximumPerTask: Credits? {
        get throws {
            guard let text = options["max-credits-per-task"]?.first else { return nil }
            guard let amount = CreditsArgument(argument: text) else {
                throw Stop(.refused, "the plan has an invalid max-credits-per-task")
            }
            return amount.credits
        }
    }

    private func runPlan(
        _ checked: [ValidatedManifest], storePath: String, _ catalog: ModelCatalog, _ prices: PlanPrices
    ) throws -> RunPlan {
        var plan = RunPlan(
            catalog: catalog, provider: "", prices: prices, limits: SubmissionLimits(),
            acceptsChanges: acceptsChanges,
            budget: [])
        try PlanStore.withOptionalStore(storePath) { store in
            for manifest in checked { try plan.add(manifest, in: store) }
        }
        return plan
    }

    private static func readStore(
        _ storePath: String, for service: Service
    ) throws -> (StoreRevision, [ObservedPrice]) {
        try PlanStore.withOptionalStore(storePath) { store in
            (try store?.revision() ?? .empty, try store?.observedPrices(of: service) ?? [])
        }
    }

    private static func stale(_ reason: String) -> Stop {
        Stop(
            .refused, "the plan is stale: \(reason); make a new plan with `dailies plan --out` (nothing was submitted)")
    }
}

/// Reads a store if it exists; never creates one.
enum PlanStore {
    static func withOptionalStore<Result>(_ path: String, _ body: (Store?) throws -> Result) throws -> Result {
        guard FileManager.default.fileExists(atPath: path) else { return try body(nil) }
        let failure = "cannot read the store \(SafeText.quoted(path))"
        return try Store.opened(path, for: .reading, failure: failure).closing(body)
    }
}
