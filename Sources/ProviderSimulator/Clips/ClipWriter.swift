/// Writes the simulator's clips: real MP4, QuickTime and WebM files that players and probes accept.
///
/// A clip shows one still picture per second, each a separate sample. The bytes depend only on the arguments.
/// Boxes: ISO/IEC 14496-12 and 14496-15 (`avcC`).
package struct ClipWriter: Sendable {
    /// Maximum length; longer clips are truncated.
    static let maximumSeconds = 600
    /// Time units per second in every header.
    private static let timescale: UInt32 = 1000

    /// Width in pixels.
    package let width: Int
    /// Height in pixels.
    package let height: Int
    /// Length of the clip, 1 to 600.
    package let seconds: Int
    /// Bytes in the `free` box: 0 to 64 MiB, plus a few for versions.
    package let paddingBytes: Int
    /// Versions differ in every box, and two of three in length. From 1 on, each has a `free` box, so that no version
    /// has the length of another one without its last box.
    package let version: Int
    private let picture: H264Frame

    /// The file format of a clip.
    package enum Container: String, Hashable, Sendable, Codable {
        /// A valid MP4 file.
        case mp4
        /// MP4 with some bytes after its end that are not a box.
        case mp4WithMore = "mp4_with_more"
        /// The same boxes with the QuickTime brand.
        case quickTime = "quicktime"
        /// WebM elements instead of boxes.
        case webM = "webm"

        /// The HTTP media type.
        var mediaType: String {
            switch self {
            case .mp4, .mp4WithMore: "video/mp4"
            case .quickTime: "video/quicktime"
            case .webM: "video/webm"
            }
        }
    }

    /// - Parameters:
    ///   - resolution: `720p` or `1080p`; anything else counts as 720p.
    ///   - aspectRatio: `16:9`, `9:16` or `1:1`; anything else counts as 16:9.
    ///   - seconds: limited to 1…600.
    ///   - paddingBytes: content size of a `free` box at the end; 0 for no such box. At most 64 MiB.
    ///   - version: 0 to 255.
    package init(resolution: String?, aspectRatio: String?, seconds: Int, paddingBytes: Int = 0, version: Int = 0) {
        picture = H264Frame.of(resolution: resolution, aspectRatio: aspectRatio)
        width = picture.width
        height = picture.height
        self.seconds = min(max(seconds, 1), Self.maximumSeconds)
        self.version = min(max(version, 0), 255)
        self.paddingBytes = min(max(paddingBytes, 0), 64 << 20) + (self.version == 0 ? 0 : 8 + self.version % 3 * 8)
    }

    /// The whole file: `ftyp`, `moov`, `mdat`, and `free` for padding; for WebM the corresponding elements.
    package func file(as container: Container = .mp4) -> [UInt8] {
        switch container {
        case .mp4: movieFile(Self.fileType())
        case .mp4WithMore: movieFile(Self.fileType()) + [UInt8](repeating: 0xFF, count: 100 + seconds % 10)
        case .quickTime: movieFile(Self.box("ftyp", Self.text("qt  ") + Self.number(UInt32(0x200)) + Self.text("qt  ")))
        case .webM: webM()
        }
    }

    private func movieFile(_ head: [UInt8]) -> [UInt8] {
        let samples = (0..<seconds).map { sample($0) }
        // The length of `moov` does not depend on the offset in it, so `moov` is built twice.
        let moovLength = movie(samples: samples, firstByte: 0).count
        var file = head + movie(samples: samples, firstByte: UInt32(head.count + moovLength + 8))
        file += Self.box("mdat", samples.flatMap { $0 })
        if paddingBytes > 0 { file += Self.box("free", [UInt8](repeating: UInt8(version), count: paddingBytes)) }
        return file
    }

    /// One access unit: the slice, preceded by its length.
    private func sample(_ second: Int) -> [UInt8] {
        let slice = picture.slices[(second + version) % picture.slices.count]
        return Self.number(UInt32(slice.count)) + slice
    }

    private static func fileType() -> [UInt8] {
        box("ftyp", text("isom") + number(UInt32(0x200)) + text("isomiso2avc1mp41"))
    }

    private func movie(samples: [[UInt8]], firstByte: UInt32) -> [UInt8] {
        Self.box("moov", movieHeader() + Self.box("trak", trackHeader() + media(samples, firstByte)))
    }

    private var duration: UInt32 { UInt32(seconds) * Self.timescale }

    private func movieHeader() -> [UInt8] {
        // The version is stored in place of the creation time.
        var body = Self.number(UInt32(version)) + Self.zeros(4) + Self.number(Self.timescale) + Self.number(duration)
        body += Self.number(UInt32(0x0001_0000)) + Self.number(UInt16(0x0100)) + Self.zeros(10)
        body += Self.unityMatrix + Self.zeros(24) + Self.number(UInt32(2))
        return Self.fullBox("mvhd", body)
    }

    private func trackHeader() -> [UInt8] {
        var body = Self.zeros(8) + Self.number(UInt32(1)) + Self.zeros(4) + Self.number(duration)
        body += Self.zeros(16) + Self.unityMatrix
        body += Self.number(UInt32(width) << 16) + Self.number(UInt32(height) << 16)
        return Self.fullBox("tkhd", body, flags: 3)
    }

    private func media(_ samples: [[UInt8]], _ firstByte: UInt32) -> [UInt8] {
        let undetermined: UInt16 = 0x55C4
        let header = Self.fullBox(
            "mdhd",
            Self.zeros(8) + Self.number(Self.timescale) + Self.number(duration) + Self.number(undetermined)
                + Self.zeros(2))
        let handler = Self.fullBox(
            "hdlr", Self.zeros(4) + Self.text("vide") + Self.zeros(12) + Self.text("VideoHandler") + [0])
        let reference = Self.box(
            "dinf", Self.fullBox("dref", Self.number(UInt32(1)) + Self.fullBox("url ", [], flags: 1)))
        let information = Self.box(
            "minf", Self.fullBox("vmhd", Self.zeros(8), flags: 1) + reference + sampleTable(samples, firstByte))
        return Self.box("mdia", header + handler + information)
    }

    private func sampleTable(_ samples: [[UInt8]], _ firstByte: UInt32) -> [UInt8] {
        let count = UInt32(samples.count)
        let one = UInt32(1)
        let description = Self.fullBox("stsd", Self.number(one) + sampleEntry())
        let times = Self.fullBox("stts", Self.numbers([1, count, Self.timescale]))
        let keys = Self.fullBox("stss", Self.numbers([count] + (1...count)))
        let chunks = Self.fullBox("stsc", Self.numbers([1, 1, count, 1]))
        let sizes = Self.fullBox("stsz", Self.numbers([0, count] + samples.map { UInt32($0.count) }))
        let offsets = Self.fullBox("stco", Self.numbers([1, firstByte]))
        return Self.box("stbl", description + times + keys + chunks + sizes + offsets)
    }

    private func sampleEntry() -> [UInt8] {
        let resolution = UInt32(72) << 16
        var body = Self.zeros(6) + Self.number(UInt16(1)) + Self.zeros(16)
        body += Self.number(UInt16(width)) + Self.number(UInt16(height))
        body += Self.numbers([resolution, resolution, 0]) + Self.number(UInt16(1)) + Self.zeros(32)
        body += Self.number(UInt16(0x18)) + Self.number(UInt16(0xFFFF)) + decoderConfiguration()
        return Self.box("avc1", body)
    }

    private func decoderConfiguration() -> [UInt8] {
        // Profile, compatibility and level are copied from the sequence parameter set; lengths have four bytes.
        var body: [UInt8] = [1] + picture.sequenceSet[1...3] + [0xFF, 0xE1]
        body += Self.number(UInt16(picture.sequenceSet.count)) + picture.sequenceSet
        body += [1] + Self.number(UInt16(picture.pictureSet.count)) + picture.pictureSet
        return Self.box("avcC", body)
    }
}

// MARK: - Bytes

extension ClipWriter {
    private static let unityMatrix = numbers([0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000])

    private static func box(_ type: String, _ contents: [UInt8]) -> [UInt8] {
        number(UInt32(contents.count + 8)) + text(type) + contents
    }

    private static func fullBox(_ type: String, _ contents: [UInt8], flags: UInt32 = 0) -> [UInt8] {
        box(type, number(flags) + contents)
    }

    private static func number(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    private static func numbers(_ values: [UInt32]) -> [UInt8] { values.flatMap { number($0) } }

    private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    /// The ends of all boxes of a file except the last.
    static func ends(ofBoxesIn file: [UInt8]) -> [Int] {
        var ends: [Int] = []
        var place = 0
        while place + 8 <= file.count {
            let size = file[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
            guard size >= 8, place + size < file.count else { break }
            place += size
            ends.append(place)
        }
        return ends
    }

    /// The same file with its index renamed: same length, but not a valid clip.
    static func withoutIndex(_ file: [UInt8]) -> [UInt8] {
        var file = file
        let name = text("moov")
        guard let place = file.indices.first(where: { file[$0...].starts(with: name) }) else {
            // Without an index, change the first byte, which identifies the format.
            if !file.isEmpty { file[0] = 0 }
            return file
        }
        file.replaceSubrange(place..<place + name.count, with: text("junk"))
        return file
    }

    private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }
}

// MARK: - WebM

extension ClipWriter {
    /// The same pictures, each a block in a separate cluster. WebM does not allow this codec, but players play it.
    ///
    /// Source: RFC 9559 for the elements, RFC 8794 for their encoding.
    private func webM() -> [UInt8] {
        let header = Self.element(
            [0x1A, 0x45, 0xDF, 0xA3],
            Self.element([0x42, 0x86], [1]) + Self.element([0x42, 0xF7], [1]) + Self.element([0x42, 0xF2], [4])
                + Self.element([0x42, 0xF3], [8]) + Self.element([0x42, 0x82], Self.text("webm"))
                + Self.element([0x42, 0x87], [4]) + Self.element([0x42, 0x85], [2]))
        let information = Self.element(
            [0x15, 0x49, 0xA9, 0x66],
            Self.element([0x2A, 0xD7, 0xB1], Self.number(UInt32(1_000_000)))
                + Self.element([0x44, 0x89], Self.number(Double(duration).bitPattern)))
        let frame = Self.element([0xB0], Self.number(UInt16(width))) + Self.element([0xBA], Self.number(UInt16(height)))
        let track = Self.element(
            [0xAE],
            Self.element([0xD7], [1]) + Self.element([0x73, 0xC5], Self.number(UInt16(version + 1)))
                + Self.element([0x83], [1]) + Self.element([0x86], Self.text("V_MPEG4/ISO/AVC"))
                + Self.element([0x63, 0xA2], Array(decoderConfiguration().dropFirst(8)))
                + Self.element([0xE0], frame))
        let clusters = (0..<seconds).flatMap { second in
            Self.element(
                [0x1F, 0x43, 0xB6, 0x75],
                Self.element([0xE7], Self.number(UInt32(second) * Self.timescale))
                    + Self.element([0xA3], [0x81, 0, 0, 0x80] + sample(second)))
        }
        let padding =
            paddingBytes > 0 ? Self.element([0xEC], [UInt8](repeating: UInt8(version), count: paddingBytes)) : []
        return header
            + Self.element(
                [0x18, 0x53, 0x80, 0x67],
                information + Self.element([0x16, 0x54, 0xAE, 0x6B], track) + clusters + padding)
    }

    private static func element(_ id: [UInt8], _ contents: [UInt8]) -> [UInt8] {
        id + number(UInt64(1) << 56 | UInt64(contents.count)) + contents
    }
}
