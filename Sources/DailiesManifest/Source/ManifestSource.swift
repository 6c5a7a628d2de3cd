import DailiesCore
import Foundation

/// The bytes of a manifest. Can be read more than once.
package struct ManifestSource: Sendable {
    enum Content: Sendable {
        case bytes([UInt8])
        case file(OpenFile)
        case temporary(TemporaryFile)
    }
    /// For messages, the format and the batch name. `<stdin>` for standard input.
    package let path: String
    let content: Content

    /// The name of standard input in messages.
    package static let standardInputName = "<stdin>"

    /// A file, opened immediately and read on demand.
    ///
    /// - Throws: ``ManifestError`` if it cannot be opened.
    package static func file(_ path: String) throws(ManifestError) -> ManifestSource {
        do throws(SourceError) {
            return ManifestSource(path: path, content: try decoded(.file(try OpenFile(path))))
        } catch {
            throw ManifestError(error, in: path)
        }
    }

    /// Standard input or another descriptor, copied to a temporary file because a manifest is read twice.
    ///
    /// - Throws: ``ManifestError`` if it cannot be read, or the copy cannot be written.
    package static func standardInput(descriptor: Int32 = STDIN_FILENO) throws(ManifestError) -> ManifestSource {
        do throws(SourceError) {
            return ManifestSource(path: standardInputName, content: try decoded(.temporary(copy(of: descriptor))))
        } catch {
            throw ManifestError(error, in: standardInputName)
        }
    }

    /// Bytes in memory.
    package static func bytes(_ bytes: [UInt8], path: String) -> ManifestSource {
        guard var decoder = UTF16Decoder(startingWith: bytes) else {
            return ManifestSource(path: path, content: .bytes(bytes))
        }
        decoder.add(bytes)
        decoder.finish()
        return ManifestSource(path: path, content: .bytes(decoder.takeText()))
    }

    /// Converts UTF-16 to UTF-8 in a temporary file; returns anything else unchanged.
    private static func decoded(_ content: Content) throws(SourceError) -> Content {
        let source = ManifestSource(path: "", content: content)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { buffer.deallocate() }
        var offset = try source.read(into: buffer, from: 0)
        guard var decoder = UTF16Decoder(startingWith: buffer[..<offset].prefix(4)) else { return content }
        let file = try TemporaryFile()
        var count = offset
        while count > 0 {
            decoder.add(buffer[..<count])
            try file.append(decoder.takeText())
            count = try source.read(into: buffer, from: offset)
            offset += count
        }
        decoder.finish()
        try file.append(decoder.takeText())
        return .temporary(file)
    }

    private static func copy(of descriptor: Int32) throws(SourceError) -> TemporaryFile {
        let file = try TemporaryFile()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = Foundation.read(descriptor, buffer.baseAddress, buffer.count)
            if count == 0 { return file }
            if count < 0 {
                if errno == EINTR { continue }
                throw OpenFile.sourceError(errno)
            }
            try file.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    /// Set for bytes in memory.
    var knownSize: Int? { if case .bytes(let bytes) = content { bytes.count } else { nil } }

    /// Reads bytes from an offset; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer, from offset: Int) throws(SourceError) -> Int {
        switch content {
        case .bytes(let bytes):
            let count = min(buffer.count, max(0, bytes.count - offset))
            if count > 0 { buffer.copyBytes(from: bytes[offset..<offset + count]) }
            return count
        case .file(let file): return try file.read(into: buffer, from: offset)
        case .temporary(let file): return try file.read(into: buffer, from: offset)
        }
    }

    /// All bytes, if there are at most `limit`.
    func whole(atMost limit: Int) throws(SourceError) -> [UInt8] {
        if case .bytes(let bytes) = content { return bytes }
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { chunk.deallocate() }
        var bytes: [UInt8] = []
        while bytes.count <= limit {
            let count = try read(into: chunk, from: bytes.count)
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return bytes
    }
}

final class OpenFile: Sendable {
    private let descriptor: Int32

    init(_ path: String) throws(SourceError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.sourceError(errno) }
        self.descriptor = descriptor
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.sourceError(errno) }
        if status.st_mode & S_IFMT == S_IFDIR { throw Self.sourceError(EISDIR) }
        // Bytes read from a pipe or a terminal cannot be read again.
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SourceError(
                place: .start, field: "file", message: "cannot be read twice",
                fix: "use - and pipe it to standard input")
        }
    }

    deinit { close(descriptor) }

    func read(into buffer: UnsafeMutableRawBufferPointer, from offset: Int) throws(SourceError) -> Int {
        while true {
            let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            if count >= 0 { return count }
            if errno != EINTR { throw Self.sourceError(errno) }
        }
    }

    static func sourceError(_ code: Int32) -> SourceError {
        let (message, fix) =
            switch code {
            case ENOENT, ENOTDIR: ("no such file", "check the name, or create a manifest with `dailies init`")
            case EISDIR: ("is a folder", "specify the manifests in it, such as FOLDER/*.yaml")
            case EACCES, EPERM: ("permission denied", "make it readable with chmod +r, or ask its owner")
            case ENAMETOOLONG: ("the file name is too long", "check it")
            default:
                (
                    "cannot be read: \(String(cString: strerror(code)).lowercased())",
                    "check the disk and try again"
                )
            }
        return SourceError(place: .wholeFile, field: "file", message: message, fix: fix, discardsOtherFindings: true)
    }
}
