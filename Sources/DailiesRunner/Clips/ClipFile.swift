import DailiesCore
import Foundation

/// A clip on its way to the disk: its first bytes may be there from an earlier download, the others come, and when it is whole
/// it gets its name.
///
/// Nothing that stands in the way of its names is replaced, followed or waited for: it takes another one. Every call blocks;
/// it belongs on a queue of its own.
final class ClipFile {
    private let paths: ClipPaths
    private let folder: OpenFolder
    private var part: PartialFile?

    /// Finds what an earlier download left.
    init(_ paths: ClipPaths) throws(ClipError) {
        self.paths = paths
        folder = try paths.openFolder()
        for number in paths.partNumbers {
            part = try PartialFile.left(number, in: folder, paths)
            if part != nil { return }
        }
    }

    /// Bytes that are there.
    var length: Int64 { part?.length ?? 0 }

    /// Where a download may go on.
    var resumePoint: ResumePoint {
        guard let part, part.length > 0 else { return .start }
        return ResumePoint(offset: part.length, version: part.version)
    }

    /// Whether all bytes are there, by the length of their version.
    var isComplete: Bool { length > 0 && part?.version.length == length }

    // MARK: Writing

    /// The bytes to come begin at a byte of the asset and belong to this version of it.
    ///
    /// - Throws: ``ClipError/notJoined`` where they do not belong to those that are there.
    func begin(at offset: Int64, _ version: AssetVersion) throws(ClipError) {
        if offset == 0 { return try beginAnew(version) }
        guard let part, offset == part.length, let validator = part.version.validator, validator == version.validator,
            part.version.length == nil || part.version.length == version.length
        else { throw .notJoined }
        try part.goOn(with: version)
    }

    /// A part that is kept because it may be whole stays until a better one is.
    private func beginAnew(_ version: AssetVersion) throws(ClipError) {
        if part == nil || part?.number == 0 {
            part = nil
            part = try newPart()
        }
        try part?.begin(version)
    }

    private func newPart() throws(ClipError) -> PartialFile {
        for number in paths.partNumbers.dropFirst() {
            if let part = try PartialFile.left(number, in: folder, paths) { return part }
            if let part = try PartialFile.new(number, in: folder, paths) { return part }
        }
        throw .blocked(
            "no name is left in \(folder.path) for the part file \(paths.partName(1)); move away what has it")
    }

    func write(_ bytes: [UInt8]) throws(ClipError) {
        guard let part else { throw .notJoined }
        try part.write(bytes)
    }

    /// After an interruption: what came is put on record, or goes where nobody could lock it.
    func keep() throws(ClipError) {
        guard part?.hasLock != false else { return try discard() }
        try part?.keep()
    }

    /// Forgets what came.
    func discard() throws(ClipError) {
        try part?.remove()
        part = nil
    }

    // MARK: The end

    /// Whether this is a whole clip, as far as can be known, and of which format.
    ///
    /// - Parameter isWhole: the service has said, after the body, that these are all bytes.
    func finding(isWhole: Bool = false) throws(ClipError) -> (clip: MP4Validator.Finding, format: ClipFormat) {
        guard let part else { return (MP4Validator.Finding(verdict: .cut("nothing of it came"), end: 0), .mp4) }
        let format = ClipFormat(head: try part.read(ClipFormat.mostHeadBytes, at: 0))
        let stated = part.version.length ?? (isWhole ? part.length : nil)
        func read(_ offset: Int64, _ count: Int) throws(ClipError) -> [UInt8] { try part.read(count, at: offset) }
        switch format {
        case .mp4, .mov: return (try MP4Validator.finding(length: part.length, stated: stated, read: read), format)
        case .webm, .mkv:
            if let stated, stated != part.length {
                let words = "it has \(part.length) of \(stated) bytes"
                return (MP4Validator.Finding(verdict: .cut(words), end: part.length), format)
            }
            return (try MatroskaValidator.finding(length: part.length, stated: stated, read: read), format)
        }
    }

    /// Whether this is a whole clip, as far as can be known.
    func verdict() throws(ClipError) -> MP4Validator.Verdict { try finding().clip.verdict }

    /// Syncs it, gives it its name and syncs the folder: after this the clip is on disk whatever happens.
    func finish() throws(ClipError) -> SavedClip {
        guard let part else { throw .spoiled }
        let digest = try part.settledDigest()
        let (clip, format) = try finding()
        let name = try part.take(firstOf: names(withEnding: format.rawValue), digest: digest)
        try folder.sync()
        guard folder.isInPlace else { throw .disk("\(folder.path) was moved or removed while a clip was saved in it") }
        // Not before the clip is sure to stay.
        try removeOthers(than: part.number)
        return SavedClip(
            path: folder.path + "/" + name, sha256: digest, bytes: part.length,
            remark: format.remark(end: clip.end, length: part.length))
    }

    private func names(withEnding ending: String) -> [String] {
        paths.clipNames.map { $0.dropLast("mp4".count) + ending }
    }

    /// Keeps what was paid for, though it is no clip.
    ///
    /// - Returns: the path at which it is.
    func keepDamaged() throws(ClipError) -> String {
        guard let part else { throw .spoiled }
        let digest = try part.settledDigest()
        let name = try part.take(firstOf: names(withEnding: "damaged"), digest: digest)
        self.part = nil
        try folder.sync()
        return folder.path + "/" + name
    }

    /// Parts of this clip that nobody needs any more.
    private func removeOthers(than number: Int) throws(ClipError) {
        for other in paths.partNumbers where other != number && folder.status(of: paths.partName(other)) != nil {
            try PartialFile.left(other, in: folder, paths)?.remove()
        }
    }

    /// Keeps what came, which may be all of the clip.
    ///
    /// - Returns: the path at which it is.
    func keepUnverified() throws(ClipError) -> String {
        guard let part else { throw .spoiled }
        _ = try part.settledDigest()
        let other = part.number == 0 ? nil : try PartialFile.left(0, in: folder, paths)
        let path = try part.setAside(paths, other: other)
        try folder.sync()
        return path
    }
}
