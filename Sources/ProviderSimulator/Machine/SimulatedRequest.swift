import DailiesCore

/// One HTTP request as the machine sees it.
public struct SimulatedRequest: Hashable, Sendable {
    /// Upper case.
    public var method: String
    /// Path with its query string.
    public var path: String
    /// By lower-case name.
    public var headers: [String: String]
    /// Empty where there is none.
    public var body: [UInt8]

    /// Takes its properties as they are given.
    public init(method: String, path: String, headers: [String: String] = [:], body: [UInt8] = []) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
    }
}

/// The machine's answer, and what the network does to it.
public struct SimulatedResponse: Hashable, Sendable {
    /// One field of a head.
    public struct Header: Hashable, Sendable {
        /// As it goes out.
        public let name: String
        /// As it goes out.
        public let value: String
        /// Takes its properties as they are given.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// HTTP status.
    public var status: Int
    /// In the order in which they go out.
    public var headers: [Header]
    /// All of it; ``action`` may let less of it out.
    public var body: [UInt8]
    /// What happens to the connection.
    public var action: TransportAction

    /// Takes its properties as they are given.
    public init(
        status: Int, headers: [Header] = [], body: [UInt8] = [], action: TransportAction = .deliver
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.action = action
    }

    /// Puts a value in the place of a header's own; nil: takes it away.
    mutating func setHeader(_ name: String, _ value: String?) {
        headers.removeAll { $0.name == name }
        if let value { headers.append(.init(name, value)) }
    }

    /// The value of the first header of that name, whatever its case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// What the network does with a reply. The server does it to a socket, the in-process harness to a value.
public enum TransportAction: Hashable, Sendable {
    /// The reply goes out as it is.
    case deliver
    /// The request was carried out; the connection closes without a byte.
    case closeWithoutReply
    /// The request was not carried out; the connection closes without a byte.
    case closeBeforeReading
    /// Delivered after a wait of real time.
    case delay(Duration)
    /// Head and this many bytes of the body, then the connection closes. Fewer than the body has.
    case truncate(bytes: Int)
    /// Delivered whole, this many bytes at a time with a pause of real time between them.
    case drip(bytes: Int, pause: Duration)
    /// Head without a length and this many bytes of the body, which then ends as if it were whole.
    case endUnannounced(bytes: Int)
}
