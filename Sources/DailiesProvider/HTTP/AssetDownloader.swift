import AsyncHTTPClient
import DailiesCore
import NIOCore
import NIOHTTP1
import ProviderWire

/// Downloads a clip from its URL, without credentials, and passes it on in parts. ``AssetTransfer`` decides on requests
/// and interprets responses.
///
/// Follows redirects itself, to check each hop: https, or plain http to loopback if the service is on loopback, and
/// never from https to plain http.
struct AssetDownloader: Sendable {
    /// Maximum number of redirects.
    private static let maximumRedirects = 5

    let clients: HTTPClients
    let allowsPlainLoopback: Bool
    let userAgent: String
    let headTimeout: Duration
    let stallTimeout: Duration
    let maximumBytes: Int64
    let redaction: Redactor

    /// The response to a request, after redirects.
    private struct Reply {
        let response: HTTPClientResponse
        let place: ServiceURL
        var status: Int { Int(response.status.code) }
    }

    /// The reason why a download cannot continue.
    private struct Failure: Error {
        let end: DownloadOutcome
    }

    func download(_ asset: AssetLocation, after resume: ResumePoint, into sink: any DownloadSink) async
        -> DownloadOutcome
    {
        guard let place = ServiceURL(asset.url), isAllowed(place, from: nil) else {
            return .refused(unusable("the clip's URL is not valid: \(ServiceURL.redacted(asset.url))"))
        }
        do throws(Failure) {
            var (exchange, step) = AssetTransfer.begin(after: resume)
            var last: Reply?
            while true {
                switch step {
                case .send(let request):
                    // An unread body occupies its connection, which the next request may need.
                    last = nil
                    let reply = try await send(request, to: place)
                    last = reply
                    step = exchange.replied(status: reply.status, headers: withoutSecrets(reply.response.headers.wire))
                case .stream(let first, let length, let version):
                    guard let reply = last else { preconditionFailure("a body without a reply") }
                    let span = Span(first: first, length: length, total: version.length)
                    try await hand(.begins(at: first, version), to: sink, unlessLonger: span, reply)
                    step = exchange.bodyEnded(after: try await stream(reply, span, into: sink))
                case .confirm(let version):
                    try await hand(.begins(at: resume.offset, version), to: sink)
                    return .whole
                case .end(let end): return outcome(of: end, last)
                }
            }
        } catch {
            return error.end
        }
    }

    private func outcome(of end: AssetTransfer.End, _ last: Reply?) -> DownloadOutcome {
        switch end {
        case .whole: .whole
        case .unverified: .unverified
        case .interrupted(let reason): .interrupted(fault(reason, last))
        case .refused(let reason): .refused(fault(reason, last))
        }
    }

    private func fault(_ reason: AssetTransfer.Reason, _ last: Reply?) -> ProviderError {
        switch reason {
        case .status: status(.status, last, "\(last?.place.redacted ?? "") answered \(last?.status ?? 0)")
        case .noUsableRange: unusable("the response has no valid Content-Range")
        case .cut(let reached, let announced):
            status(.broken, last, "the clip ended at byte \(reached) of \(announced)")
        case .changed: status(.broken, last, "the service now has another version of the clip")
        }
    }

    /// Removes keys that a server may echo in version headers, since versions are saved to disk.
    private func withoutSecrets(_ headers: HeaderFields) -> HeaderFields {
        HeaderFields(headers.fields.filter { redaction($0.value) == $0.value })
    }

    private func send(_ request: AssetRequest, to first: ServiceURL) async throws(Failure) -> Reply {
        var place = first
        for _ in 0...Self.maximumRedirects {
            let reply = try await reply(to: request, at: place)
            let response = reply.response
            guard Self.isRedirect(response.status) else { return reply }
            guard let next = ServiceURL(response.headers.first(name: "location") ?? "", relativeTo: place),
                isAllowed(next, from: place)
            else {
                let message = "\(place.redacted) redirects to an invalid URL"
                throw Failure(end: .refused(status(.status, reply, message)))
            }
            place = next
        }
        let message = "more than \(Self.maximumRedirects) redirects; the last to \(place.redacted)"
        throw Failure(end: .refused(unusable(message)))
    }

    /// Sends quotes and angle brackets unescaped first, and retries with escapes if the server rejects them.
    private func reply(to request: AssetRequest, at place: ServiceURL) async throws(Failure) -> Reply {
        let reply = try await reply(to: request, at: place, target: place.target)
        let escaped = place.escapedTarget
        guard [400, 403].contains(reply.status), escaped != place.target else { return reply }
        return try await self.reply(to: request, at: place, target: escaped)
    }

    private func reply(
        to request: AssetRequest, at place: ServiceURL, target: String
    ) async throws(Failure) -> Reply {
        let way = clients.way(to: place, target: target)
        do {
            let response = try await way.client.execute(http(request, way), timeout: headTimeout.timeAmount)
            return Reply(response: response, place: place)
        } catch {
            let fault = ProviderError(transport: error, reaching: way.destination, redaction: redaction)
            throw Failure(end: .interrupted(fault))
        }
    }

    private func isAllowed(_ place: ServiceURL, from previous: ServiceURL?) -> Bool {
        !place.isPlain || (place.isLoopback && allowsPlainLoopback && previous?.isPlain != false)
    }

    private static func isRedirect(_ status: HTTPResponseStatus) -> Bool {
        [301, 302, 303, 307, 308].contains(status.code)
    }

    private func http(_ request: AssetRequest, _ way: HTTPClients.Way) -> HTTPClientRequest {
        var http = HTTPClientRequest(url: way.url)
        http.method = request.method == .head ? .HEAD : .GET
        http.headers = way.headers
        http.headers.add(name: "user-agent", value: userAgent)
        for field in request.fields { http.headers.add(name: field.name, value: field.value) }
        return http
    }

    /// The range of a body: `length` bytes from `first`, of `total`; nil if not stated.
    private struct Span {
        let first: Int64
        let length: Int64?
        let total: Int64?
    }

    private func hand(
        _ part: DownloadPart, to sink: any DownloadSink, unlessLonger span: Span, _ reply: Reply
    ) async throws(Failure) {
        if let size = span.total ?? span.length.map({ span.first + $0 }), size > maximumBytes {
            throw Failure(end: .refused(tooLong(reply)))
        }
        try await hand(part, to: sink)
    }

    /// - Returns: the number of bytes in the body.
    private func stream(_ reply: Reply, _ span: Span, into sink: any DownloadSink) async throws(Failure) -> Int64 {
        let idleTimeout = IdleTimeout(limit: stallTimeout.timeAmount)
        let reading = Task { await read(reply, span, into: sink, idleTimeout) }
        idleTimeout.start(on: clients.eventLoopGroup.any()) { reading.cancel() }
        defer { idleTimeout.cancel() }
        return try await reading.value.get()
    }

    private func read(
        _ reply: Reply, _ span: Span, into sink: any DownloadSink, _ idleTimeout: IdleTimeout
    ) async -> Result<Int64, Failure> {
        var received: Int64 = 0
        var parts = reply.response.body.makeAsyncIterator()
        do {
            while true {
                idleTimeout.startWaiting()
                let part = try await parts.next()
                idleTimeout.stopWaiting()
                guard let part else { return .success(received) }
                received += Int64(part.readableBytes)
                guard received <= span.length ?? .max else {
                    let fault = status(.unreadable, reply, "more bytes arrived than were announced")
                    return .failure(Failure(end: .interrupted(fault)))
                }
                guard span.first + received <= maximumBytes else {
                    return .failure(Failure(end: .refused(tooLong(reply))))
                }
                try await hand(.bytes(Array(buffer: part)), to: sink)
            }
        } catch let failure as Failure {
            return .failure(failure)
        } catch {
            let fault = ProviderError(
                transport: error, status: reply.status, reaching: reply.place.place, redaction: redaction)
            return .failure(Failure(end: .interrupted(fault)))
        }
    }

    /// Waits until the sink has processed the part.
    private func hand(_ part: DownloadPart, to sink: any DownloadSink) async throws(Failure) {
        let isAccepted = await withCheckedContinuation { waiting in sink.receive(part) { waiting.resume(returning: $0) }
        }
        guard isAccepted else { throw Failure(end: .sinkFailed("the clip's bytes could not be written")) }
    }

    private func tooLong(_ reply: Reply) -> ProviderError {
        status(.unreadable, reply, "the clip is longer than the \(maximumBytes) bytes allowed")
    }

    private func status(_ kind: ProviderError.Kind, _ reply: Reply?, _ message: String) -> ProviderError {
        ProviderError(
            kind: kind, status: reply?.status, message: String(redaction(message).prefix(500)),
            retryAfter: reply.flatMap { RetryAfter.retryAfter($0.response.headers.wire) })
    }

    private func unusable(_ message: String) -> ProviderError {
        ProviderError(kind: .unreadable, message: String(redaction(message).prefix(500)))
    }
}
