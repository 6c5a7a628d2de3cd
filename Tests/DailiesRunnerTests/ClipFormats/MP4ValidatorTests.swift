import DailiesCore
import Testing

@testable import DailiesRunner

struct MP4ValidatorTests {
    private static func verdict(_ bytes: [UInt8], stated: Int?) -> MP4Validator.Verdict {
        MP4Validator.verdict(length: Int64(bytes.count), stated: stated.map(Int64.init)) { offset, count in
            Array(bytes.dropFirst(Int(offset)).prefix(count))
        }
    }

    /// The error of a file with the expected length; nil if it is whole.
    private static func fault(_ bytes: [UInt8]) -> String? {
        switch verdict(bytes, stated: bytes.count) {
        case .whole: nil
        case .damaged(let words): words
        case .cut, .unverified: "it is not judged"
        }
    }

    private static let open: [UInt8] = SmallClip.number(UInt32(0)) + Array("mdat".utf8) + [1, 2, 3]
    private static let fragment = SmallClip.box("moof", [1, 2]) + SmallClip.media
    private static let wide: [UInt8] =
        SmallClip.number(UInt32(1)) + Array("mdat".utf8) + SmallClip.number(UInt64(26))
        + [UInt8](repeating: 7, count: 10)
    /// Whole clips of every kind.
    private static let clips: [[UInt8]] = [
        SmallClip.whole, SmallClip.whole + SmallClip.box("free", [0, 0, 0]),
        SmallClip.fileType + SmallClip.media + SmallClip.movie, SmallClip.fileType + SmallClip.movie + open,
        SmallClip.fileType + SmallClip.movie + fragment + fragment + fragment,
        SmallClip.fileType + SmallClip.movie + wide,
    ]

    @Test(arguments: clips)
    func `a whole clip is valid`(clip: [UInt8]) { #expect(Self.fault(clip) == nil) }

    @Test(arguments: clips)
    func `a clip truncated at any byte is never whole, whether its length is stated or not`(clip: [UInt8]) {
        for length in 0..<clip.count {
            let cut = Array(clip.prefix(length))
            #expect(Self.verdict(cut, stated: clip.count) == .cut("it has \(length) of \(clip.count) bytes"))
            switch Self.verdict(cut, stated: nil) {
            case .cut, .unverified: break
            case .whole, .damaged: #expect(Bool(false), "\(length) bytes: \(Self.verdict(cut, stated: nil))")
            }
        }
        #expect(Self.verdict(clip, stated: nil) == .unverified)
    }

    @Test func `a box that ends after the stated length makes a damaged clip`() {
        let broken = Array(SmallClip.whole.dropLast())
        #expect(Self.fault(broken) == "the box at byte 33 ends 1 bytes after the end of the file")
    }

    @Test(arguments: [2, 7] as [UInt32])
    func `a box size smaller than its header is an error`(size: UInt32) {
        let broken = SmallClip.number(size) + Array("mdat".utf8) + [UInt8](repeating: 0, count: 30)
        #expect(Self.fault(SmallClip.fileType + SmallClip.movie + broken)?.contains("an invalid size") == true)
    }

    @Test(arguments: [15, UInt64.max, UInt64(Int64.max) + 1])
    func `an impossible 64-bit size is an error`(size: UInt64) {
        let broken =
            SmallClip.number(UInt32(1)) + Array("mdat".utf8) + SmallClip.number(size) + [UInt8](repeating: 0, count: 9)
        #expect(Self.fault(SmallClip.fileType + SmallClip.movie + broken) != nil)
    }

    @Test func `an HTML page is not a clip, whatever its length`() {
        #expect(Self.fault(Array("<!doctype html><title>Gone</title>".utf8))?.contains("not an MP4") == true)
        #expect(Self.fault([]) != nil)
    }

    @Test func `a clip without index or media is incomplete`() {
        #expect(Self.fault(SmallClip.fileType + SmallClip.media)?.contains("moov") == true)
        #expect(Self.fault(SmallClip.fileType + SmallClip.movie)?.contains("mdat") == true)
    }

    @Test func `too many boxes are an error`() {
        let boxes = (0..<100_001).flatMap { _ in SmallClip.box("free", []) }
        #expect(Self.fault(SmallClip.fileType + boxes)?.contains("more than") == true)
    }

    @Test func `boxes of any size end within the file or are an error`() {
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
            // The length from the file system is not trusted either.
            for length in [Int64(clip.count), 0, -1, .min, .max] {
                for stated in [nil, length] {
                    var reads = 0
                    let verdict = MP4Validator.verdict(length: length, stated: stated) { offset, count in
                        reads += 1
                        #expect(0..<max(length, 1) ~= offset && count <= 16, "seed \(seed)")
                        return Array(clip.dropFirst(Int(offset)).prefix(count))
                    }
                    #expect(reads <= clip.count / 8 + 2, "seed \(seed)")
                    let isRefused =
                        switch verdict {
                        case .cut, .damaged: true
                        case .whole, .unverified: false
                        }
                    #expect(isRefused || length >= Int64(SmallClip.fileType.count), "seed \(seed)")
                    #expect(verdict != .whole || stated != nil, "seed \(seed)")
                }
            }
        }
    }
}
