import Foundation

/// Why a clip could not be written, for people.
package enum ClipError: Error, Hashable, CustomStringConvertible {
    /// The disk refuses, which concerns every clip.
    case disk(String)
    /// Something stands where this clip would go, under every name that it could take. Concerns this clip alone.
    case blocked(String)
    /// What is on disk is not what came: another program has written into it, or the disk has lost it.
    case spoiled
    /// The provider went on with another version in the middle of the clip.
    case notJoined

    /// What the system said when it was last asked.
    static func system(_ doing: String, _ path: String, _ code: Int32 = errno) -> ClipError {
        .disk("cannot \(doing) \(path): \(String(cString: strerror(code)))")
    }

    /// Whether a refusal of the system's speaks of what stands under a name, and not of the disk.
    static func isObstacle(_ code: Int32) -> Bool {
        [
            EACCES, EEXIST, EISDIR, ELOOP, ENAMETOOLONG, ENODEV, ENOTDIR, ENXIO, EOPNOTSUPP, EPERM, ETXTBSY,
        ].contains(code)
    }

    package var description: String {
        switch self {
        case .disk(let words), .blocked(let words): words
        case .spoiled: "what is on disk is not what came"
        case .notJoined: "the provider went on with another version of the clip"
        }
    }
}
