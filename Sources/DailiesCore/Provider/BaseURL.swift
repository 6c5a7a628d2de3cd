/// The base URL of a service in the form that is compared and stored: two spellings of one URL are one service.
package enum BaseURL {
    private static let defaultPorts = ["http": 80, "https": 443]

    /// Scheme and host in lowercase, without the scheme's default port and trailing slashes; `localhost` becomes
    /// `127.0.0.1`. A text that is not such a URL is returned unchanged.
    package static func canonical(_ text: String) -> String {
        guard let parts = Parts(text) else { return text }
        let port = Int(parts.port).flatMap { $0 == defaultPorts[parts.scheme] ? "" : ":\($0)" }
        guard let port = parts.port.isEmpty ? "" : port else { return text }
        let host = parts.host == "localhost" ? "127.0.0.1" : parts.host
        return "\(parts.scheme)://\(host)\(port)\(parts.path)"
    }

    /// A hint for the case that no API answers: `; did you mean https://h, without /v1?`.
    package static func hint(for text: String) -> String {
        guard let parts = Parts(text), !parts.path.isEmpty else { return "; check the base URL" }
        let origin = "\(parts.scheme)://\(parts.host)" + (parts.port.isEmpty ? "" : ":\(parts.port)")
        return "; did you mean \(origin), without \(parts.path)?"
    }

    private struct Parts {
        var scheme: String
        var host: String
        /// Without the colon; empty: none.
        var port: String
        /// From the slash on; empty: none.
        var path: String

        init?(_ text: String) {
            guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            scheme = text[..<colon].lowercased()
            let rest = text.utf8[text.utf8.index(after: colon)...]
            guard defaultPorts[scheme] != nil, rest.starts(with: "//".utf8) else { return nil }
            let authority = rest.dropFirst(2).prefix { $0 != UInt8(ascii: "/") }
            var path = rest.dropFirst(2 + authority.count)
            while path.last == UInt8(ascii: "/") { path.removeLast() }
            // A colon inside the brackets of an IPv6 address does not start a port.
            let bracket = authority.lastIndex(of: UInt8(ascii: "]")).map { authority.index(after: $0) }
            let tail = authority[(bracket ?? authority.startIndex)...]
            let mark = tail.lastIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
            host = String(decoding: authority[..<mark], as: UTF8.self).lowercased()
            port = String(decoding: authority[mark...].dropFirst(), as: UTF8.self)
            self.path = String(decoding: path, as: UTF8.self)
            guard !host.isEmpty else { return nil }
        }
    }
}
