import AsyncHTTPClient
import DailiesCore
import NIOCore
import NIOHTTP1
import ProviderWire

/// One request to the API and its whole reply, with the key in the head, under one deadline.
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
        let headers: WireHeaders
        let body: [UInt8]
    }

    /// No whole reply came.
    struct Failure: Error {
        let fault: Fault
        /// The client had read the request's body: the service may have got it.
        let wasSent: Bool
    }

    let client: HTTPClient
    let baseURL: String
    let userAgent: String
    let maximumReplyBytes: Int
    let redaction: Redaction

    func send(_ request: Request) async throws(Failure) -> Reply {
        let flag = TrackedBody.Flag()
        let deadline = NIODeadline.now() + request.timeout.timeAmount
        let response: HTTPClientResponse
        do {
            response = try await client.execute(head(of: request, flag), deadline: deadline)
        } catch {
            throw failure(error, nil, flag)
        }
        do {
            return Reply(
                status: Int(response.status.code), headers: response.headers.wire,
                body: try await body(of: response, by: deadline))
        } catch {
            throw failure(error, Int(response.status.code), flag)
        }
    }

    private func head(of request: Request, _ flag: TrackedBody.Flag) -> HTTPClientRequest {
        var head = HTTPClientRequest(url: baseURL + request.target)
        head.method = request.method
        head.headers.add(name: WireHeader.apiKey, value: request.key.secret)
        head.headers.add(name: "accept", value: "application/json")
        head.headers.add(name: "user-agent", value: userAgent)
        if let body = request.body {
            head.headers.add(name: "content-type", value: "application/json")
            head.body = .bytes(TrackedBody(bytes: body, flag: flag))
        }
        return head
    }

    /// The client's own deadline ends at the head of the reply; this one goes on to the last byte of the body.
    private func body(of response: HTTPClientResponse, by deadline: NIODeadline) async throws -> [UInt8] {
        let limit = maximumReplyBytes
        let collecting = Task { try await response.body.collect(upTo: limit) }
        let alarm = client.eventLoopGroup.any().scheduleTask(deadline: deadline) { collecting.cancel() }
        defer { alarm.cancel() }
        return Array(buffer: try await collecting.value)
    }

    private func failure(_ error: any Error, _ status: Int?, _ flag: TrackedBody.Flag) -> Failure {
        Failure(
            fault: TransportFault.make(error, status: status, redaction: redaction),
            wasSent: flag.isRead || status != nil)
    }
}

extension HTTPHeaders {
    var wire: WireHeaders { WireHeaders(map { WireHeaders.Field(name: $0.name, value: $0.value) }) }
}

extension Duration {
    var timeAmount: TimeAmount { .nanoseconds(nanoseconds) }
}
