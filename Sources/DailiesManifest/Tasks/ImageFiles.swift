import Crypto
import DailiesCore
import Foundation

/// The image files that a manifest refers to. Each is read once for its digest and type; its bytes are not kept.
final class ImageFiles {
    struct ReadError: Error {
        let message: String
        let fix: String
    }
    typealias Known = [ByteKey: Result<TaskImage, ReadError>]

    /// Bytes beyond which an image fits into no request.
    private static let maximumBytes = ManifestLimits.maximumRequestBytes / 4 * 3
    /// Size of the cache; tasks often share an image.
    private static let maximumCached = 100_000

    private let manifest: String
    /// Absolute; image paths are relative to it.
    private let folder: String
    private(set) var known: Known

    /// - Parameters:
    ///   - manifest: the manifest's path; images are relative to its folder.
    ///   - known: results of an earlier pass. A file that changed since then keeps its old result.
    init(besides manifest: String, known: Known = [:]) {
        self.manifest = manifest
        self.known = known
        folder = URL(fileURLWithPath: manifest).standardizedFileURL.deletingLastPathComponent().path
    }

    func image(_ path: String) throws(ReadError) -> TaskImage {
        if let result = known[ByteKey(path)] { return try result.get() }
        if known.count >= Self.maximumCached { known.removeAll() }
        let result = Result { () throws(ReadError) in try inspect(path) }
        known[ByteKey(path)] = result
        return try result.get()
    }

    private func inspect(_ path: String) throws(ReadError) -> TaskImage {
        let place = URL(fileURLWithPath: path, relativeTo: URL(fileURLWithPath: folder, isDirectory: true))
            .standardizedFileURL.path
        let bytes = try Self.bytes(at: place, called: path)
        guard let mediaType = Self.mediaType(of: bytes) else {
            throw ReadError(
                message: "\(SafeText.quoted(path)) is not a PNG, JPEG or WebP image", fix: "convert it, or give a URL")
        }
        let (digest, manifest) = (Self.digest(of: bytes), manifest)
        return TaskImage(sha256: digest, mediaType: mediaType, path: place, byteCount: bytes.count) {
            // An image that can no longer be read counts as changed.
            let now = try? Self.bytes(at: place, called: path)
            guard let now, Self.digest(of: now) == digest else {
                throw ManifestError(
                    SourceError(
                        place: .start, field: "image_init",
                        message: "\(SafeText.quoted(path)) changed while the manifest was being read",
                        fix: "run the command again"
                    ),
                    in: manifest)
            }
            return now
        }
    }

    private static func digest(of bytes: [UInt8]) -> String {
        var hash = SHA256()
        bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
        return hash.finalize().hexadecimal
    }

    /// - Parameter path: for messages.
    private static func bytes(at place: String, called path: String) throws(ReadError) -> [UInt8] {
        // Without O_NONBLOCK, opening a pipe without a writer blocks.
        let descriptor = open(place, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ReadError(message: "\(SafeText.quoted(path)) is not a regular file", fix: advice)
        }
        let size = Int(status.st_size)
        guard size <= maximumBytes else { throw tooLarge(path, bytes: size, limit: maximumBytes) }
        return try bytes(of: descriptor, size, path)
    }

    private static func bytes(of descriptor: Int32, _ size: Int, _ path: String) throws(ReadError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        var filled = 0
        while filled < size {
            let count = bytes.withUnsafeMutableBytes { buffer in
                Foundation.read(
                    descriptor, UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).baseAddress, size - filled)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw unreadable(path, errno)
            }
            if count == 0 { break }
            filled += count
        }
        return Array(bytes[..<filled])
    }

    /// Detected by magic bytes; the file name is ignored.
    static func mediaType(of bytes: [UInt8]) -> String? {
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return "image/png" }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return "image/jpeg" }
        if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) { return "image/webp" }
        return nil
    }

    /// - Parameter limit: maximum bytes of an image in this request.
    static func tooLarge(_ path: String, bytes: Int, limit: Int) -> ReadError {
        ReadError(
            message: "\(SafeText.quoted(path)) has \(bytes) bytes, which makes the request larger than the "
                + "\(ManifestLimits.maximumRequestBytes) bytes that the API accepts",
            fix: "make it smaller than \(limit) bytes, or give a URL")
    }

    private static let advice =
        "give an image path relative to the manifest's folder, an http or https URL, or data:image/…;base64,…"

    private static func unreadable(_ path: String, _ code: Int32) -> ReadError {
        ReadError(message: "\(SafeText.quoted(path)) cannot be read: \(String(cString: strerror(code)))", fix: advice)
    }
}
