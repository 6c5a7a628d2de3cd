import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL
import ProviderWire

/// A server on loopback that reads whole requests and then does what a script says, well-behaved or not.
final class HostileServer: Sendable {
    /// A received request.
    struct Seen: Sendable {
        let method: String
        let target: String
        let headers: HeaderFields
        let body: [UInt8]
    }

    enum Act: Sendable {
        /// A valid response with a Content-Length; the connection stays open.
        case reply(Int, [(String, String)] = [], String)
        /// Only these bytes; the connection stays open.
        case raw(String)
        /// These bytes, then the connection closes.
        case cut(String)
        /// These bytes immediately, then one byte every 20 ms, endlessly.
        case drip(String)
        /// Like ``reply``, after a delay.
        case late(TimeAmount, String)
        /// No response.
        case hang
    }

    typealias Script = @Sendable (Seen) -> Act

    private struct State {
        var seen: [Seen] = []
        var open = 0
        var maximumOpen = 0
        var connections = 0
    }
    private let state = NIOLockedValueBox(State())
    private let listener: any Channel

    let port: Int
    private let speaksTLS: Bool
    var url: String { "\(speaksTLS ? "https" : "http")://127.0.0.1:\(port)" }
    var seen: [Seen] { state.withLockedValue { $0.seen } }
    /// Maximum number of requests being answered at the same time.
    var maximumOpen: Int { state.withLockedValue { $0.maximumOpen } }
    /// Number of connections so far.
    var connections: Int { state.withLockedValue { $0.connections } }

    private init(_ listener: any Channel, speaksTLS: Bool) {
        self.listener = listener
        self.speaksTLS = speaksTLS
        port = listener.localAddress?.port ?? 0
    }

    /// Runs `body` with a server, and stops it afterwards.
    ///
    /// - Parameter certificate: enables TLS with this certificate.
    static func with<Result>(
        certificate: TestCertificate? = nil, _ script: @escaping Script,
        _ body: (HostileServer) async throws -> Result
    ) async throws -> Result {
        let context = try certificate?.serverContext()
        let hub = NIOLockedValueBox<HostileServer?>(nil)
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    }
                    try channel.pipeline.syncOperations.addHandler(Connection(script: script, hub: hub))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let server = HostileServer(listener, speaksTLS: certificate != nil)
        hub.withLockedValue { $0 = server }
        do {
            let result = try await body(server)
            try await server.stop()
            return result
        } catch {
            try await server.stop()
            throw error
        }
    }

    /// Refuses further connections.
    func stop() async throws { if listener.isActive { try await listener.close() } }

    fileprivate func begin(_ request: Seen) {
        state.withLockedValue { state in
            state.seen.append(request)
            state.open += 1
            state.maximumOpen = max(state.maximumOpen, state.open)
        }
    }

    fileprivate func connected() { state.withLockedValue { $0.connections += 1 } }

    fileprivate func end() { state.withLockedValue { $0.open -= 1 } }
}

/// Collects bytes until a request is whole, then acts.
private final class Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let script: HostileServer.Script
    private let hub: NIOLockedValueBox<HostileServer?>
    private var received: [UInt8] = []

    init(script: @escaping HostileServer.Script, hub: NIOLockedValueBox<HostileServer?>) {
        self.script = script
        self.hub = hub
    }

    func channelActive(context: ChannelHandlerContext) {
        hub.withLockedValue { $0 }?.connected()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += Array(buffer: unwrapInboundIn(data))
        while let request = takeRequest() { act(on: request, context) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The client closed the connection, as several tests intend.
        context.close(promise: nil)
    }

    private func takeRequest() -> HostileServer.Seen? {
        let end = Array("\r\n\r\n".utf8)
        guard let head = received.indices.first(where: { received[$0...].starts(with: end) }) else { return nil }
        let lines = String(decoding: received[..<head], as: UTF8.self).split(separator: "\r\n")
        let words = lines[0].split(separator: " ")
        let fields = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return HeaderFields.Field(name: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : "")
        }
        let headers = HeaderFields(fields)
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        let bodyStart = head + end.count
        guard received.count >= bodyStart + length else { return nil }
        let body = Array(received[bodyStart..<bodyStart + length])
        received.removeFirst(bodyStart + length)
        return HostileServer.Seen(method: String(words[0]), target: String(words[1]), headers: headers, body: body)
    }

    private func act(on request: HostileServer.Seen, _ context: ChannelHandlerContext) {
        let server = hub.withLockedValue { $0 }
        server?.begin(request)
        switch script(request) {
        case .reply(let status, let fields, let body):
            server?.end()
            write(Self.answer(status, fields, body), context)
        case .raw(let text): write(text, context)
        case .cut(let text):
            write(text, context)
            context.close(promise: nil)
        case .drip(let text):
            write(text, context)
            drip(NIOLoopBound(context, eventLoop: context.eventLoop))
        case .late(let delay, let body):
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: delay) {
                server?.end()
                bound.value.0.write(Self.answer(200, [], body), bound.value.1)
            }
        case .hang: break
        }
    }

    private func drip(_ bound: NIOLoopBound<ChannelHandlerContext>) {
        let me = NIOLoopBound(self, eventLoop: bound.value.eventLoop)
        bound.value.eventLoop.scheduleTask(in: .milliseconds(20)) {
            guard bound.value.channel.isActive else { return }
            me.value.write(" ", bound.value)
            me.value.drip(bound)
        }
    }

    private static func answer(_ status: Int, _ fields: [(String, String)], _ body: String) -> String {
        let head = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
        return "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\(head)\r\n\(body)"
    }

    private func write(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }
}
