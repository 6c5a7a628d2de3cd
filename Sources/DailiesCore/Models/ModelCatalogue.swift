/// What is published of the provider's models. Data that can vanish: a model that is not here still runs, unvalidated.
public struct ModelCatalogue: Sendable {
    /// Day the data was compiled, `2026-11-23`.
    public let compiled: String
    /// By id.
    public let models: [ModelID: ModelSpec]
    /// Ids of the provider's other product surface, and which tasks-API model is meant: for suggestions only.
    public let aliases: [String: ModelID]

    /// Of two models with one id the later one counts.
    public init(compiled: String, models: [ModelSpec], aliases: [String: ModelID] = [:]) {
        self.compiled = compiled
        self.models = Dictionary(models.map { ($0.id, $0) }, uniquingKeysWith: { _, later in later })
        self.aliases = aliases
    }

    /// What is published of a model; nil for one that is not listed.
    public subscript(model: ModelID) -> ModelSpec? { models[model] }
}

/// One model as its page describes it.
public struct ModelSpec: Sendable {
    /// As the API takes it.
    public let id: ModelID
    /// Who makes the model.
    public let vendor: String
    /// Whole seconds that may be asked for.
    public let durationSeconds: ClosedRange<Int>
    /// As the API takes them (`1080p`); empty: it takes none.
    public let resolutions: [String]
    /// What the provider takes where none is asked for.
    public let defaultResolution: String?
    /// As the API takes them (`16:9`); empty: it takes none.
    public let aspectRatios: [String]
    /// What the provider takes where none is asked for.
    public let defaultAspectRatio: String?
    /// Optional fields beyond model, prompt, duration_seconds, resolution, aspect_ratio and image_init.
    public let extraFields: [String: ExtraField]
    /// It takes a first picture (`image_init`).
    public let acceptsImageInit: Bool
    /// When its page says to ask for a task.
    public let cadence: PollCadence
    /// End-to-end time, low to high, of a clip of ``typicalLatencyForSeconds`` seconds.
    public let typicalLatency: ClosedRange<Duration>?
    /// Length of the clip that ``typicalLatency`` is stated for, in seconds.
    public let typicalLatencyForSeconds: Int?
    /// Published prices, in credits; the docs' figures behave like dollars.
    public let prices: [PublishedPrice]
    /// How long a result's URL lives, where the page says so.
    public let urlLifetime: Duration?
    /// Day from which the upstream no longer offers it (`2026-09-24`), where known: a warning, never a refusal.
    public let withdrawn: String?

    /// Takes its properties as they are given.
    public init(
        id: ModelID, vendor: String, durationSeconds: ClosedRange<Int>, resolutions: [String],
        defaultResolution: String?, aspectRatios: [String], defaultAspectRatio: String?,
        extraFields: [String: ExtraField], acceptsImageInit: Bool, cadence: PollCadence,
        typicalLatency: ClosedRange<Duration>?, typicalLatencyForSeconds: Int?, prices: [PublishedPrice],
        urlLifetime: Duration?, withdrawn: String?
    ) {
        self.id = id
        self.vendor = vendor
        self.durationSeconds = durationSeconds
        self.resolutions = resolutions
        self.defaultResolution = defaultResolution
        self.aspectRatios = aspectRatios
        self.defaultAspectRatio = defaultAspectRatio
        self.extraFields = extraFields
        self.acceptsImageInit = acceptsImageInit
        self.cadence = cadence
        self.typicalLatency = typicalLatency
        self.typicalLatencyForSeconds = typicalLatencyForSeconds
        self.prices = prices
        self.urlLifetime = urlLifetime
        self.withdrawn = withdrawn
    }
}

/// The type of a model's own field.
public enum ExtraField: Hashable, Sendable {
    /// A whole number of at most 64 bits.
    case integer
    /// A text; one of `allowed` where the page lists them.
    case text(allowed: [String]?)
}

/// A price as published: `perSecond × seconds + fee`, or the total of the page's example.
public struct PublishedPrice: Hashable, Sendable {
    /// How the page states a price.
    public enum Figure: Hashable, Sendable {
        /// Credits for each second of output, and once for each clip.
        case rate(perSecond: Credits, fee: Credits)
        /// What one clip of so many seconds costs.
        case example(total: Credits, seconds: Int)
    }
    /// The price itself.
    public let figure: Figure
    /// nil: holds for every resolution.
    public let resolution: String?
    /// Where and when it was published, for people.
    public let source: String

    /// Takes its properties as they are given.
    public init(figure: Figure, resolution: String?, source: String) {
        self.figure = figure
        self.resolution = resolution
        self.source = source
    }
}
