import Crypto
import DailiesCore
import Foundation
import Testing

@testable import DailiesRunner

struct ClipFinderTests {
    private let scratch: Scratch
    private var project: String { scratch.folder + "/project" }

    init() throws { scratch = try Scratch() }

    @discardableResult private func put(_ bytes: [UInt8], at path: String) throws -> SavedClip {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        #expect(FileManager.default.createFile(atPath: path, contents: Data(bytes)))
        let digest = SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
        return SavedClip(path: path, sha256: digest, bytes: Int64(bytes.count))
    }

    private func finder(_ folder: String? = nil) -> ClipFinder {
        ClipFinder(store: (folder ?? project) + "/dailies.sqlite")
    }

    @Test func `a clip in place is found, and a missing, empty or changed one is not`() throws {
        let clip = try put(SmallClip.whole, at: project + "/renders/reel/shot.mp4")
        var finder = finder()
        #expect(finder.find(clip, checksContent: true) == .present(path: clip.path))
        try put([], at: clip.path)
        #expect(
            finder.find(clip)
                == .changed(path: clip.path, reason: "it has 0 bytes, but was saved with \(SmallClip.whole.count)"))
        try put([UInt8](repeating: 1, count: SmallClip.whole.count), at: clip.path)
        #expect(finder.find(clip) == .present(path: clip.path))
        #expect(
            finder.find(clip, checksContent: true)
                == .changed(path: clip.path, reason: "its content differs from the saved clip"))
        try FileManager.default.removeItem(atPath: clip.path)
        #expect(finder.find(clip) == .missing)
        try FileManager.default.createDirectory(atPath: clip.path, withIntermediateDirectories: false)
        #expect(finder.find(clip) == .changed(path: clip.path, reason: "it is not a file"))
        #expect(mkfifo(project + "/renders/reel/pipe", 0o644) == 0)
        let pipe = SavedClip(path: project + "/renders/reel/pipe", sha256: clip.sha256, bytes: 0)
        #expect(finder.find(pipe, checksContent: true).path == nil)
    }

    @Test(arguments: ["", "/db", "/db/deep"])
    func `clips of a moved project are found relative to the store`(storeFolder: String) throws {
        let clips = try (1...3).map { try put(SmallClip.clip(UInt8($0)), at: project + "/renders/reel/shot-\($0).mp4") }
        try FileManager.default.createDirectory(
            atPath: project + "/db/deep", withIntermediateDirectories: true)
        let moved = scratch.folder + "/elsewhere/under/another name"
        try FileManager.default.createDirectory(
            atPath: scratch.folder + "/elsewhere/under", withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: project, toPath: moved)
        var finder = finder(moved + storeFolder)
        for (number, clip) in clips.enumerated() {
            #expect(
                finder.find(clip, checksContent: true) == .present(path: moved + "/renders/reel/shot-\(number + 1).mp4")
            )
        }
        #expect(finder.folder(inPlaceOf: project + "/renders") == moved + "/renders")
        try FileManager.default.removeItem(atPath: moved + "/renders/reel/shot-2.mp4")
        #expect(finder.find(clips[1]) == .missing)
    }

    @Test func `another clip with the same name and length is not mistaken for it`() throws {
        let clip = try put(SmallClip.clip(1), at: scratch.folder + "/old/renders/reel/shot.mp4")
        try FileManager.default.removeItem(atPath: scratch.folder + "/old")
        try put(SmallClip.clip(2), at: project + "/renders/reel/shot.mp4")
        var finder = finder()
        #expect(finder.find(clip) == .missing)
        // The name alone is not enough.
        try put(SmallClip.clip(1), at: project + "/shot.mp4")
        #expect(finder.find(clip) == .missing)
    }

    @Test func `an existing folder has no replacement`() throws {
        try put(SmallClip.whole, at: project + "/renders/reel/shot.mp4")
        #expect(finder().folder(inPlaceOf: project + "/renders") == nil)
        // Removed, not moved with the project.
        #expect(finder().folder(inPlaceOf: scratch.folder + "/renders") == nil)
        #expect(finder().folder(inPlaceOf: scratch.folder + "/gone/renders") == project + "/renders")
        #expect(finder().folder(inPlaceOf: scratch.folder + "/gone/nothing") == nil)
    }
}
