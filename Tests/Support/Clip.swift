import Foundation

/// Reads an MP4 file far enough to know that a player could: every box to the end of the file, the tracks' tables, and
/// that each sample lies inside the media data.
///
/// Source: ISO/IEC 14496-12.
struct Clip {
    struct Damage: Error, CustomStringConvertible {
        let description: String
    }

    private struct Box {
        let type: String
        /// Of its content.
        let range: Range<Int>
    }

    private let bytes: [UInt8]
    /// Of the movie header, in seconds.
    private(set) var seconds = 0.0
    private(set) var samples = 0

    init(_ bytes: [UInt8]) throws {
        self.bytes = bytes
        let top = try boxes(in: 0..<bytes.count)
        guard top.first?.type == "ftyp" else { throw Damage(description: "it does not begin with ftyp") }
        let movie = try boxes(in: try one("moov", in: top).range)
        let header = try one("mvhd", in: movie).range
        seconds = Double(try number(at: header.lowerBound + 16)) / Double(try number(at: header.lowerBound + 12))
        let media = top.filter { $0.type == "mdat" }.map(\.range)
        let tracks = movie.filter { $0.type == "trak" }
        guard !tracks.isEmpty, !media.isEmpty else { throw Damage(description: "it has no track or no media data") }
        for track in tracks { try check(track, media) }
    }

    private mutating func check(_ track: Box, _ media: [Range<Int>]) throws {
        var level = try boxes(in: track.range)
        for name in ["mdia", "minf", "stbl"] { level = try boxes(in: try one(name, in: level).range) }
        let descriptions = try one("stsd", in: level).range
        guard try boxes(in: descriptions.lowerBound + 8..<descriptions.upperBound).first?.type == "avc1" else {
            throw Damage(description: "its track is not H.264")
        }
        let sizes = try one("stsz", in: level).range.lowerBound
        let (uniform, count) = (try number(at: sizes + 4), try number(at: sizes + 8))
        var total = 0
        for sample in 0..<count { total += uniform > 0 ? uniform : try number(at: sizes + 12 + 4 * sample) }
        let offsets = try one("stco", in: level).range.lowerBound
        guard count > 0, try number(at: offsets + 4) > 0 else { throw Damage(description: "it has no sample") }
        for chunk in 0..<(try number(at: offsets + 4)) {
            let offset = try number(at: offsets + 8 + 4 * chunk)
            guard media.contains(where: { $0.contains(offset) }) else {
                throw Damage(description: "chunk \(chunk) lies outside the media data")
            }
        }
        guard total <= media.map(\.count).reduce(0, +) else {
            throw Damage(description: "its samples are larger than its media data")
        }
        samples += count
    }

    private func one(_ type: String, in boxes: [Box]) throws -> Box {
        guard let box = boxes.first(where: { $0.type == type }) else { throw Damage(description: "it has no \(type)") }
        return box
    }

    private func boxes(in range: Range<Int>) throws -> [Box] {
        var found: [Box] = []
        var place = range.lowerBound
        while place < range.upperBound {
            guard place + 8 <= range.upperBound else { throw Damage(description: "a box is cut at \(place)") }
            let type = String(decoding: bytes[place + 4..<place + 8], as: UTF8.self)
            let size = try number(at: place)
            guard size >= 8, place + size <= range.upperBound else {
                throw Damage(description: "\(type) at \(place) has the size \(size)")
            }
            found.append(Box(type: type, range: place + 8..<place + size))
            place += size
        }
        return found
    }

    private func number(at place: Int) throws -> Int {
        guard place >= 0, place + 4 <= bytes.count else { throw Damage(description: "it ends before \(place)") }
        return bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
    }
}
