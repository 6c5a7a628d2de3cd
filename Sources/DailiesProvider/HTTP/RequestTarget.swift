import NIOCore
import NIOHTTP1

/// Puts the target of a request on its line as it was given. The client would parse an address and write it anew: one
/// character that its parser dislikes, and every escape in the address is escaped again.
///
/// The client is given the origin alone, and the target in a field that never leaves the connection.
final class RequestTarget: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    /// Of the field. Its value is visible ASCII: ``ServiceURL/target``.
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
