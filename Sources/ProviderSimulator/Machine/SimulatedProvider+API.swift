import DailiesCore
import ProviderWire

// The tasks API: routing, and the faults of calls.
extension SimulatedProvider {
    /// The kind of call, for faults.
    private enum Call {
        case submit
        case query
        case cancel
        case other
    }

    /// Faults of a single response, drawn before it is written.
    struct ReplyStyle {
        var writesNumbersAsText = false
        var absurdity: AbsurdNumbers?
        var goesBackwards = false
        var saysUnknownWord = false
        var hidesKey = false
    }

    mutating func api(_ request: SimulatedRequest, path: String, query: String) -> SimulatedResponse {
        let call = Self.call(path)
        let drawsFaults = controls.drawsFaults
        if controls.isOut || configuration.faults.outages.contains(where: { $0.contains(now) }) {
            return SimulatedResponse(status: 503, action: .closeBeforeReading)
        }
        if drawsFaults, draw(.refuse) { return SimulatedResponse(status: 503, action: .closeBeforeReading) }
        if drawsFaults, draw(.gatewayPage4xx) { return gatewayPage() }
        if call == .submit { bill.submits += 1 }
        if call == .query { questions += 1 }
        if drawsFaults, let fault = faultBefore(call) { return withAbsurdReset(fault) }
        var response = answer(call, request, path: path, query: query)
        if drawsFaults, draw(.duplicateDelivery) {
            if call == .submit { bill.submits += 1 }
            response = answer(call, request, path: path, query: query)
        }
        return drawsFaults ? faultAfter(withAbsurdReset(response)) : response
    }

    private static func call(_ path: String) -> Call {
        if path == Endpoint.submit { return .submit }
        if path == Endpoint.query { return .query }
        if path == Endpoint.cancel || path.hasPrefix(Endpoint.cancel + "/") { return .cancel }
        return .other
    }

    private mutating func answer(
        _ call: Call, _ request: SimulatedRequest, path: String, query: String
    ) -> SimulatedResponse {
        guard let owner = owner(of: request) else {
            return Self.error(401, ErrorCode.invalidAPIKey, "the API key is missing or not known")
        }
        guard request.body.count <= Self.maximumBodyBytes else {
            return Self.error(413, ErrorCode.tooLarge, "the body is over 1 MiB")
        }
        var style = ReplyStyle()
        if controls.drawsFaults {
            style.writesNumbersAsText = draw(.numbersAsStrings)
            style.absurdity = drawAbsurdNumbers()
        }
        switch (call, request.method) {
        case (.submit, "POST"): return submit(request.body, owner: owner, style: style)
        case (.query, "GET") where configuration.dialects.contains(.flat):
            return self.query(owner: owner, dialect: .flat, style: style) { () throws(WireError) in
                try QueryBody.decode(query: query)
            }
        case (.query, "POST"):
            return self.query(owner: owner, dialect: .params, style: style) { () throws(WireError) in
                try QueryBody.decode(request.body)
            }
        case (.cancel, "POST"):
            return cancel(path: path, body: request.body, owner: owner, style: style)
        case (.submit, _), (.query, _), (.cancel, _), (.other, _):
            return Self.error(404, ErrorCode.notFound, "no such route: \(request.method) \(path)")
        }
    }

    /// A hash of the API key; nil if it is missing or not accepted. `x-api-key` takes precedence over a bearer token.
    private func owner(of request: SimulatedRequest) -> UInt64? {
        let bearer = request.headers["authorization"].flatMap { value in
            value.lowercased().hasPrefix("bearer ") ? String(value.dropFirst(7)) : nil
        }
        guard let key = request.headers["x-api-key"] ?? bearer, !key.isEmpty, !controls.rejectsKeys else { return nil }
        switch configuration.apiKeys {
        case .any: break
        case .only(let keys): guard keys.contains(key) else { return nil }
        }
        return FNV1a(key.utf8).value
    }

    // MARK: Faults

    mutating func draw(_ kind: FaultKind) -> Bool { generator.chance(configuration.faults[kind]) }

    private mutating func gatewayPage() -> SimulatedResponse {
        let pages = [
            (400, "400 Bad Request"), (404, "404 Not Found"), (405, "405 Not Allowed"),
            (407, "407 Proxy Authentication Required"), (421, "421 Misdirected Request"),
            (431, "431 Request Header Fields Too Large"),
        ]
        let (status, title) = pages[Int(generator.draw(0...Int64(pages.count - 1)))]
        return Self.page(status, title: title)
    }

    private mutating func drawAbsurdNumbers() -> AbsurdNumbers? {
        draw(.absurdNumbers) ? AbsurdNumbers(seed: generator.next()) : nil
    }

    private mutating func withAbsurdReset(_ response: SimulatedResponse) -> SimulatedResponse {
        guard response.status == 429, var absurdity = drawAbsurdNumbers() else { return response }
        var changed = response
        absurdity.replaceReset(in: &changed)
        return changed
    }

    /// The fault of a call before it has any effect.
    private mutating func faultBefore(_ call: Call) -> SimulatedResponse? {
        if draw(.serverErrorBefore) { return serverError() }
        switch call {
        case .submit: return submitFault()
        case .query: return draw(.throttleQuery) ? throttled(for: configuration.faults.throttledFor) : nil
        case .cancel, .other: return nil
        }
    }

    private mutating func submitFault() -> SimulatedResponse? {
        if draw(.throttle) { return throttled(for: configuration.faults.throttledFor) }
        if draw(.bareThrottle) { return Self.error(429, nil, "too many requests") }
        if draw(.walletEmpty) { walletEmptyUntil = now + scaled(configuration.faults.walletEmptyFor) }
        if now < walletEmptyUntil { return Self.error(402, ErrorCode.insufficientBalance, "the wallet is empty") }
        if draw(.contentPolicy) { return Self.blocked() }
        return nil
    }

    func throttled(for wait: Duration) -> SimulatedResponse {
        throttled(until: now + scaled(wait))
    }

    /// In whole seconds, rounded up: the header has no finer unit.
    func throttled(until moment: Instant) -> SimulatedResponse {
        var response = Self.error(429, ErrorCode.rateLimit, "the spend limit of this window is reached")
        let seconds = (moment.milliseconds + 999) / 1000
        response.headers.append(.init(HeaderName.rateReset, "\(seconds)"))
        return response
    }

    private mutating func serverError() -> SimulatedResponse {
        switch generator.draw(0...3) {
        case 0: Self.error(500, ErrorCode.internalError, "the gateway failed")
        case 1: Self.error(502, ErrorCode.apiError, "the upstream returned an invalid response")
        case 2: Self.error(503, ErrorCode.apiError, "no available accounts")
        default: Self.error(504, ErrorCode.timeout, "the upstream did not answer in time")
        }
    }

    /// Applies at most one fault to the response of a processed call.
    private mutating func faultAfter(_ response: SimulatedResponse) -> SimulatedResponse {
        let faults = configuration.faults
        var changed = response
        if draw(.dropReply) {
            changed.action = .closeWithoutReply
        } else if draw(.serverErrorAfter) {
            return serverError()
        } else if draw(.bareServerErrorAfter) {
            return Self.page(502, title: "502 Bad Gateway")
        } else if draw(.htmlReply) {
            return Self.page(200, title: "Welcome")
        } else if response.body.last == UInt8(ascii: "}"), draw(.otherSubmission) {
            changed.body =
                response.body.dropLast() + Array(#","\#(FieldName.outTaskID)":"\#(Self.otherSubmission)"}"#.utf8)
        } else if draw(.truncateReply), response.body.count > 1 {
            changed.action = .truncate(bytes: Int(generator.draw(0...Int64(response.body.count - 1))))
        } else if draw(.dripReply) {
            changed.action = .drip(bytes: max(1, faults.dripBytes), pause: faults.dripPause)
        } else if draw(.delayReply) {
            changed.action = .delay(faults.replyDelay)
        }
        return changed
    }

    /// The submission that responses with ``FaultKind/otherSubmission`` refer to.
    package static let otherSubmission = "somebody-elses-submission"

    // MARK: Replies

    static func json(_ status: Int, _ body: [UInt8]) -> SimulatedResponse {
        SimulatedResponse(status: status, headers: [.init("Content-Type", "application/json")], body: body)
    }

    static func blocked() -> SimulatedResponse { error(451, nil, "the prompt was blocked by the safety filter") }

    static func error(_ status: Int, _ code: String?, _ message: String) -> SimulatedResponse {
        let type =
            switch status {
            case 401: "authentication_error"
            case 402: "billing_error"
            case 403: "permission_error"
            case 404: "not_found_error"
            case 409: "conflict_error"
            case 429: "rate_limit_error"
            case 500...: "api_error"
            default: "invalid_request_error"
            }
        return json(status, ErrorBody(type: type, code: code, message: message).encode())
    }

    private static func page(_ status: Int, title: String) -> SimulatedResponse {
        let html = "<!doctype html><title>\(title)</title><h1>\(title)</h1>\n"
        return SimulatedResponse(
            status: status, headers: [.init("Content-Type", "text/html")], body: Array(html.utf8))
    }
}
