import Foundation

/// Why a clip could not be written. The description is for users.
package enum ClipError: Error, Hashable, CustomStringConvertible {
    /// The disk failed, which affects all clips.
    case disk(String)
    /// All names for this clip are taken. Affects only this clip.
    case blocked(String)
    /// The bytes on disk differ from those received: another program wrote to the file, or the disk lost data.
    case contentMismatch
    /// The provider resumed the clip with another version of it.
    case versionMismatch

    /// An error of the last system call.
    static func system(_ operation: String, _ path: String, _ code: Int32 = errno) -> ClipError {
        .disk("cannot \(operation) \(path): \(String(cString: strerror(code)))")
    }

    /// Whether the error is about the file at a path, and not about the disk.
    static func isObstacle(_ code: Int32) -> Bool {
        [
            EACCES, EEXIST, EISDIR, ELOOP, ENAMETOOLONG, ENODEV, ENOTDIR, ENXIO, EOPNOTSUPP, EPERM, ETXTBSY,
        ].contains(code)
    }

    package var description: String {
        switch self {
        case .disk(let message), .blocked(let message): message
        case .contentMismatch: "the bytes on disk differ from those received"
        case .versionMismatch: "the provider resumed with another version of the clip"
        }
    }
}
