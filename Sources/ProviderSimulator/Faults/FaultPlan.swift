import DailiesCore

/// The simulated faults. Each is drawn independently with a probability per request, or per task where noted.
package enum FaultKind: String, Hashable, Sendable, CaseIterable {
    // Any API request.
    /// The connection closes before anything is read, without any effect.
    case refuse
    /// 400, 404, 405, 407, 421 or 431 with a gateway's page; the request did not reach the service.
    case gatewayPage4xx
    /// The request is processed and the connection closes without a response.
    case dropReply
    /// The response is delayed by ``FaultPlan/replyDelay``.
    case delayReply
    /// The request is processed twice, as if the network had repeated it; the second response is sent.
    case duplicateDelivery
    /// 500, 502, 503 or 504 with the API's envelope, without any effect.
    case serverErrorBefore
    /// The request is processed, but the response is a 5xx with the API's envelope. This breaks the documented
    /// guarantee that such a request is not billed.
    case serverErrorAfter
    /// The request is processed, but the response is a 5xx with a proxy's page.
    case bareServerErrorAfter
    /// The response body is truncated, and the connection closes.
    case truncateReply
    /// A 200 with an HTML page instead of JSON; the request was processed.
    case htmlReply
    /// The response is sent a few bytes at a time.
    case dripReply
    /// The numbers in the response are strings.
    case numbersAsStrings
    /// Some numbers in the response, or the reset time of a limit, are invalid; the bill is correct.
    case absurdNumbers

    /// The response or error refers to another submission (`out_task_id`).
    case otherSubmission

    // Submissions.
    /// 429 `rate_limit_exceeded` with `X-RateLimit-Reset`, without any effect.
    case throttle
    /// 429 without a code and without a reset, without any effect.
    case bareThrottle
    /// 402 for this and all submissions during the next ``FaultPlan/walletEmptyFor``.
    case walletEmpty
    /// 451, without any effect.
    case contentPolicy
    /// Returns the ID of an earlier task of the account that its client has queried by ID: nothing is rendered or
    /// billed for this submission.
    case sameTaskID
    /// Rendering starts immediately, and the response says `running`.
    case startAtOnce
    /// The response to the submission has an undocumented state.
    case unlistedSubmitState

    // Queries.
    /// 429 for a query, although the documentation says that queries are never throttled.
    case throttleQuery
    /// A response says queued although the task is running.
    case goBackwards
    /// A response has an undocumented state.
    case unknownState
    /// A query by key returns another task of the account that its client has queried by ID, and no key.
    case wrongTaskByKey

    // Tasks, drawn once when the task is accepted.
    /// Queries return 404 `task_not_found` for the first ``FaultPlan/forgottenFor``.
    case forget
    /// The key is forgotten ``FaultPlan/keysForgottenAfter`` after acceptance: a query by key returns 404, and a
    /// repeated submission renders and bills again.
    case forgetKey
    /// Completed, but the first ``FaultPlan/incompleteReplies`` responses that say so have no URL.
    case lateURL
    /// Completed, but never with a URL.
    case noURL
    /// Completed, but the first ``FaultPlan/incompleteReplies`` responses that say so have no cost.
    case lateCost
    /// Completed and billed, but never with a cost.
    case noCost
    /// The render fails with `error_code` and `error_message`.
    case failRender
    /// The clip is unavailable (404 or 403) for ``FaultPlan/assetLateFor`` after completion.
    case lateAsset
    /// The bill is ``FaultPlan/absurdFactor`` times the estimate.
    case absurdBill
    /// The render fails without a reason.
    case failRenderSilently
    /// The render fails with `content_policy_violation`.
    case failRenderByPolicy
    /// The estimate is several times the price, and is billed.
    case quoteAbovePrice
    /// The bill is several times the estimate.
    case billAboveQuote
    /// The estimate is zero, but the price is billed.
    case zeroEstimate

    /// The clip is QuickTime or WebM instead of MP4, despite its URL and name.
    case otherFormat
    /// Bytes that are not a box follow the end of the clip.
    case bytesAfterEnd
    /// The task is deleted ``FaultPlan/tasksKeptFor`` after acceptance: queries and the clip's URL return 404
    /// `task_not_found`.
    case dropTask

    // Cancels.
    /// The cancellation of a queued task is late: one second has been rendered, and is billed.
    case rendersBeforeCancel
    /// The response to the cancellation has no cost; queries do.
    case silentCancelCost

    // Assets.
    /// 403 although the URL is still valid.
    case expireURL
    /// The body is truncated, and the connection closes.
    case cutDownload
    /// From this request on the clip has another version: other bytes, another validator, usually another length.
    case changedAsset
    /// The body has no length, and a partial one no total length. It usually ends early but normally: between two boxes
    /// of the file, or anywhere.
    case noLength
    /// The body is sent ``FaultPlan/dripDownloadBytes`` at a time.
    case dripDownload
    /// The whole clip is sent with an unreadable index; nothing else distinguishes it from a valid one.
    case damagedClip
    /// A Range request returns 200 and the whole clip.
    case ignoredRange
    /// A Range request returns a part that does not match: another range, another total length, no Content-Range, or
    /// another version than `If-Range` asks for.
    case wrongRange
}

/// The probabilities and parameters of faults. All probabilities are 0 by default.
package struct FaultPlan: Hashable, Sendable {
    /// Seed for drawing faults, separate from the seed for render times and costs.
    package var seed: UInt64 = 1
    /// Delay of ``FaultKind/delayReply`` in real time, not divided by the speed. Default 2 s.
    package var replyDelay: Duration = .seconds(2)
    /// Duration of ``FaultKind/forget``, at speed 1. Default 30 s.
    package var forgottenFor: Duration = .seconds(30)
    /// Time until ``FaultKind/forgetKey``, at speed 1. Default 24 h.
    package var keysForgottenAfter: Duration = .seconds(24 * 3600)
    /// Time until ``FaultKind/dropTask``, at speed 1. Default 48 h.
    package var tasksKeptFor: Duration = .seconds(48 * 3600)
    /// Duration of ``FaultKind/walletEmpty``, at speed 1. Default 60 s.
    package var walletEmptyFor: Duration = .seconds(60)
    /// Wait requested by ``FaultKind/throttle``, at speed 1. Default 5 s.
    package var throttledFor: Duration = .seconds(5)
    /// Number of incomplete responses for ``FaultKind/lateURL`` and ``FaultKind/lateCost``. Default 2.
    package var incompleteReplies = 2
    /// Duration of ``FaultKind/lateAsset``, at speed 1. Default 20 s.
    package var assetLateFor: Duration = .seconds(20)
    /// The factor of ``FaultKind/absurdBill``.
    package static let absurdFactor: Int64 = 1000
    /// Bytes per part of ``FaultKind/dripReply``. Default 16, every 20 ms of real time.
    package var dripBytes = 16
    /// Pause between the parts of a dripped response, in real time. Default 20 ms.
    package var dripPause: Duration = .milliseconds(20)
    /// Bytes per part of ``FaultKind/dripDownload``. Default 1, every 10 s of real time.
    package var dripDownloadBytes = 1
    /// Pause between the parts of a dripped clip, in real time. Default 10 s.
    package var dripDownloadPause: Duration = .seconds(10)
    /// Times at which the service is down: requests get ``FaultKind/refuse``.
    package var outages: [Outage] = []

    /// A time during which the whole service is down.
    package struct Outage: Hashable, Sendable {
        /// Start of the outage.
        package let from: Instant
        /// End of the outage, exclusive.
        package let to: Instant
        /// An outage from `from` up to, not including, `to`.
        package init(from: Instant, to: Instant) {
            self.from = from
            self.to = to
        }
        func contains(_ now: Instant) -> Bool { from <= now && now < to }
    }

    private var probabilities: [FaultKind: Double] = [:]

    /// Probabilities by fault, 0 to 1; missing faults never occur.
    package init(_ probabilities: [FaultKind: Double] = [:]) {
        for (kind, probability) in probabilities { self[kind] = probability }
    }

    /// Probability of a kind, 0 … 1.
    package subscript(kind: FaultKind) -> Double {
        get { probabilities[kind] ?? 0 }
        set {
            precondition((0...1).contains(newValue), "\(newValue) is not a probability for \(kind)")
            probabilities[kind] = newValue == 0 ? nil : newValue
        }
    }
}
