import DailiesCore
import Testing

@testable import ProviderWire

private func error(_ code: String?, _ message: String = "m") -> [UInt8] {
    ErrorBody(type: "invalid_request_error", code: code, message: message).encode()
}

private func outcome(
    _ status: Int, _ body: [UInt8] = [], headers: HeaderFields = HeaderFields(), dialect: Dialect = .flat
) -> SubmitResult {
    ResponseClassifier.submitResult(status: status, headers: headers, body: body, dialect: dialect)
}

/// The case of an outcome, with its error code and details where they matter.
private func name(_ outcome: SubmitResult) -> String {
    switch outcome {
    case .accepted(let report): "accepted \(report.remoteID?.text ?? "-")"
    case .notAccepted: "not accepted"
    case .refused(let fault): "refused \(fault.code ?? "-")"
    case .throttled(_, .rate): "throttled rate"
    case .throttled(_, .concurrency): "throttled concurrency"
    case .stopped(_, let stop): "stopped \(stop)"
    case .unknown(let fault, let isFree): "unknown \(fault.code ?? "-")\(isFree ? " free" : "")"
    }
}

private func name(_ answer: QueryResult) -> String {
    switch answer {
    case .found(let report): "found \(report.remoteID?.text ?? "-")"
    case .notFound(let fault): "not found \(fault.code ?? "-")"
    case .stopped(_, let stop): "stopped \(stop)"
    case .fault(let fault): "fault \(fault.kind) \(fault.code ?? "-")"
    }
}

@Suite struct SubmitFateTests {
    @Test(arguments: [
        (400, #"{"error":{"message":"Bad Request","type":"proxy_error"}}"#),
        (407, #"{"error":{"message":"m","type":"invalid_request_error"}}"#),
        (431, #"{"error":{"message":"m","type":"invalid_request_error"}}"#),
        (421, #"{"error":{"message":"m","type":"invalid_request_error","code":"invalid_param"}}"#),
        (405, #"{"error":{"message":"m","type":"invalid_request_error","code":"x"}}"#),
        (404, #"{"error":{"message":"m","type":"not_found_error","code":"task_not_found"}}"#),
    ])
    func `an API-like error that the API does not return for submits does not fail a task`(
        status: Int, body: String
    ) {
        #expect(name(outcome(status, Array(body.utf8))) == "not accepted")
    }

    @Test(arguments: [
        (200, #"{"task_id":"t","status":"queued"}"#, "accepted t"), (201, #"{"task_id":"t"}"#, "accepted t"),
        (299, #"{"task_id":"t","status":"failed"}"#, "accepted t"),
        (200, PageFixtures.submitted, "accepted task_…"), (200, PageFixtures.paramsSubmitted, "accepted task_01HZX"),
        (200, #"{"status":"queued"}"#, "unknown -"), (200, "", "unknown -"), (204, "", "unknown -"),
        (200, #"{"task_id":"t","#, "unknown -"), (200, "<html>", "unknown not_the_api"), (200, "[]", "unknown -"),
        (301, "", "unknown not_the_api"), (302, "{}", "unknown not_the_api"), (307, "", "unknown not_the_api"),
        (201, "\u{FEFF} \n\t<!doctype html>", "unknown not_the_api"), (204, "{<", "unknown -"), (100, "", "unknown -"),
        (408, "", "unknown -"), (409, "", "unknown -"), (425, "", "unknown -"), (499, "", "unknown -"),
        (401, "", "stopped keyRefused"), (402, "", "stopped noFunds"), (403, "", "stopped accessDenied"),
        (429, "", "throttled rate"),
        (500, "<html>", "unknown -"), (502, "", "unknown -"), (503, #"{"error":"x"}"#, "unknown -"),
        (504, #"{"error":{"code":504,"message":"m","status":"DEADLINE"}}"#, "unknown 504"), (600, "", "unknown -"),
    ])
    func `the status decides`(status: Int, body: String, expected: String) {
        #expect(name(outcome(status, Array(body.utf8))) == expected)
    }

    @Test(arguments: [
        (400, "invalid_param", "refused invalid_param"), (400, "model_not_found", "refused model_not_found"),
        (400, "unsupported_model", "refused unsupported_model"), (404, "model_not_found", "refused model_not_found"),
        (404, "not_found", "stopped noRoute"), (422, "unheard_of", "refused unheard_of"),
        (400, "duplicate_out_task_id", "unknown duplicate_out_task_id"),
        (409, "duplicate_out_task_id", "unknown duplicate_out_task_id"),
        (401, "invalid_api_key", "stopped keyRefused"), (402, "insufficient_balance", "stopped noFunds"),
        (402, "quota_exceeded", "stopped noFunds"), (403, "permission_denied", "stopped accessDenied"),
        (403, "model_not_in_group", "stopped modelNotInGroup"),
        (413, "request_entity_too_large", "refused request_entity_too_large"),
        (429, "rate_limit_exceeded", "throttled rate"), (429, "concurrency_limit", "throttled concurrency"),
        (500, "internal_error", "unknown internal_error free"), (502, "api_error", "unknown api_error free"),
        (503, "api_error", "unknown api_error free"), (504, "timeout", "unknown timeout free"),
        (500, "concurrency_limit", "unknown concurrency_limit free"),
    ])
    func `after the status, the code of the API's envelope decides`(status: Int, code: String, expected: String) {
        #expect(name(outcome(status, error(code))) == expected)
    }

    @Test(arguments: [
        (400, "<html>"), (400, ""), (404, "404 page not found"), (404, ""), (405, ""), (407, "<html>"), (413, ""),
        (421, ""), (422, "[]"), (431, "<html>"), (451, ""), (404, #"{"error":"Not Found","status":404}"#),
        (404, #"{"message":"no Route matched with those values"}"#),
        (400, #"{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}"#),
        (400, #"{"type":"error","error":{"type":"invalid_request_error","message":"m"}}"#),
    ])
    func `a 4xx without the API's envelope or code comes from a proxy`(
        status: Int, body: String
    ) {
        #expect(name(outcome(status, Array(body.utf8))) == "not accepted")
        let answer = ResponseClassifier.queryAnswer(status: status, headers: HeaderFields(), body: Array(body.utf8))
        #expect(name(answer).hasPrefix("fault"), "a question is not answered by it, least of all by a 404")
    }

    @Test(arguments: [
        (400, #"{"error":{"type":"invalid_request_error","message":"m"}}"#, "refused -"),
        (422, #"{"error":{"type":"invalid_request_error","message":"m"}}"#, "refused -"),
        (451, #"{"error":{"type":"invalid_request_error","message":"m"}}"#, "refused -"),
        (404, #"{"error":{"type":"not_found_error","message":"m"}}"#, "stopped noRoute"),
        (400, #"{"error":{"code":"invalid_param"}}"#, "refused invalid_param"),
        (413, #"{"error":{"code":"request_entity_too_large","message":"m"}}"#, "refused request_entity_too_large"),
    ])
    func `either the envelope or a known code makes it the API's own`(status: Int, body: String, expected: String) {
        #expect(name(outcome(status, Array(body.utf8))) == expected)
    }

    @Test func `a redirect's target is reported without its query`() {
        let headers = HeaderFields([HeaderFields.Field(name: "Location", value: "https://h.example/login?token=secret")]
        )
        let outcome = ResponseClassifier.submitResult(status: 302, headers: headers, body: [], dialect: .flat)
        guard case .unknown(let fault, isFreeByContract: false) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(
            fault.message == "HTTP status 302 without the API's error text, a redirect to https://h.example/login")
        let answer = ResponseClassifier.queryAnswer(status: 302, headers: headers, body: [])
        guard case .fault(let fault) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(fault.code == ProviderError.notTheAPI)
    }

    @Test(
        arguments: [
            (#"{"error":{"type":"t","code":"invalid_param","message":"m"},"out_task_id":"abc"}"#, "abc"),
            (#"{"error":{"type":"t","message":"m","out_task_id":"abc"}}"#, "abc"),
            (#"{"error":"m","out_task_id":7}"#, "7"), (#"{"out_task_id":"abc"}"#, "abc"),
            (#"{"error":{"type":"t","message":"m","out_task_id":null},"out_task_id":""}"#, nil), ("<html>", nil),
        ] as [(String, String?)])
    func `an error keeps the submission it refers to, with any status`(body: String, key: String?) {
        for status in [400, 401, 402, 403, 404, 409, 429, 451, 500, 503] {
            let bytes = Array(body.utf8)
            #expect(outcome(status, bytes).fault?.submissionKey?.text == key)
            switch ResponseClassifier.queryAnswer(status: status, headers: HeaderFields(), body: bytes) {
            case .found(let report): Issue.record("\(report)")
            case .notFound(let fault), .stopped(let fault, _), .fault(let fault):
                #expect(fault.submissionKey?.text == key)
            }
        }
    }

    @Test func `a 429 without a code is a rate limit, whatever its type`() {
        let body = ErrorBody(type: "concurrency_limit", code: nil, message: "m").encode()
        #expect(name(outcome(429, body)) == "throttled rate")
    }

    @Test func `an accepted submit without a status is queued, and an unknown status is kept`() {
        guard case .accepted(let bare) = outcome(200, Array(#"{"task_id":"t"}"#.utf8)),
            case .accepted(let odd) = outcome(200, Array(#"{"task_id":"t","status":"odd"}"#.utf8))
        else {
            Issue.record("not accepted")
            return
        }
        #expect(bare.phase == .queued)
        #expect(odd.phase == .unknown("odd"))
    }

    @Test(
        arguments: [
            (Dialect.flat, 400, "missing required field: params", "--dialect params"),
            (.flat, 422, "`params` is required", "--dialect params"), (.flat, 400, "bad parameters", nil),
            (.flat, 400, "prompt is required", nil), (.params, 400, "prompt is required", "--dialect flat"),
            (.params, 400, "unknown field params", "--dialect flat"),
            (.params, 400, "params.seed must be a number", nil),
            (.params, 400, "duration_seconds: 1 to 20", nil), (.flat, 451, "params", "safety filter"),
        ] as [(Dialect, Int, String, String?)])
    func `a refusal that suggests the other dialect gets a hint`(
        dialect: Dialect, status: Int, message: String, hint: String?
    ) {
        guard case .refused(let fault) = outcome(status, error(nil, message), dialect: dialect) else {
            Issue.record("not refused")
            return
        }
        #expect(fault.message.hasPrefix(message))
        if let hint { #expect(fault.message.contains(hint)) } else { #expect(fault.message == message) }
    }

    @Test func `a missing route gets no hint`() {
        guard case .stopped(let fault, .noRoute) = outcome(404, error(nil, "no such route")) else {
            Issue.record("it is not a missing route")
            return
        }
        #expect(fault.message == "no such route")
    }

    @Test func `messages are truncated to 500 characters, keep the hint, and do not contain the key`() {
        let secret = "sk-byts-0123456789"
        let redaction = Redactor(secrets: [secret])
        // The key would be split by the truncation.
        let long = String(repeating: "x", count: 490) + secret + String(repeating: "y", count: 5000)
        for (status, body) in [
            (400, error("invalid_param", long)), (404, error("c" + secret, long)), (500, Array(long.utf8)),
            (500, error("internal_error", long)), (200, Array(long.utf8)), (429, Array((secret + "<html>").utf8)),
            (401, error("invalid_api_key", "the key \(secret) is wrong")),
        ] {
            let submit = ResponseClassifier.submitResult(
                status: status, headers: HeaderFields(), body: body, dialect: .flat, redaction: redaction)
            let query = ResponseClassifier.queryAnswer(
                status: status, headers: HeaderFields(), body: body, redaction: redaction)
            #expect(!"\(submit) \(query)".contains("sk-byts"), "\(submit)")
            #expect((submit.fault?.message.unicodeScalars.count ?? 0) <= 500)
        }
        #expect(outcome(404, error("model_not_found", long)).fault?.message.hasSuffix(", or has withdrawn it)") == true)
    }
}

@Suite struct QueryAnswerTests {
    @Test(arguments: [
        (200, PageFixtures.completed, "found task_…"), (200, #"{"status":"running"}"#, "found -"),
        (200, "", "fault unreadable -"), (200, "<html>", "fault unreadable not_the_api"),
        (404, #"{"error":{"type":"t","code":"task_not_found","message":"m"}}"#, "not found task_not_found"),
        (404, #"{"error":{"type":"t","code":"not_found","message":"m"}}"#, "fault status not_found"),
        (404, #"{"error":{"type":"t","message":"m"}}"#, "not found -"),
        (404, "", "fault status -"), (405, "", "fault status -"), (401, "", "stopped keyRefused"),
        (402, "", "stopped noFunds"), (403, "", "stopped accessDenied"), (429, "", "fault status -"),
        (400, "", "fault status -"), (409, "", "fault status -"), (500, "", "fault status -"),
        (302, "", "fault status not_the_api"),
        (403, #"{"error":{"type":"t","code":"model_not_in_group","message":"m"}}"#, "stopped modelNotInGroup"),
    ])
    func `a query result is found, not found, an account problem, or retryable`(
        status: Int, body: String, expected: String
    ) {
        let answer = ResponseClassifier.queryAnswer(status: status, headers: HeaderFields(), body: Array(body.utf8))
        #expect(name(answer) == expected)
    }
}

@Suite struct RetryHintTests {
    private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let unix = 784_111_777

    @Test(
        arguments: [
            ([("Retry-After", "7")], 7.0), ([("Retry-After", "0")], 1), ([("Retry-After", "1.5")], 1.5),
            ([("Retry-After", "99999999999")], 2_592_000), ([("Retry-After", "-1")], nil),
            ([("Retry-After", "soon")], nil),
            ([("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT"), ("Date", date)], 30),
            ([("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT")], nil),
            ([("X-RateLimit-Reset", "\(unix + 90)"), ("Date", date)], 90),
            ([("X-RateLimit-Reset", "\(unix + 90).5"), ("Date", date)], 90.5),
            ([("X-RateLimit-Reset", "\(unix + 90)")], nil),
            ([("X-RateLimit-Reset", "\(unix - 5)"), ("Date", date)], 1),
            ([("X-RateLimit-Reset", "60"), ("Date", date)], nil),
            ([("X-RateLimit-Reset", "\(unix)000"), ("Date", date)], nil),
            ([("X-RateLimit-Reset", "\(unix + 40 * 86_400)"), ("Date", date)], 2_592_000),
            ([("X-RateLimit-Reset", "1e300"), ("Date", date)], nil),
            ([("X-RateLimit-Reset", "nan"), ("Date", date)], nil),
            ([("X-RateLimit-Reset", "\(unix + 90)"), ("Date", date), ("Retry-After", "3")], 3), ([], nil),
        ] as [([(String, String)], Double?)])
    func `the wait of a 429 is computed with the provider's clock, or ignored`(
        headers: [(String, String)], seconds: Double?
    ) {
        let fault = outcome(429, error("rate_limit_exceeded"), headers: HeaderFields(headers)).fault
        #expect(fault?.retryAfter?.inSeconds == seconds)
        let query = ResponseClassifier.queryAnswer(status: 429, headers: HeaderFields(headers), body: [])
        #expect(query.fault?.retryAfter == fault?.retryAfter)
    }

    @Test func `the reset of a spend limit is ignored for concurrency limits and other statuses`() {
        let headers = HeaderFields([("X-RateLimit-Reset", "\(Self.unix + 90)"), ("Date", Self.date)])
        #expect(outcome(429, error("concurrency_limit"), headers: headers).fault?.retryAfter == nil)
        #expect(outcome(503, error("api_error"), headers: headers).fault?.retryAfter == nil)
        let asked = HeaderFields([("Retry-After", "20")])
        #expect(outcome(503, error("api_error"), headers: asked).fault?.retryAfter == .seconds(20))
    }
}

extension SubmitResult {
    var fault: ProviderError? {
        switch self {
        case .accepted: nil
        case .notAccepted(let fault), .refused(let fault), .throttled(let fault, _), .stopped(let fault, _),
            .unknown(let fault, _):
            fault
        }
    }
}

extension QueryResult {
    var fault: ProviderError? {
        switch self {
        case .found: nil
        case .notFound(let fault), .stopped(let fault, _), .fault(let fault): fault
        }
    }
}
