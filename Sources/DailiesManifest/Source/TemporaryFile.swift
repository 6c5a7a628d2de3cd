import Foundation

/// An unnamed file in the temporary folder, deleted with its last reference or with the process.
package final class TemporaryFile: @unchecked Sendable {
    // `size` changes only while a single owner writes; afterwards the file is read by offset.
    private let descriptor: Int32
    private(set) var size = 0

    init() throws(SourceError) {
        descriptor = Self.create()
        guard descriptor >= 0 else { throw Self.sourceError("made", errno) }
    }

    /// Opens a new unnamed file in the temporary folder.
    ///
    /// - Returns: its descriptor; -1 and `errno` if that fails.
    package static func create() -> Int32 {
        var path = Array("\(FileManager.default.temporaryDirectory.path)/dailies-XXXXXX".utf8CString)
        let descriptor = path.withUnsafeMutableBufferPointer { $0.baseAddress.map { mkstemp($0) } ?? -1 }
        guard descriptor >= 0 else { return descriptor }
        unlink(path)
        // Child processes must not inherit it.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }

    deinit { close(descriptor) }

    func append(_ bytes: UnsafeRawBufferPointer) throws(SourceError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = pwrite(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count, off_t(size))
            if count < 0 {
                if errno == EINTR { continue }
                throw Self.sourceError("written", errno)
            }
            size += count
            rest = rest.dropFirst(count)
        }
    }

    func append(_ bytes: [UInt8]) throws(SourceError) {
        var sourceError: SourceError?
        bytes.withUnsafeBytes { buffer in
            do throws(SourceError) {
                try append(buffer)
            } catch {
                sourceError = error
            }
        }
        if let sourceError { throw sourceError }
    }

    /// Fills the buffer from an offset; returns fewer bytes at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, from offset: Int) throws(SourceError) -> Int {
        while true {
            let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            if count >= 0 { return count }
            if errno != EINTR { throw Self.sourceError("read", errno) }
        }
    }

    fileprivate static func sourceError(_ operation: String, _ code: Int32) -> SourceError {
        SourceError(
            place: .start, field: "file",
            message: "a temporary file in \(FileManager.default.temporaryDirectory.path) cannot be \(operation): "
                + String(cString: strerror(code)),
            fix: "make room there, or set TMPDIR to another folder", discardsOtherFindings: true)
    }
}

extension TemporaryFile {
    func records(in range: Range<Int>) throws(SourceError) -> [Record] {
        let count = range.count / MemoryLayout<Record>.stride
        var sourceError: SourceError?
        let records = [Record](unsafeUninitializedCapacity: count) { buffer, initialized in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            var filled = 0
            do throws(SourceError) {
                while filled < range.count {
                    let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[filled..<range.count])
                    let read = try read(into: rest, from: range.lowerBound + filled)
                    guard read > 0 else { throw Self.sourceError("read", EIO) }
                    filled += read
                }
                initialized = count
            } catch {
                sourceError = error
            }
        }
        if let sourceError { throw sourceError }
        return records
    }
}
