import DailiesCore

/// The head fields of a request or reply, in order of arrival. Names are compared without regard to case.
public struct HeaderFields: Hashable, Sendable {
    /// One field of a head.
    public struct Field: Hashable, Sendable {
        /// As it was written; compared without regard to case.
        public let name: String
        /// As it was written.
        public let value: String
        /// Takes its properties as they are given.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }
    /// In their order; a name may come more than once.
    public private(set) var fields: [Field]

    /// Takes the fields as they are given.
    public init(_ fields: [Field] = []) { self.fields = fields }
    /// Takes names and values as they are given.
    public init(_ pairs: [(String, String)]) { fields = pairs.map { Field(name: $0.0, value: $0.1) } }

    /// The first value under this name, without spaces around it.
    public subscript(name: String) -> String? {
        fields.first { Self.isSame($0.name, name) }.map { String(ASCII.trimmed($0.value)) }
    }

    /// Adds a field after all others, also where the name is there already.
    public mutating func append(_ name: String, _ value: String) { fields.append(Field(name: name, value: value)) }

    /// The moment at which the reply was made (`Date`), by the clock of whoever made it.
    public var date: Instant? { self["date"].flatMap(HTTPDate.parse) }

    private static func isSame(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count
            && zip(a.utf8, b.utf8).allSatisfy { ASCII.lowercase($0) == ASCII.lowercase($1) }
    }
}

/// Names of the head fields that the API's pages use.
public enum HeaderName {
    /// Carries the API key.
    public static let apiKey = "x-api-key"
    /// USD, decimal: size of the spend bucket closest to running out.
    public static let rateLimit = "X-RateLimit-Limit"
    /// Requests left in the present window.
    public static let rateRemaining = "X-RateLimit-Remaining"
    /// Unix seconds at which the bucket is full again; absent on `concurrency_limit`.
    public static let rateReset = "X-RateLimit-Reset"
    /// Credits left under the key's cap.
    public static let quotaRemaining = "X-Quota-Remaining-Credits"
    /// Not documented; honoured where seen.
    public static let retryAfter = "Retry-After"
}
