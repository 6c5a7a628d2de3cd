import Foundation

/// An absolute http or https address without user information, which the network library can be given: base URLs, the
/// addresses of clips and where they redirect to all come through here.
struct ServiceURL: Hashable, Sendable {
    let url: URL
    let isPlain: Bool
    let isLoopback: Bool

    /// Longer addresses are refused.
    private static let maximumBytes = 16_384

    /// nil for anything that is no such address.
    init?(_ text: String, relativeTo base: ServiceURL? = nil) {
        guard text.utf8.count <= Self.maximumBytes, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }),
            let url = URL(string: text, relativeTo: base?.url)?.absoluteURL,
            let scheme = url.scheme?.lowercased(), scheme == "http" || scheme == "https",
            let host = url.host, Self.isUsable(host: host), Self.hasUsablePort(text),
            Self.hasUsablePort(url.absoluteString), url.user == nil, url.password == nil
        else { return nil }
        self.url = url
        isPlain = scheme == "http"
        isLoopback = Self.isLoopback(host)
    }

    /// The network library takes one bracket off each end of a host, also where they were written as %5B and %5D, and
    /// stops the program if nothing is left. A NUL would hide the rest of a name from it.
    private static func isUsable(host: String) -> Bool {
        !host.isEmpty && host != "[" && host != "]" && host != "[]" && !host.utf8.contains(0)
    }

    /// Whether an address names no port, or one from 1 to 65535: beyond 16 bits the network library stops the program, and
    /// beyond 64 bits no port is read, so that another one would be asked.
    ///
    /// - Parameter text: with a scheme or, relative to another address, without one.
    static func hasUsablePort(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count > 2, parts[1].isEmpty, parts[0].last ?? UInt8(ascii: ":") == UInt8(ascii: ":") else {
            return true
        }
        let authority = parts[2].prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        // The colons before an @, and those inside the brackets of an IPv6 address, are none of a port.
        let end = authority.lastIndex { $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: "]") }
        let hostEnd = end.map { authority[$0...] } ?? authority
        guard let colon = hostEnd.lastIndex(of: UInt8(ascii: ":")) else { return true }
        let port = hostEnd[colon...].dropFirst()
        return port.isEmpty || UInt16(Substring(port)).map { $0 > 0 } ?? false
    }

    var text: String { url.absoluteString }

    /// The address as it may be shown: a signed query is a secret while it lives.
    var redacted: String { Self.redacted(text) }

    static func redacted(_ text: String) -> String {
        guard let mark = text.firstIndex(where: { $0 == "?" || $0 == "#" }) else { return text }
        return text[..<mark] + "?…"
    }

    /// A text that may be no address at all, without what stands before an `@`.
    static func withoutUser(_ text: String) -> String {
        guard let at = text.lastIndex(of: "@") else { return redacted(text) }
        return "…" + redacted(String(text[at...]))
    }

    /// `localhost`, 127.0.0.0/8 and ::1. A name that only resolves to them does not count: who resolves it may lie.
    private static func isLoopback(_ host: String) -> Bool {
        let host = host.lowercased()
        if host == "localhost" || host == "::1" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
