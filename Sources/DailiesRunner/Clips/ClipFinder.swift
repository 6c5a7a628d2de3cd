import Crypto
import DailiesCore
import Foundation

/// Where saved clips are now: where they were saved, or, if their folder was moved together with the store, beside the store.
///
/// Every call blocks.
package struct ClipFinder {
    /// How a clip is found.
    package enum Finding: Hashable, Sendable {
        /// As long as it was saved, and, where that was asked, with the same content.
        case present(path: String)
        /// Nothing is there, and beside the store neither.
        case missing
        /// Something else is there. `reason` is for people.
        case changed(path: String, reason: String)

        /// Where it can be had; nil: nowhere.
        package var path: String? { if case .present(let path) = self { path } else { nil } }
    }

    /// The shortest end of a path that tells a clip: its folder and its name.
    private static let fewestNames = 2
    /// Clips that are looked for beside the store, each by a look for each part of its path, as long as none is found.
    private static let mostSearches = 1000

    /// The store's folder and those above it, without the root.
    private let places: [String]
    /// What came in place of which folder, as far as clips have shown.
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

    /// - Parameter checksContent: its digest too, not only its length.
    package mutating func find(_ clip: SavedClip, checksContent: Bool = false) -> Finding {
        let found = Self.look(at: clip.path, clip, checksContent)
        guard found == .missing else { return found }
        for (old, new) in moves {
            guard let end = Self.end(of: clip.path, below: old) else { continue }
            let moved = Self.look(at: new + end, clip, checksContent)
            if moved != .missing { return moved }
        }
        return search(clip)
    }

    /// By bytes: to a file system two ways to write a letter are two names.
    private static func end(of path: String, below folder: String) -> String? {
        guard path.utf8.starts(with: (folder + "/").utf8) || path.utf8.elementsEqual(folder.utf8) else { return nil }
        return String(Substring(path.utf8.dropFirst(folder.utf8.count)))
    }

    /// The folder that took the place of one that is gone with the folder that it was in; nil: that is not so, or nothing took
    /// its place.
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

    /// Beside the store, by ever shorter ends of its path. Only what has the very content is the clip.
    private mutating func search(_ clip: SavedClip) -> Finding {
        guard searches < Self.mostSearches || !moves.isEmpty else { return .missing }
        searches += 1
        let names = clip.path.split(separator: "/")
        for place in places {
            for start in names.indices.dropLast(Self.fewestNames - 1) {
                let candidate = place + "/" + names[start...].joined(separator: "/")
                guard case .present = Self.look(at: candidate, clip, true) else { continue }
                let old = names[..<start].map { "/" + $0 }.joined()
                if !moves.contains(where: { $0 == (old, place) }) { moves.append((old, place)) }
                return .present(path: candidate)
            }
        }
        return .missing
    }

    // MARK: Looking

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func look(at path: String, _ clip: SavedClip, _ checksContent: Bool) -> Finding {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let code = errno
            guard code != ENOENT, code != ENOTDIR else { return .missing }
            return .changed(path: path, reason: "it cannot be looked at: \(String(cString: strerror(code)))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else { return .changed(path: path, reason: "it is no file") }
        guard Int64(status.st_size) == clip.bytes else {
            return .changed(path: path, reason: "it has \(status.st_size) bytes, and was saved with \(clip.bytes)")
        }
        guard checksContent else { return .present(path: path) }
        switch digest(path) {
        case .success(clip.sha256): return .present(path: path)
        case .success: return .changed(path: path, reason: "its content is not what was saved")
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
        return .success(hasher.finalize().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())
    }
}
