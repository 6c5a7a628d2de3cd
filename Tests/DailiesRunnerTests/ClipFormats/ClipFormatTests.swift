import DailiesCore
import Foundation
import Testing

@testable import DailiesRunner

/// Clips that are not what was asked for, and are clips all the same.
struct ClipFormatTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    // MARK: Files

    private static func element(_ id: [UInt8], _ contents: [UInt8], isOpen: Bool = false) -> [UInt8] {
        id
            + (isOpen
                ? [0x01] + [UInt8](repeating: 0xFF, count: 7)
                : SmallClip.number(UInt64(1) << 56 | UInt64(contents.count)))
            + contents
    }

    private static func header(_ type: String) -> [UInt8] {
        element([0x1A, 0x45, 0xDF, 0xA3], element([0x42, 0x86], [1]) + element([0x42, 0x82], Array(type.utf8)))
    }

    private static func segment(isOpen: Bool = false) -> [UInt8] {
        let cluster = element([0x1F, 0x43, 0xB6, 0x75], element([0xE7], [0]) + element([0xA3], Array(0..<30)))
        let information = element([0x15, 0x49, 0xA9, 0x66], [1, 2, 3])
        return element([0x18, 0x53, 0x80, 0x67], information + cluster + cluster, isOpen: isOpen)
    }

    private static let webM = header("webm") + segment()
    private static let liveWebM = header("webm") + segment(isOpen: true)
    private static let matroska = header("matroska") + segment()
    private static let quickTime = SmallClip.box("ftyp", Array("qt  0000qt  ".utf8)) + SmallClip.movie + SmallClip.media
    private static let oldQuickTime = SmallClip.box("wide", []) + SmallClip.media + SmallClip.movie
    private static let junk = [UInt8](repeating: 0xEE, count: 100)

    private static let odd: [(bytes: [UInt8], name: String, remark: String?)] = [
        (SmallClip.whole, "shot.mp4", nil),
        (webM, "shot.webm", "the clip is not an MP4 but WebM"),
        (liveWebM, "shot.webm", "the clip is not an MP4 but WebM"),
        (matroska, "shot.mkv", "the clip is not an MP4 but Matroska"),
        (quickTime, "shot.mov", "the clip is not an MP4 but QuickTime"),
        (oldQuickTime, "shot.mov", "the clip is not an MP4 but QuickTime"),
        (SmallClip.whole + junk, "shot.mp4", "100 bytes follow the end of the clip"),
        (SmallClip.whole + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "shot.mp4", "10 bytes follow the end of the clip"),
        (SmallClip.whole + [7], "shot.mp4", "1 byte follows the end of the clip"),
        (quickTime + junk, "shot.mov", "the clip is not an MP4 but QuickTime, and 100 bytes follow its end"),
        (
            webM + [UInt8](repeating: 0, count: 100), "shot.webm",
            "the clip is not an MP4 but WebM, and 100 bytes follow its end"
        ),
    ]

    // MARK: Saving

    private func file() throws -> ClipFile {
        try ClipFile(
            ClipPaths(
                folder: scratch.folder, batchName: "reel",
                output: OutputName(batch: BatchID(1), key: TaskKey("shot"), attempt: 1, requested: nil),
                submissionKey: SubmissionKey("abcdefghijklmnopqrstuvwx")))
    }

    private func written(_ bytes: [UInt8], stated: Int?) throws -> ClipFile {
        let file = try file()
        try file.start(at: 0, AssetVersion(validator: "\"1\"", length: stated.map(Int64.init)))
        try file.write(bytes)
        return file
    }

    @Test(arguments: odd.indices)
    func `a clip of another format, or with bytes after its end, is saved with the extension of its format`(
        index: Int
    ) throws {
        let (bytes, name, remark) = Self.odd[index]
        let file = try written(bytes, stated: bytes.count)
        #expect(try file.verdict() == .whole)
        let clip = try file.finish()
        #expect(clip.path == scratch.folder + "/reel/" + name)
        #expect(clip.remark == remark)
        #expect(scratch.contents(clip.path) == bytes)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.folder + "/reel") == [name])
    }

    @Test(arguments: odd.indices)
    func `such a clip truncated at any byte is not whole`(index: Int) throws {
        let bytes = Self.odd[index].bytes
        for length in stride(from: 1, to: bytes.count, by: 7) {
            let cut = try written(Array(bytes.prefix(length)), stated: bytes.count)
            #expect(try cut.verdict() == .cut("it has \(length) of \(bytes.count) bytes"))
            try cut.discard()
            let unstated = try written(Array(bytes.prefix(length)), stated: nil)
            #expect(try unstated.verdict() != .whole)
            try unstated.discard()
        }
    }

    @Test func `a length stated after the body makes a clip whole`() throws {
        let file = try written(Self.webM, stated: nil)
        #expect(try file.finding().clip.verdict == .unverified)
        #expect(try file.finding(isWhole: true).clip.verdict == .whole)
    }

    private static let damaged: [[UInt8]] = [
        Array("<!doctype html><title>Gone</title>".utf8), SmallClip.fileType + SmallClip.media,
        Array(SmallClip.whole.dropLast()), header("webm"),
        header("webm") + element([0x18, 0x53, 0x80, 0x67], [0xEC, 0x81, 0]),
        Array(webM.dropLast()), [0x1A, 0x45, 0xDF, 0xA3], [UInt8](repeating: 0, count: 50),
    ]

    @Test(arguments: damaged)
    func `a damaged clip is kept as damaged, once`(bytes: [UInt8]) throws {
        for _ in 1...2 {
            let file = try written(bytes, stated: bytes.count)
            guard case .damaged = try file.verdict() else { return #expect(Bool(false), "it passes") }
            #expect(try file.keepDamaged() == scratch.folder + "/reel/shot.damaged")
        }
        #expect(scratch.contents(scratch.folder + "/reel/shot.damaged") == bytes)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.folder + "/reel") == ["shot.damaged"])
        let whole = try written(SmallClip.whole, stated: SmallClip.whole.count)
        #expect(try whole.finish().path == scratch.folder + "/reel/shot.mp4")
    }

    // MARK: Any bytes

    @Test func `any bytes are checked without errors or endless loops`() {
        for seed in UInt64(0)..<3000 {
            var random = SplitMix64(seed: seed)
            var clip =
                [Self.webM, Self.liveWebM, Self.matroska, Self.header("webm")].randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let place = Int.random(in: 0..<clip.count, using: &random)
                switch Int.random(in: 0...2, using: &random) {
                case 0: clip[place] = UInt8.random(in: 0...255, using: &random)
                case 1: clip.removeSubrange(place...)
                default:
                    clip.insert(contentsOf: (0..<9).map { _ in UInt8.random(in: 0...255, using: &random) }, at: place)
                }
                if clip.isEmpty { clip = [0x1A] }
            }
            _ = ClipFormat(head: Array(clip.prefix(ClipFormat.detectionBytes)))
            for length in [Int64(clip.count), 0, -1, .min, .max] {
                for stated in [nil, length] {
                    var reads = 0
                    let finding = MatroskaValidator.finding(length: length, stated: stated) { offset, count in
                        reads += 1
                        #expect(offset >= 0 && count <= 16, "seed \(seed)")
                        return Array(clip.dropFirst(Int(clamping: offset)).prefix(count))
                    }
                    #expect(reads <= 100_002, "seed \(seed)")
                    #expect(finding.verdict != .whole || stated != nil, "seed \(seed)")
                }
            }
        }
    }
}
