import Crypto
import DailiesCore

/// An API key of the provider. The text is used only in request headers to the provider's own host; printing, dumping
/// or interpolating a key shows its fingerprint.
public struct APIKey: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Used in the request header and in ``Redactor``.
    let secret: String
    /// Twelve hexadecimal digits of the key's SHA-256, to detect a different key.
    public let fingerprint: KeyFingerprint

    /// Longer than any key, so that a wrong file is rejected before it is sent anywhere.
    private static let maximumBytes = 4096

    /// - Parameter text: surrounding white space is ignored, since key files end with a line feed.
    /// - Throws: ``ConfigurationError`` if the text is empty or has anything but printable ASCII without spaces. The
    ///   format of the key is not checked, since a customer may have chosen it.
    public init(_ text: String) throws(ConfigurationError) {
        let trimmed = text.drop { $0.isWhitespace }
        let key = String(trimmed.reversed().drop { $0.isWhitespace }.reversed())
        guard !key.isEmpty else { throw ConfigurationError("the API key is empty") }
        guard key.utf8.count <= Self.maximumBytes, key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ConfigurationError(
                "the API key contains spaces, line breaks or non-ASCII characters, or is longer than"
                    + " \(Self.maximumBytes) bytes; provide only the key")
        }
        secret = key
        let digest = SHA256.hash(data: Array(key.utf8))
        fingerprint = KeyFingerprint(digest.prefix(6).hexadecimal)
    }

    public var description: String { "API key \(fingerprint)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["fingerprint": fingerprint.text]) }
}

/// A key and the models it is for: a key belongs to one routing group, and groups correspond to vendors.
public struct ModelAPIKey: Sendable {
    /// Prefix of the model ids it is for; empty for all. The longest matching prefix wins.
    public let modelPrefix: String
    /// The key sent for these models.
    public let key: APIKey
    /// Assigns `key` to the models whose ids start with `modelPrefix`; empty, the default, for all.
    public init(modelPrefix: String = "", key: APIKey) {
        self.modelPrefix = modelPrefix
        self.key = key
    }
}
