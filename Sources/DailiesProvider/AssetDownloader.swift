import AsyncHTTPClient
import DailiesCore
import NIOCore
import NIOHTTP1
import ProviderWire

/// Fetches a clip from wherever its URL points, without credentials, and hands it on part by part.
///
/// Redirects are followed here and not by the client, so that each hop is checked: https, or plain http to loopback
/// when the service itself is there, and never from https to plain http.
///
/// A Range that the server does not honour is no failure: 200 begins at byte 0 again. When it refuses the Range (416)
/// or answers with another one, the whole clip is asked for once more within the same call; the sink sees only the
/// beginning that counts. A 416 that states the very length that is there already means that the clip is whole.
struct AssetDownloader: Sendable {
    /// Hops after the first address.
    private static let maximumRedirects = 5

    let client: HTTPClient
    let allowsPlainLoopback: Bool
    let userAgent: String
    let headTimeout: Duration
    let stallTimeout: Duration
    let maximumBytes: Int64
    let redaction: Redaction

    func download(_ asset: AssetLocation, from offset: Int64, into sink: any DownloadSink) async -> DownloadEnd {
        switch await attempt(asset, from: offset, into: sink) {
        case .ended(let end): return end
        case .rangeRefused:
            switch await attempt(asset, from: 0, into: sink) {
            case .ended(let end): return end
            case .rangeRefused: return .interrupted(unusable("the answer has no usable Content-Range"))
            }
        }
    }

    private enum Attempt {
        case ended(DownloadEnd)
        case rangeRefused
    }

    private func attempt(
        _ asset: AssetLocation, from offset: Int64, into sink: any DownloadSink
    ) async -> Attempt {
        guard var place = ServiceURL(asset.url), isAllowed(place, from: nil) else {
            return .ended(.refused(unusable("the clip's address cannot be used: \(ServiceURL.redacted(asset.url))")))
        }
        for _ in 0...Self.maximumRedirects {
            let response: HTTPClientResponse
            do {
                response = try await client.execute(
                    request(place, from: offset), timeout: headTimeout.timeAmount)
            } catch {
                return .ended(.interrupted(TransportFault.make(error, redaction: redaction)))
            }
            guard Self.isRedirect(response.status) else {
                return await take(response, at: place, from: offset, into: sink)
            }
            guard let next = ServiceURL(response.headers.first(name: "location") ?? "", relativeTo: place),
                isAllowed(next, from: place)
            else {
                return .ended(
                    .refused(status(.status, response, "\(place.redacted) redirects to an unusable address")))
            }
            place = next
        }
        return .ended(.refused(unusable("more than \(Self.maximumRedirects) redirects; the last to \(place.redacted)")))
    }

    private func isAllowed(_ place: ServiceURL, from previous: ServiceURL?) -> Bool {
        !place.isPlain || (place.isLoopback && allowsPlainLoopback && previous?.isPlain != false)
    }

    private static func isRedirect(_ status: HTTPResponseStatus) -> Bool {
        [301, 302, 303, 307, 308].contains(status.code)
    }

    private func request(_ place: ServiceURL, from offset: Int64) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: place.text)
        request.headers.add(name: "user-agent", value: userAgent)
        // A length and a range count the bytes as they are sent: no coding in between.
        request.headers.add(name: "accept-encoding", value: "identity")
        if offset > 0 { request.headers.add(name: "range", value: "bytes=\(offset)-") }
        return request
    }

    /// Decides by the head of the last answer.
    private func take(
        _ response: HTTPClientResponse, at place: ServiceURL, from offset: Int64, into sink: any DownloadSink
    ) async -> Attempt {
        let length = response.headers.first(name: "content-length").flatMap { Int64($0) }.flatMap { $0 >= 0 ? $0 : nil }
        let range = ContentRange(response.headers.first(name: "content-range"))
        switch response.status.code {
        case 200:
            return .ended(await stream(response, Span(first: 0, length: length, total: length), into: sink))
        case 206:
            guard case .part(let first, let last, let total) = range, first == offset else { return .rangeRefused }
            let span = Span(first: first, length: last - first + 1, total: total)
            return .ended(await stream(response, span, into: sink))
        case 416 where offset > 0:
            guard range == .unsatisfied(total: offset) else { return .rangeRefused }
            let goesOn = await hand(.begins(at: offset, totalLength: offset), to: sink)
            return .ended(goesOn ? .whole : .sinkFailed(Self.sinkMessage))
        default:
            let fault = status(.status, response, "\(place.redacted) answered \(response.status.code)")
            return .ended(Self.isRefusal(response.status.code) ? .refused(fault) : .interrupted(fault))
        }
    }

    /// 4xx says that this URL will not do any more, whatever the wording; but for "later" and "too slow".
    private static func isRefusal(_ status: UInt) -> Bool {
        400..<500 ~= status && ![408, 425, 429].contains(status)
    }

    /// What a body holds: `length` bytes from `first` on, of `total`; nil where the server does not say.
    private struct Span {
        let first: Int64
        let length: Int64?
        let total: Int64?
    }

    private func stream(
        _ response: HTTPClientResponse, _ span: Span, into sink: any DownloadSink
    ) async -> DownloadEnd {
        if let size = span.total ?? span.length.map({ span.first + $0 }), size > maximumBytes {
            return .refused(tooLong(response))
        }
        guard await hand(.begins(at: span.first, totalLength: span.total), to: sink) else {
            return .sinkFailed(Self.sinkMessage)
        }
        let watch = StallWatch(limit: stallTimeout.timeAmount)
        let reading = Task { await read(response, span, into: sink, watch) }
        watch.start(on: client.eventLoopGroup.any()) { reading.cancel() }
        defer { watch.end() }
        return await reading.value
    }

    private func read(
        _ response: HTTPClientResponse, _ span: Span, into sink: any DownloadSink, _ watch: StallWatch
    ) async -> DownloadEnd {
        var received: Int64 = 0
        var parts = response.body.makeAsyncIterator()
        do {
            while true {
                watch.waits()
                let part = try await parts.next()
                watch.goesOn()
                guard let part else { break }
                received += Int64(part.readableBytes)
                guard received <= span.length ?? .max else {
                    return .interrupted(status(.unreadable, response, "more bytes came than were announced"))
                }
                guard span.first + received <= maximumBytes else { return .refused(tooLong(response)) }
                guard await hand(.bytes(Array(buffer: part)), to: sink) else { return .sinkFailed(Self.sinkMessage) }
            }
        } catch {
            return .interrupted(
                TransportFault.make(error, status: Int(response.status.code), redaction: redaction))
        }
        let announced = span.total ?? span.length.map { span.first + $0 }
        guard let announced, span.first + received < announced else { return .whole }
        return .interrupted(
            status(.broken, response, "the clip was cut at byte \(span.first + received) of \(announced)"))
    }

    /// Waits until the sink has taken the part; whether it goes on.
    private func hand(_ part: DownloadPart, to sink: any DownloadSink) async -> Bool {
        await withCheckedContinuation { waiting in sink.receive(part) { waiting.resume(returning: $0) } }
    }

    private static let sinkMessage = "the clip's bytes could not be written"

    private func tooLong(_ response: HTTPClientResponse) -> Fault {
        status(.unreadable, response, "the clip is longer than the \(maximumBytes) bytes allowed")
    }

    private func status(_ kind: Fault.Kind, _ response: HTTPClientResponse, _ message: String) -> Fault {
        Fault(
            kind: kind, status: Int(response.status.code), message: String(redaction(message).prefix(500)),
            retryAfter: RetryHint.retryAfter(response.headers.wire))
    }

    private func unusable(_ message: String) -> Fault {
        Fault(kind: .unreadable, message: String(redaction(message).prefix(500)))
    }
}
