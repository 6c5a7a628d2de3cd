import NIOCore
import NIOHTTP1

/// Sends the target of a request exactly as given. The client would parse and rewrite the address: a single character
/// that its parser dislikes makes it escape every escape again.
///
/// The client gets only the origin, and the target in a header field that this handler removes.
final class RequestTarget: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    /// The name of the field. Its value is visible ASCII: ``ServiceURL/target``.
    static let field = "dailies-request-target"

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = unwrapOutboundIn(data), let target = head.headers.first(name: Self.field) else {
            return context.write(data, promise: promise)
        }
        head.uri = target
        head.headers.remove(name: Self.field)
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }
}
