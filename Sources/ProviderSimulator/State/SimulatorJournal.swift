import DailiesCore
import Foundation

/// The simulator's state file: one JSON line per change, on disk before the response is sent.
///
/// An incomplete last line was truncated by a crash. Its response was never sent, so it is removed when the file is
/// opened.
final class SimulatorJournal: Sendable {
    private static let header = Array("{\"simulator_journal\":1}".utf8)

    private let descriptor: Int32

    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ what: String, _ path: String) {
            description = "cannot \(what) the simulator's state \(path): \(String(cString: strerror(errno)))"
        }
        init(description: String) { self.description = description }
    }

    /// Opens or creates the file, and applies its lines to the simulator.
    ///
    /// - Throws: if the file is not usable, is in use by another simulator, or is not a simulator's file, in which case
    ///   it is not changed. The simulator must then be discarded.
    init(path: String, replayingOn machine: inout SimulatedProvider) throws {
        let flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        let made = open(path, flags | O_CREAT | O_EXCL, 0o600)
        descriptor = made >= 0 ? made : open(path, flags)
        guard descriptor >= 0 else { throw Failure("open", path) }
        // From here on `deinit` closes it, also if this throws.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw Failure("lock", path) }
        if let lines = try Self.lines(descriptor, path) {
            for line in lines { try machine.replay(Array(line)) }
        } else {
            try append([Self.header])
        }
    }

    /// The changes in a journal, without an incomplete last line. nil if the file is empty or its first line is
    /// incomplete.
    private static func lines(_ descriptor: Int32, _ path: String) throws -> ArraySlice<Data>? {
        var status = stat()
        let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        let file = isFile ? try Data(contentsOf: URL(fileURLWithPath: path)) : Data()
        let first = header + [UInt8(ascii: "\n")]
        // Check before truncating: it may be another file, given by mistake.
        guard isFile, file.starts(with: first) || first.starts(with: file) else {
            throw Failure(description: "\(path) is not a simulator state file; use another file")
        }
        let whole = file.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        guard whole == file.count || ftruncate(descriptor, off_t(whole)) == 0 else { throw Failure("cut", path) }
        return whole == 0 ? nil : file.prefix(whole).split(separator: UInt8(ascii: "\n")).dropFirst()
    }

    /// Returns after the lines are on disk.
    func append(_ lines: [[UInt8]]) throws {
        var bytes: [UInt8] = []
        for line in lines { bytes += line + [UInt8(ascii: "\n")] }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure("write", "journal") }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw Failure("write", "journal") }
    }

    deinit { close(descriptor) }
}
