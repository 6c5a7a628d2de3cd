import DailiesCore

/// The header fields of a request or response, in order. Names are case-insensitive.
package struct HeaderFields: Hashable, Sendable {
    /// One header field.
    package struct Field: Hashable, Sendable {
        /// The original name; compared case-insensitively.
        package let name: String
        /// The original value.
        package let value: String
        /// Creates a field; name and value are stored unchanged.
        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }
    /// In order; a name may appear more than once.
    package private(set) var fields: [Field]

    /// Creates header fields in the given order. Default: none.
    package init(_ fields: [Field] = []) { self.fields = fields }
    /// Creates header fields from names and values, in order.
    package init(_ pairs: [(String, String)]) { fields = pairs.map { Field(name: $0.0, value: $0.1) } }

    /// The first value for a name, without surrounding spaces.
    package subscript(name: String) -> String? {
        fields.first { Self.isSame($0.name, name) }.map { String(ASCII.trimmed($0.value)) }
    }

    /// Appends a field, even if the name already exists.
    package mutating func append(_ name: String, _ value: String) { fields.append(Field(name: name, value: value)) }

    /// The time of the response (`Date`), by the sender's clock.
    package var date: Instant? { self["date"].flatMap(HTTPDate.parse) }

    private static func isSame(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count
            && zip(a.utf8, b.utf8).allSatisfy { ASCII.lowercase($0) == ASCII.lowercase($1) }
    }
}

/// Header names in the API's documentation.
package enum HeaderName {
    /// The API key.
    package static let apiKey = "x-api-key"
    /// USD, decimal: size of the spend limit closest to exhaustion.
    package static let rateLimit = "X-RateLimit-Limit"
    /// Requests left in the current window.
    package static let rateRemaining = "X-RateLimit-Remaining"
    /// Unix seconds at which the limit resets; absent for `concurrency_limit`.
    package static let rateReset = "X-RateLimit-Reset"
    /// Credits left under the key's cap.
    package static let quotaRemaining = "X-Quota-Remaining-Credits"
    /// Not documented; used if present.
    package static let retryAfter = "Retry-After"
}
