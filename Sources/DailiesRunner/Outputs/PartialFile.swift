import Crypto
import DailiesCore
import Foundation

/// The bytes of a clip being downloaded: a file that is locked while it is open, so that only one process uses it.
///
/// Bytes are hashed as they arrive. Before the clip gets its name, the file is synced and hashed again from disk, to
/// detect writes by other programs.
///
/// Every call blocks.
final class PartialFile {
    /// Maximum bytes without a record: the amount a crash makes us download again.
    private static let recordInterval: Int64 = 8 << 20

    let number: Int
    let path: String
    private let name: String
    private let recordName: String
    private let folder: OpenFolder
    private let key: SubmissionKey
    private let descriptor: Int32
    private(set) var length: Int64 = 0
    private(set) var version = AssetVersion()
    private var hasher = SHA256()
    private var recorded: Int64 = 0
    /// False for a new file on a file system without locks; it cannot be resumed.
    private(set) var hasLock = false

    private init(_ number: Int, in folder: OpenFolder, _ paths: ClipPaths, _ descriptor: Int32) {
        self.number = number
        self.folder = folder
        self.descriptor = descriptor
        key = paths.submissionKey
        name = paths.partName(number)
        recordName = paths.recordName(number)
        path = folder.path + "/" + name
    }

    deinit {
        // A child process that is starting may have a copy of the descriptor, and with it the lock.
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    // MARK: Opening

    /// A part of an earlier download, with the bytes that are on record. nil if there is none, or if the file belongs
    /// to another process or program.
    static func existing(_ number: Int, in folder: OpenFolder, _ paths: ClipPaths) throws(ClipError) -> PartialFile? {
        guard let descriptor = try folder.file(paths.partName(number), O_RDWR) else { return nil }
        let part = PartialFile(number, in: folder, paths, descriptor)
        guard part.isLocked(), let record = try part.ownRecord(part.recordName) else { return nil }
        // A clip with two names is left by a crash between them. Do not write to it.
        guard try part.status().st_nlink == 1 else {
            if number > 0 { try part.remove() }
            return nil
        }
        try part.recall(record)
        return number == 0 && part.length == 0 ? nil : part
    }

    /// Creates a part; nil if its name or that of its record is taken.
    static func new(_ number: Int, in folder: OpenFolder, _ paths: ClipPaths) throws(ClipError) -> PartialFile? {
        guard folder.status(of: paths.partName(number)) == nil else { return nil }
        let record = PartialFileRecord(
            key: paths.submissionKey, version: AssetVersion(), bytes: 0, digest: hex(SHA256()))
        guard try write(record, to: paths.recordName(number), in: folder, syncs: false),
            let descriptor = try folder.newFile(paths.partName(number))
        else { return nil }
        let part = PartialFile(number, in: folder, paths, descriptor)
        return part.isLocked(isNew: true) ? part : nil
    }

    /// Takes the lock and checks that the name still refers to this file: the previous owner may have renamed it to the
    /// clip's name.
    ///
    /// - Parameter isNew: without file locks, only a file that was just created is certainly unused.
    private func isLocked(isNew: Bool = false) -> Bool {
        hasLock = flock(descriptor, LOCK_EX | LOCK_NB) == 0
        guard hasLock || isNew && errno != EWOULDBLOCK else { return false }
        return isInPlace
    }

    private var isInPlace: Bool {
        var held = stat()
        guard fstat(descriptor, &held) == 0, let found = folder.status(of: name) else { return false }
        return held.st_dev == found.st_dev && held.st_ino == found.st_ino
    }

    private func status() throws(ClipError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system("inspect", path) }
        return status
    }

    /// Resumes after the recorded bytes if they match those on disk.
    private func recall(_ record: PartialFileRecord) throws(ClipError) {
        guard try Int64(status().st_size) >= record.bytes else { return }
        let found = try hash(upTo: record.bytes)
        guard found.bytes == record.bytes, Self.hex(found.hasher) == record.digest else { return }
        (length, recorded, version, hasher) = (record.bytes, record.bytes, record.version, found.hasher)
    }

    private func ownRecord(_ name: String) throws(ClipError) -> PartialFileRecord? {
        guard let text = try Self.text(name, in: folder), let record = PartialFileRecord(text), record.key == key else {
            return nil
        }
        return record
    }

    /// The first bytes of a file; nil if there is none, or another kind of file.
    private static func text(_ name: String, in folder: OpenFolder) throws(ClipError) -> String? {
        guard let file = try folder.file(name, O_RDONLY) else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: PartialFileRecord.maximumBytes)
        let count = pread(file, &bytes, bytes.count, 0)
        guard count >= 0 else { throw .system("read", folder.path + "/" + name) }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// - Returns: false if another program's file has the name. An empty file is the remainder of a crash and may be
    ///   replaced.
    private static func write(
        _ record: PartialFileRecord, to name: String, in folder: OpenFolder, syncs: Bool
    ) throws(ClipError) -> Bool {
        let made = try folder.newFile(name)
        var opened = made
        if made == nil, let text = try text(name, in: folder),
            text.isEmpty || PartialFileRecord(text)?.key == record.key
        {
            opened = try folder.file(name, O_WRONLY)
        }
        guard let file = opened else { return false }
        defer { close(file) }
        // In one call, so that a killed process leaves the old record or the new one.
        let text = Array(record.text.utf8)
        let count = pwrite(file, text, text.count, 0)
        guard count == text.count, ftruncate(file, off_t(text.count)) == 0, !syncs || fsync(file) == 0 else {
            let isShort = 0..<text.count ~= count
            let fault = ClipError.system("write", folder.path + "/" + name, isShort ? ENOSPC : errno)
            if made != nil { try folder.remove(name) }
            throw fault
        }
        return true
    }

    // MARK: Writing

    /// Discards the bytes on disk; the bytes that follow are those of `version` from its start.
    func start(_ version: AssetVersion) throws(ClipError) {
        guard ftruncate(descriptor, 0) == 0 else { throw .system("empty", path) }
        (length, recorded, self.version, hasher) = (0, 0, version, SHA256())
    }

    /// The bytes that follow continue those on disk.
    func resume(with version: AssetVersion) throws(ClipError) {
        self.version = version
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw .system("continue", path) }
    }

    func write(_ bytes: [UInt8]) throws(ClipError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress! + done, bytes.count - done, off_t(length) + off_t(done))
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw .system("write", path)
            }
            guard count > 0 else { throw .system("write", path, ENOSPC) }
            done += count
        }
        hasher.update(data: bytes)
        length += Int64(bytes.count)
        if length - recorded >= Self.recordInterval { try keep() }
    }

    /// Syncs the file and writes the record, so that a later download may resume. Needs a validator.
    func keep() throws(ClipError) {
        guard length > recorded, version.validator != nil else { return }
        _ = try record(under: recordName)
    }

    /// - Returns: false if the name is taken: the part then cannot be resumed, but is otherwise fine.
    private func record(under name: String) throws(ClipError) -> Bool {
        guard fsync(descriptor) == 0 else { throw .system("sync", path) }
        let record = PartialFileRecord(key: key, version: version, bytes: length, digest: Self.hex(hasher))
        guard try Self.write(record, to: name, in: folder, syncs: true) else { return false }
        recorded = length
        return true
    }

    // MARK: Reading

    /// Up to `count` bytes from `offset`.
    func read(_ count: Int, at offset: Int64) throws(ClipError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let got = pread(descriptor, &buffer, count, off_t(offset))
        guard got >= 0 else { throw .system("read", path) }
        return Array(buffer.prefix(got))
    }

    /// The digest of the file on disk.
    ///
    /// - Throws: ``ClipError/contentMismatch`` if it differs from that of the bytes received.
    func verifiedDigest() throws(ClipError) -> String {
        guard fsync(descriptor) == 0 else { throw .system("sync", path) }
        let found = try hash(upTo: .max)
        let digest = Self.hex(found.hasher)
        guard found.bytes == length, digest == Self.hex(hasher), isInPlace else { throw .contentMismatch }
        // Write the record before the rename: a crash in between then needs no further download.
        if length > recorded, version.length == length { _ = try record(under: recordName) }
        return digest
    }

    private func hash(upTo limit: Int64) throws(ClipError) -> (bytes: Int64, hasher: SHA256) {
        try Self.hash(descriptor, upTo: limit, path)
    }

    private static func hash(
        _ descriptor: Int32, upTo limit: Int64, _ path: String
    ) throws(ClipError) -> (bytes: Int64, hasher: SHA256) {
        var hasher = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var offset: Int64 = 0
        while offset < limit {
            let got = pread(descriptor, &buffer, Int(min(Int64(buffer.count), limit - offset)), off_t(offset))
            if got < 0 {
                if errno == EINTR { continue }
                throw .system("read", path)
            }
            if got == 0 { break }
            buffer.withUnsafeBytes { hasher.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<got])) }
            offset += Int64(got)
        }
        return (offset, hasher)
    }

    private static func hex(_ hasher: SHA256) -> String { hasher.finalize().hexadecimal }

    // MARK: Names

    /// Renames the file to the first free name. If a file with the same content has one of the names, that file is the
    /// clip, and this one is removed.
    ///
    /// - Parameter digest: from ``verifiedDigest()``.
    func claimName(firstOf names: [String], digest: String) throws(ClipError) -> String {
        for name in names {
            guard isInPlace else { throw .contentMismatch }
            if try folder.rename(self.name, toFree: name) {
                try folder.remove(recordName)
                return name
            }
            if try isSame(name, digest) {
                try remove()
                return name
            }
        }
        throw .blocked(
            "all names for \(names.first ?? "the clip") in \(folder.path) are taken; move the existing files away")
    }

    private func isSame(_ name: String, _ digest: String) throws(ClipError) -> Bool {
        guard let found = folder.status(of: name), Int64(found.st_size) == length,
            let file = try folder.file(name, O_RDONLY)
        else { return false }
        defer { close(file) }
        let path = folder.path + "/" + name
        guard Self.hex(try Self.hash(file, upTo: length + 1, path).hasher) == digest else { return false }
        guard fsync(file) == 0 else { throw .system("sync", path) }
        return true
    }

    /// Keeps a part that may be complete, under the name for such parts. Of two parts the longer one is kept.
    ///
    /// - Parameter other: the part that has the name, if it is ours.
    /// - Returns: the path of the kept file.
    func keepUnverified(_ paths: ClipPaths, other: PartialFile?) throws(ClipError) -> String {
        guard try record(under: recordName), number > 0 else { return path }
        if let other {
            guard other.length < length else {
                try remove()
                return other.path
            }
            try other.remove()
        }
        // The record first: without one, a kept part would look like another program's file.
        guard try record(under: paths.recordName(0)) else { return path }
        guard try folder.rename(name, toFree: paths.partName(0)) else {
            try folder.remove(paths.recordName(0))
            return path
        }
        try folder.remove(recordName)
        return folder.path + "/" + paths.partName(0)
    }

    /// Removes the file and its record, unless another file has the name by now.
    func remove() throws(ClipError) {
        guard isInPlace else { return }
        try folder.remove(name)
        try folder.remove(recordName)
    }
}
