import DailiesCore
import Foundation

/// Whether clips can be saved in a folder: found out before anything is paid for.
///
/// Every call blocks.
package struct OutputFolder {
    /// Room that one clip needs: 20 s at 1080p and 6 Mbit/s. Of a longer one a run finds out, and stops submitting.
    private static let spaceForClip: Int64 = 16 << 20
    /// Bytes of the longest name and path that any clip can have below the folder, with a key as long as manifests allow.
    private static let (longestName, longestPath) = (220, 3000)
    /// What is not known of a file system counts as on Linux.
    private static let (usualName, usualPath) = (255, 4096)
    private static let mostTrials = 9

    /// Absolute.
    package let path: String

    package init(_ path: String) { self.path = path }

    // MARK: Looking

    /// What stands in the way of clips, and what to do; nil: nothing. Makes nothing.
    package func fault() -> String? {
        var existing = "/"
        var missing: [Substring] = []
        for name in path.split(separator: "/") {
            if missing.isEmpty {
                let next = existing == "/" ? "/\(name)" : "\(existing)/\(name)"
                switch Self.look(at: next) {
                case .folder: existing = next
                case .nothing: missing = [name]
                case .fault(let words): return words
                }
            } else {
                missing.append(name)
            }
        }
        let (name, path) = Self.limits(of: existing)
        if missing.contains(where: { $0.utf8.count > name }) || self.path.utf8.count >= path {
            return Self.words(for: ENAMETOOLONG, self.path)
        }
        guard faccessat(AT_FDCWD, existing, W_OK | X_OK, AT_EACCESS) == 0 else {
            return Self.words(for: errno, existing)
        }
        return Self.lackOfRoom(at: existing)
    }

    private enum Look {
        case folder
        case nothing
        case fault(String)
    }

    private static func look(at path: String) -> Look {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT != S_IFDIR else { return .folder }
            return .fault("\(path) is no folder; move it away, or choose another folder")
        }
        let code = errno
        guard code == ENOENT else { return .fault(words(for: code, path)) }
        guard lstat(path, &status) != 0 else {
            return .fault("\(path) is a link that leads nowhere; remove it, or choose another folder")
        }
        return .nothing
    }

    private static func lackOfRoom(at folder: String) -> String? {
        var disk = statvfs()
        guard statvfs(folder, &disk) == 0 else { return words(for: errno, folder) }
        let (free, isLarge) = UInt64(disk.f_bavail).multipliedReportingOverflow(by: UInt64(disk.f_frsize))
        if !isLarge, free < UInt64(spaceForClip) {
            return "there is no room for a clip at \(folder): \(megabytes(Int64(free))) MB are free, and one may need "
                + "\(megabytes(spaceForClip)) MB; make room, or choose another folder"
        }
        // Some file systems count no files.
        guard disk.f_files == 0 || disk.f_favail > 0 else {
            return "the disk at \(folder) takes no more files; remove some, or choose another folder"
        }
        return nil
    }

    private static func megabytes(_ bytes: Int64) -> String { "\(bytes / 1_000_000)" }

    private static func words(for code: Int32, _ path: String) -> String {
        "clips cannot be saved in \(path): \(String(cString: strerror(code))); choose another folder"
    }

    private static func limits(of folder: String) -> (name: Int, path: Int) {
        let name = pathconf(folder, Int32(_PC_NAME_MAX))
        let path = pathconf(folder, Int32(_PC_PATH_MAX))
        return (name > 0 ? name : usualName, path > 0 ? path : usualPath)
    }

    // MARK: Names of clips

    private var limits: (name: Int, path: Int) {
        var existing = path
        while !existing.isEmpty, access(existing, F_OK) != 0 {
            existing = String(existing[..<(existing.lastIndex(of: "/") ?? existing.startIndex)])
        }
        return Self.limits(of: existing.isEmpty ? "/" : existing)
    }

    /// Whether the names of some clips could be too long: then each is to be asked about.
    package var isCramped: Bool {
        let limits = limits
        return limits.name < Self.longestName || path.utf8.count + Self.longestPath > limits.path
    }

    /// The names of clips that are too long for the folder.
    package struct Names {
        private let folder: OutputFolder
        private let batchName: String
        private let limits: (name: Int, path: Int)

        package init(in folder: OutputFolder, batchName: String) {
            self.folder = folder
            self.batchName = batchName
            limits = folder.limits
        }

        /// What is wrong with the name of this clip; nil: nothing.
        package func fault(of key: TaskKey, requested: String?) -> String? {
            let paths = ClipPaths(
                folder: folder.path, batchName: batchName,
                // A later attempt has a longer name.
                output: OutputName(batch: BatchID(0), key: key, attempt: 999, requested: requested),
                submissionKey: SubmissionKey(String(repeating: "a", count: ClipPaths.keyInPartName)))
            let last = paths.clipNames + [paths.recordName(paths.partNumbers.upperBound)]
            let longest = last.map(\.utf8.count).max() ?? 0
            let length = paths.folders.reduce(folder.path.utf8.count + 1 + longest) { $0 + 1 + $1.utf8.count }
            let name = paths.folders.reduce(longest) { max($0, $1.utf8.count) }
            guard name > limits.name || length >= limits.path else { return nil }
            return
                "the path of the clip \(SafeText.quoted(key.text)) in \(folder.path) would be too long for its disk; "
                + "choose another folder"
        }
    }

    // MARK: Trying

    /// Makes the folder, and in it for a moment a file as large as a clip: only that shows a quota, and what else a look does
    /// not.
    ///
    /// - Returns: what stands in the way, and what to do; nil: nothing.
    package func trial() -> String? {
        do throws(ClipError) {
            let folder = try OpenFolder.made(path)
            for number in 1...Self.mostTrials {
                let name = ".dailies-\(getpid())-\(number).trial"
                guard let file = try folder.newFile(name) else { continue }
                let fault = Self.fill(file)
                close(file)
                try folder.remove(name)
                return fault == 0 ? nil : Self.words(for: fault, path)
            }
            return Self.words(for: EACCES, path)
        } catch {
            return "\(error); choose another folder"
        }
    }

    /// - Returns: `errno` of what the disk refused; 0: nothing.
    private static func fill(_ file: Int32) -> Int32 {
        // Where room cannot be set aside, a byte has to do.
        let code = posix_fallocate(file, 0, off_t(spaceForClip))
        guard [0, EINVAL, EOPNOTSUPP, ENOSYS, EINTR].contains(code) else { return code }
        var byte: UInt8 = 0
        guard pwrite(file, &byte, 1, 0) == 1, fsync(file) == 0 else { return errno }
        return 0
    }
}
