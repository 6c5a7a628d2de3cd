import Foundation

/// A folder that is held open. What is made, renamed and removed in it goes by its descriptor, so that no link which is put
/// in its place later leads anything elsewhere.
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

    /// Opens a folder that a user named, which may be a link; it is made where it is missing.
    package static func made(_ path: String) throws(ClipError) -> OpenFolder {
        for end in path.indices.dropFirst() where path[end] == "/" { try make(String(path[..<end]), path) }
        try make(path, path)
        return try opened(path)
    }

    /// Opens a folder that is there.
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

    /// A folder in this one, made where it is missing. nil where something else has the name, or where nothing may be
    /// written in it.
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

    /// What stands under a name: nil where nothing does. Links are not followed.
    package func status(of name: String) -> stat? {
        var status = stat()
        return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
    }

    /// Opens a regular file that is there; nil where there is none, or where something else stands. It neither follows a link
    /// nor waits for whoever is at the other end of a pipe.
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

    /// Makes a file under a name that nothing has; nil where something has it.
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

    /// Gives a file another name, which nothing may have: whoever comes second finds it taken.
    ///
    /// - Returns: false where something has it.
    package func rename(_ name: String, toFree other: String) throws(ClipError) -> Bool {
        if linkat(descriptor, name, descriptor, other, 0) == 0 {
            try remove(name)
            return true
        }
        let code = errno
        if code == EEXIST { return false }
        // Not every file system has links. An empty file holds the name instead, until ours takes its place.
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

    /// Puts a file in the place of another.
    package func replace(_ other: String, by name: String) throws(ClipError) {
        guard renameat(descriptor, name, descriptor, other) == 0 else {
            throw .system("rename to", path + "/" + other)
        }
    }

    /// Removes a file. One that is gone already is no trouble, and what is no file stays.
    package func remove(_ name: String) throws(ClipError) {
        guard let found = status(of: name), found.st_mode & S_IFMT == S_IFREG else { return }
        guard unlinkat(descriptor, name, 0) != 0, errno != ENOENT else { return }
        throw .system("remove", path + "/" + name)
    }

    package func sync() throws(ClipError) {
        guard fsync(descriptor) == 0 else { throw .system("sync", path) }
    }

    /// Whether its path still leads to it.
    var isInPlace: Bool {
        var (held, found) = (stat(), stat())
        return fstat(descriptor, &held) == 0 && stat(path, &found) == 0 && held.st_dev == found.st_dev
            && held.st_ino == found.st_ino
    }
}
