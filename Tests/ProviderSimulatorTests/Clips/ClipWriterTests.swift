import ProviderSimulator
import Testing

struct ClipWriterTests {
    @Test func `the boxes of a clip fill it exactly and are nested correctly`() throws {
        let file = ClipWriter(resolution: "720p", aspectRatio: "16:9", seconds: 3, paddingBytes: 100).file()
        let boxes = try Box.read(file[...])
        #expect(boxes.map(\.type) == ["ftyp", "moov", "mdat", "free"])
        #expect(boxes[1].children.map(\.type) == ["mvhd", "trak"])
        let media = try boxes[1].find("trak", "mdia")
        #expect(media.children.map(\.type) == ["mdhd", "hdlr", "minf"])
        let table = try media.find("minf", "stbl")
        #expect(table.children.map(\.type) == ["stsd", "stts", "stss", "stsc", "stsz", "stco"])
        #expect(boxes[3].contents.count == 100)
    }

    @Test(arguments: [1, 8, 20])
    func `every header states the requested length`(seconds: Int) throws {
        let file = ClipWriter(resolution: nil, aspectRatio: nil, seconds: seconds).file()
        let movie = try #require(try Box.read(file[...]).first { $0.type == "moov" })
        #expect(try movie.find("mvhd").number(at: 12) == 1000)
        #expect(try movie.find("mvhd").number(at: 16) == 1000 * seconds)
        #expect(try movie.find("trak", "tkhd").number(at: 20) == 1000 * seconds)
        #expect(try movie.find("trak", "mdia", "mdhd").number(at: 16) == 1000 * seconds)
        let times = try movie.find("trak", "mdia", "minf", "stbl", "stts")
        #expect((0..<3).map { times.number(at: 4 + 4 * $0) } == [1, seconds, 1000])
    }

    @Test func `the sample table points at slices of the media data`() throws {
        let file = ClipWriter(resolution: "1080p", aspectRatio: "9:16", seconds: 5).file()
        let movie = try #require(try Box.read(file[...]).first { $0.type == "moov" })
        let table = try movie.find("trak", "mdia", "minf", "stbl")
        var offset = try table.find("stco").number(at: 8)
        let sizes = try table.find("stsz")
        #expect(sizes.number(at: 8) == 5)
        for sample in 0..<5 {
            let size = sizes.number(at: 12 + 4 * sample)
            let length = file[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
            #expect(length == size - 4)
            #expect(file[offset + 4] & 31 == 5)  // an IDR slice
            offset += size
        }
        #expect(offset == file.count)
    }

    @Test(arguments: [
        ("720p", "16:9", 1280, 720), ("720p", "9:16", 720, 1280), ("720p", "1:1", 720, 720),
        ("1080p", "16:9", 1920, 1080), ("1080p", "9:16", 1080, 1920), ("1080p", "1:1", 1080, 1080),
    ])
    func `resolution and aspect ratio give the frame size`(
        resolution: String, ratio: String, width: Int, height: Int
    ) throws {
        let clip = ClipWriter(resolution: resolution, aspectRatio: ratio, seconds: 2)
        let movie = try #require(try Box.read(clip.file()[...]).first { $0.type == "moov" })
        let track = try movie.find("trak", "tkhd")
        #expect([clip.width, clip.height] == [width, height])
        #expect([track.number(at: 76) >> 16, track.number(at: 80) >> 16] == [width, height])
    }

    @Test func `equal arguments give equal bytes, and lengths are limited`() {
        let make = { (seconds: Int) in ClipWriter(resolution: "720p", aspectRatio: "1:1", seconds: seconds).file() }
        #expect(make(4) == make(4))
        #expect(make(4) != make(5))
        #expect(make(-3) == make(1))
        #expect(make(.max) == make(600))
    }
}

/// A box of ISO/IEC 14496-12, read only as far as the tests look.
private struct Box {
    private static let containers: Set<String> = ["moov", "trak", "mdia", "minf", "stbl"]

    let type: String
    let contents: ArraySlice<UInt8>
    let children: [Box]

    static func read(_ bytes: ArraySlice<UInt8>) throws -> [Box] {
        var boxes: [Box] = []
        var rest = bytes
        while !rest.isEmpty {
            try #require(rest.count >= 8)
            let size = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            try #require((8...rest.count).contains(size), "a box of \(size) bytes where \(rest.count) are left")
            let type = String(decoding: rest.dropFirst(4).prefix(4), as: UTF8.self)
            let contents = rest.prefix(size).dropFirst(8)
            boxes.append(
                Box(type: type, contents: contents, children: containers.contains(type) ? try read(contents) : []))
            rest = rest.dropFirst(size)
        }
        return boxes
    }

    func find(_ path: String...) throws -> Box {
        var box = self
        for type in path { box = try #require(box.children.first { $0.type == type }) }
        return box
    }

    func number(at offset: Int) -> Int {
        contents.dropFirst(offset).prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }
}
