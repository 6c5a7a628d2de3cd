import Foundation

/// Walks the top-level boxes of an MP4 file to its very end.
///
/// That alone does not show that nothing is cut off: a last box may reach "to the end", and a file may be cut between two
/// boxes. Only with the length that the server states is a file called whole.
///
/// Source: ISO/IEC 14496-12, section 4.2 (object structure): a box is a 32-bit size, a four-character type, and where
/// the size is 1 a 64-bit size follows; size 0 reaches to the end of the file.
enum MP4Validator {
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

    /// What the walk comes to.
    struct Finding: Hashable, Sendable {
        let verdict: Verdict
        /// Where the last box that is whole ends.
        let end: Int64
    }

    /// - Parameters:
    ///   - length: of the file, in bytes.
    ///   - stated: the length that it should have; nil: not stated.
    ///   - read: `(offset, count)` gives that many bytes, or fewer at the end.
    static func verdict<Failure>(
        length: Int64, stated: Int64?, read: (Int64, Int) throws(Failure) -> [UInt8]
    ) throws(Failure) -> Verdict {
        try finding(length: length, stated: stated, read: read).verdict
    }

    /// Bytes after the last box of a file that has its index and its media, and the length that it should have, are no
    /// damage: players pass them over.
    static func finding<Failure>(
        length: Int64, stated: Int64?, read: (Int64, Int) throws(Failure) -> [UInt8]
    ) throws(Failure) -> Finding {
        if let stated, stated != length {
            return Finding(verdict: .cut("it has \(length) of \(stated) bytes"), end: length)
        }
        var (end, isComplete) = (Int64(0), false)
        let verdict: Verdict
        switch try fault(length: length, &end, &isComplete, read: read) {
        case nil: verdict = stated == nil ? .unverified : .whole
        case .cut(let words): verdict = stated == nil ? .cut(words) : isComplete ? .whole : .damaged(words)
        case .damaged(let words): verdict = !isComplete ? .damaged(words) : stated == nil ? .unverified : .whole
        }
        return Finding(verdict: verdict, end: end)
    }

    private enum Fault {
        case cut(String)
        case damaged(String)
    }

    private static let quickTimeBoxes: Set = ["moov", "mdat", "wide", "free", "skip", "pnot"]

    /// QuickTime files from before there was an `ftyp` box begin with one of these.
    static func isQuickTime(firstBox type: String) -> Bool { quickTimeBoxes.contains(type) }

    /// What is wrong with the boxes, or nil.
    ///
    /// - Parameters:
    ///   - end: of the last box that is whole.
    ///   - isComplete: index and media are whole.
    private static func fault<Failure>(
        length: Int64, _ end: inout Int64, _ isComplete: inout Bool, read: (Int64, Int) throws(Failure) -> [UInt8]
    ) throws(Failure) -> Fault? {
        var offset: Int64 = 0
        var seen: Set<String> = []
        var boxes = 0
        while offset < length {
            boxes += 1
            guard boxes <= mostBoxes else { return .damaged("it has more than \(mostBoxes) boxes") }
            let header = try read(offset, 16)
            guard header.count >= 8 else { return .cut("its last box is cut at byte \(offset)") }
            let type = text(header[4..<8])
            if boxes == 1, type != "ftyp", !isQuickTime(firstBox: type) {
                return .damaged("it is no MP4 file, and no QuickTime or WebM file")
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
                // After index and media this is no box, but zeros.
                if isComplete, header[4..<8].allSatisfy({ $0 == 0 }) { return .damaged("zeros follow its last box") }
                size = length - offset
            } else if size < 8 {
                return .damaged("a box at byte \(offset) has no valid size")
            }
            guard size <= length - offset else {
                return .cut("a box at byte \(offset) ends \(size - (length - offset)) bytes after the file")
            }
            seen.insert(type)
            offset += size
            end = offset
            isComplete = seen.contains("moov") && seen.contains("mdat")
        }
        for needed in ["moov", "mdat"] where !seen.contains(needed) { return .cut("it has no \(needed) box") }
        return nil
    }

    static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
