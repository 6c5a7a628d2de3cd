import DailiesCore

/// The behavior of the simulated provider. The defaults are the documented behavior.
///
/// Durations are at speed 1 unless noted.
package struct SimulatorConfiguration: Hashable, Sendable {
    /// Determines the duration, cost and outcome of each render, with its `out_task_id` (or without one, its number).
    package var seed: UInt64 = 1
    /// Start of asset URLs, without trailing slash. The server sets its own address.
    package var baseURL = "http://127.0.0.1"
    /// Divides every duration inside the provider. Times in responses are those of the given clock, not divided.
    package var speed = 1.0
    /// Accepted API keys. Default: any that is not empty.
    package var apiKeys: APIKeys = .any
    /// All keys belong to one account: each may query and cancel tasks of the others by ID. A submission key is known
    /// only to the API key that sent it, as documented. Default: each key is a separate account.
    package var isOneAccount = false
    /// Accepted formats of submissions. If only `params` is accepted, a flat one gets 400.
    package var dialects: Set<Dialect> = [.flat, .params]
    /// Default: honored, and echoed as documented.
    package var submissionKeys: KeyPolicy = .honored(echo: .paramsOnly)
    /// Default: by content.
    package var sameness: Sameness = .content
    /// Treatment of models that are not in the catalog.
    package var unknownModels: UnknownModels = .refused
    /// Models that get 403 `model_not_in_group`.
    package var modelsOutsideGroup: Set<String> = []
    /// Prompts that contain this text get 451; nil for none.
    package var blockedMarker: String? = "[blocked]"
    /// Default: from the catalog.
    package var latency: Latency = .catalog
    /// Concurrency limits. Default: none.
    package var limits = Limits()
    /// Prices and balance.
    package var money = Money()
    /// URLs and versions of finished clips.
    package var assets = Assets()
    /// Simulated faults. Default: none.
    package var faults = FaultPlan()

    /// The documented behavior.
    package init() {}

    /// The accepted API keys.
    package enum APIKeys: Hashable, Sendable {
        /// Any key that is not empty.
        case any
        /// Only these; any other gets 401.
        case only(Set<String>)
    }

    /// Treatment of `out_task_id`.
    package enum KeyPolicy: Hashable, Sendable {
        /// A repeat returns the original task; queries by key work.
        case honored(echo: Echo)
        /// As if the field were absent: a repeat renders and bills again, a query by key finds nothing.
        case ignored
    }

    /// The responses that echo `out_task_id`.
    package enum Echo: Hashable, Sendable {
        /// All responses.
        case always
        /// Responses in the params dialect, as documented.
        case paramsOnly
        /// No response.
        case never
    }

    /// When two submissions with the same key are equal.
    package enum Sameness: Hashable, Sendable {
        /// Equal model and parameters, in any order, white space or dialect.
        case content
        /// Equal bytes.
        case bytes
    }

    /// Treatment of models that are not in the catalog.
    package enum UnknownModels: Hashable, Sendable {
        /// 400 `model_not_found`.
        case refused
        /// Rendered without validation, at ``Money/unknownModelPerSecond``.
        case accepted
    }

    /// How long a task is queued and rendering.
    package enum Latency: Hashable, Sendable {
        /// The model's typical latency × requested seconds ÷ the seconds it is stated for, of which 5 to 20 % is
        /// queued. A model without one counts as 30 to 90 s for 5 s.
        case catalog
        /// The same for every task.
        case fixed(queued: Duration, running: Duration)
        /// Uniformly distributed, by seed and task.
        case uniform(queued: ClosedRange<Duration>, running: ClosedRange<Duration>)
        /// Only running, lognormally distributed; `variation`: standard deviation divided by mean, at least 0.
        case lognormal(mean: Duration, variation: Double)
    }

    /// Concurrency limits.
    package struct Limits: Hashable, Sendable {
        /// Maximum tasks queued or running per account; beyond it a submission gets 429 `concurrency_limit`.
        package var accountConcurrency: Int?
        /// Maximum tasks of one model that render at the same time; others stay queued.
        package var modelSlots: Int?
        /// No limit.
        package init() {}
    }

    /// Prices and balance.
    package struct Money: Hashable, Sendable {
        /// Added to every estimate; removed in later documentation. Default 0.
        package var submissionFee: Credits = .zero
        /// Price per second by model id; overrides the catalog.
        package var perSecond: [String: Credits] = [:]
        /// Price per second of a model without a published rate. Default 0.10.
        package var unknownModelPerSecond = Credits(nano: 100_000_000)
        /// Factor of all prices, in hundredths. Default 100.
        package var factorHundredths: Int64 = 100
        /// A price change after a number of accepted submissions.
        package var priceChange: PriceChange?
        /// Maximum deviation of a bill from its estimate, in hundredths of a percent, uniformly distributed. Default
        /// none.
        package var deviation: ClosedRange<Int64> = 0...0
        /// The format of amounts. Default: plain decimals.
        package var amountStyle: AmountStyle = .plain
        /// The cost of cancelling a rendering task. Default: the rendered part, stated in the response.
        package var cancellation: CancellationCost = .billed(reported: true)
        /// The balance in credits; nil for unlimited.
        package var balance: Credits?
        /// The spend limit per time; beyond it a submit gets 429. nil (default) for none.
        package var rateBucket: RateBucket?
        /// The catalog's prices, and an unlimited balance.
        package init() {}
    }

    /// A price change during a run.
    package struct PriceChange: Hashable, Sendable {
        /// Number of accepted submissions before it.
        package let submits: Int
        /// The new price factor, in hundredths.
        package let factorHundredths: Int64
        /// A change to `factorHundredths` after `submits` accepted submissions.
        package init(submits: Int, factorHundredths: Int64) {
            self.submits = submits
            self.factorHundredths = factorHundredths
        }
    }

    /// The format of amounts.
    package enum AmountStyle: Hashable, Sendable {
        /// As many decimals as needed.
        case plain
        /// Padded with zeros to this many decimals.
        case padded(decimals: Int)
        /// Nine decimals and these digits: more than an exact reader supports.
        case overlong(tail: String)
        /// `185e-2`.
        case exponent
    }

    /// The cost of cancelling a running task.
    package enum CancellationCost: Hashable, Sendable {
        /// Nothing.
        case free
        /// The whole seconds rendered so far; `reported`: whether the response has a cost field.
        case billed(reported: Bool)
        /// The same, but only queries state it, not the response to the cancellation.
        case billedLater
    }

    /// A spend limit: the sum of accepted estimates per window. Windows are consecutive from the epoch.
    package struct RateBucket: Hashable, Sendable {
        /// Credits per window.
        package let limit: Credits
        /// Length of a window, at speed 1.
        package let window: Duration
        /// A limit of `limit` credits per `window`, which is positive.
        package init(limit: Credits, window: Duration) {
            precondition(window > .zero, "a window of \(window) is not positive")
            self.limit = limit
            self.window = window
        }
    }

    /// URLs and versions of finished clips.
    package struct Assets: Hashable, Sendable {
        /// How long a URL is valid. Default 24 h.
        package var urlLifetime: Duration = .seconds(86_400)
        /// When a URL's validity starts. Default: with the response that returns it.
        package var countedFrom: URLStart = .query
        /// Bytes of padding in every clip, to make it larger. Default 0.
        package var paddingBytes = 0
        /// How versions of a clip are identified. Default: with an ETag.
        package var validators: Validators = .entityTag
        /// The documented behavior.
        package init() {}
    }

    /// The header that identifies a clip's version.
    package enum Validators: Hashable, Sendable, CaseIterable {
        /// `ETag`.
        case entityTag
        /// `Last-Modified`: the time of completion.
        case lastModified
        /// None.
        case none
    }

    /// When a URL's validity starts.
    package enum URLStart: Hashable, Sendable {
        /// With the query that returned it: every query returns a new one.
        case query
        /// With completion: every query returns the same one.
        case completion
    }
}
