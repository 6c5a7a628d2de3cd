/// A first frame that a manifest gives as a file, checked to be an image. Equal if the bytes are.
///
/// A canonical request names it by digest. The bytes are read once per digest when a store imports them. They become a
/// data URL in the request when an attempt begins.
package final class TaskImage: Hashable, Sendable {
    /// The digest of the bytes: 64 lowercase hexadecimal digits.
    package let sha256: String
    /// The media type: `image/png`, `image/jpeg` or `image/webp`.
    package let mediaType: String
    /// The absolute path where it was found.
    package let path: String
    /// The number of bytes.
    package let byteCount: Int
    private let read: @Sendable () throws -> [UInt8]

    /// Creates a value from its properties.
    ///
    /// - Parameter read: returns the bytes of this digest; throws if they are no longer available.
    package init(
        sha256: String, mediaType: String, path: String, byteCount: Int, read: @escaping @Sendable () throws -> [UInt8]
    ) {
        self.sha256 = sha256
        self.mediaType = mediaType
        self.path = path
        self.byteCount = byteCount
        self.read = read
    }

    /// Reads the bytes that had this digest when the file was checked.
    package func bytes() throws -> [UInt8] { try read() }

    /// The value in the canonical request. It is not a URL, so it cannot be mistaken for one.
    package var reference: String { Self.referenceStart + sha256 }

    static let referenceStart = "sha256:"

    package static func == (a: TaskImage, b: TaskImage) -> Bool { a.sha256 == b.sha256 }
    package func hash(into hasher: inout Hasher) { hasher.combine(sha256) }

    /// The image as a URL such as `data:image/png;base64,…`.
    package static func dataURL(mediaType: String, bytes: [UInt8]) -> String {
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

    /// The length in bytes of the data URL of an image of `bytes` bytes.
    package static func lengthOfDataURL(bytes: Int, mediaType: String) -> Int {
        "data:;base64,".utf8.count + mediaType.utf8.count + (bytes + 2) / 3 * 4
    }
}

extension CanonicalRequest {
    /// The digest of the image that the request names; nil if it names none.
    public var imageDigest: String? {
        placeOfImage.map { String(decoding: Array(text.utf8)[$0.digest], as: UTF8.self) }
    }

    /// The request with the image itself in place of its reference.
    ///
    /// - Parameter dataURL: a text that JSON need not escape.
    public func with(imageAs dataURL: String) -> CanonicalRequest {
        guard let place = placeOfImage else { return self }
        var bytes = Array(text.utf8)
        bytes.replaceSubrange(place.reference, with: dataURL.utf8)
        return CanonicalRequest(text: String(decoding: bytes, as: UTF8.self))
    }

    /// The place of the reference in `image_init`.
    private var placeOfImage: (reference: Range<Int>, digest: Range<Int>)? {
        let start = Array("\"\(TaskImage.referenceStart)".utf8)
        let bytes = Array(text.utf8)
        guard let value = Self.value(of: "image_init", in: bytes), bytes[value].starts(with: start) else { return nil }
        return (value.lowerBound + 1..<value.upperBound - 1, value.lowerBound + start.count..<value.upperBound - 1)
    }
}
