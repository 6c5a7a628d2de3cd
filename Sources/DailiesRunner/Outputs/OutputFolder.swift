import DailiesCore
import Foundation

/// Checks that clips can be saved in a folder, before anything is paid for.
///
/// Every call blocks.
package struct OutputFolder {
    /// Space for one clip: 20 s at 1080p and 6 Mbit/s. For longer clips the run finds out, and stops submitting.
    private static let spaceForClip: Int64 = 16 << 20
    /// Maximum bytes of a clip's name and path below the folder, for the longest key that manifests allow.
    private static let (maximumNameBytes, maximumPathBytes) = (220, 3000)
    /// Limits assumed for unknown file systems: those of Linux.
    private static let (usualName, usualPath) = (255, 4096)
    private static let maximumTrials = 9

    /// Absolute.
    package let path: String

    package init(_ path: String) { self.path = path }

    // MARK: Checks

    /// The problem and its remedy; nil for none. Creates nothing.
    package func fault() -> String? {
        var existing = "/"
        var missing: [Substring] = []
        for name in path.split(separator: "/") {
            if missing.isEmpty {
                let next = existing == "/" ? "/\(name)" : "\(existing)/\(name)"
                switch Self.inspect(at: next) {
                case .folder: existing = next
                case .nothing: missing = [name]
                case .fault(let message): return message
                }
            } else {
                missing.append(name)
            }
        }
        let (name, path) = Self.limits(of: existing)
        if missing.contains(where: { $0.utf8.count > name }) || self.path.utf8.count >= path {
            return Self.message(for: ENAMETOOLONG, self.path)
        }
        guard faccessat(AT_FDCWD, existing, W_OK | X_OK, AT_EACCESS) == 0 else {
            return Self.message(for: errno, existing)
        }
        return Self.spaceProblem(at: existing)
    }

    private enum PathStatus {
        case folder
        case nothing
        case fault(String)
    }

    private static func inspect(at path: String) -> PathStatus {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT != S_IFDIR else { return .folder }
            return .fault("\(path) is not a folder; move it away, or choose another folder")
        }
        let code = errno
        guard code == ENOENT else { return .fault(message(for: code, path)) }
        guard lstat(path, &status) != 0 else {
            return .fault("\(path) is a broken link; remove it, or choose another folder")
        }
        return .nothing
    }

    private static func spaceProblem(at folder: String) -> String? {
        var disk = statvfs()
        guard statvfs(folder, &disk) == 0 else { return message(for: errno, folder) }
        let (free, isLarge) = UInt64(disk.f_bavail).multipliedReportingOverflow(by: UInt64(disk.f_frsize))
        if !isLarge, free < UInt64(spaceForClip) {
            return "not enough space for a clip at \(folder): \(megabytes(Int64(free))) MB free, and a clip may need "
                + "\(megabytes(spaceForClip)) MB; free some space, or choose another folder"
        }
        // Some file systems do not count files.
        guard disk.f_files == 0 || disk.f_favail > 0 else {
            return "the disk at \(folder) cannot hold more files; remove some, or choose another folder"
        }
        return nil
    }

    private static func megabytes(_ bytes: Int64) -> String { "\(bytes / 1_000_000)" }

    private static func message(for code: Int32, _ path: String) -> String {
        "clips cannot be saved in \(path): \(String(cString: strerror(code))); choose another folder"
    }

    private static func limits(of folder: String) -> (name: Int, path: Int) {
        let name = pathconf(folder, Int32(_PC_NAME_MAX))
        let path = pathconf(folder, Int32(_PC_PATH_MAX))
        return (name > 0 ? name : usualName, path > 0 ? path : usualPath)
    }

    // MARK: Clip names

    private var limits: (name: Int, path: Int) {
        var existing = path
        while !existing.isEmpty, access(existing, F_OK) != 0 {
            existing = String(existing[..<(existing.lastIndex(of: "/") ?? existing.startIndex)])
        }
        return Self.limits(of: existing.isEmpty ? "/" : existing)
    }

    /// Whether some clip names could be too long, so that each must be checked.
    package var isCramped: Bool {
        let limits = limits
        return limits.name < Self.maximumNameBytes || path.utf8.count + Self.maximumPathBytes > limits.path
    }

    /// Checks clip names for the folder's limits.
    package struct Names {
        private let folder: OutputFolder
        private let batchName: String
        private let limits: (name: Int, path: Int)

        package init(in folder: OutputFolder, batchName: String) {
            self.folder = folder
            self.batchName = batchName
            limits = folder.limits
        }

        /// The problem with the name of this clip; nil for none.
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
                "the path of clip \(SafeText.quoted(key.text)) in \(folder.path) is too long for its disk; "
                + "choose another folder"
        }
    }

    // MARK: Trial

    /// Creates the folder, and temporarily a file of a clip's size in it: only that detects a quota and similar limits.
    ///
    /// - Returns: the problem and its remedy; nil for none.
    package func trial() -> String? {
        do throws(ClipError) {
            let folder = try OpenFolder.made(path)
            for number in 1...Self.maximumTrials {
                let name = ".dailies-\(getpid())-\(number).trial"
                guard let file = try folder.newFile(name) else { continue }
                defer { close(file) }
                // First, so that a process that is killed here leaves no file of a clip's size behind.
                try folder.remove(name)
                let fault = Self.fill(file)
                return fault == 0 ? nil : Self.message(for: fault, path)
            }
            return Self.message(for: EACCES, path)
        } catch {
            return "\(error); choose another folder"
        }
    }

    /// - Returns: `errno`, or 0 on success.
    private static func fill(_ file: Int32) -> Int32 {
        // Where space cannot be reserved, write a byte.
        let code = posix_fallocate(file, 0, off_t(spaceForClip))
        guard [0, EINVAL, EOPNOTSUPP, ENOSYS, EINTR].contains(code) else { return code }
        var byte: UInt8 = 0
        guard pwrite(file, &byte, 1, 0) == 1, fsync(file) == 0 else { return errno }
        return 0
    }
}
