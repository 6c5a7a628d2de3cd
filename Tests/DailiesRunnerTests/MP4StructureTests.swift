import DailiesCore
import Testing

@testable import DailiesRunner

struct MP4StructureTests {
    private static func fault(_ bytes: [UInt8]) -> String? {
        MP4Structure.fault(length: Int64(bytes.count)) { offset, count in
            Array(bytes.dropFirst(Int(offset)).prefix(count))
        }
    }

    @Test func `a whole clip has no fault`() {
        #expect(Self.fault(SmallClip.whole) == nil)
        #expect(Self.fault(SmallClip.whole + SmallClip.box("free", [0, 0, 0])) == nil)
        #expect(Self.fault(SmallClip.fileType + SmallClip.media + SmallClip.movie) == nil)
    }

    @Test(arguments: 0..<SmallClip.whole.count)
    func `a clip that is cut at any byte has a fault`(length: Int) {
        #expect(Self.fault(Array(SmallClip.whole.prefix(length))) != nil)
    }

    @Test func `a box with a 64-bit size is followed, and cut at any byte it has a fault`() {
        let wide: [UInt8] =
            SmallClip.number(UInt32(1)) + Array("mdat".utf8) + SmallClip.number(UInt64(26))
            + [UInt8](
                repeating: 7, count: 10)
        let clip = SmallClip.fileType + SmallClip.movie + wide
        #expect(Self.fault(clip) == nil)
        for length in 0..<clip.count { #expect(Self.fault(Array(clip.prefix(length))) != nil, "\(length) bytes") }
    }

    @Test func `a last box of size 0 reaches to the end of the file`() {
        let open: [UInt8] = SmallClip.number(UInt32(0)) + Array("mdat".utf8) + [1, 2, 3]
        #expect(Self.fault(SmallClip.fileType + SmallClip.movie + open) == nil)
    }

    @Test(arguments: [2, 7] as [UInt32])
    func `a size that holds no header is a fault`(size: UInt32) {
        let broken = SmallClip.number(size) + Array("mdat".utf8) + [UInt8](repeating: 0, count: 30)
        #expect(Self.fault(SmallClip.fileType + SmallClip.movie + broken)?.contains("no valid size") == true)
    }

    @Test(arguments: [15, UInt64.max, UInt64(Int64.max) + 1])
    func `a 64-bit size that cannot be is a fault`(size: UInt64) {
        let broken =
            SmallClip.number(UInt32(1)) + Array("mdat".utf8) + SmallClip.number(size) + [UInt8](repeating: 0, count: 9)
        #expect(Self.fault(SmallClip.fileType + SmallClip.movie + broken) != nil)
    }

    @Test func `a page of HTML is no clip, whatever its length`() {
        #expect(Self.fault(Array("<!doctype html><title>Gone</title>".utf8))?.contains("no MP4") == true)
        #expect(Self.fault([]) != nil)
    }

    @Test func `a clip without its index or without media has a fault`() {
        #expect(Self.fault(SmallClip.fileType + SmallClip.media)?.contains("moov") == true)
        #expect(Self.fault(SmallClip.fileType + SmallClip.movie)?.contains("mdat") == true)
    }

    @Test func `boxes without end are given up`() {
        let boxes = (0..<100_001).flatMap { _ in SmallClip.box("free", []) }
        #expect(Self.fault(SmallClip.fileType + boxes)?.contains("more than") == true)
    }

    @Test func `boxes of any size end within the file, or are a fault`() {
        let sizes: [UInt64] = [
            0, 1, 2, 7, 8, 9, 15, 16, 17, 40, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000,
            UInt64(Int64.max) - 8,
            UInt64(Int64.max), UInt64(Int64.max) + 1, .max - 7, .max,
        ]
        for seed in UInt64(0)..<3000 {
            var random = SplitMix64(seed: seed)
            var clip = SmallClip.fileType
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                let size = sizes.randomElement(using: &random) ?? 0
                let type = Array((["moov", "mdat", "free"].randomElement(using: &random) ?? "free").utf8)
                let isWide = Bool.random(using: &random)
                clip += SmallClip.number(isWide ? UInt32(1) : UInt32(truncatingIfNeeded: size)) + type
                if isWide { clip += SmallClip.number(size) }
                clip += [UInt8](repeating: 7, count: Int.random(in: 0...32, using: &random))
            }
            // What a file system claims of a file's length is believed as little.
            for length in [Int64(clip.count), 0, -1, .min, .max] {
                var reads = 0
                let fault = MP4Structure.fault(length: length) { offset, count in
                    reads += 1
                    #expect(0..<max(length, 1) ~= offset && count <= 16, "seed \(seed)")
                    return Array(clip.dropFirst(Int(offset)).prefix(count))
                }
                #expect(reads <= clip.count / 8 + 2, "seed \(seed)")
                #expect(fault != nil || length >= Int64(SmallClip.fileType.count), "seed \(seed)")
            }
        }
    }
}
