/// What a run is allowed and how it behaves. Durations are those of speed 1; ``divided(bySpeed:)`` turns the clock faster.
public struct SchedulerSettings: Sendable {
    /// Tasks in flight at the provider, at least 1. Default 5.
    public var concurrency = 5
    /// Tasks in flight of one model, each at least 1, beside the limit above. Default none.
    public var modelConcurrency: [ModelID: Int] = [:]
    /// Submits in a length of time, by the clock on the wall: no speed divides it. nil (default): no pace.
    public var submitPace: SubmitRate?
    /// New attempts after a render that failed free of charge. Default 0.
    public var retries = 0
    /// false: completed clips are left at the provider (`--no-download`). Default true.
    public var downloads = true
    /// Downloads at a time. Default 4.
    public var downloadConcurrency = 4
    /// Bytes a second below which a download gives its place to one that waits; it goes on later. 0: never. Default 16 KiB.
    public var leastDownloadSpeed: Int64 = 16 << 10
    /// Over which a download's speed is measured. By the clock on the wall: no speed divides it. Default 1 min.
    public var downloadSpeedWindow: Duration = .seconds(60)
    /// Time since the submit after which a task is asked for only every minute and gives its slot back.
    /// nil (default): the larger of one hour and four times its model's polling window.
    public var pollWindow: Duration?
    /// How long an outage, an empty rate bucket or an unusable disk is waited for. Default 15 min.
    public var maximumWait: Duration = .seconds(15 * 60)
    /// How long a reply can keep the next question, or a full account's next submit, waiting: the maximum wait, and no more
    /// than 15 minutes, since an absurd Retry-After must not hide a completed clip until its address has expired.
    var longestAskedWait: Duration { min(maximumWait, .seconds(15 * 60).divided(bySpeed: speed)) }
    /// Repeat a submit after a 5xx that carries the API's own error envelope, which the provider promises not to bill.
    public var trustsServerErrors = false
    /// Percent by which a quote may lie above what is expected of such a clip before its task is cancelled while that is free and
    /// nothing more of its model is sent; the same for a bill above its quote. nil (default): all are accepted.
    public var quoteTolerance: Int64?
    /// How polls are placed. Default documented.
    public var cadence = PollingMode.documented
    /// Interval of polls after the model's window. Default 10 s.
    public var lateInterval: Duration = .seconds(10)
    /// Interval of polls after the poll window. Default 60 s.
    public var unresolvedInterval: Duration = .seconds(60)
    /// 404 on a known id for this long is `lost`. Default 10 min.
    public var lostAfter: Duration = .seconds(10 * 60)
    /// How long after its last send a key that is not found proves that its submit never arrived, so that the same bytes
    /// may go out again; later it may have been forgotten. nil (default): as the provider states it, else 24 h.
    public var keyMemory: Duration?
    /// Sends of one submit in one run that may have been accepted without a word of it, and whose key is not found. A
    /// service that loses what it accepts would render, and bill, each of them.
    public static let mostSends = 5
    /// Default of ``keyMemory`` and of ``RenderProvider/keyMemory``: how long keys are remembered is stated nowhere.
    public static let usualKeyMemory = Duration.seconds(24 * 3600)
    /// Between questions for a cost or a URL that a completed task lacks. Default 5 s.
    public var completionInterval: Duration = .seconds(5)
    /// Questions for such a cost or URL. Default 3.
    public var completionQuestions = 3
    /// Uncertain tasks at which submission pauses. Default 5.
    public var uncertainLimit = 5
    /// Clips left at the provider whose unknown cost is asked for once more when a run begins, at most. Default 100.
    public var lateCostQuestions = 100
    /// Waiting tasks held in memory for each batch and model. Default 256.
    public var pageSize = 256
    /// A few clips go first. nil (default): all at once.
    public var canary: CanarySettings?
    /// Rejections by the content policy in a row that end submission, at least 1. nil: any number. Default 10.
    public var mostPolicyRejections: Int? = 10
    /// What follows a failure that cost nothing; new attempts are bounded by ``retries``.
    public var retryRules = RetryRules()
    /// After an outage, what was held back is asked for over this time. Default 2 s.
    public var recoverySpread: Duration = .seconds(2)
    /// Attempts of the last run that are read at a time when a run starts, and questions about them that may be in the
    /// air before the next are read. Default 512.
    public var recoveryPageSize = 512
    /// Completed clips that wait for their download, above which nothing new is submitted. Default 64.
    public var unsavedLimit = 64
    /// How long an asset's URL is taken to live where the catalogue does not say. Default 24 h (the authoring template).
    public var assetLifetime: Duration = .seconds(24 * 3600)
    /// How long an asset that its server refuses (401, 403, 404, 410) is asked for at least, from its first refusal on: it may
    /// not be everywhere yet when its task is completed. Default 2 min.
    public var assetPatience: Duration = .seconds(120)
    /// Least pause after a 429 without a reset time; as much again is added at random. Default 1 s.
    public var throttlePause: Duration = .seconds(1)
    /// How often and how soon what failed for a moment is tried again.
    public var retry = RetryPolicy()
    /// Calm time before a reduced limit is probed one higher. Default 30 s.
    public var initialProbeInterval: Duration = .seconds(30)
    /// Default 1 h.
    public var maximumProbeInterval: Duration = .seconds(3600)
    /// Factor by which cadences are divided, 1 unless told otherwise. Set by ``divided(bySpeed:)``.
    public private(set) var speed = 1.0

    /// Every setting as its default says.
    public init() {}

    /// What limits submission as long as nobody changes it.
    public var limits: SubmissionLimits {
        SubmissionLimits(concurrency: concurrency, byModel: modelConcurrency, pace: submitPace)
    }

    /// The same run on a clock that runs `speed` times as fast. HTTP time-outs are not here, so they stay.
    public func divided(bySpeed speed: Double) -> SchedulerSettings {
        precondition(speed > 0, "a clock of speed \(speed) stands still")
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
