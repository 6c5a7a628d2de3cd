import DailiesCore

/// An HTTP request to the simulator.
package struct SimulatedRequest: Hashable, Sendable {
    /// Upper case.
    package var method: String
    /// Path and query string.
    package var path: String
    /// By lowercase name.
    package var headers: [String: String]
    /// Empty if there is none.
    package var body: [UInt8]

    /// Creates a request. Default: no headers, no body.
    package init(method: String, path: String, headers: [String: String] = [:], body: [UInt8] = []) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
    }
}

/// The simulator's response, and how the network delivers it.
package struct SimulatedResponse: Hashable, Sendable {
    /// One header field.
    package struct Header: Hashable, Sendable {
        /// The name, sent unchanged.
        package let name: String
        /// The value, sent unchanged.
        package let value: String
        /// Creates a header field; name and value are sent unchanged.
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The HTTP status.
    package var status: Int
    /// In the order sent.
    package var headers: [Header]
    /// The whole body; ``action`` may truncate it.
    package var body: [UInt8]
    /// What happens to the connection.
    package var action: NetworkFault

    /// Creates a request from its parts.
    package init(
        status: Int, headers: [Header] = [], body: [UInt8] = [], action: NetworkFault = .deliver
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.action = action
    }

    /// Replaces the value of a header; nil removes it.
    mutating func setHeader(_ name: String, _ value: String?) {
        headers.removeAll { $0.name == name }
        if let value { headers.append(.init(name, value)) }
    }

    /// The value of the first header with this name, case-insensitive.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// How the network delivers a response. The server applies it to a socket, the in-process harness to a value.
package enum NetworkFault: Hashable, Sendable {
    /// The response is sent unchanged.
    case deliver
    /// The request was processed; the connection closes without a byte.
    case closeWithoutReply
    /// The request was not processed; the connection closes without a byte.
    case closeBeforeReading
    /// Sent after a delay in real time.
    case delay(Duration)
    /// The head and this many bytes of the body, fewer than it has; then the connection closes.
    case truncate(bytes: Int)
    /// Sent whole, this many bytes at a time, with pauses in real time.
    case drip(bytes: Int, pause: Duration)
    /// A head without a length and this many bytes of the body, which then ends normally.
    case endUnannounced(bytes: Int)
}
