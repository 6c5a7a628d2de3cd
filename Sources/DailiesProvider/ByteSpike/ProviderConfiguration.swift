import DailiesCore

/// A setting that cannot be used. The message is for people and never holds a key.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// For people; holds no key.
    public let message: String
    init(_ message: String) { self.message = message }
    public var description: String { message }
}

/// Everything that can be set about the way to the provider.
public struct ProviderConfiguration: Sendable {
    /// Where the service lives unless told otherwise.
    public static let defaultBaseURL = "https://llm.bytespike.ai"

    /// `bytespike`, or `simulator` for the one on loopback: part of what a batch belongs to.
    public var name = "bytespike"
    /// As it is compared with others: scheme and host in lowercase, `localhost` as 127.0.0.1, without the port that its scheme
    /// has anyway and without a slash at its end. Without user information, query or fragment; plain http for loopback
    /// hosts only.
    public let baseURL: String
    /// May be empty: then nothing can be submitted or asked, only downloaded.
    public let keys: [ModelAPIKey]
    /// The shape of submits and queries.
    public var dialect = Dialect.flat
    /// What requests call their sender. Default `dailies/1`.
    public var userAgent = "dailies/1"

    /// From the first attempt to connect to an established connection, TLS included.
    public var connectTimeout = Duration.seconds(10)
    /// A whole submit, from connecting to the last byte of the reply. Long: a time-out leaves the outcome unknown.
    public var submitTimeout = Duration.seconds(60)
    /// A whole query or cancel. These may be repeated freely.
    public var queryTimeout = Duration.seconds(30)
    /// A download is given up when nothing came for this long while the sink was waiting. There is no limit on the
    /// whole: a clip takes the time its bytes take, and ``maximumClipBytes`` bounds them.
    public var stallTimeout = Duration.seconds(30)

    /// Requests to the API at one time; more wait in line here, without a time limit. At least 1. Measured: 32 to 64
    /// give the most requests per second, more only adds waiting.
    public var connections = 48
    /// Downloads at one time; more wait in line. At least 1.
    public var downloads = 16
    /// How long an unused connection is kept: below the shortest keep-alive in common use (5 s), since a connection
    /// that the server closes under a submit leaves its outcome unknown.
    public var idleTimeout = Duration.seconds(4)

    /// Proxies and trusted certificates. Default: none, and the system's.
    public var network = NetworkSettings()

    /// A longer JSON reply is unreadable.
    public var maximumReplyBytes = 1 << 20
    /// A longer clip is refused.
    public var maximumClipBytes: Int64 = 8 << 30

    let base: ServiceURL

    /// The service is on this machine: the only place where plain http and a speed are allowed.
    public var isLoopback: Bool { base.isLoopback }

    /// - Throws: ``ConfigurationError`` for a base URL that is no http address, that carries more than host, port
    ///   and path, or that is plain http to another machine; and for two keys with one prefix.
    public init(baseURL: String = defaultBaseURL, keys: [ModelAPIKey]) throws(ConfigurationError) {
        guard let base = ServiceURL(baseURL) else {
            let shown = ServiceURL.withoutUser(baseURL)
            throw ConfigurationError(
                ServiceURL.hasUsablePort(baseURL)
                    ? "the base URL is no http or https address without user name: \(shown)"
                    : "the base URL names a port that is no number from 1 to 65535: \(shown)")
        }
        guard !baseURL.contains("?"), !baseURL.contains("#") else {
            throw ConfigurationError("the base URL carries a query or a fragment; drop it: \(base.redacted)")
        }
        guard !base.isPlain || base.isLoopback else {
            throw ConfigurationError(
                "the base URL is plain http to another machine, which would show the key to everyone on the way;"
                    + " use https: \(base.redacted)")
        }
        guard Set(keys.map(\.modelPrefix)).count == keys.count else {
            throw ConfigurationError("two API keys are given for the same model prefix; give one")
        }
        self.base = base
        self.baseURL = BaseURL.canonical(String(base.origin.dropLast()) + base.path)
        self.keys = keys
    }

    /// The key of the longest prefix that fits.
    func key(for model: ModelID) -> APIKey? {
        keys.filter { model.text.hasPrefix($0.modelPrefix) }.max {
            $0.modelPrefix.utf8.count < $1.modelPrefix.utf8.count
        }?
        .key
    }

    func key(_ fingerprint: KeyFingerprint) -> APIKey? { keys.first { $0.key.fingerprint == fingerprint }?.key }
}
