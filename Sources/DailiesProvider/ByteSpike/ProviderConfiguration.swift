import DailiesCore

/// An invalid setting. The message is for users and never contains a key.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// For users; contains no key.
    public let message: String
    init(_ message: String) { self.message = message }
    public var description: String { message }
}

/// The settings for reaching a provider.
public struct ProviderConfiguration: Sendable {
    /// The service used by default.
    public static let defaultBaseURL = "https://llm.bytespike.ai"

    /// `bytespike`, or `simulator` for one on loopback. Part of a batch's identity.
    public var name = "bytespike"
    /// Normalized for comparison: lowercase scheme and host, `localhost` as 127.0.0.1, no default port, no trailing
    /// slash. Without user name, query or fragment. Plain http only for loopback hosts.
    public let baseURL: String
    /// May be empty: then only downloads are possible.
    public let keys: [ModelAPIKey]
    /// The format of submits and queries. Default: flat.
    public var dialect = Dialect.flat
    /// The User-Agent header. Default `dailies/1`.
    public var userAgent = "dailies/1"

    /// Time to establish a connection, including TLS. Default 10 s.
    public var connectTimeout = Duration.seconds(10)
    /// Time for a whole submit, from connecting to the last byte. Long, since a timeout leaves the outcome unknown.
    public var submitTimeout = Duration.seconds(60)
    /// Time for a whole query or cancel, which can be repeated safely. Default 30 s.
    public var queryTimeout = Duration.seconds(30)
    /// Maximum time without data in a download, while the sink is waiting. A download has no total time limit;
    /// ``maximumClipBytes`` limits its size.
    public var stallTimeout = Duration.seconds(30)

    /// Maximum concurrent API requests; further ones are queued without a timeout. At least 1. Measured: 32 to 64 give
    /// the highest throughput, more only add waiting.
    public var connections = 48
    /// Maximum concurrent downloads; further ones are queued. At least 1.
    public var downloads = 16
    /// Time until an unused connection is closed. Below the shortest common keep-alive (5 s), since a connection that
    /// the server closes during a submit leaves its outcome unknown.
    public var idleTimeout = Duration.seconds(4)

    /// Proxies and trusted certificates. Default: no proxy, and the system's certificates.
    public var network = NetworkSettings()

    /// Maximum size of a JSON response; longer ones are unreadable.
    public var maximumReplyBytes = 1 << 20
    /// Maximum size of a clip; larger ones are rejected.
    public var maximumClipBytes: Int64 = 8 << 30

    let base: ServiceURL

    /// Whether the service is on this machine, where plain http and a speed are allowed.
    public var isLoopback: Bool { base.isLoopback }

    /// - Throws: ``ConfigurationError`` if the base URL is not an http(s) URL of host, port and path, if it is plain
    ///   http to another machine, or if two keys have the same prefix.
    public init(baseURL: String = defaultBaseURL, keys: [ModelAPIKey]) throws(ConfigurationError) {
        guard let base = ServiceURL(baseURL) else {
            let shown = ServiceURL.withoutUser(baseURL)
            throw ConfigurationError(
                ServiceURL.hasUsablePort(baseURL)
                    ? "the base URL is not an http or https URL, or contains a user name: \(shown)"
                    : "the port of the base URL is not a number from 1 to 65535: \(shown)")
        }
        guard !baseURL.contains("?"), !baseURL.contains("#") else {
            throw ConfigurationError("the base URL has a query or a fragment; remove it: \(base.redacted)")
        }
        guard !base.isPlain || base.isLoopback else {
            throw ConfigurationError(
                "the base URL uses plain http to another machine, which would expose the key;"
                    + " use https: \(base.redacted)")
        }
        guard Set(keys.map(\.modelPrefix)).count == keys.count else {
            throw ConfigurationError("two API keys have the same model prefix; keep one")
        }
        self.base = base
        self.baseURL = BaseURL.canonical(String(base.origin.dropLast()) + base.path)
        self.keys = keys
    }

    /// The key with the longest matching prefix.
    func key(for model: ModelID) -> APIKey? {
        keys.filter { model.text.hasPrefix($0.modelPrefix) }.max {
            $0.modelPrefix.utf8.count < $1.modelPrefix.utf8.count
        }?
        .key
    }

    func key(_ fingerprint: KeyFingerprint) -> APIKey? { keys.first { $0.key.fingerprint == fingerprint }?.key }
}
