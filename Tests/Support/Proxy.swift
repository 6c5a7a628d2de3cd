import Foundation

/// Stands before the simulator, or in its place, and notes when each request arrived, by the same clock as the store's
/// times. One thread serves all connections: what goes through here are small requests and replies; clips come from the
/// simulator's own address.
final class Proxy: Service, @unchecked Sendable {
    // Unchecked because of `noted`, which is touched under `lock`; all else belongs to the one thread.

    struct Request: Sendable {
        /// When its last byte was here, in milliseconds since 1970.
        let at: Double
        let method: String
        let target: String
        let head: String
        let body: String

        var isSubmit: Bool { target == "/v1/tasks/submit" }
        /// The host and port that it was sent to.
        var host: String { head.firstMatch(of: /(?im)^host: *([^\r\n]+)/).map { String($0.1) } ?? "" }
        /// The task that a query by id asks for.
        var queriedTask: String? {
            guard method == "GET", let mark = target.firstRange(of: "?task_id=") else { return nil }
            return String(target[mark.upperBound...])
        }
    }

    /// A whole HTTP reply to a request.
    typealias Script = @Sendable (Request) -> String

    private final class Link {
        let client: Int32
        let upstream: Int32?
        var received: [UInt8] = []
        init(client: Int32, upstream: Int32?) {
            self.client = client
            self.upstream = upstream
        }
    }

    let url: String
    let speed: Int
    private let upstreamPort: Int?
    private let script: Script?
    /// Sees each request before it is passed on.
    private let watch: (@Sendable (Request) -> Void)?
    private let listener: Int32
    /// Its reading end closes the loop once the writing end is closed.
    private let stopping = Pipe()
    private let lock = NSLock()
    private var noted: [Request] = []

    convenience init(before simulator: Simulator, watch: (@Sendable (Request) -> Void)? = nil) throws {
        try self.init(speed: simulator.speed, upstreamPort: simulator.port, script: nil, watch: watch)
    }

    convenience init(speed: Int = 1, script: @escaping Script) throws {
        try self.init(speed: speed, upstreamPort: nil, script: script, watch: nil)
    }

    private init(
        speed: Int, upstreamPort: Int?, script: Script?, watch: (@Sendable (Request) -> Void)?
    ) throws {
        self.watch = watch
        self.speed = speed
        self.upstreamPort = upstreamPort
        self.script = script
        let (listener, port) = try Socket.listen()
        self.listener = listener
        url = "http://127.0.0.1:\(port)"
        Thread.detachNewThread { [self] in serve() }
    }

    var requests: [Request] { lock.withLock { noted } }

    /// Ends the thread and every connection.
    func stop() {
        // A pipe that cannot be closed has been closed before.
        try? stopping.fileHandleForWriting.close()
    }

    private func serve() {
        var links: [Link] = []
        while true {
            var entries = [stopping.fileHandleForReading.fileDescriptor, listener].map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            for link in links {
                entries.append(pollfd(fd: link.client, events: Int16(POLLIN), revents: 0))
                entries.append(pollfd(fd: link.upstream ?? -1, events: Int16(POLLIN), revents: 0))
            }
            guard poll(&entries, nfds_t(entries.count), -1) > 0 else { continue }
            if entries[0].revents != 0 { break }
            var kept: [Link] = []
            for (place, link) in links.enumerated() {
                let isAlive =
                    (entries[2 + 2 * place].revents == 0 || takeFromClient(link))
                    && (entries[3 + 2 * place].revents == 0 || takeFromUpstream(link))
                if isAlive { kept.append(link) } else { end(link) }
            }
            links = kept
            if entries[1].revents != 0, let link = accept() { links.append(link) }
        }
        for link in links { end(link) }
        close(listener)
    }

    private func accept() -> Link? {
        let client = Foundation.accept(listener, nil, nil)
        guard client >= 0 else { return nil }
        Socket.noDelay(client)
        guard let upstreamPort else { return Link(client: client, upstream: nil) }
        do {
            return Link(client: client, upstream: try Socket.connect(upstreamPort))
        } catch {
            // As the simulator refuses, so does this.
            close(client)
            return nil
        }
    }

    private func end(_ link: Link) {
        close(link.client)
        if let upstream = link.upstream { close(upstream) }
    }

    private func takeFromClient(_ link: Link) -> Bool {
        guard let bytes = Self.read(link.client) else { return false }
        link.received += bytes
        while let request = Self.takeRequest(&link.received) {
            lock.withLock { noted.append(request) }
            watch?(request)
            if let script, !Socket.write(script(request).utf8, to: link.client) { return false }
        }
        return link.upstream.map { Socket.write(bytes, to: $0) } ?? true
    }

    private func takeFromUpstream(_ link: Link) -> Bool {
        guard let upstream = link.upstream, let bytes = Self.read(upstream) else { return false }
        return Socket.write(bytes, to: link.client)
    }

    private static func read(_ descriptor: Int32) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    private static func takeRequest(_ received: inout [UInt8]) -> Request? {
        guard let split = received.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let head = String(decoding: received[..<split.lowerBound], as: UTF8.self)
        let lines = head.split(separator: "\r\n")
        let length =
            lines.lazy.filter { $0.lowercased().hasPrefix("content-length:") }
            .compactMap { Int($0.split(separator: ":")[1].trimmingCharacters(in: .whitespaces)) }.first ?? 0
        guard received.count >= split.upperBound + length else { return nil }
        let body = String(decoding: received[split.upperBound..<split.upperBound + length], as: UTF8.self)
        received.removeFirst(split.upperBound + length)
        let words = lines[0].split(separator: " ")
        return Request(
            at: Date().timeIntervalSince1970 * 1000, method: String(words[0]),
            target: words.count > 1 ? String(words[1]) : "", head: head, body: body)
    }
}
