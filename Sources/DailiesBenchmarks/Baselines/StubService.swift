import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A minimal tasks API: accepts every submission and answers every query with the same status.
final class StubService: Sendable {
    struct Tally {
        /// Times of the first request, and of the first to the tasks API.
        var firstRequest: ContinuousClock.Instant?
        var firstTaskRequest: ContinuousClock.Instant?
        var submits = 0
        var queries = 0
    }

    let url: String
    private let channel: any Channel
    private let group: MultiThreadedEventLoopGroup
    private let shared: Shared

    fileprivate final class Shared: Sendable {
        /// The status returned by queries.
        let word: String
        let tally = Mutex(Tally())
        init(word: String) { self.word = word }
    }

    init(answering word: String) throws {
        let shared = Shared(word: word)
        self.shared = shared
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        channel = try ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(shared))
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        url = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)"
    }

    var tally: Tally { shared.tally.withLock { $0 } }
    func forget() { shared.tally.withLock { $0 = Tally() } }

    func end() throws {
        try channel.close().wait()
        try group.syncShutdownGracefully()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let shared: Shared
        private var target = ""

        init(_ shared: Shared) { self.shared = shared }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): target = head.uri
            case .body: break
            case .end: answer(context)
            }
        }

        private func answer(_ context: ChannelHandlerContext) {
            var status = HTTPResponseStatus.ok
            let text: String
            if target.hasPrefix("/v1/tasks/submit") {
                let number = shared.tally.withLock { tally in
                    tally.note(isTask: true)
                    tally.submits += 1
                    return tally.submits
                }
                text = "{\"task_id\":\"task_s\(number)\",\"status\":\"queued\",\"estimated_credits\":3.65}"
            } else if target.hasPrefix("/v1/tasks/query") {
                shared.tally.withLock { tally in
                    tally.note(isTask: true)
                    tally.queries += 1
                }
                text = reply(to: target.split(separator: "=").last.map(String.init) ?? "")
            } else {
                shared.tally.withLock { $0.note(isTask: false) }
                status = .notFound
                text = "{\"error\":{\"code\":\"not_found\",\"message\":\"no such route\"}}"
            }
            let body = ByteBuffer(string: text)
            let headers = HTTPHeaders([
                ("content-type", "application/json"), ("content-length", "\(body.readableBytes)"),
            ])
            context.write(
                wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))),
                promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }

        private func reply(to id: String) -> String {
            shared.word == "completed"
                ? "{\"task_id\":\"\(id)\",\"status\":\"completed\",\"credits\":3.65,"
                    + "\"result\":{\"video_url\":\"https://cdn.example/\(id).mp4\",\"duration_seconds\":8}}"
                : "{\"task_id\":\"\(id)\",\"status\":\"\(shared.word)\"}"
        }
    }
}

extension StubService.Tally {
    fileprivate mutating func note(isTask: Bool) {
        let now = ContinuousClock.now
        if firstRequest == nil { firstRequest = now }
        if isTask, firstTaskRequest == nil { firstTaskRequest = now }
    }
}
