import DailiesCore

/// An HTTP request to the simulator.
public struct SimulatedRequest: Hashable, Sendable {
    /// Upper case.
    public var method: String
    /// Path and query string.
    public var path: String
    /// By lowercase name.
    public var headers: [String: String]
    /// Empty if there is none.
    public var body: [UInt8]

    /// Creates a request. Default: no headers, no body.
    public init(method: String, path: String, headers: [String: String] = [:], body: [UInt8] = []) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
    }
}

/// The simulator's response, and how the network delivers it.
public struct SimulatedResponse: Hashable, Sendable {
    /// One header field.
    public struct Header: Hashable, Sendable {
        /// The name, sent unchanged.
        public let name: String
        /// The value, sent unchanged.
        public let value: String
        /// Creates a header field; name and value are sent unchanged.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The HTTP status.
    public var status: Int
    /// In the order sent.
    public var headers: [Header]
    /// The whole body; ``action`` may truncate it.
    public var body: [UInt8]
    /// What happens to the connection.
    public var action: NetworkFault

    /// Creates a request from its parts.
    public init(
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
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// How the network delivers a response. The server applies it to a socket, the in-process harness to a value.
public enum NetworkFault: Hashable, Sendable {
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
