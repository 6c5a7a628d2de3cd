import Crypto
import DailiesCore
import Foundation

/// The bytes of a clip on their way: a file that is locked for as long as it is open, so that it belongs to one process.
///
/// What came is hashed as it comes. Before the clip gets its name, the file is synced and hashed as it is on disk, after the
/// last write: another program that wrote into it all the same is noticed.
///
/// Every call blocks.
final class PartialFile {
    /// So much is not on record at most: what a crash makes us fetch again.
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
    /// False on a file system without locks, for a file that was just made: nobody can go on after it.
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
        // A child process that is just being started may hold a copy of the descriptor, and with it the lock.
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    // MARK: Opening

    /// A part that an earlier download left, with as many of its bytes as are on record. nil where there is none, or where
    /// it is another process's or somebody else's file.
    static func left(_ number: Int, in folder: OpenFolder, _ paths: ClipPaths) throws(ClipError) -> PartialFile? {
        guard let descriptor = try folder.file(paths.partName(number), O_RDWR) else { return nil }
        let part = PartialFile(number, in: folder, paths, descriptor)
        guard part.isLocked(), let record = try part.ownRecord(part.recordName) else { return nil }
        // A clip under two names: what a crash between them leaves. It is not written into.
        guard try part.status().st_nlink == 1 else {
            if number > 0 { try part.remove() }
            return nil
        }
        try part.recall(record)
        return number == 0 && part.length == 0 ? nil : part
    }

    /// A new one; nil where something else has its name, or that of its record.
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

    /// Takes the lock, and looks whether the name still leads to this very file: whoever held the lock before may have given
    /// it the clip's name.
    ///
    /// - Parameter isNew: on a file system without locks only what was just made is surely nobody else's.
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
        guard fstat(descriptor, &status) == 0 else { throw .system("look at", path) }
        return status
    }

    /// Goes on after the bytes that are on record, if they are what is on disk.
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

    /// The first bytes of a file; nil where there is none, or where something else stands.
    private static func text(_ name: String, in folder: OpenFolder) throws(ClipError) -> String? {
        guard let file = try folder.file(name, O_RDONLY) else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: PartialFileRecord.mostBytes)
        let count = pread(file, &bytes, bytes.count, 0)
        guard count >= 0 else { throw .system("read", folder.path + "/" + name) }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// - Returns: false where somebody else's file, or no file at all, has the name. An empty one is what a crash leaves of
    ///   ours.
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
        // In one call, so that a process that is killed leaves the old one or the new one.
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

    /// Drops what is there: the bytes to come are those of this version, from its first on.
    func begin(_ version: AssetVersion) throws(ClipError) {
        guard ftruncate(descriptor, 0) == 0 else { throw .system("empty", path) }
        (length, recorded, self.version, hasher) = (0, 0, version, SHA256())
    }

    /// The bytes to come follow those that are there.
    func goOn(with version: AssetVersion) throws(ClipError) {
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

    /// Syncs what came and puts it on record, so that a later download may go on after it. Without a validator none could.
    func keep() throws(ClipError) {
        guard length > recorded, version.validator != nil else { return }
        _ = try record(under: recordName)
    }

    /// - Returns: false where something else has that name: nobody can go on after this part, which is no worse for that.
    private func record(under name: String) throws(ClipError) -> Bool {
        guard fsync(descriptor) == 0 else { throw .system("sync", path) }
        let record = PartialFileRecord(key: key, version: version, bytes: length, digest: Self.hex(hasher))
        guard try Self.write(record, to: name, in: folder, syncs: true) else { return false }
        recorded = length
        return true
    }

    // MARK: Reading

    /// Up to `count` bytes from a place on.
    func read(_ count: Int, at offset: Int64) throws(ClipError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let got = pread(descriptor, &buffer, count, off_t(offset))
        guard got >= 0 else { throw .system("read", path) }
        return Array(buffer.prefix(got))
    }

    /// The digest of the file as it is on disk.
    ///
    /// - Throws: ``ClipError/spoiled`` where that is not what came.
    func settledDigest() throws(ClipError) -> String {
        guard fsync(descriptor) == 0 else { throw .system("sync", path) }
        let found = try hash(upTo: .max)
        let digest = Self.hex(found.hasher)
        guard found.bytes == length, digest == Self.hex(hasher), isInPlace else { throw .spoiled }
        // On record before it gets a name: a crash in between leaves a part that needs no further download.
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

    private static func hex(_ hasher: SHA256) -> String {
        hasher.finalize().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    // MARK: Names

    /// Gives the file the first of these names that is free. A file with the same content that has one already is the clip,
    /// and this one goes.
    ///
    /// - Parameter digest: of ``settledDigest()``.
    func take(firstOf names: [String], digest: String) throws(ClipError) -> String {
        for name in names {
            guard isInPlace else { throw .spoiled }
            if try folder.rename(self.name, toFree: name) {
                try folder.remove(recordName)
                return name
            }
            if try isSame(name, digest) {
                try remove()
                return name
            }
        }
        throw .blocked("no name is left in \(folder.path) for \(names.first ?? "the clip"); move away what has it")
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

    /// Keeps a part that may be whole under the name that kept ones have. Of two the longer one stays.
    ///
    /// - Parameter other: the one that has the name, if it is ours.
    /// - Returns: the path at which it is.
    func setAside(_ paths: ClipPaths, other: PartialFile?) throws(ClipError) -> String {
        guard try record(under: recordName), number > 0 else { return path }
        if let other {
            guard other.length < length else {
                try remove()
                return other.path
            }
            try other.remove()
        }
        // The record first: a kept part without one would be taken for somebody's file.
        guard try record(under: paths.recordName(0)) else { return path }
        guard try folder.rename(name, toFree: paths.partName(0)) else {
            try folder.remove(paths.recordName(0))
            return path
        }
        try folder.remove(recordName)
        return folder.path + "/" + paths.partName(0)
    }

    /// Another file that has the name by now stays, and the record with it.
    func remove() throws(ClipError) {
        guard isInPlace else { return }
        try folder.remove(name)
        try folder.remove(recordName)
    }
}
