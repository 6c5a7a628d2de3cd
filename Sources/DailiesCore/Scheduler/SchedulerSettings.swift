/// Limits and behavior of a run. Durations are those of speed 1; ``divided(bySpeed:)`` speeds up the clock.
public struct SchedulerSettings: Sendable {
    /// Tasks in flight at the provider, at least 1. Default 5.
    public var concurrency = 5
    /// Tasks in flight per model, each at least 1, in addition to the limit above. Default none.
    public var modelConcurrency: [ModelID: Int] = [:]
    /// The maximum submit rate, in wall-clock time regardless of speed. nil (default): unlimited.
    public var submitPace: SubmitRate?
    /// New attempts after a render that failed free of charge. Default 0.
    public var retries = 0
    /// Whether to submit nothing, and to follow only some of the unfinished tasks. Default false.
    package var submitsNothing = false
    /// Whether to follow nothing, and only carry out users' commands until stopped; with ``submitsNothing``. Default
    /// false.
    package var servesCommandsOnly = false
    /// Whether to download completed clips; false leaves them at the provider (`--no-download`). Default true.
    public var downloads = true
    /// Concurrent downloads. Default 4.
    public var downloadConcurrency = 4
    /// Bytes per second below which a download yields to a waiting one and resumes later. 0: never. Default 16 KiB.
    public var leastDownloadSpeed: Int64 = 16 << 10
    /// Time over which download speed is measured, in wall-clock time regardless of speed. Default 1 min.
    public var downloadSpeedWindow: Duration = .seconds(60)
    /// Time since the submit after which a task is polled only every minute and releases its slot. nil (default): the
    /// larger of one hour and four times its model's polling window.
    public var pollWindow: Duration?
    /// Maximum wait for an outage, an empty rate bucket or an unusable disk. Default 15 min.
    public var maximumWait: Duration = .seconds(15 * 60)
    /// Maximum time by which a reply can delay the next query, or a full account the next submit: the maximum wait, but
    /// no more than 15 minutes, since an absurd Retry-After must not hide a completed clip until its URL expires.
    var maximumRequestedWait: Duration { min(maximumWait, .seconds(15 * 60).divided(bySpeed: speed)) }
    /// Whether to resubmit after a 5xx with the API's error envelope, which the provider promises not to bill. Default
    /// false.
    public var trustsServerErrors = false
    /// Percentage by which a quote may exceed the expected price before its task is cancelled while that is free and
    /// its model is stopped; the same for a bill above its quote. nil (default): accept any.
    public var quoteTolerance: Int64?
    /// How poll times are chosen. Default documented.
    public var cadence = PollingMode.documented
    /// Interval of polls after the model's window. Default 10 s.
    public var lateInterval: Duration = .seconds(10)
    /// Interval of polls after the poll window. Default 60 s.
    public var unresolvedInterval: Duration = .seconds(60)
    /// Time of 404 replies for a known ID after which it is `lost`. Default 10 min.
    public var lostAfter: Duration = .seconds(10 * 60)
    /// Time after the last send during which a missing key proves that the submit never arrived, so that the same bytes
    /// may be resent; later the key may be forgotten. nil (default): as the provider states, otherwise 24 h.
    public var keyMemory: Duration?
    /// Maximum sends of one submit in one run that may have been accepted without a reply and whose key is not found. A
    /// service that loses accepted submits would render, and bill, each of them.
    public static let maximumSends = 5
    /// Default of ``keyMemory`` and of ``RenderProvider/keyMemory``. The provider does not document the actual time.
    public static let usualKeyMemory = Duration.seconds(24 * 3600)
    /// Interval between queries for a completed task's missing cost or URL. Default 5 s.
    public var completionInterval: Duration = .seconds(5)
    /// Number of such queries. Default 3.
    public var completionQueries = 3
    /// Number of uncertain tasks at which submission pauses. Default 5.
    public var uncertainLimit = 5
    /// Maximum number of unknown costs of clips left at the provider to query when a run begins. Default 100.
    public var lateCostQueries = 100
    /// Waiting tasks kept in memory per batch and model. Default 256.
    public var pageSize = 256
    /// Renders a few clips first. nil (default): all at once.
    public var canary: CanarySettings?
    /// Consecutive content-policy rejections that end submission, at least 1. nil: unlimited. Default 10.
    public var maximumPolicyRejections: Int? = 10
    /// Rules for failures that cost nothing; new attempts are limited by ``retries``.
    public var retryRules = RetryRules()
    /// Time over which deferred queries are spread after an outage. Default 2 s.
    public var recoverySpread: Duration = .seconds(2)
    /// Page size for open attempts at the start, and number of their queries that may be in flight before the next page
    /// is read. Default 512.
    public var recoveryPageSize = 512
    /// Number of clips waiting for download above which nothing new is submitted. Default 64.
    public var unsavedLimit = 64
    /// Assumed lifetime of an asset's URL if the catalog states none. Default 24 h (the authoring template).
    public var assetLifetime: Duration = .seconds(24 * 3600)
    /// Minimum time, from the first refusal on, for retrying an asset that its server refuses (401, 403, 404, 410): it
    /// may not be available everywhere when its task completes. Default 2 min.
    public var assetPatience: Duration = .seconds(120)
    /// Minimum pause after a 429 without a reset time; a random amount up to twice as long is added. Default 1 s.
    public var throttlePause: Duration = .seconds(1)
    /// How often and how soon transient failures are retried.
    public var retry = RetryPolicy()
    /// Calm time before a reduced limit is probed one higher. Default 30 s.
    public var initialProbeInterval: Duration = .seconds(30)
    /// Maximum of that time. Default 1 h.
    public var maximumProbeInterval: Duration = .seconds(3600)
    /// Factor by which cadences are divided. Default 1; set by ``divided(bySpeed:)``.
    public private(set) var speed = 1.0

    /// Creates default settings.
    public init() {}

    /// The initial submission limits.
    public var limits: SubmissionLimits {
        SubmissionLimits(concurrency: concurrency, byModel: modelConcurrency, pace: submitPace)
    }

    /// The settings for a clock that runs `speed` times as fast. HTTP timeouts are not here, so they stay.
    public func divided(bySpeed speed: Double) -> SchedulerSettings {
        precondition(speed > 0, "the speed must be positive, not \(speed)")
        var copy = self
        copy.speed = self.speed * speed
        copy.pollWindow = pollWindow?.divided(bySpeed: speed)
        copy.maximumWait = maximumWait.divided(bySpeed: speed)
        copy.lateInterval = lateInterval.divided(bySpeed: speed)
        copy.unresolvedInterval = unresolvedInterval.divided(bySpeed: speed)
        copy.lostAfter = lostAfter.divided(bySpeed: speed)
        copy.keyMemory = keyMemory?.divided(bySpeed: speed)
        copy.completionInterval = completionInterval.divided(bySpeed: speed)
        copy.assetLifetime = assetLifetime.divided(bySpeed: speed)
        copy.assetPatience = assetPatience.divided(bySpeed: speed)
        copy.throttlePause = throttlePause.divided(bySpeed: speed)
        copy.recoverySpread = recoverySpread.divided(bySpeed: speed)
        copy.retry = retry.divided(bySpeed: speed)
        copy.initialProbeInterval = initialProbeInterval.divided(bySpeed: speed)
        copy.maximumProbeInterval = maximumProbeInterval.divided(bySpeed: speed)
        return copy
    }
}
