import Crypto
import DailiesCore

/// A key of the provider's API. Its text leaves this type in one place only, the head of a request to the provider's
/// own host; whoever prints, dumps or interpolates it sees the fingerprint.
public struct APIKey: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What goes into the head field, and into ``Redactor``.
    let secret: String
    /// Twelve hexadecimal digits of the key's SHA-256: enough to notice another key.
    public let fingerprint: KeyFingerprint

    /// Longer than any key; a file given by mistake is refused before it is sent anywhere.
    private static let maximumBytes = 4096

    /// - Parameter text: white space around it is dropped, since key files end in a line feed.
    /// - Throws: ``ConfigurationError`` for an empty text, and for one that a head field cannot hold: anything but
    ///   printable ASCII without spaces. The form of the key is not checked: a customer may have chosen it.
    public init(_ text: String) throws(ConfigurationError) {
        let trimmed = text.drop { $0.isWhitespace }
        let key = String(trimmed.reversed().drop { $0.isWhitespace }.reversed())
        guard !key.isEmpty else { throw ConfigurationError("the API key is empty") }
        guard key.utf8.count <= Self.maximumBytes, key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ConfigurationError(
                "the API key holds spaces, line feeds or characters beyond ASCII, or is longer than"
                    + " \(Self.maximumBytes) bytes; give the key alone")
        }
        secret = key
        let digest = SHA256.hash(data: Array(key.utf8))
        fingerprint = KeyFingerprint(digest.prefix(6).map { Self.hexadecimal($0) }.joined())
    }

    public var description: String { "API key \(fingerprint)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["fingerprint": fingerprint.text]) }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return digits.utf8.count == 1 ? "0" + digits : digits
    }
}

/// A key and the models it is for: a key belongs to one routing group, and groups follow vendors.
public struct ModelAPIKey: Sendable {
    /// Beginning of the model ids that it serves; empty: all. The longest one that fits wins.
    public let modelPrefix: String
    /// What is sent for these models.
    public let key: APIKey
    /// Takes its properties as they are given.
    public init(modelPrefix: String = "", key: APIKey) {
        self.modelPrefix = modelPrefix
        self.key = key
    }
}
