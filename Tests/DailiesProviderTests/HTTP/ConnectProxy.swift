import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import ProviderWire

/// An http proxy on loopback: makes tunnels (`CONNECT`), and passes on what it is given whole.
final class ConnectProxy: Sendable {
    /// The header of a request to the proxy.
    struct Seen: Sendable {
        let line: String
        let headers: HeaderFields
    }

    enum Behavior: Sendable {
        case open
        /// Requires this `proxy-authorization`.
        case wants(String)
        /// Returns this status for every request.
        case refuses(Int)
    }

    private let seenHeads = NIOLockedValueBox<[Seen]>([])
    private let listener: any Channel

    let port: Int
    var seen: [Seen] { seenHeads.withLockedValue { $0 } }

    private init(_ listener: any Channel) {
        self.listener = listener
        port = listener.localAddress?.port ?? 0
    }

    /// Runs `body` with a proxy, and stops it afterwards.
    static func with<Result>(
        _ behavior: Behavior = .open, _ body: (ConnectProxy) async throws -> Result
    ) async throws -> Result {
        let hub = NIOLockedValueBox<ConnectProxy?>(nil)
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ProxyConnection(behavior: behavior, hub: hub))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let proxy = ConnectProxy(listener)
        hub.withLockedValue { $0 = proxy }
        do {
            let result = try await body(proxy)
            try await listener.close()
            return result
        } catch {
            try await listener.close()
            throw error
        }
    }

    fileprivate func note(_ head: Seen) { seenHeads.withLockedValue { $0.append(head) } }
}

/// Reads one head, then passes bytes on in both directions.
private final class ProxyConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let behavior: ConnectProxy.Behavior
    private let hub: NIOLockedValueBox<ConnectProxy?>
    private var received = ByteBuffer()
    private var isConnecting = false
    private var partner: (any Channel)?

    init(behavior: ConnectProxy.Behavior, hub: NIOLockedValueBox<ConnectProxy?>) {
        self.behavior = behavior
        self.hub = hub
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if let partner { return partner.writeAndFlush(bytes, promise: nil) }
        received.writeBuffer(&bytes)
        guard !isConnecting else { return }
        let all = Array(received.readableBytesView)
        guard let end = all.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
        let lines = String(decoding: all[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n").map(String.init)
        let headers = HeaderFields(
            lines.dropFirst().map { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                let value = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
                return HeaderFields.Field(name: String(parts[0]), value: String(value))
            })
        hub.withLockedValue { $0 }?.note(ConnectProxy.Seen(line: lines[0], headers: headers))
        if let status = refusal(headers) {
            write("HTTP/1.1 \(status) X\r\nContent-Length: 0\r\n\r\n", context)
            return context.close(promise: nil)
        }
        connect(lines[0].split(separator: " ").map(String.init), rest: Array(all[end.upperBound...]), lines, context)
    }

    private func refusal(_ headers: HeaderFields) -> Int? {
        switch behavior {
        case .open: nil
        case .wants(let authorization): headers["proxy-authorization"] == authorization ? nil : 407
        case .refuses(let status): status
        }
    }

    private func connect(_ words: [String], rest: [UInt8], _ lines: [String], _ context: ChannelHandlerContext) {
        isConnecting = true
        let isTunnel = words[0] == "CONNECT"
        // Whole addresses are of the form http://HOST:PORT/…
        let whole = words[1].dropFirst(isTunnel ? 0 : "http://".count)
        let authority = whole.prefix { $0 != "/" }
        let place = authority.split(separator: ":")
        let first: String
        if isTunnel {
            first = ""
        } else {
            let fields = lines.dropFirst().filter { !$0.lowercased().hasPrefix("proxy-") }
            let line = "\(words[0]) \(whole.dropFirst(authority.count)) \(words[2])"
            first = ([line] + fields).joined(separator: "\r\n") + "\r\n\r\n"
        }
        let (client, me) = (context.channel, NIOLoopBound((self, context), eventLoop: context.eventLoop))
        ClientBootstrap(group: context.eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ProxyReturn(client))
                }
            }
            .connect(host: String(place[0]), port: Int(place[1]) ?? 0)
            .whenComplete { result in
                let (handler, context) = me.value
                switch result {
                case .success(let upstream):
                    handler.partner = upstream
                    if isTunnel { handler.write("HTTP/1.1 200 Connection established\r\n\r\n", context) }
                    var bytes = ByteBuffer(string: first)
                    bytes.writeBytes(rest)
                    if bytes.readableBytes > 0 { upstream.writeAndFlush(bytes, promise: nil) }
                case .failure:
                    handler.write("HTTP/1.1 502 X\r\nContent-Length: 0\r\n\r\n", context)
                    context.close(promise: nil)
                }
            }
    }

    private func write(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        partner?.close(promise: nil)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// What comes from behind goes to the client.
private final class ProxyReturn: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let client: any Channel
    init(_ client: any Channel) { self.client = client }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        client.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }
    func channelInactive(context: ChannelHandlerContext) { client.close(promise: nil) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
