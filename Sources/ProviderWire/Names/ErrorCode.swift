/// The API's error codes that affect a client's decisions.
package enum ErrorCode {
    /// 400: invalid JSON, or a field that is missing, invalid or out of range.
    package static let invalidParam = "invalid_param"
    /// 400: the model is not in the catalog.
    package static let modelNotFound = "model_not_found"
    /// 400: the model does not support tasks.
    package static let unsupportedModel = "unsupported_model"
    /// 409 or 400: the key was already used with other content.
    package static let duplicateKey = "duplicate_out_task_id"
    /// 401: the key is missing, mistyped or revoked.
    package static let invalidAPIKey = "invalid_api_key"
    /// 402: the account balance is exhausted.
    package static let insufficientBalance = "insufficient_balance"
    /// 402: the key's spending cap is reached.
    package static let quotaExceeded = "quota_exceeded"
    /// 403: denied by a rule of the account.
    package static let permissionDenied = "permission_denied"
    /// 403: the key has no access to this model.
    package static let modelNotInGroup = "model_not_in_group"
    /// 404: the route does not exist.
    package static let notFound = "not_found"
    /// 404: the task is unknown, or belongs to another key.
    package static let taskNotFound = "task_not_found"
    /// 413: the body is larger than 1 MiB.
    package static let tooLarge = "request_entity_too_large"
    /// 429: a spend limit is reached.
    package static let rateLimit = "rate_limit_exceeded"
    /// 429: too many requests in flight for the account.
    package static let concurrencyLimit = "concurrency_limit"
    /// 500: an error of the gateway.
    package static let internalError = "internal_error"
    /// 502 or 503: the upstream returned no usable response.
    package static let apiError = "api_error"
    /// 504: the upstream did not respond in time.
    package static let timeout = "timeout"
    /// 451, or a failed task: blocked by policy.
    package static let contentPolicy = "content_policy_violation"

    /// All codes: an error with one of them comes from the API, whatever its format.
    static let all: Set<String> = [
        invalidParam, modelNotFound, unsupportedModel, duplicateKey, invalidAPIKey, insufficientBalance, quotaExceeded,
        permissionDenied, modelNotInGroup, notFound, taskNotFound, tooLarge, rateLimit, concurrencyLimit, internalError,
        apiError, timeout, contentPolicy,
    ]
}
