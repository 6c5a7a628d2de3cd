/// A first frame that a manifest gives as a file: looked at, and known to be an image. Equal when the bytes are.
///
/// A canonical request names it by its content. The bytes are read when a store takes them in, once for each content, and
/// come into the request as a data URL when an attempt begins.
public final class TaskImage: Hashable, Sendable {
    /// 64 lowercase hexadecimal digits.
    public let sha256: String
    /// `image/png`, `image/jpeg` or `image/webp`.
    public let mediaType: String
    /// Where it was found, absolute.
    public let path: String
    /// How many.
    public let byteCount: Int
    private let read: @Sendable () throws -> [UInt8]

    /// Takes its properties as they are given.
    ///
    /// - Parameter read: the bytes of this digest; throws where they are not to be had any more.
    public init(
        sha256: String, mediaType: String, path: String, byteCount: Int, read: @escaping @Sendable () throws -> [UInt8]
    ) {
        self.sha256 = sha256
        self.mediaType = mediaType
        self.path = path
        self.byteCount = byteCount
        self.read = read
    }

    /// Those that had this digest when it was looked at.
    public func bytes() throws -> [UInt8] { try read() }

    /// What stands in the canonical request: no URL, so that it is nothing else.
    public var reference: String { Self.referenceStart + sha256 }

    static let referenceStart = "sha256:"

    public static func == (a: TaskImage, b: TaskImage) -> Bool { a.sha256 == b.sha256 }
    public func hash(into hasher: inout Hasher) { hasher.combine(sha256) }

    /// `data:image/png;base64,…`
    public static func dataURL(mediaType: String, bytes: [UInt8]) -> String {
        var text = Array("data:\(mediaType);base64,".utf8)
        text.reserveCapacity(text.count + (bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let piece = bytes[start..<min(start + 3, bytes.count)]
            let value = piece.reduce(0 as UInt32) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - piece.count))
            for place in 0..<4 {
                let isPadding = place > piece.count
                text.append(isPadding ? UInt8(ascii: "=") : alphabet[Int(value >> (18 - 6 * UInt32(place)) & 63)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Bytes of the data URL of an image of so many bytes.
    public static func lengthOfDataURL(bytes: Int, mediaType: String) -> Int {
        "data:;base64,".utf8.count + mediaType.utf8.count + (bytes + 2) / 3 * 4
    }
}

extension CanonicalRequest {
    /// The digest of the image that it names in place of the bytes; nil where it names none.
    public var imageDigest: String? {
        placeOfImage.map { String(decoding: Array(text.utf8)[$0.digest], as: UTF8.self) }
    }

    /// With the image itself in place of its name.
    ///
    /// - Parameter dataURL: what JSON need not escape.
    public func with(imageAs dataURL: String) -> CanonicalRequest {
        guard let place = placeOfImage else { return self }
        var bytes = Array(text.utf8)
        bytes.replaceSubrange(place.reference, with: dataURL.utf8)
        return CanonicalRequest(text: String(decoding: bytes, as: UTF8.self))
    }

    /// Of the value of `image_init` in the object itself, not of a member within another or of words in a text.
    private var placeOfImage: (reference: Range<Int>, digest: Range<Int>)? {
        let start = Array("\"image_init\":\"\(TaskImage.referenceStart)".utf8)
        let bytes = Array(text.utf8)
        var depth = 0
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\""):
                if depth == 1, bytes[index...].starts(with: start) {
                    let digest = index + start.count
                    guard let end = bytes[digest...].firstIndex(of: UInt8(ascii: "\"")) else { return nil }
                    return (digest - TaskImage.referenceStart.utf8.count..<end, digest..<end)
                }
                index += 1
                while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                    index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                }
            default: break
            }
            index += 1
        }
        return nil
    }
}
