import DailiesCore
import ExactJSON
import ProviderWire

/// Fuzzes the parsing of provider responses: bodies with any status, headers, dates and paths. No input may crash the
/// program, exceed a limit, or leak the API key into stored text.
enum WireFuzz {
    private static let key = "sk-byts-0123456789abcdef"
    private static let redaction = Redactor(secrets: [key])
    private static let statuses = [
        200, 201, 204, 302, 400, 401, 402, 403, 404, 408, 409, 422, 429, 451, 499, 500, 503, 599, 405, 407, 421, 431,
    ]

    // MARK: Bodies

    /// The first byte is the status, the rest the body.
    static func reply(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let body = Array(bytes.dropFirst())
        let status = statuses[Int(first) % statuses.count]
        // Most inputs are not a response.
        if let report = try? TaskResponseDecoder.report(body, date: nil, redaction: redaction) {
            check(report)
        }
        for dialect in Dialect.allCases {
            let result = ResponseClassifier.submitResult(
                status: status, headers: HeaderFields(), body: body, dialect: dialect, redaction: redaction)
            check(result, status)
        }
        let answer = ResponseClassifier.queryAnswer(
            status: status, headers: HeaderFields(), body: body, redaction: redaction)
        switch answer {
        case .found(let report):
            precondition(200..<300 ~= status, "found under \(status)")
            check(report)
        case .notFound(let fault):
            precondition(ErrorBody.read(body) != nil, "not found without an error of the API's")
            check(fault)
        case .stopped(let fault, _), .fault(let fault): check(fault)
        }
        if let error = ErrorBody.read(body), let again = ErrorBody.read(error.encode()) {
            precondition(again == error, "an error body is not the same after writing: \(error) \(again)")
        }
        refuseKey("\(fateless(answer))")
    }

    private static func check(_ result: SubmitResult, _ status: Int) {
        switch result {
        case .accepted(let report):
            precondition(200..<300 ~= status && report.remoteID != nil, "accepted under \(status) without an id")
            check(report)
        case .notAccepted(let fault):
            precondition(
                400..<500 ~= status && ![401, 402, 403, 408, 409, 429, 499].contains(status),
                "not accepted under \(status)")
            check(fault)
        case .refused(let fault), .throttled(let fault, _), .stopped(let fault, _):
            precondition(400..<500 ~= status, "refused under \(status)")
            check(fault)
        case .unknown(let fault, let isFree):
            precondition(!isFree || 500..<600 ~= status, "free under \(status)")
            check(fault)
        }
    }

    private static func check(_ report: RemoteTask) {
        if let remote = report.remoteID {
            precondition(
                !remote.text.isEmpty && remote.text.utf8.count <= 512, "an id of \(remote.text.utf8.count) bytes")
        }
        for amount in report.charges + [report.estimate].compactMap({ $0 }) {
            precondition(amount.credits >= .zero, "a negative amount: \(amount)")
        }
        precondition(report.charges.count <= 2)
        precondition(report.remaining ?? .zero >= .zero)
        precondition(report.deliveredSeconds ?? 1 >= 0.001, "a clip of \(report.deliveredSeconds ?? 0) s")
        count(with: report)
        precondition(report.asset?.url.utf8.count ?? 1 <= 16_384 + 100 && report.asset?.url.isEmpty != true)
        precondition(report.failureCode?.unicodeScalars.count ?? 0 <= 100)
        precondition(report.failureMessage?.unicodeScalars.count ?? 0 <= 500)
        if case .unknown(let word) = report.phase { precondition(word.unicodeScalars.count <= 100) }
        refuseKey("\(report)")
    }

    /// The values that a run computes from a response.
    private static func count(with report: RemoteTask) {
        for amount in report.charges + [report.estimate].compactMap({ $0 }) { count(with: amount.credits) }
        let reserved = Reservation.after(estimate: report.estimate?.credits, holding: .zero, isTrusted: false)
        precondition(
            reserved ?? .zero >= report.estimate?.credits ?? .zero, "less is reserved than estimated: \(report)")
        if let seconds = report.deliveredSeconds {
            let rate = (report.charges.first?.credits.approximate ?? 1) / seconds
            precondition(rate.isFinite, "a rate of \(rate)")
            _ = Int64(saturating: seconds * 1e9)
        }
        let moments = [report.submittedAt, report.completedAt, report.repliedAt].compactMap { $0 }
        let spans = moments.flatMap { a in moments.map { a - $0 } } + [report.remaining ?? .zero]
        for span in spans {
            for speed in [1e-300, 0.5, 1, 1e300] { _ = span.divided(bySpeed: speed).nanoseconds }
            let next = PollCadence.fallback.nextPoll(after: span, afterwards: .seconds(30))
            precondition(next > span || span.nanoseconds > .max / 2, "asked at \(next), after \(span)")
            for moment in moments { _ = (moment + span, moment - span) }
        }
    }

    /// Amounts survive writing and parsing, and computations with them do not overflow.
    private static func count(with credits: Credits) {
        precondition(Credits.read(credits.description)?.credits == credits, "\(credits) is not the same after writing")
        for hundredths: Int64 in [0, 1, 100, 110, .max] { precondition(credits.times(hundredths: hundredths) >= .zero) }
        precondition(credits.adding(credits) >= credits && credits.adding(Credits(nano: .max)).nano == .max)
        let total = CreditTotal(whole: .max, billionths: 0) + credits
        precondition(total >= CreditTotal(credits) && CreditTotal(credits) - CreditTotal(credits) == .zero)
    }

    private static func check(_ fault: ProviderError) {
        precondition(fault.message.unicodeScalars.count <= 500, "a message of \(fault.message.unicodeScalars.count)")
        precondition(fault.code?.unicodeScalars.count ?? 0 <= 100)
        refuseKey("\(fault)")
    }

    private static func fateless(_ answer: QueryResult) -> QueryResult { answer }

    private static func refuseKey(_ text: String) {
        precondition(!text.contains(key), "the key is kept: \(text)")
    }

    // MARK: Heads

    /// Header lines; the values are also parsed as dates, times and paths.
    static func head(_ bytes: [UInt8]) {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        let fields = lines.map { line in
            let parts = line.split(separator: 0x3A, maxSplits: 1, omittingEmptySubsequences: false)
            return HeaderFields.Field(name: text(parts[0]), value: parts.count > 1 ? text(parts[1]) : "")
        }
        let headers = HeaderFields(fields)
        for wait in [RetryAfter.retryAfter(headers), RetryAfter.rateReset(headers)].compactMap({ $0 }) {
            precondition(RetryAfter.shortest <= wait && wait <= RetryAfter.longest, "a wait of \(wait)")
        }
        for dialect in Dialect.allCases {
            let result = ResponseClassifier.submitResult(
                status: 429, headers: headers, body: [], dialect: dialect, redaction: redaction)
            guard case .throttled(let fault, _) = result else { fatalError("429 is \(result)") }
            precondition(fault.retryAfter ?? RetryAfter.shortest >= RetryAfter.shortest)
        }
        for field in fields { times(field.value) }
        for resume in resumePoints { download(headers, after: resume) }
    }

    private static let resumePoints = [
        ResumePoint.start,
        ResumePoint(offset: 5, version: AssetVersion(validator: "\"1\"", length: 10)),
        ResumePoint(offset: 5, version: AssetVersion(validator: "\"1\"")),
        ResumePoint(offset: 5, version: AssetVersion(length: 10)),
    ]

    /// A service that returns these headers for every request for a clip: only bytes of the same version are combined,
    /// and every download ends.
    private static func download(_ headers: HeaderFields, after resume: ResumePoint) {
        for status in [200, 206, 416, 403, 503] {
            var (exchange, step) = AssetTransfer.begin(after: resume)
            for _ in 0..<8 {
                switch step {
                case .send(let request):
                    precondition(request.range == nil || request.range == "bytes=0-0" || request.ifRange != nil)
                    step = exchange.replied(status: status, headers: headers)
                case .stream(let first, let length, let version):
                    precondition(first == 0 || first == resume.offset && version.validator == resume.version.validator)
                    precondition(first == 0 || version.validator != nil)
                    precondition(length ?? 0 >= 0 && (version.length ?? .max) >= first + (length ?? 0))
                    step = exchange.bodyEnded(after: min(length ?? 3, 3))
                case .confirm(let version):
                    precondition(version.length == resume.offset && version.validator == resume.version.validator)
                    step = .end(.whole)
                case .end: break
                }
            }
            guard case .end = step else { fatalError("a download does not end: \(step)") }
        }
    }

    private static func times(_ text: String) {
        if let amount = Credits.read(text) { count(with: amount.credits) }
        if let moment = HTTPDate.parse(text) {
            precondition(HTTPDate.parse(HTTPDate.format(moment)) == moment, "\(text) is not the same after writing")
        }
        if let moment = ISOTimestamp.parse(text) {
            precondition(
                ISOTimestamp.parse(ISOTimestamp.format(moment)) == moment, "\(text) is not the same after writing")
        }
        if let remote = Endpoint.cancelledTask(path: text) {
            precondition(Endpoint.cancelledTask(path: Endpoint.cancel(remote)) == remote, "\(text): another task")
        }
        for item in Endpoint.items(ofQuery: text) {
            precondition(Endpoint.percentDecoded(Endpoint.percentEncoded(item.value)) == item.value)
        }
    }

    private static func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

    // MARK: Submits

    /// Parses submits in either dialect; writing and parsing again gives the same result.
    static func submit(_ bytes: [UInt8]) {
        _ = try? QueryBody.decode(bytes)  // Most inputs are not a query.
        guard let body = try? SubmitBody.decode(bytes) else { return }  // Nor a submit.
        precondition(Dialect.allCases.contains(body.dialect))
        for value in body.fields.values {
            guard let number = value.number else { continue }
            if let amount = Credits.read(number) { count(with: amount.credits) }
            _ = Int64(saturating: Double(number) ?? .nan)
        }
    }
}
