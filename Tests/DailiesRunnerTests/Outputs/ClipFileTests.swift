import DailiesCore
import Foundation
import Testing

@testable import DailiesRunner

struct ClipFileTests {
    private let scratch: Scratch
    private let paths: ClipPaths
    private let key = SubmissionKey("abcdefghijklmnopqrstuvwx")

    private static let whole = SmallClip.whole
    private static let version = AssetVersion(validator: "\"1\"", length: Int64(whole.count))

    init() throws {
        scratch = try Scratch()
        paths = Self.paths(in: scratch.folder, key)
    }

    private static func paths(in folder: String, _ key: SubmissionKey) -> ClipPaths {
        ClipPaths(
            folder: folder, batchName: "reel",
            output: OutputName(batch: BatchID(1), key: TaskKey("a/shot"), attempt: 1, requested: nil),
            submissionKey: key)
    }

    private func file() throws -> ClipFile { try ClipFile(paths) }
    private var folder: String { scratch.folder + "/reel/a" }
    private var clip: String { folder + "/shot.mp4" }
    private var marked: String { folder + "/shot~abcdefgh.mp4" }
    private func path(ofPart number: Int) -> String { folder + "/" + paths.partName(number) }
    private var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }
    }

    private func makeFolder() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    @discardableResult private func put(_ text: String, at path: String) -> String {
        #expect(FileManager.default.createFile(atPath: path, contents: Data(text.utf8)))
        return path
    }

    private func save(_ bytes: [UInt8]) throws -> SavedClip {
        let file = try file()
        try file.start(at: 0, AssetVersion(length: Int64(bytes.count)))
        try file.write(bytes)
        return try file.finish()
    }

    /// A part with `bytes` on record.
    private func leave(_ bytes: [UInt8], of version: AssetVersion = version) throws {
        let file = try file()
        try file.start(at: 0, version)
        try file.write(bytes)
        try file.keep()
    }

    // MARK: One clip

    @Test func `a complete clip has its final name, and no other file remains`() throws {
        let file = try file()
        #expect(file.resumePoint == .start)
        try file.start(at: 0, Self.version)
        try file.write(Array(Self.whole.prefix(10)))
        #expect(!file.isComplete)
        try file.write(Array(Self.whole.dropFirst(10)))
        #expect(file.isComplete)
        #expect(try file.verdict() == .whole)
        let saved = try file.finish()
        #expect(saved.path == clip && saved.bytes == Int64(Self.whole.count))
        #expect(saved.sha256.count == 64)
        #expect(scratch.contents(saved.path) == Self.whole)
        #expect(try names == ["shot.mp4"])
    }

    @Test func `the digest covers all bytes`() throws {
        let clip = try save(Array("abc".utf8))
        #expect(clip.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test(arguments: [1, 30, whole.count])
    func `a download resumes where the last one stopped`(cut: Int) throws {
        try leave(Array(Self.whole.prefix(cut)))
        let second = try file()
        #expect(second.resumePoint == ResumePoint(offset: Int64(cut), version: Self.version))
        #expect(second.isComplete == (cut == Self.whole.count))
        try second.start(at: Int64(cut), Self.version)
        try second.write(Array(Self.whole.dropFirst(cut)))
        #expect(try second.verdict() == .whole)
        #expect(scratch.contents(try second.finish().path) == Self.whole)
        #expect(try names == ["shot.mp4"])
    }

    @Test func `bytes without a record are downloaded again`() throws {
        try leave(Array(Self.whole.prefix(20)))
        do {
            let killed = try file()
            try killed.start(at: 20, Self.version)
            try killed.write(Array(Self.whole[20..<40]))
        }
        #expect(try file().resumePoint.offset == 20)
    }

    @Test func `a long part is recorded as it grows`() throws {
        let block = [UInt8](repeating: 7, count: 1 << 20)
        do {
            let killed = try file()
            try killed.start(at: 0, AssetVersion(validator: "\"1\"", length: 100 << 20))
            for _ in 0..<10 { try killed.write(block) }
        }
        #expect(try file().resumePoint.offset == 8 << 20)
    }

    @Test func `a server that starts again replaces the existing bytes`() throws {
        // Longer than the clip, so that a remainder would be visible.
        try leave([UInt8](repeating: 9, count: 500), of: AssetVersion(validator: "\"0\"", length: 600))
        let file = try file()
        #expect(file.length == 500)
        try file.start(at: 0, Self.version)
        #expect(file.length == 0)
        try file.write(Self.whole)
        #expect(scratch.contents(try file.finish().path) == Self.whole)
    }

    // MARK: Two versions

    @Test(arguments: [
        AssetVersion(validator: "\"2\"", length: 600), AssetVersion(validator: nil, length: 600),
        AssetVersion(validator: "\"1\"", length: 601), AssetVersion(validator: "\"1\""),
    ])
    func `bytes of another version are not appended`(other: AssetVersion) throws {
        try leave([UInt8](repeating: 9, count: 500), of: AssetVersion(validator: "\"1\"", length: 600))
        let file = try file()
        #expect(throws: ClipError.versionMismatch) { try file.start(at: 500, other) }
        #expect(throws: ClipError.versionMismatch) {
            try file.start(at: 499, AssetVersion(validator: "\"1\"", length: 600))
        }
    }

    @Test func `bytes of a version without a validator are not resumed`() throws {
        try leave(Array(Self.whole.prefix(20)), of: AssetVersion(length: Int64(Self.whole.count)))
        #expect(try file().resumePoint == .start)
    }

    @Test func `a part of another submission is not touched`() throws {
        try leave(Array(Self.whole.prefix(20)))
        let other = try ClipFile(Self.paths(in: scratch.folder, SubmissionKey("zzzzzzzzzzzzzzzzzzzzzzzz")))
        #expect(other.resumePoint == .start)
        #expect(try file().resumePoint.offset == 20)
    }

    // MARK: Complete or not

    @Test func `a damaged part is discarded`() throws {
        let file = try file()
        try file.start(at: 0, AssetVersion(validator: "\"1\"", length: 6))
        try file.write(Array("<html>".utf8))
        guard case .damaged = try file.verdict() else { return #expect(Bool(false), "it passes") }
        try file.discard()
        #expect(file.resumePoint == .start)
        #expect(try names == [])
        #expect(scratch.contents(try save(Self.whole).path) == Self.whole)
    }

    @Test func `a clip that may be truncated is kept until a complete one is saved`() throws {
        let kept = try keepUnverified(Self.whole)
        #expect(kept == folder + "/shot~unverified.mp4")
        #expect(scratch.contents(kept) == Self.whole)
        let next = try file()
        #expect(
            next.resumePoint == ResumePoint(offset: Int64(Self.whole.count), version: AssetVersion(validator: "\"1\"")))
        // The server starts again: the kept part stays.
        try next.start(at: 0, Self.version)
        try next.write(Array(Self.whole.prefix(30)))
        try next.keep()
        #expect(scratch.contents(kept) == Self.whole)
        try next.write(Array(Self.whole.dropFirst(30)))
        #expect(try next.finish().path == clip)
        #expect(try names == ["shot.mp4"])
    }

    @Test func `a clip that may be truncated is saved once its length is confirmed`() throws {
        _ = try keepUnverified(Self.whole)
        let next = try file()
        try next.start(at: Int64(Self.whole.count), Self.version)
        #expect(try next.verdict() == .whole)
        #expect(try next.finish().path == clip)
        #expect(try names == ["shot.mp4"])
    }

    @Test func `of two clips that may be truncated the longer one is kept`() throws {
        let short = SmallClip.whole
        let long = SmallClip.whole + SmallClip.box("free", [1, 2, 3])
        for (first, second) in [(short, long), (long, short)] {
            _ = try keepUnverified(first)
            let kept = try keepUnverified(second, again: true)
            #expect(scratch.contents(kept) == long)
            #expect(try names.filter { !$0.hasPrefix(".") } == ["shot~unverified.mp4"])
            try FileManager.default.removeItem(atPath: scratch.folder + "/reel")
        }
    }

    @Test func `a user's file with the name of an unverified clip is not changed`() throws {
        try makeFolder()
        put("precious", at: folder + "/shot~unverified.mp4")
        let kept = try keepUnverified(Self.whole)
        #expect(kept == path(ofPart: 1))
        #expect(try save(Self.whole).path == clip)
        #expect(scratch.contents(folder + "/shot~unverified.mp4") == Array("precious".utf8))
    }

    private func keepUnverified(_ bytes: [UInt8], again: Bool = false) throws -> String {
        let file = try file()
        try file.start(at: 0, AssetVersion(validator: "\"1\""))
        try file.write(bytes)
        #expect(try file.verdict() == .unverified)
        return try file.keepUnverified()
    }

    // MARK: One process per part

    @Test func `a part belongs to one process, and another process uses a separate part`() throws {
        try leave(Array(Self.whole.prefix(20)))
        let first = try file()
        let second = try file()
        #expect(first.resumePoint.offset == 20 && second.resumePoint == .start)
        try second.start(at: 0, Self.version)
        try second.write(Self.whole)
        try first.start(at: 20, Self.version)
        try first.write(Array(Self.whole.dropFirst(20)))
        #expect(try names.contains(paths.partName(2)))
        let saved = try (first.finish(), second.finish())
        // Equal content is one clip.
        #expect(saved.0 == saved.1)
        #expect(try names == ["shot.mp4"])
    }

    @Test func `two stores with different clips of the same name keep both`() throws {
        let (first, second) = (try file(), try file())
        for (file, mark) in [(first, UInt8(1)), (second, 2)] {
            try file.start(at: 0, AssetVersion(length: Int64(SmallClip.clip(mark).count)))
            try file.write(SmallClip.clip(mark))
        }
        #expect(try first.finish().path == clip)
        #expect(try second.finish().path == marked)
        #expect(scratch.contents(clip) == SmallClip.clip(1) && scratch.contents(marked) == SmallClip.clip(2))
    }

    @Test func `bytes written to a part by another program are detected before it is saved`() throws {
        let file = try file()
        try file.start(at: 0, Self.version)
        try file.write(Self.whole)
        try overwrite(path(ofPart: 1), at: 40, with: [0])
        #expect(throws: ClipError.contentMismatch) { try file.finish() }
    }

    @Test(arguments: [[0], []] as [[UInt8]])
    func `a part that does not match its record is not resumed`(bytes: [UInt8]) throws {
        try leave(Array(Self.whole.prefix(40)))
        if bytes.isEmpty {
            #expect(truncate(path(ofPart: 1), 39) == 0)
        } else {
            try overwrite(path(ofPart: 1), at: 39, with: bytes)
        }
        #expect(try file().resumePoint == .start)
    }

    @Test(arguments: ["", "dailies-part 1\n", "dailies-part 2\nkey k\nvalidator v\nlength \nbytes 4\nsha256 x\nend\n"])
    func `a part with an invalid record is another program's file`(text: String) throws {
        try leave(Array(Self.whole.prefix(40)))
        put(text, at: folder + "/" + paths.recordName(1))
        #expect(try file().resumePoint == .start)
        #expect(try save(Self.whole).path == clip)
        #expect(scratch.contents(path(ofPart: 1)) == Array(Self.whole.prefix(40)))
        #expect(scratch.contents(folder + "/" + paths.recordName(1)) == Array(text.utf8))
    }

    @Test func `a complete part is recorded before it is renamed`() throws {
        try makeFolder()
        func write() throws {
            let file = try file()
            try file.start(at: 0, Self.version)
            try file.write(Self.whole)
            // It fails at the rename.
            for name in paths.clipNames { #expect(mkdir(folder + "/" + name, 0o755) == 0) }
            #expect(throws: ClipError.self) { try file.finish() }
        }
        try write()
        #expect(try file().isComplete)
    }

    @Test func `a file that replaced a part is not removed with it`() throws {
        try makeFolder()
        let file = try file()
        try file.start(at: 0, Self.version)
        try file.write(Self.whole)
        #expect(unlink(path(ofPart: 1)) == 0)
        put("precious", at: path(ofPart: 1))
        #expect(throws: ClipError.contentMismatch) { try file.finish() }
        try file.discard()
        #expect(scratch.contents(path(ofPart: 1)) == Array("precious".utf8))
    }

    @Test func `an empty record after a crash does not block a part`() throws {
        try makeFolder()
        put("", at: folder + "/" + paths.recordName(1))
        try leave(Array(Self.whole.prefix(20)))
        #expect(try names == [paths.partName(1), paths.recordName(1)].sorted())
        #expect(try file().resumePoint.offset == 20)
        #expect(try save(Self.whole).path == clip)
        #expect(try names == ["shot.mp4"])
    }

    @Test func `a record is read whatever follows it`() throws {
        let record = PartialFileRecord(
            key: key, version: AssetVersion(validator: "\"1\"", length: 7), bytes: 3,
            digest: String(repeating: "a", count: 64))
        #expect(PartialFileRecord(record.text) == record)
        #expect(PartialFileRecord(record.text + "left over\nend\n") == record)
        #expect(PartialFileRecord(String(record.text.dropLast(4))) == nil)
        let unnamed = PartialFileRecord(key: key, version: AssetVersion(), bytes: 0, digest: "")
        #expect(PartialFileRecord(unnamed.text) == unnamed)
    }

    @Test(arguments: ["a\nb", "a\r", "\u{301}", "\u{0}", String(repeating: "v", count: 5000), ""])
    func `a version that does not fit a record is not resumed, and its part is kept`(validator: String) throws {
        try leave(Array(Self.whole.prefix(20)), of: AssetVersion(validator: validator, length: 100))
        let next = try file()
        #expect(next.resumePoint.version.validator == nil)
        #expect(throws: ClipError.versionMismatch) {
            try next.start(at: 20, AssetVersion(validator: validator, length: 100))
        }
        try next.start(at: 0, Self.version)
        try next.write(Self.whole)
        #expect(try next.finish().path == clip)
        #expect(try names == ["shot.mp4"])
    }

    @Test func `a clip with two names after a crash is not written to`() throws {
        #expect(try save(Self.whole).path == clip)
        #expect(link(clip, path(ofPart: 1)) == 0)
        let record = PartialFileRecord(key: key, version: AssetVersion(), bytes: 0, digest: "")
        put(record.text, at: folder + "/" + paths.recordName(1))
        let file = try file()
        #expect(file.resumePoint == .start)
        try file.start(at: 0, AssetVersion(length: 9))
        try file.write([UInt8](repeating: 1, count: 9))
        #expect(scratch.contents(clip) == Self.whole)
    }

    private func overwrite(_ path: String, at offset: off_t, with bytes: [UInt8]) throws {
        let file = open(path, O_WRONLY)
        try #require(file >= 0)
        defer { close(file) }
        #expect(pwrite(file, bytes, bytes.count, offset) == bytes.count)
    }

    // MARK: Obstacles

    /// Files that can have a clip's name; `put` creates one at a path.
    enum Obstacle: String, CaseIterable {
        case folder, pipe, device, danglingLink, linkToFile, linkToFolder, file, socket

        func put(at path: String, in scratch: String) throws {
            let target = scratch + "/victim"
            switch self {
            case .folder: #expect(mkdir(path, 0o755) == 0)
            case .pipe: #expect(mkfifo(path, 0o644) == 0)
            case .device: try #require(mknod(path, S_IFCHR | 0o666, makedev(1, 3)) == 0, "only root makes devices")
            case .danglingLink: #expect(symlink(scratch + "/nowhere", path) == 0)
            case .linkToFile:
                #expect(FileManager.default.createFile(atPath: target, contents: Data("precious".utf8)))
                #expect(symlink(target, path) == 0)
            case .linkToFolder: #expect(symlink(scratch, path) == 0)
            case .file: #expect(FileManager.default.createFile(atPath: path, contents: Data("precious".utf8)))
            case .socket: #expect(mknod(path, S_IFSOCK | 0o644, 0) == 0)
            }
        }

        static var possible: [Obstacle] { allCases.filter { $0 != .device || geteuid() == 0 } }
    }

    private static func makedev(_ major: UInt64, _ minor: UInt64) -> dev_t { dev_t(major << 8 | minor) }

    @Test(arguments: Obstacle.possible)
    func `a file with the clip's name keeps it, and the clip gets another`(obstacle: Obstacle) throws {
        try makeFolder()
        try obstacle.put(at: clip, in: scratch.folder)
        #expect(try save(Self.whole).path == marked)
        // Again, if the second name is taken too.
        #expect(try save(SmallClip.clip(1)).path == folder + "/shot~abcdefgh~2.mp4")
        expectVictim(of: obstacle)
    }

    @Test(arguments: Obstacle.possible, [false, true])
    func `a file with the name of a part or its record keeps it, and the part gets another`(
        obstacle: Obstacle, isRecord: Bool
    ) throws {
        try makeFolder()
        let name = isRecord ? paths.recordName(1) : paths.partName(1)
        try obstacle.put(at: folder + "/" + name, in: scratch.folder)
        try leave(Array(Self.whole.prefix(20)))
        #expect(try file().resumePoint.offset == 20)
        #expect(try save(Self.whole).path == clip)
        #expect(try names.filter { !$0.hasSuffix(".version") || isRecord } == [name, "shot.mp4"])
        if obstacle == .file { #expect(scratch.contents(folder + "/" + name) == Array("precious".utf8)) }
        expectVictim(of: obstacle)
    }

    @Test(arguments: Obstacle.possible.filter { $0 != .folder }, ["reel", "reel/a"])
    func `a file with the name of a clip's folder keeps it, and the folder gets another`(
        obstacle: Obstacle, name: String
    ) throws {
        if name == "reel/a" { #expect(mkdir(scratch.folder + "/reel", 0o755) == 0) }
        try obstacle.put(at: scratch.folder + "/" + name, in: scratch.folder)
        let expected = name == "reel" ? "/reel~2/a/shot.mp4" : "/reel/a~2/shot.mp4"
        #expect(try save(Self.whole).path == scratch.folder + expected)
        #expect(try save(Self.whole).path == scratch.folder + expected)
        #expect(!FileManager.default.fileExists(atPath: scratch.folder + "/a"))
        expectVictim(of: obstacle)
    }

    @Test func `a clip whose names are all taken is distinguished from a disk error`() throws {
        try makeFolder()
        for name in paths.clipNames { #expect(mkdir(folder + "/" + name, 0o755) == 0) }
        let fault = #expect(throws: ClipError.self) { try save(Self.whole) }
        guard case .blocked(let words) = fault else { return #expect(Bool(false), "\(String(describing: fault))") }
        #expect(words == "all names for shot.mp4 in \(folder) are taken; move the existing files away")
        // The received bytes are there for the next run.
        #expect(scratch.contents(path(ofPart: 1)) == Self.whole)
    }

    /// The target of a link is unchanged.
    private func expectVictim(of obstacle: Obstacle) {
        guard obstacle == .linkToFile else { return }
        #expect(scratch.contents(scratch.folder + "/victim") == Array("precious".utf8))
    }

    // MARK: Folders

    @Test func `an output folder may be a link`() throws {
        let root = scratch.folder + "/linked"
        try FileManager.default.createSymbolicLink(atPath: root, withDestinationPath: scratch.folder)
        let file = try ClipFile(Self.paths(in: root, key))
        try file.start(at: 0, Self.version)
        try file.write(Self.whole)
        _ = try file.finish()
        #expect(scratch.contents(clip) == Self.whole)
    }

    @Test func `an output folder is created with its parents`() throws {
        let file = try ClipFile(Self.paths(in: scratch.folder + "/x/y/z", key))
        try file.start(at: 0, Self.version)
        try file.write(Self.whole)
        #expect(try file.finish().path == scratch.folder + "/x/y/z/reel/a/shot.mp4")
    }

    @Test func `another clip of the same name is never overwritten`() throws {
        #expect(try save(SmallClip.clip(1)).path == clip)
        let other = try save(SmallClip.clip(2))
        #expect(other.path == marked)
        #expect(scratch.contents(clip) == SmallClip.clip(1))
        #expect(scratch.contents(other.path) == SmallClip.clip(2))
    }

    @Test func `the same clip saved twice is one file`() throws {
        #expect(try save(SmallClip.clip(1)).path == clip)
        #expect(try save(SmallClip.clip(1)).path == clip)
        #expect(try names == ["shot.mp4"])
    }

    @Test func `an output folder that cannot be created is a disk error with a message`() throws {
        let root = put("", at: scratch.folder + "/renders")
        let fault = #expect(throws: ClipError.self) { try ClipFile(Self.paths(in: root, key)) }
        #expect(fault == .disk("cannot create \(root): Not a directory"))
    }

    @Test func `a folder that is moved while a clip is written is detected`() throws {
        let file = try file()
        try file.start(at: 0, Self.version)
        try file.write(Self.whole)
        try FileManager.default.moveItem(atPath: folder, toPath: scratch.folder + "/moved")
        #expect(throws: ClipError.disk("\(folder) was moved or removed while a clip was being saved in it")) {
            try file.finish()
        }
    }
}
