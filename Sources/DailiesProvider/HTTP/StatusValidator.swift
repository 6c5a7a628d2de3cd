import NIOCore
import NIOHTTP1

/// Ends a connection whose answer has a status below 100, before the client sees it: the client passes such a head over
/// as if another one were to follow, and stops the program at the body or the end that comes instead.
final class StatusValidator: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart

    private var isOver = false

    /// Puts one between the bytes' decoder and the client of a connection that has just been made, and a
    /// ``RequestTarget``.
    @Sendable static func add(to channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.submit {
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
            try pipeline.addHandler(RequestTarget(), position: .after(decoder))
            try pipeline.addHandler(StatusValidator(), position: .after(decoder))
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isOver { return }
        if case .head(let head) = unwrapInboundIn(data), head.status.code < 100 {
            isOver = true
            context.fireErrorCaught(HTTPParserError.invalidStatus)
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
    }
}
