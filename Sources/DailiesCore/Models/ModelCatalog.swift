/// Published facts about the provider's models. A model that is not listed still runs, without validation.
public struct ModelCatalog: Sendable {
    /// The day the data was compiled, such as `2026-11-23`.
    public let compiled: String
    /// The models by ID.
    public let models: [ModelID: ModelSpec]
    /// IDs of the provider's other product and the tasks-API models they correspond to; used for suggestions only.
    public let aliases: [String: ModelID]

    /// Creates a catalog. If two models have the same ID, the later one wins.
    public init(compiled: String, models: [ModelSpec], aliases: [String: ModelID] = [:]) {
        self.compiled = compiled
        self.models = Dictionary(models.map { ($0.id, $0) }, uniquingKeysWith: { _, later in later })
        self.aliases = aliases
    }

    /// The facts about a model; nil if it is not listed.
    public subscript(model: ModelID) -> ModelSpec? { models[model] }
}

/// One model as its page describes it.
public struct ModelSpec: Sendable {
    /// The model's ID in the API.
    public let id: ModelID
    /// The model's vendor.
    public let vendor: String
    /// Allowed durations in whole seconds.
    public let durationSeconds: ClosedRange<Int>
    /// Allowed resolutions, such as `1080p`; empty if the model has no such field.
    public let resolutions: [String]
    /// The provider's default.
    public let defaultResolution: String?
    /// Allowed aspect ratios, such as `16:9`; empty if the model has no such field.
    public let aspectRatios: [String]
    /// The provider's default.
    public let defaultAspectRatio: String?
    /// Optional fields beyond model, prompt, duration_seconds, resolution, aspect_ratio and image_init.
    public let extraFields: [String: ExtraField]
    /// Whether the model accepts a first frame (`image_init`).
    public let acceptsImageInit: Bool
    /// The documented poll cadence.
    public let cadence: PollCadence
    /// Range of end-to-end times for a clip of ``typicalLatencyForSeconds`` seconds; nil: not stated.
    public let typicalLatency: ClosedRange<Duration>?
    /// Seconds of the clip that ``typicalLatency`` is stated for.
    public let typicalLatencyForSeconds: Int?
    /// Published prices, in credits; the docs' figures behave like dollars.
    public let prices: [PublishedPrice]
    /// How long a result's URL is valid; nil: not stated.
    public let urlLifetime: Duration?
    /// The day (`2026-09-24`) on which the upstream withdrew the model; nil: none known. Causes a warning, not a
    /// refusal.
    public let withdrawn: String?

    /// Creates a value from its properties.
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

/// The type of a model-specific field.
public enum ExtraField: Hashable, Sendable {
    /// A whole number of up to 64 bits.
    case integer
    /// A text; one of `allowed` if the page lists values.
    case text(allowed: [String]?)
}

/// A price as published: `perSecond × seconds + fee`, or the total of the page's example.
public struct PublishedPrice: Hashable, Sendable {
    /// How the page states a price.
    public enum Figure: Hashable, Sendable {
        /// Credits per second of output, plus a fee per clip.
        case rate(perSecond: Credits, fee: Credits)
        /// The total for one clip of this many seconds.
        case example(total: Credits, seconds: Int)
    }
    /// The price.
    public let figure: Figure
    /// The resolution that it applies to; nil: all.
    public let resolution: String?
    /// Where and when it was published, for display.
    public let source: String

    /// Creates a value from its properties.
    public init(figure: Figure, resolution: String?, source: String) {
        self.figure = figure
        self.resolution = resolution
        self.source = source
    }
}
