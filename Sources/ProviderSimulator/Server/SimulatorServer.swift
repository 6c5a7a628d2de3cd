import DailiesCore
import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// Serves the simulator on a socket of this machine (127.0.0.1 only).
///
/// One lock guards the state machine. A request holds it while it is processed and, if there is a state file, while the
/// change is written durably. The response's transport action is applied to the connection: closed without a byte,
/// truncated, delayed, dripped. The body is always read first, even if the action is to close before reading: a client
/// cannot tell the difference.
package final class SimulatorServer: Sendable {
    /// State guarded by the lock.
    private struct Shared {
        var machine: SimulatedProvider
        var journal: SimulatorJournal?
        /// A change could not be made durable: no further requests are answered.
        var isBroken = false
        var listening: Listening?
        var pauses = Pauses()
    }

    private struct Listening {
        let server: Server<HTTP1Channel>
        let running: Task<Void, any Error>
    }

    /// The waits of delayed and dripped responses, so that stopping can cancel them.
    private struct Pauses {
        var isOver = false
        var count = 0
        var tasks: [Int: Task<Void, any Error>] = [:]
    }

    /// How long stopping waits for active requests.
    private static let stopTimeout: Duration = .seconds(2)

    private let shared: NIOLockedValueBox<Shared>
    private let port: Int
    private let stateFile: String?
    private let clock: @Sendable () -> Instant

    /// The server was stopped before it had a port.
    package struct Stopped: Error, CustomStringConvertible {
        package var description: String { "the simulator stopped before it was listening" }
    }

    /// The system did not allow the port.
    package struct Refused: Error, CustomStringConvertible {
        let code: Int32
        /// The system's message: `address already in use`.
        package var description: String {
            let words = String(cString: strerror(code))
            return words.prefix(1).lowercased() + words.dropFirst()
        }
    }

    /// - Parameters:
    ///   - configuration: its base URL is replaced by the server's own.
    ///   - port: 0 for any free port.
    ///   - stateFile: file that keeps accepted tasks across restarts with the same configuration; nil for none.
    ///   - clock: the time of every request; called under the lock.
    package init(
        configuration: SimulatorConfiguration, catalog: ModelCatalog, port: Int, stateFile: String?,
        clock: @escaping @Sendable () -> Instant
    ) {
        shared = NIOLockedValueBox(
            Shared(machine: SimulatedProvider(configuration: configuration, catalog: catalog)))
        self.port = port
        self.stateFile = stateFile
        self.clock = clock
    }

    /// All charges up to now.
    package var bill: Bill {
        shared.withLockedValue {
            $0.machine.advance(to: clock())
            return $0.machine.bill
        }
    }

    /// Reads the state file, if any, and starts listening. Call once.
    ///
    /// - Returns: the port.
    /// - Throws: if the port is taken or the state file is not usable.
    package func start() async throws -> Int {
        if let stateFile {
            try shared.withLockedValue { shared in
                shared.journal = try SimulatorJournal(path: stateFile, replayingOn: &shared.machine)
                shared.machine.recordsChanges = true
            }
        }
        let (ports, bound) = AsyncThrowingStream<Int, any Error>.makeStream()
        let server = Server(
            childChannelSetup: HTTP1Channel(responder: { [self] request, writer, channel in
                try await respond(to: request, writer, channel)
            }),
            configuration: ServerConfiguration(address: .hostname("127.0.0.1", port: port), backlog: 1024),
            onServerRunning: { [self] channel in
                let port = channel.localAddress?.port ?? 0
                shared.withLockedValue { $0.machine.configuration.baseURL = "http://127.0.0.1:\(port)" }
                bound.yield(port)
            },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "simulator") { _ in SwiftLogNoOpLogHandler() })
        let running = Task {
            do {
                try await server.run()
                bound.finish()
            } catch {
                bound.finish(throwing: error)
                throw error
            }
        }
        shared.withLockedValue { $0.listening = Listening(server: server, running: running) }
        do {
            for try await port in ports { return port }
        } catch let error as IOError {
            throw Refused(code: error.errnoCode)
        }
        throw Stopped()
    }

    /// Closes the port, cancels delayed responses, and closes all connections, active ones after at most 2 s. Returns
    /// when done.
    package func stop() async {
        let listening = shared.withLockedValue { shared in
            defer { shared.listening = nil }
            shared.pauses.isOver = true
            for task in shared.pauses.tasks.values { task.cancel() }
            return shared.listening
        }
        guard let listening else { return }
        // Cancelling at once would lose connections that were just accepted, which the library treats as a programming
        // error. After the port is closed there are none.
        let deadline = Task {
            try await Task.sleep(for: Self.stopTimeout)
            listening.running.cancel()
        }
        do {
            try await listening.server.shutdownGracefully()
        } catch {
            listening.running.cancel()
        }
        // start() has reported the error.
        _ = await listening.running.result
        deadline.cancel()
        shared.withLockedValue { $0.journal = nil }
    }

    // MARK: One request

    private func respond(
        to request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel
    ) async throws {
        let simulated = try await Self.read(request)
        let response = handle(simulated)
        let head = Self.head(response)
        switch response.action {
        case .closeWithoutReply, .closeBeforeReading:
            try await channel.close()
        case .deliver:
            try await writer.write(response: head, body: .init(byteBuffer: ByteBuffer(bytes: response.body)))
        case .delay(let wait):
            try await pause(wait)
            try await writer.write(response: head, body: .init(byteBuffer: ByteBuffer(bytes: response.body)))
        case .truncate(let count):
            var body = try await writer.writeHead(head)
            try await body.write(ByteBuffer(bytes: response.body.prefix(count)))
            try await channel.close()
        case .endUnannounced(let count):
            var body = try await writer.writeHead(head)
            try await body.write(ByteBuffer(bytes: response.body.prefix(count)))
            try await body.finish(nil)
        case .drip(let count, let pause):
            var body = try await writer.writeHead(head)
            var rest = response.body[...]
            while !rest.isEmpty {
                try await body.write(ByteBuffer(bytes: rest.prefix(count)))
                rest = rest.dropFirst(count)
                try await self.pause(pause)
            }
            try await body.finish(nil)
        }
    }

    /// Waits in real time; throws if the server stops.
    private func pause(_ wait: Duration) async throws {
        let task = Task { try await Task.sleep(for: wait) }
        let number = shared.withLockedValue { shared in
            if shared.pauses.isOver { task.cancel() }
            shared.pauses.count += 1
            shared.pauses.tasks[shared.pauses.count] = task
            return shared.pauses.count
        }
        defer { shared.withLockedValue { $0.pauses.tasks[number] = nil } }
        try await task.value
    }

    private func handle(_ request: SimulatedRequest) -> SimulatedResponse {
        let refusal = SimulatedResponse(status: 503, action: .closeWithoutReply)
        return shared.withLockedValue { shared in
            if shared.isBroken { return refusal }
            let response = shared.machine.handle(request, at: clock())
            guard let journal = shared.journal else { return response }
            let changes = shared.machine.takeChanges()
            if changes.isEmpty { return response }
            do {
                try journal.append(changes)
                return response
            } catch {
                // A response now would promise what is lost after a restart.
                shared.isBroken = true
                return refusal
            }
        }
    }

    /// Reads the request with at most one byte more of its body than the simulator accepts; discards the rest.
    private static func read(_ request: Request) async throws -> SimulatedRequest {
        var body: [UInt8] = []
        for try await part in request.body {
            let room = SimulatedProvider.maximumBodyBytes + 1 - body.count
            if room > 0 { body.append(contentsOf: part.readableBytesView.prefix(room)) }
        }
        var headers: [String: String] = [:]
        for field in request.headers { headers[field.name.canonicalName] = field.value }
        return SimulatedRequest(
            method: request.method.rawValue, path: request.head.path ?? "", headers: headers, body: body)
    }

    private static func head(_ response: SimulatedResponse) -> HTTPResponse {
        var fields = HTTPFields()
        for header in response.headers {
            guard let name = HTTPFields.Element.Name(header.name) else {
                preconditionFailure("no field name: \(header.name)")
            }
            fields.append(HTTPFields.Element(name: name, value: header.value))
        }
        return HTTPResponse(status: .init(code: response.status), headerFields: fields)
    }
}
