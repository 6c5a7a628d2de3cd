import ExactJSON
import Foundation

/// An HTTP client that shows what came over the wire: one request per connection, read until the server closes it.
enum RawClient {
    struct Refused: Error {
        let what: String
    }

    struct Reply: Sendable {
        let raw: [UInt8]
        var status: Int? { head.split(separator: " ").dropFirst().first.flatMap { Int($0) } }
        private var split: Int { raw.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound ?? raw.count }
        private var head: String { String(decoding: raw[..<split], as: UTF8.self) }
        var body: [UInt8] { Array(raw[split...]) }
        /// nil if the body is not JSON, which the test then checks.
        var json: JSONValue? {
            do {
                return try JSONValue.parse(body)
            } catch {
                return nil
            }
        }
        var headers: [String: String] {
            var fields: [String: String] = [:]
            for line in head.split(separator: "\r\n").dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                if parts.count == 2 { fields[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
            }
            return fields
        }
    }

    /// A connection to 127.0.0.1 whose reads time out after two minutes.
    static func connect(_ port: Int) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var stopTimeout = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &stopTimeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            close(descriptor)
            throw Refused(what: String(cString: strerror(errno)))
        }
        return descriptor
    }

    /// Sends the text and collects the response, on a separate thread.
    static func exchange(_ port: Int, _ request: String) async throws -> Reply {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try exchangeNow(port, Array(request.utf8)) }) }
        }
    }

    private static func exchangeNow(_ port: Int, _ request: [UInt8]) throws -> Reply {
        let descriptor = try connect(port)
        defer { close(descriptor) }
        var sent = 0
        while sent < request.count {
            let count = request[sent...].withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { break }
            sent += count
        }
        var raw: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else { throw Refused(what: String(cString: strerror(errno))) }
            if count == 0 { return Reply(raw: raw) }
            raw += buffer[..<count]
        }
    }
}
