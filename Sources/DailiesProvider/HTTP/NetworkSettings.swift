import Foundation
import NIOSSL
import ProviderWire

/// Proxies and trusted certificates. The environment is used only by ``init(environment:)``.
///
/// Source: curl's manual, the section on environment variables.
public struct NetworkSettings: Sendable {
    /// The proxy for https, used with `CONNECT`. nil for none.
    public var secureProxy: ProxyServer?
    /// The proxy for plain http. nil for none.
    public var plainProxy: ProxyServer?
    /// Hosts that are reached without a proxy.
    public var exceptions = ProxyExceptions("")
    /// Trusted certificates. nil for the system's.
    public private(set) var trust: TrustedCertificates?

    /// No proxy, and the system's certificates.
    public init() {}

    /// Reads the variables of curl: `https_proxy`, `http_proxy` and `no_proxy`, then the same names in capitals, and
    /// `SSL_CERT_FILE`. Empty variables are ignored.
    ///
    /// Unlike curl, it also reads `HTTP_PROXY`: requests from outside cannot set variables of this program.
    ///
    /// - Throws: ``ConfigurationError`` for an invalid proxy, and for a file without certificates. The message names
    ///   the variable.
    public init(environment: [String: String]) throws(ConfigurationError) {
        secureProxy = try Self.variable("https_proxy", in: environment).map(ProxyServer.init(variable:_:))
        plainProxy = try Self.variable("http_proxy", in: environment).map(ProxyServer.init(variable:_:))
        exceptions = Self.exceptions(in: environment)
        if let path = environment[TrustedCertificates.variable], !path.isEmpty {
            trust = try TrustedCertificates(file: path)
        }
    }

    /// The hosts in `no_proxy` or `NO_PROXY`.
    public static func exceptions(in environment: [String: String]) -> ProxyExceptions {
        variable("no_proxy", in: environment).map { ProxyExceptions($0.text, variable: $0.name) } ?? ProxyExceptions("")
    }

    /// Trusts only the certificates of this file.
    ///
    /// - Throws: ``ConfigurationError`` if it has none.
    public mutating func trustOnly(file path: String) throws(ConfigurationError) {
        trust = try TrustedCertificates(file: path)
    }

    private static func variable(_ name: String, in environment: [String: String]) -> (name: String, text: String)? {
        for name in [name, name.uppercased()] {
            if let text = environment[name], !text.isEmpty { return (name, text) }
        }
        return nil
    }

    /// The proxy for an address; nil for none.
    func proxy(for place: ServiceURL) -> ProxyServer? {
        guard let proxy = place.isPlain ? plainProxy : secureProxy, !exceptions.contain(place.host) else { return nil }
        return proxy
    }
}

/// An http proxy. Printing or dumping it does not show its password.
public struct ProxyServer: Sendable, CustomStringConvertible, CustomReflectable {
    /// The variable that it was read from.
    public let variable: String
    let server: ServiceURL
    /// `user:password` in base 64.
    let credentials: String?

    /// curl's default port of a proxy.
    private static let usualPort = 1080

    init(variable: String, _ text: String) throws(ConfigurationError) {
        let (scheme, rest) = Self.split(text)
        guard scheme == "http" else {
            throw ConfigurationError(
                "\(variable) specifies a proxy of type \(scheme), but only http:// proxies are "
                    + "supported; change or unset it"
            )
        }
        let at = rest.lastIndex(of: "@")
        let place = at.map { String(rest[rest.index(after: $0)...]) } ?? rest
        let authority = String(place.prefix { !"/?#".contains($0) })
        // A colon inside the brackets of an IPv6 address does not start a port.
        let hasPort = authority.last != "]" && authority.contains(":")
        guard let server = ServiceURL("http://\(authority)\(hasPort ? "" : ":\(Self.usualPort)")/") else {
            throw ConfigurationError("\(variable) is not a valid proxy; set it to http://HOST:PORT")
        }
        self.variable = variable
        self.server = server
        credentials = try at.map { (at) throws(ConfigurationError) in
            try Self.credentials(String(rest[..<at]), variable)
        }
    }

    private static func split(_ text: String) -> (scheme: String, rest: String) {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard let mark = trimmed.firstRange(of: "://") else { return ("http", trimmed) }
        return (trimmed[..<mark.lowerBound].lowercased(), String(trimmed[mark.upperBound...]))
    }

    private static func credentials(_ user: String, _ variable: String) throws(ConfigurationError) -> String {
        let parts = user.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map {
            Endpoint.percentDecoded($0)
        }
        guard let name = parts[0], let password = parts.count > 1 ? parts[1] : "" else {
            throw ConfigurationError("the user name and password in \(variable) contain an invalid % escape")
        }
        return Data("\(name):\(password)".utf8).base64EncodedString()
    }

    /// Without user name and password.
    public var description: String {
        "http://\(server.host.contains(":") ? "[\(server.host)]" : server.host):\(server.port)"
    }
    public var customMirror: Mirror { Mirror(self, children: ["server": description]) }
}

/// Hosts that are reached without a proxy: `NO_PROXY`.
public struct ProxyExceptions: Sendable {
    /// The variable that they were read from, if any.
    public let variable: String?
    /// The original text.
    public let text: String
    private let isForAll: Bool
    private let names: [String]
    private let networks: [Network]

    /// - Parameter text: names and addresses, separated by commas or blanks. A name matches itself and all its
    ///   subdomains; an address may have a prefix length (`10.0.0.0/8`); `*` alone matches all hosts.
    ///
    /// Source: curl's manual, `NO_PROXY`, and RFC 4632 for prefix lengths.
    public init(_ text: String, variable: String? = nil) {
        self.variable = variable
        self.text = text
        let words = text.lowercased().split { $0 == "," || $0.isWhitespace }
        isForAll = words == ["*"]
        var (names, networks): ([String], [Network]) = ([], [])
        for word in words {
            if let network = Network(word) {
                networks.append(network)
            } else {
                let name = word.drop { $0 == "." }
                names.append(String(name.hasSuffix(".") ? name.dropLast() : name))
            }
        }
        self.names = names.filter { !$0.isEmpty }
        self.networks = networks
    }

    func contain(_ host: String) -> Bool {
        if isForAll { return true }
        if let address = IPAddress(host) { return networks.contains { $0.contains(address) } }
        let lower = host.lowercased()
        let name = lower.hasSuffix(".") ? String(lower.dropLast()) : lower
        return names.contains { name == $0 || name.hasSuffix("." + $0) }
    }

    /// A range of addresses.
    private struct Network: Sendable {
        let address: IPAddress
        let length: Int

        init?(_ word: Substring) {
            let parts = word.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard let address = IPAddress(String(parts[0])) else { return nil }
            let most = address.bytes.count * 8
            guard let length = parts.count > 1 ? Int(parts[1]) : most, 0...most ~= length else { return nil }
            self.address = address
            self.length = length
        }

        func contains(_ other: IPAddress) -> Bool {
            guard other.bytes.count == address.bytes.count else { return false }
            return (0..<length).allSatisfy { address.bit($0) == other.bit($0) }
        }
    }
}

/// The bytes of an IPv4 or IPv6 address.
private struct IPAddress: Sendable {
    let bytes: [UInt8]

    init?(_ text: String) {
        let bare = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, bare, &four) == 1 {
            bytes = withUnsafeBytes(of: four) { Array($0) }
        } else if inet_pton(AF_INET6, bare, &six) == 1 {
            bytes = withUnsafeBytes(of: six) { Array($0) }
        } else {
            return nil
        }
    }

    func bit(_ index: Int) -> Bool { bytes[index / 8] & (0x80 >> (index % 8)) != 0 }
}

/// Certificates of a file, which replace the system's.
public struct TrustedCertificates: Sendable {
    /// The variable with the path of the file.
    public static let variable = "SSL_CERT_FILE"
    /// Path of the PEM file.
    public let path: String
    /// Number of certificates.
    public var count: Int { certificates.count }
    let certificates: [NIOSSLCertificate]

    init(file path: String) throws(ConfigurationError) {
        self.path = path
        do {
            // Read here, so that a read error is reported with the system's message.
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            certificates = try NIOSSLCertificate.fromPEMBytes(Array(bytes))
        } catch is NIOSSLError {
            throw ConfigurationError("\(Self.variable) names \(path), which contains no PEM certificates")
        } catch {
            throw ConfigurationError(
                "\(Self.variable) names \(path), which cannot be read; use another file, or unset it")
        }
        guard !certificates.isEmpty else {
            throw ConfigurationError("\(Self.variable) names \(path), which contains no PEM certificates")
        }
    }
}
