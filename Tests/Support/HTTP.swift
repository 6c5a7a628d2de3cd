import Foundation

/// An HTTP client that opens a connection per request.
enum HTTP {
    struct Reply {
        let status: Int
        let body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    static func exchange(
        _ port: Int, _ method: String, _ path: String, headers: [String] = [], body: String = ""
    ) throws -> Reply {
        let descriptor = try Socket.connect(port)
        defer { close(descriptor) }
        let request =
            "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            + headers.map { $0 + "\r\n" }.joined() + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        guard Socket.write(Array(request.utf8), to: descriptor) else {
            throw Child.Failure(description: "port \(port) closed before the request was written")
        }
        var raw: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else {
                throw Child.Failure(description: "port \(port): \(String(cString: strerror(errno)))")
            }
            if count == 0 { break }
            raw += buffer[..<count]
        }
        guard let split = raw.firstRange(of: Array("\r\n\r\n".utf8)),
            let status = String(decoding: raw[..<split.lowerBound], as: UTF8.self).split(separator: " ").dropFirst()
                .first
        else { throw Child.Failure(description: "port \(port) sent no reply") }
        return Reply(status: Int(status) ?? 0, body: Array(raw[split.upperBound...]))
    }
}

/// Sockets of this machine.
enum Socket {
    /// A connection to 127.0.0.1 whose reads give up after two minutes.
    static func connect(_ port: Int) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        noDelay(descriptor)
        guard withAddress(port, { Foundation.connect(descriptor, $0, $1) }) == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw Child.Failure(description: "cannot connect to port \(port): \(reason)")
        }
        return descriptor
    }

    /// Listens on any free port of 127.0.0.1.
    static func listen() throws -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        guard withAddress(0, { bind(descriptor, $0, $1) }) == 0, Foundation.listen(descriptor, 256) == 0,
            withUnsafeMutablePointer(
                to: &address,
                { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
                }) == 0
        else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw Child.Failure(description: "cannot listen: \(reason)")
        }
        return (descriptor, Int(in_port_t(bigEndian: address.sin_port)))
    }

    static func noDelay(_ descriptor: Int32) {
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Writes all of it; false where the other side is gone.
    static func write(_ bytes: some Collection<UInt8>, to descriptor: Int32) -> Bool {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    private static func withAddress(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
