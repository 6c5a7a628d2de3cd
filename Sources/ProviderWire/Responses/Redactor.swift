/// Takes secrets out of text that a provider wrote, before it is kept anywhere: a service may echo the key it was
/// sent.
public struct Redactor: Sendable {
    /// What stands in a secret's place.
    public static let mark = "[key]"
    /// Without a secret: it changes nothing.
    public static let none = Redactor(secrets: [])

    /// A shorter key, as simulators are given, stands in half the words that a provider writes.
    private static let shortestInText = 8
    /// What the service is asked with later (ids, addresses) must stay as it is, unless a real key stands in it.
    private static let shortestInIdentifiers = 12

    private let secrets: [[UInt8]]

    /// - Parameter secrets: compared byte by byte; those of fewer than eight bytes are ignored.
    public init(secrets: [String]) {
        // Longest first, so that a key that begins with another one leaves no tail.
        self.secrets = secrets.map { Array($0.utf8) }.filter { $0.count >= Self.shortestInText }
            .sorted { $0.count > $1.count }
    }

    /// Text for people.
    public func callAsFunction(_ text: String) -> String {
        secrets.contains { Self.occurs($0, in: text.utf8) } ? replaced(text) : text
    }

    /// An id, a word or an address, which means something as it is: changed only where a key of at least twelve bytes
    /// stands in it.
    public func identifier(_ text: String) -> String {
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
