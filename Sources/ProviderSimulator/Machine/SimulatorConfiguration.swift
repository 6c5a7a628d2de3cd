import DailiesCore

/// How the simulated provider behaves. Every setting has a default; the defaults are the pages' own behaviour.
///
/// Durations are given at speed 1 unless a comment says otherwise.
public struct SimulatorConfiguration: Hashable, Sendable {
    /// Decides what every render takes, costs and comes to: by this and its `out_task_id` (or, without one, its place).
    public var seed: UInt64 = 1
    /// What asset URLs begin with, without a slash at the end. The server puts its own address here.
    public var baseURL = "http://127.0.0.1"
    /// Divides every duration inside the provider. Instants in replies are times of the given clock, undivided.
    public var speed = 1.0
    /// Which keys are taken. Default: any that is not empty.
    public var apiKeys: APIKeys = .any
    /// All keys belong to one account: each may ask for and cancel what any of them submitted, by its ID. A submission key
    /// is known to the API key that sent it alone, as documented. Default: each key is an account of its own.
    public var isOneAccount = false
    /// Shapes that a submission may have. A flat one meets 400 where only `params` is spoken.
    public var dialects: Set<Dialect> = [.flat, .params]
    /// Default: honoured, and echoed as the pages show it.
    public var submissionKeys: KeyPolicy = .honoured(echo: .paramsOnly)
    /// Default: by content.
    public var sameness: Sameness = .content
    /// Models that the catalogue does not list.
    public var unknownModels: UnknownModels = .refused
    /// Models that answer 403 `model_not_in_group`.
    public var modelsOutsideGroup: Set<String> = []
    /// A prompt that contains this answers 451; nil: none does.
    public var blockedMarker: String? = "[blocked]"
    /// Default: as the catalogue says.
    public var latency: Latency = .catalogue
    /// How much it takes at a time. Default: no limit.
    public var limits = Limits()
    /// What it charges.
    public var money = Money()
    /// What it says of finished clips.
    public var assets = Assets()
    /// What goes wrong. Default: nothing.
    public var faults = FaultPlan()

    /// The pages' own behaviour.
    public init() {}

    /// Which API keys are taken.
    public enum APIKeys: Hashable, Sendable {
        /// Any that is not empty.
        case any
        /// These alone; any other meets 401.
        case only(Set<String>)
    }

    /// What becomes of `out_task_id`.
    public enum KeyPolicy: Hashable, Sendable {
        /// A repeat is answered with the original; a query by key works.
        case honoured(echo: Echo)
        /// As if the field were not there: a repeat renders and bills again, a query by key finds nothing.
        case ignored
    }

    /// Which replies carry `out_task_id` again.
    public enum Echo: Hashable, Sendable {
        /// All of them.
        case always
        /// In replies of the params shape, as the pages show it.
        case paramsOnly
        /// None.
        case never
    }

    /// When two submissions under one key are the same.
    public enum Sameness: Hashable, Sendable {
        /// Equal model and parameters, whatever the order, the white space or the dialect.
        case content
        /// Equal bytes.
        case bytes
    }

    /// What becomes of models that the catalogue does not list.
    public enum UnknownModels: Hashable, Sendable {
        /// 400 `model_not_found`.
        case refused
        /// Rendered without validation, at ``Money/unknownModelPerSecond``.
        case accepted
    }

    /// How long a task waits and renders.
    public enum Latency: Hashable, Sendable {
        /// The model's typical latency × asked seconds ÷ the seconds it is stated for; 5 to 20 % of it is spent queued.
        /// A model without one counts as 30 to 90 s for 5 s.
        case catalogue
        /// Every task the same.
        case fixed(queued: Duration, running: Duration)
        /// Drawn evenly, by the seed and the task.
        case uniform(queued: ClosedRange<Duration>, running: ClosedRange<Duration>)
        /// All of it running, lognormal; `variation`: the standard deviation over the mean, at least 0.
        case lognormal(mean: Duration, variation: Double)
    }

    /// How much the provider takes at a time.
    public struct Limits: Hashable, Sendable {
        /// Tasks queued or running on the account beyond which a submission answers 429 `concurrency_limit`.
        public var accountConcurrency: Int?
        /// Tasks of one model that render at once; the others stay queued.
        public var modelSlots: Int?
        /// No limit.
        public init() {}
    }

    /// What the provider charges.
    public struct Money: Hashable, Sendable {
        /// Added to every estimate. The later pages dropped it. Default 0.
        public var submissionFee: Credits = .zero
        /// Price per second by model id, before the catalogue's.
        public var perSecond: [String: Credits] = [:]
        /// For a model without a published rate. Default 0.10.
        public var unknownModelPerSecond = Credits(nano: 100_000_000)
        /// Hundredths by which every price is multiplied. Default 100.
        public var factorHundredths: Int64 = 100
        /// Another factor from the submission on that follows this many accepted ones.
        public var priceChange: PriceChange?
        /// How far a bill lies from its estimate, in hundredths of a percent, drawn evenly. Default none.
        public var deviation: ClosedRange<Int64> = 0...0
        /// How amounts are written. Default: as plain decimals.
        public var amountStyle: AmountStyle = .plain
        /// What cancelling a task that renders costs. Default: its part, as the reply says.
        public var cancellation: CancellationCost = .billed(reported: true)
        /// Nil: the wallet has no bottom.
        public var balance: Credits?
        /// Credits that may be spent in a length of time; beyond it a submit answers 429. Nil (default): no bound.
        public var rateBucket: RateBucket?
        /// The catalogue's prices, and a wallet without a bottom.
        public init() {}
    }

    /// Another price in the middle of things.
    public struct PriceChange: Hashable, Sendable {
        /// Accepted submits before it.
        public let submits: Int
        /// Hundredths by which prices are multiplied from then on.
        public let factorHundredths: Int64
        /// Takes its properties as they are given.
        public init(submits: Int, factorHundredths: Int64) {
            self.submits = submits
            self.factorHundredths = factorHundredths
        }
    }

    /// How an amount is written.
    public enum AmountStyle: Hashable, Sendable {
        /// As many decimals as needed.
        case plain
        /// Zeros up to this many decimals.
        case padded(decimals: Int)
        /// Nine decimals and these digits after them: more than an exact reader can book.
        case overlong(tail: String)
        /// `185e-2`.
        case exponent
    }

    /// What cancelling a running task costs.
    public enum CancellationCost: Hashable, Sendable {
        /// Nothing.
        case free
        /// The whole seconds rendered so far; `reported` says whether the reply has a cost field.
        case billed(reported: Bool)
        /// The same; the reply to the cancel is silent, and queries state it.
        case billedLater
    }

    /// A spend limit: estimates accepted in one window, windows following each other from the epoch on.
    public struct RateBucket: Hashable, Sendable {
        /// Credits in one window.
        public let limit: Credits
        /// Its length, at speed 1.
        public let window: Duration
        /// Takes its properties as they are given.
        public init(limit: Credits, window: Duration) {
            precondition(window > .zero, "a window of \(window) never ends")
            self.limit = limit
            self.window = window
        }
    }

    /// What the provider says of finished clips.
    public struct Assets: Hashable, Sendable {
        /// Default 24 h.
        public var urlLifetime: Duration = .seconds(86_400)
        /// From when on a URL's life is counted. Default: from the reply that gives it.
        public var countedFrom: URLStart = .query
        /// Bytes of padding in every clip, so that there is something to cut. Default 0.
        public var paddingBytes = 0
        /// What tells the versions of a clip apart. Default: an ETag.
        public var validators: Validators = .entityTag
        /// As the pages describe it.
        public init() {}
    }

    /// How the head of a clip's reply names its version.
    public enum Validators: Hashable, Sendable, CaseIterable {
        /// `ETag`.
        case entityTag
        /// `Last-Modified`: the time of completion.
        case lastModified
        /// Not at all.
        case none
    }

    /// From when on the life of a URL is counted.
    public enum URLStart: Hashable, Sendable {
        /// From the query that returned it: every query mints a fresh one.
        case query
        /// From completion: every query returns the same one.
        case completion
    }
}
