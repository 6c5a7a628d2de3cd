/// The API's error codes that a client decides by.
public enum ErrorCode {
    /// 400: bad JSON, or a field that is missing, wrong or out of range.
    public static let invalidParam = "invalid_param"
    /// 400: the model is not in the catalogue.
    public static let modelNotFound = "model_not_found"
    /// 400: the model is not one for tasks.
    public static let unsupportedModel = "unsupported_model"
    /// 409 or 400: the key was used for other content.
    public static let duplicateKey = "duplicate_out_task_id"
    /// 401: the key is missing, mistyped or revoked.
    public static let invalidAPIKey = "invalid_api_key"
    /// 402: the wallet is empty.
    public static let insufficientBalance = "insufficient_balance"
    /// 402: the key's cap is reached.
    public static let quotaExceeded = "quota_exceeded"
    /// 403: denied by a rule of the account.
    public static let permissionDenied = "permission_denied"
    /// 403: the key cannot reach this model.
    public static let modelNotInGroup = "model_not_in_group"
    /// 404: there is no such route.
    public static let notFound = "not_found"
    /// 404: the task is unknown, or another key's.
    public static let taskNotFound = "task_not_found"
    /// 413: the body is over 1 MiB.
    public static let tooLarge = "request_entity_too_large"
    /// 429: a spend bucket is empty.
    public static let rateLimit = "rate_limit_exceeded"
    /// 429: too many requests in flight on the account.
    public static let concurrencyLimit = "concurrency_limit"
    /// 500: a fault of the gateway.
    public static let internalError = "internal_error"
    /// 502 or 503: the upstream gave no usable answer.
    public static let apiError = "api_error"
    /// 504: the upstream did not answer in time.
    public static let timeout = "timeout"
    /// 451, or a failed task: blocked by policy.
    public static let contentPolicy = "content_policy_violation"

    /// Every one of them: an error with such a code is the API's own, whatever is around it.
    static let all: Set<String> = [
        invalidParam, modelNotFound, unsupportedModel, duplicateKey, invalidAPIKey, insufficientBalance, quotaExceeded,
        permissionDenied, modelNotInGroup, notFound, taskNotFound, tooLarge, rateLimit, concurrencyLimit, internalError,
        apiError, timeout, contentPolicy,
    ]
}
