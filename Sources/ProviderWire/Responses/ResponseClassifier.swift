import DailiesCore

/// Interprets complete responses: the only source of ``SubmitResult`` and ``QueryResult``.
///
/// The status decides first, then the error code. An error without the API's envelope or codes comes from a gateway or
/// proxy in front of it: such a 4xx says nothing about a task. Incomplete responses are not passed here: their outcome
/// is unknown whatever the status.
package enum ResponseClassifier {
    /// Maximum characters of a message that are kept.
    package static let maximumMessageLength = 500
    private static let maximumCodeLength = 100
    private static let excerptLength = 200

    /// - Parameters:
    ///   - dialect: of the submission; a refusal that suggests the other dialect gets a hint.
    ///   - redaction: applied to all text that is kept.
    package static func submitResult(
        status: Int, headers: HeaderFields, body: [UInt8], dialect: Dialect, redaction: Redactor = .none
    ) -> SubmitResult {
        let reply = Reply(status: status, headers: headers, body: body, redaction: redaction)
        switch status {
        case 200..<300: return accepted(reply)
        case 400..<500 where reply.code == ErrorCode.duplicateKey:
            return .unknown(reply.fault(), isFreeByContract: false)
        case 401, 402, 403: return .stopped(reply.fault(), reply.stop)
        // 408 and 409 by contract; 425 and 499 do not show either whether the request was processed.
        case 408, 409, 425, 499: return .unknown(reply.fault(), isFreeByContract: false)
        case 429: return reply.throttled
        case 404 where reply.isWrongRoute: return .stopped(reply.fault(), .noRoute)
        case 400..<500 where reply.isRefusal: return .refused(reply.fault(hint: hint(reply, dialect)))
        case 400..<500: return .notAccepted(reply.fault())
        case 500..<600: return .unknown(reply.fault(), isFreeByContract: reply.error?.isEnvelope ?? false)
        // Redirects are not followed, and the redirecting server has read the body.
        default: return .unknown(reply.fault(), isFreeByContract: false)
        }
    }

    /// - Parameter redaction: applied to all text that is kept.
    package static func queryAnswer(
        status: Int, headers: HeaderFields, body: [UInt8], redaction: Redactor = .none
    ) -> QueryResult {
        let reply = Reply(status: status, headers: headers, body: body, redaction: redaction)
        switch status {
        case 200..<300:
            do throws(WireError) {
                return .found(try reply.report())
            } catch {
                return .fault(reply.unreadable(error))
            }
        case 401, 402, 403: return .stopped(reply.fault(), reply.stop)
        // `not_found` means the route; any other API code, or none, means the task.
        case 404 where reply.isOfAPI && reply.code != ErrorCode.notFound: return .notFound(reply.fault())
        default: return .fault(reply.fault())
        }
    }

    private static func accepted(_ reply: Reply) -> SubmitResult {
        do throws(WireError) {
            var report = try reply.report()
            guard report.remoteID != nil else {
                return .unknown(reply.unreadable(WireError(.missing(FieldName.taskID))), isFreeByContract: false)
            }
            // A submit response without a state means queued.
            if report.phase == .unknown("") { report.phase = .queued }
            return .accepted(report)
        } catch {
            return .unknown(reply.unreadable(error), isFreeByContract: false)
        }
    }

    private static func hint(_ reply: Reply, _ dialect: Dialect) -> String? {
        switch reply.code {
        case ErrorCode.modelNotFound, ErrorCode.unsupportedModel:
            return "the service does not offer this model, or has withdrawn it"
        default: break
        }
        switch reply.status {
        case 451: return "the prompt was blocked by the upstream's safety filter"
        case 400, 422: return dialectHint(reply.error?.message ?? "", dialect)
        default: return nil
        }
    }

    /// A server of the other dialect complains about `params`, or about a field in an unexpected place.
    private static func dialectHint(_ message: String, _ dialect: Dialect) -> String? {
        let words = message.lowercased().split { !($0.isLetter || $0 == "_") }
        switch dialect {
        case .flat:
            return words.contains("params") ? "the service may use the other dialect; try --dialect params" : nil
        case .params:
            let isStray = words.contains("params") && !strayWords.isDisjoint(with: words)
            let isMissed = !missedFields.isDisjoint(with: words) && !missingWords.isDisjoint(with: words)
            return isStray || isMissed ? "the service may use the other dialect; try --dialect flat" : nil
        }
    }

    private static let strayWords: Set<Substring> = ["unknown", "unexpected", "unrecognized", "unsupported", "extra"]
    private static let missedFields: Set<Substring> = ["prompt", "duration_seconds"]
    private static let missingWords: Set<Substring> = ["missing", "required", "absent"]

    /// A complete response, with its error parsed once.
    private struct Reply {
        let status: Int
        let headers: HeaderFields
        let body: [UInt8]
        let redaction: Redactor
        let error: ErrorBody?
        /// The submission that the error refers to.
        let submissionKey: SubmissionKey?

        init(status: Int, headers: HeaderFields, body: [UInt8], redaction: Redactor) {
            self.status = status
            self.headers = headers
            self.body = body
            self.redaction = redaction
            error = 200..<300 ~= status ? nil : ErrorBody.read(body)
            submissionKey = 200..<300 ~= status ? nil : TaskResponseDecoder.echo(inError: body, redaction)
        }

        var code: String? { error?.code }

        /// An HTML page instead of a response, or a redirect, which the API never sends.
        private var isOfSomebodyElse: Bool {
            300..<400 ~= status
                || 200..<300 ~= status
                    && body.first { ![0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF].contains($0) } == UInt8(ascii: "<")
        }

        /// The target of a redirect, without its query.
        private var redirect: String {
            guard 300..<400 ~= status, let place = headers["location"] else { return "" }
            return ", a redirect to " + ASCII.cut(redaction(Endpoint.split(place).path), to: excerptLength)
        }

        /// The API's code for an unknown path.
        var isWrongRoute: Bool { isOfAPI && (code == nil || code == ErrorCode.notFound) }

        /// An error in the API's own format.
        var isOfAPI: Bool { error?.isEnvelope == true || code.map(ErrorCode.all.contains) == true }

        /// Whether the error is about the request itself: its status is one that the API documents, and it has an API
        /// code or at least an API type. A task that is not found says nothing about a submit.
        var isRefusal: Bool {
            guard Self.refusals.contains(status), isOfAPI, code != ErrorCode.taskNotFound else { return false }
            return code != nil || error?.type.map(Self.errorTypes.contains) == true
        }

        /// Source: the API's error reference.
        private static let refusals: Set = [400, 404, 413, 422, 451]
        private static let errorTypes: Set = [
            "invalid_request_error", "authentication_error", "permission_error", "not_found_error", "conflict_error",
        ]

        func report() throws(WireError) -> RemoteTask {
            var report = try TaskResponseDecoder.report(body, date: headers.date, redaction: redaction)
            report.retryAfter = RetryAfter.retryAfter(headers)
            return report
        }

        var stop: AccessDenial {
            switch status {
            case 401: .keyRefused
            case 402: .noFunds
            default: code == ErrorCode.modelNotInGroup ? .modelNotInGroup : .accessDenied
            }
        }

        /// `concurrency_limit` is identified only by its code; its wait is short, whatever the reset time says.
        var throttled: SubmitResult {
            .throttled(fault(), code == ErrorCode.concurrencyLimit ? .concurrency : .rate)
        }

        func fault(hint: String? = nil) -> ProviderError {
            var message = redaction(
                error?.message ?? "HTTP status \(status) without the API's error text\(redirect)\(excerpt)")
            if let hint {
                // The hint is more helpful, so shorten the provider's message to make room for it.
                let room = ResponseClassifier.maximumMessageLength - hint.unicodeScalars.count - 3
                message = "\(ASCII.cut(message, to: room)) (\(hint))"
            }
            let code = isOfSomebodyElse ? ProviderError.notTheAPI : code.map(redaction.identifier)
            return ProviderError(
                kind: .status, status: status, code: code.map { ASCII.cut($0, to: maximumCodeLength) },
                message: ASCII.cut(message, to: ResponseClassifier.maximumMessageLength), retryAfter: retryAfter,
                submissionKey: submissionKey)
        }

        func unreadable(_ error: WireError) -> ProviderError {
            let message = redaction("HTTP status \(status) with an unreadable response: \(error)\(excerpt)")
            return ProviderError(
                kind: .unreadable, status: status, code: isOfSomebodyElse ? ProviderError.notTheAPI : nil,
                message: ASCII.cut(message, to: ResponseClassifier.maximumMessageLength), retryAfter: retryAfter)
        }

        private var retryAfter: Duration? {
            if let asked = RetryAfter.retryAfter(headers) { return asked }
            return status == 429 && code != ErrorCode.concurrencyLimit ? RetryAfter.rateReset(headers) : nil
        }

        /// The start of a body, for users.
        private var excerpt: String {
            guard !body.isEmpty else { return "" }
            // Redact before truncating: a partial key at the end would not be found.
            return ": "
                + ASCII.cut(redaction(String(decoding: body, as: UTF8.self)), to: ResponseClassifier.excerptLength)
        }
    }
}
