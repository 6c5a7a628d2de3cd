import Foundation

/// An absolute http or https address without user information.
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
            let host = url.host, !host.isEmpty, url.user == nil, url.password == nil
        else { return nil }
        self.url = url
        isPlain = scheme == "http"
        isLoopback = Self.isLoopback(host)
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
