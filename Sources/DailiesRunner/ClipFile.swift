import Crypto
import DailiesCore
import DailiesStore
import Dispatch
import Foundation

/// A clip on its way to the disk: a part file that survives a crash and is continued, then checked, synced and renamed.
///
/// Every call blocks; it belongs on a queue of its own.
final class ClipFile {
    private let paths: ClipPaths
    private let submissionKey: SubmissionKey
    private var descriptor: Int32 = -1
    /// Bytes of the part file.
    private(set) var length: Int64 = 0
    /// Bytes of it when the download began: more than these is progress.
    private(set) var lengthAtStart: Int64 = 0
    private var totalLength: Int64?

    /// What the disk said, for people.
    struct DiskError: Error, CustomStringConvertible {
        let description: String
        init(description: String) { self.description = description }
        init(_ what: String, _ path: String) {
            let code = errno
            description = "cannot \(what) \(path): \(String(cString: strerror(code)))"
        }
    }

    init(paths: ClipPaths, submissionKey: SubmissionKey) {
        self.paths = paths
        self.submissionKey = submissionKey
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Opens the part file, a new one or what an earlier download left.
    func open() throws(DiskError) {
        let folder = directory(of: paths.part)
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw DiskError("create", folder)
        }
        try refuseLinks()
        // O_NOFOLLOW: a link that someone put there is not written through.
        descriptor = Foundation.open(paths.part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw DiskError("open", paths.part) }
        length = Int64(lseek(descriptor, 0, SEEK_END))
        guard length >= 0 else { throw DiskError("read", paths.part) }
        lengthAtStart = length
    }

    /// The output folder may be a link, as a user likes to have it; what lies below it may not.
    private func refuseLinks() throws(DiskError) {
        for folder in paths.ownFolders {
            var status = stat()
            guard lstat(folder, &status) == 0 else { throw DiskError("look at", folder) }
            guard status.st_mode & S_IFMT == S_IFLNK else { continue }
            throw DiskError(description: "\(folder) is a link, and links are not followed; move it away")
        }
    }

    /// The body begins at a byte of the asset: what the part file has beyond it is dropped.
    func begin(at offset: Int64, totalLength: Int64?) throws(DiskError) {
        self.totalLength = totalLength
        guard offset != length else { return }
        guard offset < length, ftruncate(descriptor, off_t(offset)) == 0,
            lseek(descriptor, off_t(offset), SEEK_SET) >= 0
        else { throw DiskError("continue", paths.part) }
        length = offset
        lengthAtStart = min(lengthAtStart, offset)
    }

    func write(_ bytes: [UInt8]) throws(DiskError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.write(descriptor, $0.baseAddress! + done, bytes.count - done)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw DiskError("write", paths.part)
            }
            done += count
        }
        length += Int64(bytes.count)
    }

    /// Whether the length that the server named is reached; without one, the end of the stream is the end.
    var isComplete: Bool { totalLength.map { $0 == length } ?? true }

    /// What is wrong with the whole file, or nil.
    func structureFault() throws(DiskError) -> String? {
        var failure: DiskError?
        let fault = MP4Structure.fault(length: length) { offset, count in
            var buffer = [UInt8](repeating: 0, count: count)
            let got = pread(descriptor, &buffer, count, off_t(offset))
            if got < 0 { failure = DiskError("read", paths.part) }
            return Array(buffer.prefix(max(got, 0)))
        }
        if let failure { throw failure }
        return fault
    }

    /// Forgets what was written: the next download begins anew.
    func discard() throws(DiskError) {
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) >= 0 else {
            throw DiskError("empty", paths.part)
        }
        length = 0
    }

    /// Syncs, renames and syncs the folder: after this the clip is on disk whatever happens.
    func finish() throws(DiskError) -> SavedClip {
        let digest = try hash()
        guard fsync(descriptor) == 0 else { throw DiskError("sync", paths.part) }
        try refuseLinks()
        let target = try takeName(for: digest)
        try syncFolder(directory(of: target))
        return SavedClip(path: target, sha256: digest, bytes: length)
    }

    /// One clip at a time looks for its name and takes it: where `A.mp4` is `a.mp4`, two keys may want the same.
    private func takeName(for digest: String) throws(DiskError) -> String {
        let taken: Result<String, DiskError> = Self.naming.sync {
            do throws(DiskError) {
                let target = try freeTarget(for: digest)
                guard rename(paths.part, target) == 0 else { throw DiskError("rename to", target) }
                return .success(target)
            } catch {
                return .failure(error)
            }
        }
        return try taken.get()
    }
    private static let naming = DispatchQueue(label: "dailies.clip-naming", qos: .userInitiated)

    private func hash() throws(DiskError) -> String { try Self.sha256(of: descriptor, named: paths.part) }

    private static func sha256(of descriptor: Int32, named path: String) throws(DiskError) -> String {
        var hasher = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var offset: off_t = 0
        while true {
            let got = pread(descriptor, &buffer, buffer.count, offset)
            if got < 0 {
                if errno == EINTR { continue }
                throw DiskError("read", path)
            }
            if got == 0 { break }
            buffer.withUnsafeBytes { hasher.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<got])) }
            offset += off_t(got)
        }
        return hasher.finalize().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// The clip's name, unless a file with other content has it: then one with a mark of this attempt.
    private func freeTarget(for digest: String) throws(DiskError) -> String {
        let existing = Foundation.open(paths.clip, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard existing >= 0 else {
            if errno == ENOENT { return paths.clip }
            // A link, or a file that cannot be read: it is not ours to replace.
            return paths.alternative(submissionKey)
        }
        defer { close(existing) }
        return try Self.sha256(of: existing, named: paths.clip) == digest
            ? paths.clip : paths.alternative(submissionKey)
    }

    private func syncFolder(_ folder: String) throws(DiskError) {
        let handle = Foundation.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard handle >= 0 else { throw DiskError("open", folder) }
        defer { close(handle) }
        guard fsync(handle) == 0 else { throw DiskError("sync", folder) }
    }

    private func directory(of path: String) -> String { String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]) }
}
