import ArgumentParser
import DailiesCore
import DailiesProvider
import DailiesRunner
import DailiesStore
import Foundation

struct PricesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prices",
        abstract: "Show known prices and their sources, or forget the bills of a model.",
        discussion: """
            Shows the published prices, your rates, and the prices of the latest \(PriceBook.windowSize) bills of each \
            kind of clip, for each service in the store or for the one selected with --provider and --base-url. All \
            prices are credits per second of output, including fees. One or two bills that differ from the median by \
            more than a factor of five are outliers and are ignored; three or more are accepted as a price. Prices of \
            one service are not used for another.

            `forget` discards the bills of a model at one service as a source of prices; only bills of clips submitted \
            later count. Reports do not change. The command is refused during a run, which would not notice the \
            change.

            Examples:
              dailies prices
              dailies prices --base-url https://llm.bytespike.ai --json
              dailies prices forget seedance-2.0-pro
              dailies prices forget seedance-2.0-pro --resolution 1080p --provider bytespike

            Exit codes: 0 success, 11 store in use, 64 usage error or nothing to forget.
            """)

    enum Action: String, ExpressibleByArgument, CaseIterable {
        case forget
    }

    @Argument(help: ArgumentHelp("forget: discard the bills of a model.", valueName: "forget"))
    var action: Action?
    @Argument(help: ArgumentHelp("The model whose bills to forget.", valueName: "model"))
    var model: String?
    @Option(
        help: ArgumentHelp(
            "Forget only bills of clips with this resolution; \"\" for clips without one.", valueName: "resolution"))
    var resolution: String?
    @Flag(help: "Print JSON.")
    var json = false
    @OptionGroup var store: StoreOptions
    @Option(help: "Only services of this provider.")
    var provider: ProviderOptions.Name?
    @Option(
        help: ArgumentHelp(
            "Only the service at this URL (default: $BYTESPIKE_BASE_URL, otherwise all services).", valueName: "url"))
    var baseURL: String?
    @OptionGroup(title: "Prices") var prices: PriceOptions
    @OptionGroup(title: "Prices") var models: CatalogOptions

    mutating func validate() throws {
        guard action == nil || !(model ?? "").isEmpty else { throw ValidationError("specify the model to forget") }
        guard action != nil || resolution == nil else { throw ValidationError("--resolution requires forget MODEL") }
    }

    func run() async throws {
        let address = try address()
        if action == .forget, let model { return try await forget(ModelID(model), at: address) }
        let catalog = try models.read()
        let rates = try prices.read()
        let reader = try store.openForReading()
        let known = try services(in: reader, at: address).map { service in
            KnownPrices(
                service: service, catalog: catalog, rates: rates,
                observed: try reader.observedPrices(of: service))
        }
        try reader.close()
        if json {
            JSONLine.write("prices", PricesOutput.json(known))
        } else {
            Console.out(PricesOutput.text(known))
        }
    }

    /// The base URL as stores record it; nil if none was given.
    private func address() throws -> String? {
        let environment = ProcessInfo.processInfo.environment[ProviderOptions.baseURLName]
        guard let text = baseURL ?? environment, !text.isEmpty else { return nil }
        do {
            return try ProviderConfiguration(baseURL: text, keys: []).baseURL
        } catch {
            throw ValidationError(error.message)
        }
    }

    private func matching(_ services: [Service], at address: String?) -> [Service] {
        services.filter { service in
            service.provider == provider?.rawValue ?? service.provider && service.baseURL == address ?? service.baseURL
        }
    }

    /// The selected services. A service that is not in the store has no bills.
    private func services(in store: Store, at address: String?) throws -> [Service] {
        let found = matching(try store.services(), at: address)
        guard found.isEmpty else { return found }
        return [
            Service(
                provider: (provider ?? .bytespike).rawValue,
                baseURL: address ?? ProviderConfiguration.defaultBaseURL)
        ]
    }

    // MARK: Forget

    private func forget(_ model: ModelID, at address: String?) async throws {
        try await ExclusiveStore.with(store, orElse: "then forget") { store in
            let service = try service(with: model, in: store, at: address)
            let kinds = try store.forgetPrices(
                of: model, resolution: resolution, at: service, at: Composition.timers().now)
            if json {
                JSONLine.write("prices_forgotten", PricesOutput.json(kinds, at: service))
            } else {
                for kind in kinds { Console.out(PricesOutput.forgotten(kind, at: service)) }
            }
        }
    }

    /// The only selected service with bills of the model.
    private func service(with model: ModelID, in store: Store, at address: String?) throws -> Service {
        let named = matching(try store.services(), at: address)
        let found = try named.filter { service in
            try store.observedPrices(of: service).contains { price in
                price.shape.model == model && resolution ?? price.shape.resolution ?? "" == price.shape.resolution ?? ""
            }
        }
        let shown = SafeText.quoted(model.text) + (resolution.map { " of \(SafeText.quoted($0))" } ?? "")
        guard let service = found.first else {
            throw Stop(.usage, "no bills of \(shown) to forget; see `dailies prices`")
        }
        guard found.count == 1 else {
            let list = found.map(PricesOutput.name).joined(separator: "; ")
            throw Stop(
                .usage,
                "\(found.count) services have bills of \(shown); select one with --provider and --base-url: \(list)")
        }
        return service
    }
}

/// The known prices at one service.
struct KnownPrices {
    /// The prices of one kind of clip.
    struct Line {
        let kind: PriceKind
        /// Credits per second of output.
        let published: ClosedRange<Credits>?
        let publishedBy: String?
        let rate: RateCard.Entry?
        let bills: PriceSummary?
        let settledAt: Instant?
        let trustsEstimates: Bool
    }

    let service: Service
    /// The date of the published prices.
    let compiled: String
    let lines: [Line]

    init(service: Service, catalog: ModelCatalog, rates: RateCard?, observed: [ObservedPrice]) {
        self.service = service
        compiled = catalog.compiled
        let book = PriceBook(catalog: catalog, rates: rates?.rates ?? [:], observed: observed)
        let settledAt = Dictionary(observed.map { (PriceKind($0.shape), $0.settledAt) }, uniquingKeysWith: max)
        let billed = Set(book.kinds.map(\.model))
        let stated = Set(catalog.models.values.filter { !$0.prices.isEmpty }.map(\.id))
            .union(rates.map { Array($0.rates.keys) } ?? [])
        let others = stated.subtracting(billed).map { PriceKind(model: $0, resolution: nil) }
        lines = (book.kinds + others).sorted().map { kind in
            let second = RequestShape(model: kind.model, durationSeconds: 1, resolution: kind.resolution)
            return Line(
                kind: kind, published: book.publishedRange(for: second),
                publishedBy: catalog[kind.model]?.priceSources(for: kind.resolution),
                rate: rates?.entries[kind.model], bills: book.summary(of: kind), settledAt: settledAt[kind],
                trustsEstimates: book.trustsEstimates(of: kind.model))
        }
    }
}
