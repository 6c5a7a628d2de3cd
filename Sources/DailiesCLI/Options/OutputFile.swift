import DailiesCore
import DailiesRunner
import Foundation

/// A file that a command writes to a path from the user. It replaces only files that the same command wrote earlier,
/// and is written to a temporary file beside its path and moved there when complete.
struct OutputFile {
    /// The kinds of files that commands write, and how to recognize them.
    enum Kind: String {
        case sheet = "dailies sheet"
        case plan = "dailies plan"

        /// The first characters of the file.
        var beginning: String {
            switch self {
            case .sheet: "<!doctype html>\n"
            case .plan: "{\n  \"type\": \"dailies-plan\","
            }
        }

        /// Text within the first 4096 bytes of the file.
        var mark: String {
            switch self {
            case .sheet: "<title>Contact sheet · Dailies</title>"
            case .plan: beginning
            }
        }
    }

    /// The number of bytes searched for the mark.
    private static let headBytes = 4096
    /// Suffixes of the files that SQLite and the runner keep beside a store.
    private static let storeSuffixes = ["", "-wal", "-shm", "-lock", "-journal"]
    private static let maximumParts = 9

    /// Safe to show.
    let shownPath: String
    private let folder: OpenFolder
    private let name: String
    private let kind: Kind

    /// - Parameter store: the path of a store that the file must not be part of.
    /// - Throws: ``Stop`` with 64 if a different file exists at the path.
    init(_ path: String, _ kind: Kind, besideStore store: String) throws {
        let target = URL(fileURLWithPath: path).standardizedFileURL
        try Self.refusePart(ofStore: store, path)
        try self.init(target.lastPathComponent, in: Self.folder(target), kind)
    }

    /// - Throws: ``Stop`` with 64 for the store and the files that SQLite and the runner keep beside it, whether they
    ///   exist or not, and for such names beside any existing file, which may be a store or the target of a link.
    static func refusePart(ofStore store: String?, _ path: String) throws {
        let others = storeSuffixes.filter { !$0.isEmpty && path.hasSuffix($0) }.map { String(path.dropLast($0.count)) }
        let isOwn = store.map { isPart(path, ofStore: $0) } ?? false
        guard let owner = isOwn ? store : others.first(where: { access($0, F_OK) == 0 }) else { return }
        throw Stop(
            .usage, "\(SafeText.escaped(path)) belongs to the store \(SafeText.escaped(owner)); choose another file")
    }

    private static func isPart(_ path: String, ofStore store: String) -> Bool {
        let (target, storeFile) = (URL(fileURLWithPath: path), URL(fileURLWithPath: store))
        let names = storeSuffixes.map { storeFile.standardizedFileURL.lastPathComponent + $0 }
        return resolved(storeFile) == resolved(target)
            && names.contains(target.standardizedFileURL.lastPathComponent)
    }

    /// - Throws: ``Stop`` with 64 if a different file exists at the path.
    init(_ name: String, in folder: OpenFolder, _ kind: Kind) throws {
        self.name = name
        self.folder = folder
        self.kind = kind
        shownPath = SafeText.escaped(folder.path + "/" + name)
        try refuseForeign()
    }

    private static func folder(_ target: URL) throws -> OpenFolder {
        do {
            return try OpenFolder.opened(target.deletingLastPathComponent().path)
        } catch {
            throw Stop(.unexpected, "cannot write \(SafeText.escaped(target.path)): \(error)")
        }
    }

    private static func resolved(_ file: URL) -> String {
        file.standardizedFileURL.deletingLastPathComponent().resolvingSymlinksInPath().path
    }

    /// - Returns: the permissions of the file that will be replaced; nil: there is none.
    @discardableResult private func refuseForeign() throws -> mode_t? {
        guard let found = folder.status(of: name) else { return nil }
        guard try isReplaceable() else {
            throw Stop(
                .usage,
                "\(shownPath) was not written by `\(kind.rawValue)`, so it will not be replaced; choose another file or move this one"
            )
        }
        return found.st_mode & 0o777
    }

    /// An empty file is never replaced: it may be the log of an idle store.
    private func isReplaceable() throws -> Bool {
        guard let file = try folder.file(name, O_RDONLY) else { return false }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: Self.headBytes)
        let count = pread(file, &bytes, bytes.count, 0)
        guard count > 0 else { return false }
        let head = String(decoding: bytes[..<count], as: UTF8.self)
        return head.hasPrefix(kind.beginning) && head.contains(kind.mark)
    }

    /// Writes the texts that `body` appends, in order.
    ///
    /// - Throws: ``Stop``, and errors of `body`; then the path is unchanged.
    func write<Result>(_ body: ((String) throws -> Void) throws -> Result) throws -> Result {
        let (file, part) = try newPart()
        do {
            defer { close(file) }
            let result = try body { try append($0, to: file) }
            if let mode = try refuseForeign() { _ = fchmod(file, mode) }
            guard fsync(file) == 0 else { throw failure(errno) }
            try put(part)
            return result
        } catch {
            // Report the first error. A part file that cannot be removed is hidden and replaces nothing.
            try? folder.remove(part)
            guard let fault = error as? ClipError else { throw error }
            throw Stop(.unexpected, "cannot write \(shownPath): \(fault)")
        }
    }

    private func put(_ part: String) throws {
        if folder.status(of: name) == nil, try folder.rename(part, toFree: name) { return }
        try refuseForeign()
        try folder.replace(name, by: part)
    }

    private func newPart() throws -> (file: Int32, name: String) {
        for number in 1...Self.maximumParts {
            let part = ".dailies-\(getpid())-\(number).part"
            do {
                if let file = try folder.newFile(part, mode: 0o666) { return (file, part) }
            } catch {
                throw Stop(.unexpected, "cannot write \(shownPath): \(error)")
            }
        }
        throw Stop(.unexpected, "cannot write \(shownPath): cannot create a file in its folder")
    }

    private func append(_ text: String, to file: Int32) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure(errno) }
            rest = rest.dropFirst(count)
        }
    }

    private func failure(_ code: Int32) -> Stop {
        Stop(.unexpected, "cannot write \(shownPath): \(String(cString: strerror(code)))")
    }
}
