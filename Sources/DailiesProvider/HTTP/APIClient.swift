import AsyncHTTPClient
import DailiesCore
import NIOCore
import NIOHTTP1
import ProviderWire

/// Sends one API request with the key and returns its whole response, within one deadline.
struct APIClient: Sendable {
    struct Request: Sendable {
        let method: HTTPMethod
        /// Path and query.
        let target: String
        let body: [UInt8]?
        let key: APIKey
        let timeout: Duration
    }

    struct Reply: Sendable {
        let status: Int
        let headers: HeaderFields
        let body: [UInt8]
    }

    /// No complete response was received.
    struct Failure: Error {
        let fault: ProviderError
        /// The client had read the request's body, so the service may have received it.
        let wasSent: Bool
    }

    let clients: HTTPClients
    /// The only event loop of ``clients``. A request is handled entirely on it, to avoid waking other threads.
    let loop: any EventLoop
    let base: ServiceURL
    let userAgent: String
    let maximumReplyBytes: Int
    let redaction: Redactor

    /// Calls `done` once, on ``loop``.
    func send(_ request: Request, done: @escaping @Sendable (Result<Reply, Failure>) -> Void) {
        // Also when called on the loop: failing requests in a row must not grow the stack.
        loop.execute { self.start(request, done) }
    }

    func send(_ request: Request) async throws(Failure) -> Reply {
        let result = await withCheckedContinuation { continuation in
            send(request) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    private func start(_ request: Request, _ done: @escaping @Sendable (Result<Reply, Failure>) -> Void) {
        let flag = TrackedBody.Flag()
        let collector = ReplyCollector(limit: maximumReplyBytes)
        let way = clients.way(to: base, target: base.path + request.target)
        let whole: HTTPClient.Request
        do {
            whole = try self.whole(request, way, flag)
        } catch {
            return done(.failure(failure(error, nil, way, flag)))
        }
        // The deadline covers the whole body. Do not also request a channel on this loop: that would create connections
        // that are closed as soon as no request waits for them.
        let task = way.client.execute(
            request: whole, delegate: collector, eventLoop: .delegate(on: loop),
            deadline: .now() + request.timeout.timeAmount)
        task.futureResult.whenComplete { result in
            switch result {
            case .success(let reply): done(.success(reply))
            case .failure(let error): done(.failure(self.failure(error, collector.status, way, flag)))
            }
        }
    }

    private func whole(
        _ request: Request, _ way: HTTPClients.Way, _ flag: TrackedBody.Flag
    ) throws -> HTTPClient.Request {
        var headers = way.headers
        headers.add(contentsOf: [
            (HeaderName.apiKey, request.key.secret), ("accept", "application/json"), ("user-agent", userAgent),
        ])
        var body: HTTPClient.Body?
        if let bytes = request.body {
            headers.add(name: "content-type", value: "application/json")
            body = .bytes(TrackedBody(bytes: bytes, flag: flag))
        }
        return try HTTPClient.Request(
            url: way.url, method: request.method, headers: headers, body: body)
    }

    private func failure(
        _ error: any Error, _ status: Int?, _ way: HTTPClients.Way, _ flag: TrackedBody.Flag
    ) -> Failure {
        Failure(
            fault: ProviderError(transport: error, status: status, reaching: way.destination, redaction: redaction),
            wasSent: flag.isRead || status != nil)
    }
}

/// Collects one response, up to a size limit.
private final class ReplyCollector: HTTPClientResponseDelegate, @unchecked Sendable {
    // Unchecked because every `var` is accessed only on the client's event loop.

    private let limit: Int
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []

    init(limit: Int) { self.limit = limit }

    /// Known once the head was received.
    var status: Int? { head.map { Int($0.status.code) } }

    func didReceiveHead(task: HTTPClient.Task<APIClient.Reply>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        self.head = head
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<APIClient.Reply>, _ part: ByteBuffer) -> EventLoopFuture<Void> {
        guard body.count + part.readableBytes <= limit else {
            return task.eventLoop.makeFailedFuture(NIOTooManyBytesError(maxBytes: limit))
        }
        body.append(contentsOf: part.readableBytesView)
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<APIClient.Reply>) throws -> APIClient.Reply {
        guard let head else { throw HTTPClientError.remoteConnectionClosed }
        return APIClient.Reply(status: Int(head.status.code), headers: head.headers.wire, body: body)
    }
}

extension HTTPHeaders {
    var wire: HeaderFields { HeaderFields(map { HeaderFields.Field(name: $0.name, value: $0.value) }) }
}

extension Duration {
    /// Limited to a year: the network library adds it to the time since boot, and crashes on overflow.
    var timeAmount: TimeAmount { .nanoseconds(min(nanoseconds, Self.seconds(366 * 86_400).nanoseconds)) }
}
