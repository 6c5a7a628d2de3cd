import Crypto
import DailiesCore
import Foundation

/// Finds saved clips: at their recorded path or, if their folder was moved together with the store, relative to the
/// store.
///
/// Every call blocks.
package struct ClipFinder {
    /// The result for one clip.
    package enum Finding: Hashable, Sendable {
        /// It has the recorded length, and the recorded content if that was checked.
        case present(path: String)
        /// It is neither at its recorded path nor relative to the store.
        case missing
        /// Another file is there. `reason` is for users.
        case changed(path: String, reason: String)

        /// The path of the file; nil if missing.
        package var path: String? { if case .present(let path) = self { path } else { nil } }
    }

    /// Minimum number of path components that identify a clip: its folder and its name.
    private static let minimumComponents = 2
    /// Maximum number of clips searched relative to the store; each search tries every suffix of the path.
    private static let maximumSearches = 1000

    /// The store's folder and its ancestors, without the root.
    private let places: [String]
    /// Folder moves, as far as known from clips that were found.
    private var moves: [(old: String, new: String)] = []
    private var searches = 0

    /// - Parameter path: of the store, absolute.
    package init(store path: String) {
        var places: [String] = []
        var rest = path.split(separator: "/").dropLast()
        while !rest.isEmpty {
            places.append("/" + rest.joined(separator: "/"))
            rest = rest.dropLast()
        }
        self.places = places
    }

    /// - Parameter checksContent: compare the digest too, not only the length.
    package mutating func find(_ clip: SavedClip, checksContent: Bool = false) -> Finding {
        let found = Self.inspect(at: clip.path, clip, checksContent)
        guard found == .missing else { return found }
        for (old, new) in moves {
            guard let end = Self.end(of: clip.path, below: old) else { continue }
            let moved = Self.inspect(at: new + end, clip, checksContent)
            if moved != .missing { return moved }
        }
        return search(clip)
    }

    /// Compares bytes: file systems distinguish different encodings of a letter.
    private static func end(of path: String, below folder: String) -> String? {
        guard path.utf8.starts(with: (folder + "/").utf8) || path.utf8.elementsEqual(folder.utf8) else { return nil }
        return String(Substring(path.utf8.dropFirst(folder.utf8.count)))
    }

    /// The new location of a folder that was moved together with its parent; nil if it was not, or was not found.
    package func folder(inPlaceOf recorded: String) -> String? {
        let parent = recorded.split(separator: "/").dropLast().map { "/" + $0 }.joined()
        guard !Self.isFolder(recorded), !parent.isEmpty, !Self.isFolder(parent) else { return nil }
        for (old, new) in moves {
            if let end = Self.end(of: recorded, below: old), Self.isFolder(new + end) { return new + end }
        }
        let names = recorded.split(separator: "/")
        for place in places {
            for start in names.indices {
                let candidate = place + "/" + names[start...].joined(separator: "/")
                if Self.isFolder(candidate) { return candidate }
            }
        }
        return nil
    }

    /// Searches relative to the store, by ever shorter suffixes of the path. The content must match.
    private mutating func search(_ clip: SavedClip) -> Finding {
        guard searches < Self.maximumSearches || !moves.isEmpty else { return .missing }
        searches += 1
        let names = clip.path.split(separator: "/")
        for place in places {
            for start in names.indices.dropLast(Self.minimumComponents - 1) {
                let candidate = place + "/" + names[start...].joined(separator: "/")
                guard case .present = Self.inspect(at: candidate, clip, true) else { continue }
                let old = names[..<start].map { "/" + $0 }.joined()
                if !moves.contains(where: { $0 == (old, place) }) { moves.append((old, place)) }
                return .present(path: candidate)
            }
        }
        return .missing
    }

    // MARK: Checks

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func inspect(at path: String, _ clip: SavedClip, _ checksContent: Bool) -> Finding {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let code = errno
            guard code != ENOENT, code != ENOTDIR else { return .missing }
            return .changed(path: path, reason: "it cannot be inspected: \(String(cString: strerror(code)))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else { return .changed(path: path, reason: "it is not a file") }
        guard Int64(status.st_size) == clip.bytes else {
            return .changed(path: path, reason: "it has \(status.st_size) bytes, but was saved with \(clip.bytes)")
        }
        guard checksContent else { return .present(path: path) }
        switch digest(path) {
        case .success(clip.sha256): return .present(path: path)
        case .success: return .changed(path: path, reason: "its content differs from the saved clip")
        case .failure(let fault): return .changed(path: path, reason: fault.description)
        }
    }

    private static func digest(_ path: String) -> Result<String, ClipError> {
        let file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return .failure(.system("read", path)) }
        defer { close(file) }
        var hasher = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return .failure(.system("read", path)) }
            if count == 0 { break }
            buffer.withUnsafeBytes { hasher.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        return .success(hasher.finalize().hexadecimal)
    }
}
