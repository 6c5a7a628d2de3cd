import DailiesCore
import Foundation

/// A clip being downloaded. It may resume bytes of an earlier download, and gets its final name once it is complete.
///
/// It never replaces, follows or waits for a file that has one of its names; it uses another name. Every call blocks,
/// so use it on a separate queue.
final class ClipFile: ClipWriter {
    private let paths: ClipPaths
    private let folder: OpenFolder
    private var part: PartialFile?

    /// Opens the part file of an earlier download, if any.
    init(_ paths: ClipPaths) throws(ClipError) {
        self.paths = paths
        folder = try paths.openFolder()
        for number in paths.partNumbers {
            part = try PartialFile.existing(number, in: folder, paths)
            if part != nil { return }
        }
    }

    var length: Int64 { part?.length ?? 0 }

    var resumePoint: ResumePoint {
        guard let part, part.length > 0 else { return .start }
        return ResumePoint(offset: part.length, version: part.version)
    }

    var isComplete: Bool { length > 0 && part?.version.length == length }

    // MARK: Writing

    func start(at offset: Int64, _ version: AssetVersion) throws(ClipError) {
        if offset == 0 { return try restart(version) }
        guard let part, offset == part.length, let validator = part.version.validator, validator == version.validator,
            part.version.length == nil || part.version.length == version.length
        else { throw .versionMismatch }
        try part.resume(with: version)
    }

    /// A part that was kept because it may be complete stays until a better one exists.
    private func restart(_ version: AssetVersion) throws(ClipError) {
        if part == nil || part?.number == 0 {
            part = nil
            part = try newPart()
        }
        try part?.start(version)
    }

    private func newPart() throws(ClipError) -> PartialFile {
        for number in paths.partNumbers.dropFirst() {
            if let part = try PartialFile.existing(number, in: folder, paths) { return part }
            if let part = try PartialFile.new(number, in: folder, paths) { return part }
        }
        throw .blocked(
            "all names for the part file \(paths.partName(1)) in \(folder.path) are taken; move the existing files away"
        )
    }

    func write(_ bytes: [UInt8]) throws(ClipError) {
        guard let part else { throw .versionMismatch }
        try part.write(bytes)
    }

    /// After an interruption: saves the record of the bytes received, or discards them if locking is impossible.
    func keep() throws(ClipError) {
        guard part?.hasLock != false else { return try discard() }
        try part?.keep()
    }

    func discard() throws(ClipError) {
        try part?.remove()
        part = nil
    }

    // MARK: End

    /// Whether the clip is complete, as far as known, and its format.
    ///
    /// - Parameter isWhole: the server stated after the body that all bytes were sent.
    func finding(isWhole: Bool = false) throws(ClipError) -> (clip: MP4Validator.Finding, format: ClipFormat) {
        guard let part else { return (MP4Validator.Finding(verdict: .cut("no bytes were received"), end: 0), .mp4) }
        let format = ClipFormat(head: try part.read(ClipFormat.detectionBytes, at: 0))
        let stated = part.version.length ?? (isWhole ? part.length : nil)
        func read(_ offset: Int64, _ count: Int) throws(ClipError) -> [UInt8] { try part.read(count, at: offset) }
        switch format {
        case .mp4, .mov: return (try MP4Validator.finding(length: part.length, stated: stated, read: read), format)
        case .webm, .mkv:
            if let stated, stated != part.length {
                let message = "it has \(part.length) of \(stated) bytes"
                return (MP4Validator.Finding(verdict: .cut(message), end: part.length), format)
            }
            return (try MatroskaValidator.finding(length: part.length, stated: stated, read: read), format)
        }
    }

    func verdict(isWhole: Bool = false) throws(ClipError) -> MP4Validator.Verdict {
        try finding(isWhole: isWhole).clip.verdict
    }

    /// Syncs and renames the file, and syncs the folder: afterwards the clip survives a power failure.
    func finish() throws(ClipError) -> SavedClip {
        guard let part else { throw .contentMismatch }
        let digest = try part.verifiedDigest()
        let (clip, format) = try finding()
        let name = try part.claimName(firstOf: names(withExtension: format.rawValue), digest: digest)
        try folder.sync()
        guard folder.isInPlace else {
            throw .disk("\(folder.path) was moved or removed while a clip was being saved in it")
        }
        // Only after the clip is durable.
        try removeOthers(than: part.number)
        return SavedClip(
            path: folder.path + "/" + name, sha256: digest, bytes: part.length,
            remark: format.remark(end: clip.end, length: part.length))
    }

    private func names(withExtension pathExtension: String) -> [String] {
        paths.clipNames.map { $0.dropLast("mp4".count) + pathExtension }
    }

    func keepDamaged() throws(ClipError) -> String {
        guard let part else { throw .contentMismatch }
        let digest = try part.verifiedDigest()
        let name = try part.claimName(firstOf: names(withExtension: "damaged"), digest: digest)
        self.part = nil
        try folder.sync()
        return folder.path + "/" + name
    }

    /// Removes parts of this clip that are no longer needed.
    private func removeOthers(than number: Int) throws(ClipError) {
        for other in paths.partNumbers where other != number && folder.status(of: paths.partName(other)) != nil {
            try PartialFile.existing(other, in: folder, paths)?.remove()
        }
    }

    func keepUnverified() throws(ClipError) -> String {
        guard let part else { throw .contentMismatch }
        _ = try part.verifiedDigest()
        let other = part.number == 0 ? nil : try PartialFile.existing(0, in: folder, paths)
        let path = try part.keepUnverified(paths, other: other)
        try folder.sync()
        return path
    }
}
