import Foundation

/// An open folder. Files in it are created, renamed and removed through its descriptor, so that a link put in its place
/// later has no effect.
///
/// Every call blocks.
package final class OpenFolder {
    package let path: String
    private let descriptor: Int32

    private init(_ descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    // MARK: Opening

    /// Opens a folder named by the user, which may be a link. Creates it if missing.
    package static func made(_ path: String) throws(ClipError) -> OpenFolder {
        for end in path.indices.dropFirst() where path[end] == "/" { try make(String(path[..<end]), path) }
        try make(path, path)
        return try opened(path)
    }

    /// Opens an existing folder.
    package static func opened(_ path: String) throws(ClipError) -> OpenFolder {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", path) }
        return OpenFolder(descriptor, path: path)
    }

    private static func make(_ folder: String, _ whole: String) throws(ClipError) {
        var status = stat()
        if stat(folder, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else { throw .system("create", whole, ENOTDIR) }
            return
        }
        guard mkdir(folder, 0o777) == 0 else {
            if errno == EEXIST { return }
            throw .system("create", whole)
        }
        let parent = folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)]
        try opened(parent.isEmpty ? "/" : String(parent)).sync()
    }

    /// A folder in this one, created if missing. nil if another file has the name or the folder is not writable.
    func subfolder(_ name: String) throws(ClipError) -> OpenFolder? {
        let path = path + "/" + name
        if mkdirat(descriptor, name, 0o777) == 0 {
            try sync()
        } else if errno != EEXIST {
            throw .system("create", path)
        }
        let child = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard child >= 0 else {
            let code = errno
            if ClipError.isObstacle(code) { return nil }
            throw .system("open", path, code)
        }
        let folder = OpenFolder(child, path: path)
        guard faccessat(child, ".", W_OK | X_OK, AT_EACCESS) == 0 || !ClipError.isObstacle(errno) else { return nil }
        return folder
    }

    // MARK: Files

    /// The status of a file; nil if there is none. Does not follow links.
    package func status(of name: String) -> stat? {
        var status = stat()
        return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
    }

    /// Opens an existing regular file; nil if there is none, or another kind of file. Does not follow links or wait for
    /// the other end of a pipe.
    package func file(_ name: String, _ access: Int32) throws(ClipError) -> Int32? {
        guard let found = status(of: name), found.st_mode & S_IFMT == S_IFREG else { return nil }
        let file = openat(descriptor, name, access | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else {
            let code = errno
            if ClipError.isObstacle(code) || code == ENOENT { return nil }
            throw .system("open", path + "/" + name, code)
        }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(file)
            return nil
        }
        return file
    }

    /// Creates a file; nil if the name is taken.
    package func newFile(_ name: String, mode: mode_t = 0o644) throws(ClipError) -> Int32? {
        let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = openat(descriptor, name, flags, mode)
        guard file >= 0 else {
            let code = errno
            if ClipError.isObstacle(code) { return nil }
            throw .system("create", path + "/" + name, code)
        }
        return file
    }

    /// Renames a file unless the new name is taken. Of two concurrent calls only one succeeds.
    ///
    /// - Returns: false if the name is taken.
    package func rename(_ name: String, toFree other: String) throws(ClipError) -> Bool {
        if linkat(descriptor, name, descriptor, other, 0) == 0 {
            try remove(name)
            return true
        }
        let code = errno
        if code == EEXIST { return false }
        // Not every file system supports hard links. An empty file then reserves the name until the rename.
        guard [EMLINK, ENOSYS, ENOTSUP, EOPNOTSUPP, EPERM].contains(code) else {
            if ClipError.isObstacle(code) { return false }
            throw .system("rename to", path + "/" + other, code)
        }
        guard let holder = try newFile(other) else { return false }
        close(holder)
        do throws(ClipError) {
            try replace(other, by: name)
        } catch {
            try remove(other)
            throw error
        }
        return true
    }

    /// Replaces another file.
    package func replace(_ other: String, by name: String) throws(ClipError) {
        guard renameat(descriptor, name, descriptor, other) == 0 else {
            throw .system("rename to", path + "/" + other)
        }
    }

    /// Removes a file. Ignores files that do not exist and anything that is not a file.
    package func remove(_ name: String) throws(ClipError) {
        guard let found = status(of: name), found.st_mode & S_IFMT == S_IFREG else { return }
        guard unlinkat(descriptor, name, 0) != 0, errno != ENOENT else { return }
        throw .system("remove", path + "/" + name)
    }

    package func sync() throws(ClipError) {
        guard fsync(descriptor) == 0 else { throw .system("sync", path) }
    }

    /// Whether its path still refers to it.
    var isInPlace: Bool {
        var (held, found) = (stat(), stat())
        return fstat(descriptor, &held) == 0 && stat(path, &found) == 0 && held.st_dev == found.st_dev
            && held.st_ino == found.st_ino
    }
}
