import DailiesCore

/// What can go wrong, each drawn on its own with a probability per request (or per task, where it says so).
public enum FaultKind: String, Hashable, Sendable, CaseIterable {
    // Any API request.
    /// The connection closes before anything is read: nothing happened.
    case refuse
    /// 400, 404, 405, 407, 421 or 431 with a gateway's page; the request never reached the service.
    case gatewayPage4xx
    /// The request is carried out and the connection closes without a reply.
    case dropReply
    /// The reply comes ``FaultPlan/replyDelay`` later.
    case delayReply
    /// The request is carried out twice, as if the network had repeated it; the second reply is delivered.
    case duplicateDelivery
    /// 500, 502, 503 or 504 with the API's envelope, before anything happened.
    case serverErrorBefore
    /// The request is carried out, then a 5xx with the API's envelope, as if it had not been: breaks the promise that
    /// such a reply is never billed.
    case serverErrorAfter
    /// The request is carried out, then a 5xx with a proxy's page.
    case bareServerErrorAfter
    /// The reply's body stops before its end, and the connection closes.
    case truncateReply
    /// A 200 with a page of HTML instead of JSON; the request was carried out.
    case htmlReply
    /// The reply comes a few bytes at a time.
    case dripReply
    /// The numbers of the reply are written as strings.
    case numbersAsStrings
    /// Some numbers of the reply, or when a limit resets, are none that anybody could count with; the bill is right.
    case absurdNumbers

    /// The reply, or the error in its place, says that it is about another submission (`out_task_id`).
    case otherSubmission

    // Submissions.
    /// 429 `rate_limit_exceeded` with `X-RateLimit-Reset`, nothing happened.
    case throttle
    /// 429 without a code and without a reset, nothing happened.
    case bareThrottle
    /// 402 for this and every other submission of the next ``FaultPlan/walletEmptyFor``.
    case walletEmpty
    /// 451, nothing happened.
    case contentPolicy
    /// Answered with the ID of an earlier task of the account, which its client has asked for by that ID: nothing is
    /// rendered or billed for this submission.
    case sameTaskID
    /// Rendering starts with the acceptance, and the reply says `running`.
    case startAtOnce
    /// The reply to the submission has a state that no page lists.
    case unlistedSubmitState

    // Queries.
    /// 429 for a query, which the pages say is never throttled.
    case throttleQuery
    /// One reply says queued although the task runs.
    case goBackwards
    /// One reply has a state that no page lists.
    case unknownState
    /// A query by key is answered with another task of the account, which its client has asked for by its ID, and without
    /// a key.
    case wrongTaskByKey

    // Tasks, drawn once when the task is accepted.
    /// Queries answer 404 `task_not_found` for the first ``FaultPlan/forgottenFor``.
    case forget
    /// Its key is forgotten ``FaultPlan/keysForgottenAfter`` its acceptance: a query by it answers 404, a repeat renders and
    /// bills again.
    case forgetKey
    /// Completed, yet the first ``FaultPlan/incompleteReplies`` replies that say so have no URL.
    case lateURL
    /// Completed and never with a URL.
    case noURL
    /// Completed, yet the first ``FaultPlan/incompleteReplies`` replies that say so have no cost.
    case lateCost
    /// Completed and billed, never with a cost.
    case noCost
    /// The render fails with `error_code` and `error_message`.
    case failRender
    /// The clip is not there yet for ``FaultPlan/assetLateFor`` after its task has completed: 404, or 403.
    case lateAsset
    /// The bill is ``FaultPlan/absurdFactor`` times the estimate.
    case absurdBill
    /// The render fails without saying why.
    case failRenderSilently
    /// The render fails with `content_policy_violation`.
    case failRenderByPolicy
    /// Quoted at several times its price, and billed as quoted.
    case quoteAbovePrice
    /// Billed at several times its quote.
    case billAboveQuote
    /// Quoted at nothing, and billed at its price.
    case zeroEstimate

    /// Its clip is no MP4 but QuickTime or WebM, whatever its address and its name say.
    case otherFormat
    /// Bytes that are no box follow the end of its clip.
    case bytesAfterEnd
    /// It is gone ``FaultPlan/tasksKeptFor`` after its acceptance: queries answer 404 `task_not_found`, and so does the
    /// address of its clip.
    case dropTask

    // Cancels.
    /// The cancel of a task that waits comes too late: a second of it is rendered by then, and billed like any part.
    case rendersBeforeCancel
    /// The reply to the cancel does not state what the cancelled task cost; queries do.
    case silentCancelCost

    // Assets.
    /// 403 although the URL still lives.
    case expireURL
    /// The body stops before its end, and the connection closes.
    case cutDownload
    /// From this request on another version of the clip is there: other bytes, another validator, mostly another length.
    case changedAsset
    /// The body comes without its length, and that of a part without the whole length; it mostly ends too early, as if it were
    /// whole: between two boxes of the file, or anywhere.
    case noLength
    /// The body comes ``FaultPlan/dripDownloadBytes`` at a time.
    case dripDownload
    /// The whole clip comes with an index that nobody can read; nothing else tells it from the sound one.
    case damagedClip
    /// A Range is answered with 200 and the whole clip.
    case ignoredRange
    /// A Range is answered with a part that does not fit: another one, one of another length, one without a Content-Range, or
    /// one of another version than `If-Range` asks for.
    case wrongRange
}

/// Which faults occur how often, and their measures. All probabilities are 0 unless set.
public struct FaultPlan: Hashable, Sendable {
    /// Seed of the generator that faults are drawn from; apart from the one that decides what renders take and cost.
    public var seed: UInt64 = 1
    /// How long ``FaultKind/delayReply`` waits. Real time, not divided by the speed. Default 2 s.
    public var replyDelay: Duration = .seconds(2)
    /// How long ``FaultKind/forget`` lasts, at speed 1. Default 30 s.
    public var forgottenFor: Duration = .seconds(30)
    /// How long a key is remembered before ``FaultKind/forgetKey``, at speed 1. Default 24 h.
    public var keysForgottenAfter: Duration = .seconds(24 * 3600)
    /// How long a task is kept where ``FaultKind/dropTask`` strikes, at speed 1. Default 48 h.
    public var tasksKeptFor: Duration = .seconds(48 * 3600)
    /// How long ``FaultKind/walletEmpty`` lasts, at speed 1. Default 60 s.
    public var walletEmptyFor: Duration = .seconds(60)
    /// How long ``FaultKind/throttle`` asks to wait, at speed 1. Default 5 s.
    public var throttledFor: Duration = .seconds(5)
    /// How many replies lack what ``FaultKind/lateURL`` and ``FaultKind/lateCost`` hold back. Default 2.
    public var incompleteReplies = 2
    /// How long a clip of ``FaultKind/lateAsset`` is not there, at speed 1. Default 20 s.
    public var assetLateFor: Duration = .seconds(20)
    /// What ``FaultKind/absurdBill`` multiplies a bill by.
    public static let absurdFactor: Int64 = 1000
    /// Bytes and pause of ``FaultKind/dripReply``. Default 16 bytes every 20 ms of real time.
    public var dripBytes = 16
    /// Between two drops of a dripped reply, by the clock on the wall. Default 20 ms.
    public var dripPause: Duration = .milliseconds(20)
    /// Bytes and pause of ``FaultKind/dripDownload``. Default 1 byte every 10 s of real time.
    public var dripDownloadBytes = 1
    /// Between two drops of a dripped clip, by the clock on the wall. Default 10 s.
    public var dripDownloadPause: Duration = .seconds(10)
    /// Times at which the service is gone: requests meet ``FaultKind/refuse``.
    public var outages: [Outage] = []

    /// A time in which the whole service is gone.
    public struct Outage: Hashable, Sendable {
        /// Its first moment.
        public let from: Instant
        /// The first moment after it.
        public let to: Instant
        /// Takes its properties as they are given.
        public init(from: Instant, to: Instant) {
            self.from = from
            self.to = to
        }
        func contains(_ now: Instant) -> Bool { from <= now && now < to }
    }

    private var probabilities: [FaultKind: Double] = [:]

    /// Faults by their probability, 0 to 1; those that are not named never happen.
    public init(_ probabilities: [FaultKind: Double] = [:]) {
        for (kind, probability) in probabilities { self[kind] = probability }
    }

    /// Probability of a kind, 0 … 1.
    public subscript(kind: FaultKind) -> Double {
        get { probabilities[kind] ?? 0 }
        set {
            precondition((0...1).contains(newValue), "\(newValue) is no probability of \(kind)")
            probabilities[kind] = newValue == 0 ? nil : newValue
        }
    }
}
