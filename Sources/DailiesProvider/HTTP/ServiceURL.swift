import Foundation

/// A validated absolute http or https URL without user name, safe for the network library. Used for base URLs, clip
/// URLs and their redirects.
///
/// Path and query are never parsed or rewritten, since a signature covers their exact bytes. Only the host is parsed as
/// a URL.
struct ServiceURL: Hashable, Sendable {
    /// The text without surrounding blanks and line ends; relative URLs are resolved.
    let text: String
    let isPlain: Bool
    let isLoopback: Bool
    /// Without the brackets of an IPv6 address.
    let host: String
    let port: Int
    /// Scheme, host and port with a trailing slash: all that the network library needs to connect.
    let origin: String
    /// The request target: the exact bytes of path and query, except that blanks, control characters and non-ASCII
    /// bytes, which would break the request line, are escaped.
    let target: String

    /// Maximum length of an address.
    private static let maximumBytes = 16_384

    /// nil if it is not such a URL.
    init?(_ given: String, relativeTo base: ServiceURL? = nil) {
        let trimmed = Self.trimmed(given)
        guard !trimmed.isEmpty, trimmed.utf8.count <= Self.maximumBytes,
            let text = Self.hasScheme(trimmed) ? trimmed : base?.resolved(trimmed),
            let scheme = Self.schemes.first(where: { text.lowercased().hasPrefix($0 + "://") })
        else { return nil }
        let rest = text.utf8.dropFirst(scheme.utf8.count + 3)
        let end = rest.firstIndex { "/?#".utf8.contains($0) } ?? rest.endIndex
        guard let authority = String(rest[..<end]), authority.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }),
            Self.hasUsablePort("\(scheme)://\(authority)/"), let url = URL(string: "\(scheme)://\(authority)/"),
            let host = url.host, Self.isUsable(host: host), url.user == nil, url.password == nil,
            !authority.utf8.contains(UInt8(ascii: "@")), Self.hasUsablePort(url.absoluteString)
        else { return nil }
        self.text = text
        self.host = host
        isPlain = scheme == "http"
        isLoopback = Self.isLoopback(host)
        port = url.port ?? (scheme == "http" ? 80 : 443)
        origin = url.absoluteString
        let behind = rest[end...].prefix { $0 != UInt8(ascii: "#") }
        target = Self.onRequestLine((behind.first == UInt8(ascii: "/") ? [] : Array("/".utf8)) + Array(behind))
    }

    private static let schemes = ["http", "https"]

    /// ``target`` without trailing slashes, as a base for other paths.
    var path: String { String(target.reversed().drop { $0 == "/" }.reversed()) }

    /// ``target`` with quotes and angle brackets escaped as well, for servers that reject them.
    var escapedTarget: String { Self.escaped(target.utf8) { Self.quotes.contains($0) } }
    private static let quotes = Set("\"<>".utf8)

    private static func onRequestLine(_ bytes: [UInt8]) -> String {
        escaped(bytes) { $0 <= 0x20 || $0 >= 0x7F }
    }

    private static func escaped(_ bytes: some Sequence<UInt8>, where mustBe: (UInt8) -> Bool) -> String {
        var line: [UInt8] = []
        for byte in bytes {
            if mustBe(byte) {
                line += Array((byte < 16 ? "%0" : "%").utf8) + Array(String(byte, radix: 16, uppercase: true).utf8)
            } else {
                line.append(byte)
            }
        }
        return String(decoding: line, as: UTF8.self)
    }

    /// Removes blanks, control characters, line ends and a byte order mark at both ends.
    private static func trimmed(_ text: String) -> String {
        func isAround(_ scalar: Unicode.Scalar) -> Bool {
            scalar.value <= 0x20 || scalar.value == 0x7F || scalar == "\u{FEFF}" || scalar.properties.isWhitespace
        }
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !isAround($0) }),
            let last = scalars.lastIndex(where: { !isAround($0) })
        else { return "" }
        return String(scalars[first...last])
    }

    /// Source: RFC 3986, section 3.1.
    private static func hasScheme(_ text: String) -> Bool {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return false }
        let scheme = text.utf8[..<colon]
        return scheme.first.map(isLetter) == true
            && scheme.allSatisfy { isLetter($0) || 0x30...0x39 ~= $0 || "+-.".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { 0x61...0x7A ~= byte | 0x20 }

    // MARK: Relative addresses

    /// Resolves a relative address; nil for one that stays on the same page.
    ///
    /// Source: RFC 3986, section 5.2, except that dots are resolved only when a path is joined to this one.
    private func resolved(_ relative: String) -> String? {
        guard relative.utf8.first != UInt8(ascii: "#") else { return nil }
        if relative.hasPrefix("//") { return (isPlain ? "http:" : "https:") + relative }
        let start = text.utf8.dropFirst(isPlain ? 7 : 8)
        let authorityEnd = start.firstIndex { "/?#".utf8.contains($0) } ?? start.endIndex
        let (origin, rest) = (text.utf8[..<authorityEnd], start[authorityEnd...])
        let path = Array(rest.prefix { !"?#".utf8.contains($0) })
        let bytes: [UInt8]
        switch relative.utf8.first {
        case UInt8(ascii: "/"): bytes = Array(relative.utf8)
        case UInt8(ascii: "?"): bytes = path + Array(relative.utf8)
        default:
            let folder = path.lastIndex(of: UInt8(ascii: "/")).map { path[...$0] } ?? Array("/".utf8)[...]
            let joined = relative.utf8.prefix { !"?#".utf8.contains($0) }
            bytes = Self.withoutDots(folder + Array(joined)) + Array(relative.utf8.dropFirst(joined.count))
        }
        return String(decoding: Array(origin) + bytes, as: UTF8.self)
    }

    /// Source: RFC 3986, section 5.2.4.
    private static func withoutDots(_ path: some Collection<UInt8>) -> [UInt8] {
        var kept: [ArraySlice<UInt8>] = []
        let parts = Array(path).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst()
        for (index, part) in zip(parts.indices, parts) {
            let isLast = index == parts.endIndex - 1
            switch String(decoding: part, as: UTF8.self) {
            case ".": if isLast { kept.append([]) }
            case "..":
                kept = kept.dropLast()
                if isLast { kept.append([]) }
            default: kept.append(part)
            }
        }
        return kept.reduce(into: []) { $0 += [UInt8(ascii: "/")] + $1 }
    }

    // MARK: Hosts and ports

    /// The network library removes one bracket from each end of a host, even if written as %5B or %5D, and crashes if
    /// nothing is left. A NUL would hide the rest of the name from it.
    private static func isUsable(host: String) -> Bool {
        !host.isEmpty && host != "[" && host != "]" && host != "[]" && !host.utf8.contains(0)
    }

    /// Whether an address has no port, or one from 1 to 65535. Beyond 16 bits the network library crashes; beyond 64
    /// bits it ignores the port, and would connect to another one.
    ///
    /// - Parameter text: absolute, or relative to another address.
    static func hasUsablePort(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count > 2, parts[1].isEmpty, parts[0].last ?? UInt8(ascii: ":") == UInt8(ascii: ":") else {
            return true
        }
        let authority = parts[2].prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        // Colons before an @ or inside the brackets of an IPv6 address do not start a port.
        let end = authority.lastIndex { $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: "]") }
        let hostEnd = end.map { authority[$0...] } ?? authority
        guard let colon = hostEnd.lastIndex(of: UInt8(ascii: ":")) else { return true }
        let port = hostEnd[colon...].dropFirst()
        return port.isEmpty || UInt16(Substring(port)).map { $0 > 0 } ?? false
    }

    /// `localhost`, 127.0.0.0/8 and ::1. Names that only resolve to them do not count, since a resolver may lie.
    private static func isLoopback(_ host: String) -> Bool {
        let host = host.lowercased()
        if host == "localhost" || host == "::1" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    // MARK: Display

    /// Host and port for display, without the default port.
    var place: String {
        let host = host.utf8.contains(UInt8(ascii: ":")) && !host.hasPrefix("[") ? "[\(host)]" : host
        return port == (isPlain ? 80 : 443) ? host : "\(host):\(port)"
    }

    /// The address for display: a signed query is a secret while it is valid.
    var redacted: String { Self.redacted(text) }

    static func redacted(_ text: String) -> String {
        guard let mark = text.firstIndex(where: { $0 == "?" || $0 == "#" }) else { return text }
        return text[..<mark] + "?…"
    }

    /// Removes everything before an `@`, for text that may not be a URL.
    static func withoutUser(_ text: String) -> String {
        guard let at = text.lastIndex(of: "@") else { return redacted(text) }
        return "…" + redacted(String(text[at...]))
    }
}
