/// Removes secrets from a provider's text before it is stored: a service may echo the key it was sent.
package struct Redactor: Sendable {
    /// The replacement for a secret.
    package static let mark = "[key]"
    /// Redacts nothing.
    package static let none = Redactor(secrets: [])

    /// Minimum length of a secret in text: shorter keys, as used with simulators, occur in ordinary words.
    private static let shortestInText = 8
    /// Minimum length in ids and URLs, which are sent back and must not change unless they contain a real key.
    private static let shortestInIdentifiers = 12

    private let secrets: [[UInt8]]

    /// - Parameter secrets: compared bytewise; secrets shorter than eight bytes are ignored.
    package init(secrets: [String]) {
        // Longest first, so that a key that starts with another one leaves no remainder.
        self.secrets = secrets.map { Array($0.utf8) }.filter { $0.count >= Self.shortestInText }
            .sorted { $0.count > $1.count }
    }

    /// Redacts text for users.
    package func callAsFunction(_ text: String) -> String {
        secrets.contains { Self.occurs($0, in: text.utf8) } ? replaced(text) : text
    }

    /// Redacts an id, a code or a URL, which must stay valid: only keys of at least twelve bytes are replaced.
    package func identifier(_ text: String) -> String {
        secrets.contains { $0.count >= Self.shortestInIdentifiers && Self.occurs($0, in: text.utf8) }
            ? replaced(text) : text
    }

    private static func occurs(_ secret: [UInt8], in text: String.UTF8View) -> Bool {
        guard text.count >= secret.count else { return false }
        var rest = text[...]
        while let first = rest.firstIndex(of: secret[0]) {
            rest = rest[first...]
            if rest.starts(with: secret) { return true }
            rest = rest.dropFirst()
        }
        return false
    }

    private func replaced(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var kept: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if let secret = secrets.first(where: { bytes[index...].starts(with: $0) }) {
                kept += Self.mark.utf8
                index += secret.count
            } else {
                kept.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: kept, as: UTF8.self)
    }
}
