import Foundation

/// Walks the top-level boxes of an MP4 file to its very end.
///
/// That alone does not show that nothing is cut off: a last box may reach "to the end", and a file may be cut between two
/// boxes. Only with the length that the server states is a file called whole.
///
/// Source: ISO/IEC 14496-12, section 4.2 (object structure): a box is a 32-bit size, a four-character type, and where
/// the size is 1 a 64-bit size follows; size 0 reaches to the end of the file.
enum MP4Structure {
    /// More boxes than any clip has at top level, fragmented ones included.
    private static let mostBoxes = 100_000

    /// What a file is.
    enum Verdict: Hashable, Sendable {
        /// It has the length that was stated, and every box is there to its last byte.
        case whole
        /// Every box is there to its last byte, and nobody says whether more should follow.
        case unverified
        /// More should follow; what is there may be gone on with.
        case cut(String)
        /// It is no clip, however much should follow.
        case damaged(String)
    }

    /// - Parameters:
    ///   - length: of the file, in bytes.
    ///   - stated: the length that it should have; nil: not stated.
    ///   - read: `(offset, count)` gives that many bytes, or fewer at the end.
    static func verdict<Failure>(
        length: Int64, stated: Int64?, read: (Int64, Int) throws(Failure) -> [UInt8]
    ) throws(Failure) -> Verdict {
        if let stated, stated != length { return .cut("it has \(length) of \(stated) bytes") }
        switch try fault(length: length, read: read) {
        case nil: return stated == nil ? .unverified : .whole
        case .cut(let words): return stated == nil ? .cut(words) : .damaged(words)
        case .damaged(let words): return .damaged(words)
        }
    }

    private enum Fault {
        case cut(String)
        case damaged(String)
    }

    /// What is wrong with the boxes, or nil.
    private static func fault<Failure>(
        length: Int64, read: (Int64, Int) throws(Failure) -> [UInt8]
    ) throws(Failure) -> Fault? {
        var offset: Int64 = 0
        var seen: Set<String> = []
        var boxes = 0
        while offset < length {
            boxes += 1
            guard boxes <= mostBoxes else { return .damaged("it has more than \(mostBoxes) boxes") }
            let header = try read(offset, 16)
            guard header.count >= 8 else { return .cut("its last box is cut at byte \(offset)") }
            let type = String(decoding: header[4..<8], as: UTF8.self)
            if boxes == 1, type != "ftyp" {
                return .damaged("it is no MP4 file: it does not begin with an ftyp box")
            }
            var size = Int64(number(header[0..<4]))
            if size == 1 {
                guard header.count == 16 else { return .cut("its last box is cut at byte \(offset)") }
                let wide = number(header[8..<16])
                guard wide <= UInt64(Int64.max), wide >= 16 else {
                    return .damaged("a box at byte \(offset) has no valid size")
                }
                size = Int64(wide)
            } else if size == 0 {
                size = length - offset
            } else if size < 8 {
                return .damaged("a box at byte \(offset) has no valid size")
            }
            guard size <= length - offset else {
                return .cut("a box at byte \(offset) ends \(size - (length - offset)) bytes after the file")
            }
            seen.insert(type)
            offset += size
        }
        for needed in ["ftyp", "moov", "mdat"] where !seen.contains(needed) {
            return .cut("it has no \(needed) box")
        }
        return nil
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
