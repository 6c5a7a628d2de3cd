import DailiesCore
import Foundation
import Testing

@testable import DailiesRunner

struct ClipFileTests {
    private let scratch: Scratch
    private let paths: ClipPaths
    private let key = SubmissionKey("abcdefghijklmnopqrstuvwx")

    init() throws {
        scratch = try Scratch()
        paths = ClipPaths(
            folder: scratch.folder, batchName: "reel",
            output: OutputName(batch: BatchID(1), key: TaskKey("a/shot"), attempt: 1, requested: nil),
            submissionKey: key)
    }

    private func file() -> ClipFile { ClipFile(paths: paths, submissionKey: key) }

    @Test func `a clip is whole under its name, and its part file is gone`() throws {
        let file = file()
        try file.open()
        try file.begin(at: 0, totalLength: Int64(SmallClip.whole.count))
        try file.write(Array(SmallClip.whole.prefix(10)))
        #expect(!file.isComplete)
        try file.write(Array(SmallClip.whole.dropFirst(10)))
        #expect(file.isComplete)
        #expect(try file.structureFault() == nil)
        let clip = try file.finish()
        #expect(clip.path == paths.clip && clip.bytes == Int64(SmallClip.whole.count))
        #expect(clip.sha256.count == 64)
        #expect(scratch.contents(clip.path) == SmallClip.whole)
        #expect(!FileManager.default.fileExists(atPath: paths.part))
    }

    @Test(arguments: [0, 1, 30, SmallClip.whole.count])
    func `a download goes on where the last one was cut`(cut: Int) throws {
        do {
            let first = file()
            try first.open()
            try first.begin(at: 0, totalLength: nil)
            try first.write(Array(SmallClip.whole.prefix(cut)))
        }
        let second = file()
        try second.open()
        #expect(second.length == Int64(cut) && second.lengthAtStart == Int64(cut))
        try second.begin(at: Int64(cut), totalLength: Int64(SmallClip.whole.count))
        try second.write(Array(SmallClip.whole.dropFirst(cut)))
        #expect(try second.structureFault() == nil)
        #expect(scratch.contents(try second.finish().path) == SmallClip.whole)
    }

    @Test func `a server that begins anew drops what was there`() throws {
        let file = file()
        try file.open()
        // Longer than the clip, so that a rest of it would show.
        try file.write([UInt8](repeating: 9, count: 500))
        try file.begin(at: 0, totalLength: Int64(SmallClip.whole.count))
        #expect(file.length == 0)
        try file.write(SmallClip.whole)
        #expect(scratch.contents(try file.finish().path) == SmallClip.whole)
    }

    @Test func `a body that begins beyond what is there is refused`() throws {
        let file = file()
        try file.open()
        #expect(throws: ClipFile.DiskError.self) { try file.begin(at: 5, totalLength: 10) }
    }

    @Test func `what was damaged is forgotten`() throws {
        let file = file()
        try file.open()
        try file.write(Array("<html>".utf8))
        #expect(try file.structureFault() != nil)
        try file.discard()
        #expect(file.length == 0)
        try file.write(SmallClip.whole)
        #expect(try file.structureFault() == nil)
        #expect(scratch.contents(try file.finish().path) == SmallClip.whole)
    }

    @Test func `nothing is written through a link in place of the part file`() throws {
        let target = scratch.folder + "/victim"
        #expect(FileManager.default.createFile(atPath: target, contents: Data("precious".utf8)))
        try makeFolder()
        try FileManager.default.createSymbolicLink(atPath: paths.part, withDestinationPath: target)
        #expect(throws: ClipFile.DiskError.self) { try file().open() }
        #expect(scratch.contents(target) == Array("precious".utf8))
    }

    @Test func `a link in place of the clip is left alone, with what it points to`() throws {
        let target = scratch.folder + "/victim"
        #expect(FileManager.default.createFile(atPath: target, contents: Data("precious".utf8)))
        try makeFolder()
        try FileManager.default.createSymbolicLink(atPath: paths.clip, withDestinationPath: target)
        #expect(try save(SmallClip.whole).path == paths.alternative(key))
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: paths.clip) == target)
        #expect(scratch.contents(target) == Array("precious".utf8))
    }

    @Test func `nothing is saved through a link in place of a folder below the output folder`() throws {
        let elsewhere = scratch.folder + "/elsewhere"
        try FileManager.default.createDirectory(atPath: elsewhere + "/a", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: scratch.folder + "/reel", withDestinationPath: elsewhere)
        let error = #expect(throws: ClipFile.DiskError.self) { try file().open() }
        #expect(error?.description == "\(scratch.folder)/reel is a link, and links are not followed; move it away")
        #expect(try FileManager.default.contentsOfDirectory(atPath: elsewhere + "/a") == [])
    }

    @Test func `an output folder that is a link is the user's own wish`() throws {
        let root = scratch.folder + "/linked"
        try FileManager.default.createSymbolicLink(atPath: root, withDestinationPath: scratch.folder)
        let linked = ClipPaths(
            folder: root, batchName: "reel",
            output: OutputName(batch: BatchID(1), key: TaskKey("a/shot"), attempt: 1, requested: nil),
            submissionKey: key)
        let file = ClipFile(paths: linked, submissionKey: key)
        try file.open()
        try file.write(SmallClip.whole)
        _ = try file.finish()
        #expect(scratch.contents(paths.clip) == SmallClip.whole)
    }

    @Test func `another clip of the same name is never overwritten`() throws {
        #expect(try save(SmallClip.clip(1)).path == paths.clip)
        let other = try save(SmallClip.clip(2))
        #expect(other.path == paths.alternative(key))
        #expect(scratch.contents(paths.clip) == SmallClip.clip(1))
        #expect(scratch.contents(other.path) == SmallClip.clip(2))
    }

    @Test func `the same clip a second time is one file`() throws {
        #expect(try save(SmallClip.clip(1)).path == paths.clip)
        #expect(try save(SmallClip.clip(1)).path == paths.clip)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.folder + "/reel/a") == ["shot.mp4"])
    }

    @Test func `a folder that cannot be made is told in words`() throws {
        #expect(FileManager.default.createFile(atPath: scratch.folder + "/reel", contents: nil))
        let error = #expect(throws: ClipFile.DiskError.self) { try file().open() }
        #expect(error?.description.hasPrefix("cannot create \(scratch.folder)/reel/a") == true)
    }

    private func makeFolder() throws {
        try FileManager.default.createDirectory(atPath: scratch.folder + "/reel/a", withIntermediateDirectories: true)
    }

    private func save(_ bytes: [UInt8]) throws -> SavedClip {
        let file = file()
        try file.open()
        try file.begin(at: 0, totalLength: Int64(bytes.count))
        try file.write(bytes)
        return try file.finish()
    }
}
