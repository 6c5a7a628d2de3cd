import ArgumentParser
import DailiesCore
import DailiesProvider
import DailiesRunner
import DailiesStore
import Foundation

struct PricesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prices",
        abstract: "Show what is known of prices, and from where; forget what bills said of a model.",
        discussion: """
            For each service of the store, or the one that --provider and --base-url name: what is published, your rates, \
            and what the latest \(PriceBook.windowSize) bills of each kind of clip came to. All figures are credits for a \
            second of output, a fee included in full. One or two bills more than five times above or below the median are \
            outliers and decide nothing; three or more are a price. Prices of one service count for no other.

            `forget` drops what bills said of a model at one service: only bills of clips that are submitted later count. \
            Reports stay as they are. A run in progress would not notice, so that it is refused meanwhile.

            Examples:
              dailies prices
              dailies prices --base-url https://llm.bytespike.ai --json
              dailies prices forget seedance-2.0-pro
              dailies prices forget seedance-2.0-pro --resolution 1080p --provider bytespike

            Exit codes: 0 done, 11 another runner holds the store, 64 usage or nothing to forget.
            """)

    enum Action: String, ExpressibleByArgument, CaseIterable {
        case forget
    }

    @Argument(help: ArgumentHelp("forget, to drop what bills said of a model.", valueName: "forget"))
    var action: Action?
    @Argument(help: ArgumentHelp("The model to forget the bills of.", valueName: "model"))
    var model: String?
    @Option(
        help: ArgumentHelp(
            "Forget the bills of clips of this resolution only; \"\" for clips without one.", valueName: "resolution"))
    var resolution: String?
    @Flag(help: "Write JSON.")
    var json = false
    @OptionGroup var store: StoreOptions
    @Option(help: "Only services of this provider.")
    var provider: ProviderOptions.Name?
    @Option(
        help: ArgumentHelp(
            "Only the service at this address (default: $BYTESPIKE_BASE_URL, else all).", valueName: "url"))
    var baseURL: String?
    @OptionGroup(title: "Prices") var prices: PriceOptions
    @OptionGroup(title: "Prices") var models: CatalogueOptions

    mutating func validate() throws {
        guard action == nil || !(model ?? "").isEmpty else { throw ValidationError("say which model to forget") }
        guard action != nil || resolution == nil else { throw ValidationError("--resolution goes with forget MODEL") }
    }

    func run() async throws {
        let address = try address()
        if action == .forget, let model { return try await forget(ModelID(model), at: address) }
        let catalogue = try models.catalogue()
        let rates = try prices.read()
        let reader = try store.openForReading()
        let known = try services(in: reader, at: address).map { service in
            KnownPrices(
                service: service, catalogue: catalogue, rates: rates,
                observed: try reader.observedPrices(of: service))
        }
        try reader.close()
        if json {
            JSONLine.write("prices") { PricesOutput.write(known, to: &$0) }
        } else {
            Console.out(PricesOutput.text(known))
        }
    }

    /// As stores have it; nil: none was named.
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

    /// Those that were named; one that the store does not know has no bills.
    private func services(in store: Store, at address: String?) throws -> [Service] {
        let found = matching(try store.services(), at: address)
        guard found.isEmpty else { return found }
        return [
            Service(
                provider: (provider ?? .bytespike).rawValue,
                baseURL: address ?? ProviderConfiguration.defaultBaseURL)
        ]
    }

    // MARK: Forgetting

    private func forget(_ model: ModelID, at address: String?) async throws {
        try await ExclusiveStore.with(store, orElse: "then forget") { store in
            let service = try service(with: model, in: store, at: address)
            let kinds = try store.forgetPrices(
                of: model, resolution: resolution, at: service, at: Composition.timers().now)
            if json {
                JSONLine.write("prices_forgotten") { PricesOutput.write(kinds, at: service, to: &$0) }
            } else {
                for kind in kinds { Console.out(PricesOutput.forgotten(kind, at: service)) }
            }
        }
    }

    /// The only one, of those that were named, where bills of the model count.
    private func service(with model: ModelID, in store: Store, at address: String?) throws -> Service {
        let named = matching(try store.services(), at: address)
        let found = try named.filter { service in
            try store.observedPrices(of: service).contains { price in
                price.shape.model == model && resolution ?? price.shape.resolution ?? "" == price.shape.resolution ?? ""
            }
        }
        let words = SafeText.quoted(model.text) + (resolution.map { " of \(SafeText.quoted($0))" } ?? "")
        guard let service = found.first else {
            throw Stop(.usage, "no bill of \(words) counts here; see `dailies prices`")
        }
        guard found.count == 1 else {
            let list = found.map(PricesOutput.name).joined(separator: "; ")
            throw Stop(
                .usage,
                "bills of \(words) count at \(found.count) services; name one with --provider and --base-url: \(list)")
        }
        return service
    }
}

/// What is known of prices at one service.
struct KnownPrices {
    /// One kind of clip.
    struct Line {
        let kind: PriceKind
        /// For a second of output.
        let published: ClosedRange<Credits>?
        let publishedBy: String?
        let rate: RateCard.Entry?
        let bills: PriceSummary?
        let settledAt: Instant?
        let trustsEstimates: Bool
    }

    let service: Service
    /// The day on which the published figures were compiled.
    let compiled: String
    let lines: [Line]

    init(service: Service, catalogue: ModelCatalogue, rates: RateCard?, observed: [ObservedPrice]) {
        self.service = service
        compiled = catalogue.compiled
        let book = PriceBook(catalogue: catalogue, rates: rates?.rates ?? [:], observed: observed)
        let settledAt = Dictionary(observed.map { (PriceKind($0.shape), $0.settledAt) }, uniquingKeysWith: max)
        let billed = Set(book.kinds.map(\.model))
        let stated = Set(catalogue.models.values.filter { !$0.prices.isEmpty }.map(\.id))
            .union(rates.map { Array($0.rates.keys) } ?? [])
        let others = stated.subtracting(billed).map { PriceKind(model: $0, resolution: nil) }
        lines = (book.kinds + others).sorted().map { kind in
            let second = RequestShape(model: kind.model, durationSeconds: 1, resolution: kind.resolution)
            return Line(
                kind: kind, published: book.publishedRange(for: second),
                publishedBy: catalogue[kind.model]?.priceSources(for: kind.resolution),
                rate: rates?.entries[kind.model], bills: book.summary(of: kind), settledAt: settledAt[kind],
                trustsEstimates: book.trustsEstimates(of: kind.model))
        }
    }
}
