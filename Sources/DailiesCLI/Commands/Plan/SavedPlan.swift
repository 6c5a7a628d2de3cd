import DailiesCore
import DailiesManifest
import DailiesProvider
import DailiesRunner
import DailiesStore
import ExactJSON
import Foundation

/// A plan on disk, and all that it was made from: manifests, store, prices, service, key, and the options that its figures
/// depend on. `run --plan` carries it out with these options, and only while nothing of the rest has changed.
struct SavedPlan: Sendable {
    struct ManifestEntry: Hashable, Sendable {
        let path: String
        let batch: String
        let digest: String
    }

    private static let type = "dailies-plan"
    private static let version = "2"
    private static let mostBytes = 1 << 20

    let manifests: [ManifestEntry]
    /// Absolute.
    let storePath: String
    let storeDigest: String
    let pricesDigest: String
    /// How the manifests are read where their endings do not tell it.
    let format: ManifestFormat?
    let provider: String
    let baseURL: String
    /// Fingerprints of the keys by model prefix; nil: the plan was made without a key.
    let key: String?
    /// Values of the options that the figures depend on, by the option's name; those that are not here are not given. Of a flag
    /// that is given: `true`.
    let options: [String: [String]]

    private var acceptsChanges: Bool { options["accept-changes"] != nil }

    // MARK: Made from

    init(
        _ survey: RunPlan, storePath: String, mark: StoreRevision, _ configuration: ProviderConfiguration,
        keys: [ModelAPIKey]?, format: ManifestFormat?, options: [String: [String]]
    ) {
        manifests = survey.batches.map { ManifestEntry(path: $0.path, batch: $0.name, digest: $0.digest) }
        self.storePath = URL(fileURLWithPath: storePath).standardizedFileURL.path
        storeDigest = Self.digest(of: mark)
        pricesDigest = survey.pricesDigest
        self.format = format
        provider = configuration.name
        baseURL = configuration.baseURL
        key = keys.map(Self.text)
        self.options = options
    }

    static func digest(of mark: StoreRevision) -> String {
        var digest = SHA256Digester()
        digest.add(mark.description)
        return digest.hex
    }

    private static func text(of keys: [ModelAPIKey]) -> String {
        keys.map { "\($0.modelPrefix):\($0.key.fingerprint)" }.sorted().joined(separator: " ")
    }

    // MARK: On disk

    func write(to path: String, _ survey: RunPlan, madeAt: Instant) throws {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("type", Self.type)
            writer.member("version", number: Self.version)
            writer.member("made_at", time: madeAt)
            writer.name("manifests")
            writer.array { array in
                for manifest in manifests {
                    array.object {
                        $0.member("path", manifest.path)
                        $0.member("batch", manifest.batch)
                        $0.member("digest", manifest.digest)
                    }
                }
            }
            writer.member("store", storePath)
            writer.member("store_digest", storeDigest)
            writer.member("prices_digest", pricesDigest)
            writer.member("format", optional: format?.rawValue)
            writer.member("provider", provider)
            writer.member("base_url", baseURL)
            writer.member("key", optional: key)
            writer.name("options")
            writer.object { object in
                for (name, values) in options.sorted(by: { $0.key < $1.key }) {
                    object.name(name)
                    object.array { for value in values { $0.string(value) } }
                }
            }
            writer.name("summary")
            PlanOutput.write(survey, to: &writer)
        }
        let text = try JSONValue.parse(Array(writer.text.utf8)).prettyText + "\n"
        try OutputFile(path, .plan, besideStore: storePath).write { append in try append(text) }
    }

    /// - Throws: ``Stop`` with 65 for anything that is no plan of this version.
    static func read(_ path: String) throws -> SavedPlan {
        guard let data = FileManager.default.contents(atPath: path), data.count <= mostBytes else {
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
            // One that this program does not know is not one that it may pass over.
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

    // MARK: Carried out

    /// The manifests as they stand now; one that gave its batch another name than its own was planned with `--batch`.
    ///
    /// - Parameter form: of the run, which has taken from the plan all but the format.
    func check(_ form: ManifestForm, catalogue: ModelCatalogue, json: Bool) throws -> [ValidatedManifest] {
        var form = form
        form.format = format
        return try ManifestLoading.check(
            manifests.map(\.path), batchName: manifests.count == 1 ? manifests.first?.batch : nil, form: form,
            catalogue: catalogue, json: json)
    }

    /// What is typed beside a plan and says something else is refused; what says the same is fine.
    ///
    /// - Throws: ``Stop`` with 65.
    func refuseOther(batch: String?) throws {
        guard let batch else { return }
        let planned = manifests.map(\.batch)
        guard planned != [batch] else { return }
        throw Self.other([
            "--batch is \(SafeText.quoted(batch)), but the plan is for \(planned.map { SafeText.quoted($0) }.joined(separator: ", "))"
        ])
    }

    /// Every option that is not as the plan has it. The run has taken from the plan what was not typed.
    private func refuseOther(options now: [String: [String]], _ configuration: ProviderConfiguration) throws {
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
        if !differences.isEmpty { throw Self.other(differences) }
    }

    /// `--budget is 5, but 1 in the plan`
    private static func difference(_ name: String, _ now: [String]?, _ planned: [String]?) -> String {
        func words(_ values: [String]?) -> String {
            values?.map(SafeText.escaped).joined(separator: " ") ?? "not set"
        }
        return "\(name) is \(words(now)), but \(words(planned)) in the plan"
    }

    private static func other(_ differences: [String]) -> Stop {
        Stop(
            .refused,
            "the plan has different options: \(differences.joined(separator: "; ")); use the same, or make a new plan with "
                + "`dailies plan --out` (nothing was submitted)")
    }

    /// Of a command, as they bind it.
    ///
    /// - Parameter told: limits by `dailies concurrency`, where the command follows them.
    static func options(
        _ spending: SpendingOptions, _ dialect: Dialect, _ reading: ManifestOptions,
        told: RunControls = RunControls()
    ) -> [String: [String]] {
        var options = spending.words(ConcurrencyArgument.limits(spending.concurrencyLimits, told: told))
        options["map"] = reading.map.isEmpty ? nil : reading.map.map(\.description)
        options["strict"] = reading.strict ? ["true"] : nil
        options["dialect"] = [dialect.rawValue]
        options["catalog"] = reading.models.catalog.map { [URL(fileURLWithPath: $0).standardizedFileURL.path] }
        return options
    }

    /// Before anything is sent or written, with the store's lock held.
    ///
    /// - Throws: ``Stop`` with 65 that names what is not as it was.
    func refuseIfStale(
        _ checked: [ValidatedManifest], storePath: String, catalogue: ModelCatalogue, rates: RateCard?,
        options: [String: [String]], _ configuration: ProviderConfiguration
    ) throws {
        try refuseOther(options: options, configuration)
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
        let (mark, observed) = try Self.look(into: storePath, for: configuration.service)
        guard Self.digest(of: mark) == storeDigest else {
            throw Self.stale("the store \(SafeText.escaped(path)) has changed since the plan was made")
        }
        guard let key else {
            throw Self.stale("it was made without an API key")
        }
        guard key == Self.text(of: configuration.keys) else { throw Self.stale("the API key has changed") }
        let prices = PlanPrices(
            catalogue: catalogue, rates: rates, maximumPerTask: try maximumPerTask, observed: observed)
        guard try survey(checked, storePath: storePath, catalogue, prices).pricesDigest == pricesDigest else {
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

    private func survey(
        _ checked: [ValidatedManifest], storePath: String, _ catalogue: ModelCatalogue, _ prices: PlanPrices
    ) throws -> RunPlan {
        var survey = RunPlan(
            catalogue: catalogue, provider: "", prices: prices, limits: SubmissionLimits(),
            acceptsChanges: acceptsChanges,
            budget: [])
        try PlanStore.read(storePath) { store in
            for manifest in checked { try survey.add(manifest, in: store) }
        }
        return survey
    }

    private static func look(
        into storePath: String, for service: Service
    ) throws -> (StoreRevision, [ObservedPrice]) {
        try PlanStore.read(storePath) { store in
            (try store?.mark() ?? .empty, try store?.observedPrices(of: service) ?? [])
        }
    }

    private static func stale(_ reason: String) -> Stop {
        Stop(.refused, "the plan is stale: \(reason); make a new plan with `dailies plan --out` (nothing was submitted)")
    }
}

/// A store that is looked at, if there is one; it is never created.
enum PlanStore {
    static func read<Result>(_ path: String, _ body: (Store?) throws -> Result) throws -> Result {
        guard FileManager.default.fileExists(atPath: path) else { return try body(nil) }
        let store: Store
        do {
            store = try Store.open(path, for: .reading)
        } catch {
            throw Stop(.unexpected, "cannot read the store \(SafeText.quoted(path)): \(error)")
        }
        let result: Result
        do {
            result = try body(store)
        } catch {
            try store.close()
            throw error
        }
        try store.close()
        return result
    }
}
