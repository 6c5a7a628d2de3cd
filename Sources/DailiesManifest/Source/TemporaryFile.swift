import Foundation

/// A file without a name, in the folder for temporary files; gone with the last who holds it, or with the process.
final class TemporaryFile: @unchecked Sendable {
    // `size` changes only while one holder writes; afterwards the file is read by place.
    private let descriptor: Int32
    private(set) var size = 0

    init() throws(SourceError) {
        let folder = FileManager.default.temporaryDirectory.path
        var path = Array("\(folder)/dailies-XXXXXX".utf8CString)
        descriptor = path.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.map { mkstemp($0) } ?? -1
        }
        guard descriptor >= 0 else { throw Self.trouble("made", errno) }
        unlink(path)
        // Not for a child process.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit { close(descriptor) }

    func append(_ bytes: UnsafeRawBufferPointer) throws(SourceError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = pwrite(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count, off_t(size))
            if count < 0 {
                if errno == EINTR { continue }
                throw Self.trouble("written", errno)
            }
            size += count
            rest = rest.dropFirst(count)
        }
    }

    func append(_ bytes: [UInt8]) throws(SourceError) {
        var trouble: SourceError?
        bytes.withUnsafeBytes { buffer in
            do throws(SourceError) {
                try append(buffer)
            } catch {
                trouble = error
            }
        }
        if let trouble { throw trouble }
    }

    /// Fills the buffer from a place of the file on; fewer bytes at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, from offset: Int) throws(SourceError) -> Int {
        while true {
            let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            if count >= 0 { return count }
            if errno != EINTR { throw Self.trouble("read", errno) }
        }
    }

    fileprivate static func trouble(_ doing: String, _ code: Int32) -> SourceError {
        SourceError(
            place: .start, field: "file",
            what: "a temporary file in \(FileManager.default.temporaryDirectory.path) cannot be \(doing): "
                + String(cString: strerror(code)),
            todo: "make room there, or set TMPDIR to another folder", voidsAllElse: true)
    }
}

extension TemporaryFile {
    func records(in range: Range<Int>) throws(SourceError) -> [Record] {
        let count = range.count / MemoryLayout<Record>.stride
        var trouble: SourceError?
        let records = [Record](unsafeUninitializedCapacity: count) { buffer, initialized in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            var filled = 0
            do throws(SourceError) {
                while filled < range.count {
                    let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[filled..<range.count])
                    let read = try read(into: rest, from: range.lowerBound + filled)
                    guard read > 0 else { throw Self.trouble("read", EIO) }
                    filled += read
                }
                initialized = count
            } catch {
                trouble = error
            }
        }
        if let trouble { throw trouble }
        return records
    }
}
