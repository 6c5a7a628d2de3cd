import Foundation

/// Checks the top-level boxes of an MP4 file up to its end.
///
/// This alone does not prove that the file is complete: the last box may extend "to the end", and a file may be
/// truncated between two boxes. A file is ``Verdict/whole`` only if it has the length stated by the server.
///
/// Source: ISO/IEC 14496-12, section 4.2 (object structure): a box is a 32-bit size and a four-character type; size 1
/// means that a 64-bit size follows; size 0 extends to the end of the file.
package enum MP4Validator {
    /// More top-level boxes than any clip has, fragmented ones included.
    private static let maximumBoxes = 100_000

    /// The state of a file.
    package enum Verdict: Hashable, Sendable {
        /// It has the stated length, and every box is complete.
        case whole
        /// Every box is complete, but the expected length is unknown.
        case unverified
        /// It is truncated; a download may resume it.
        case cut(String)
        /// It is not a clip, even if more bytes follow.
        case damaged(String)
    }

    /// The result of a check.
    struct Finding: Hashable, Sendable {
        let verdict: Verdict
        /// End of the last complete box.
        let end: Int64
    }

    /// - Parameters:
    ///   - length: of the file, in bytes.
    ///   - stated: the expected length; nil if unknown.
    ///   - read: `(offset, count)` returns that many bytes, or fewer at the end.
    static func verdict<Failure>(
        length: Int64, stated: Int64?, read: (Int64, Int) throws(Failure) -> [UInt8]
    ) throws(Failure) -> Verdict {
        try finding(length: length, stated: stated, read: read).verdict
    }

    /// If the file has its index, its media and the expected length, bytes after the last box are not an error: players
    /// ignore them.
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
        case .cut(let message): verdict = stated == nil ? .cut(message) : isComplete ? .whole : .damaged(message)
        case .damaged(let message): verdict = !isComplete ? .damaged(message) : stated == nil ? .unverified : .whole
        }
        return Finding(verdict: verdict, end: end)
    }

    private enum Fault {
        case cut(String)
        case damaged(String)
    }

    private static let quickTimeBoxes: Set = ["moov", "mdat", "wide", "free", "skip", "pnot"]

    /// QuickTime files older than the `ftyp` box start with one of these.
    static func isQuickTime(firstBox type: String) -> Bool { quickTimeBoxes.contains(type) }

    /// The problem with the boxes, or nil.
    ///
    /// - Parameters:
    ///   - end: set to the end of the last complete box.
    ///   - isComplete: set to whether index and media are complete.
    private static func fault<Failure>(
        length: Int64, _ end: inout Int64, _ isComplete: inout Bool, read: (Int64, Int) throws(Failure) -> [UInt8]
    ) throws(Failure) -> Fault? {
        var offset: Int64 = 0
        var seen: Set<String> = []
        var boxes = 0
        while offset < length {
            boxes += 1
            guard boxes <= maximumBoxes else { return .damaged("it has more than \(maximumBoxes) boxes") }
            let header = try read(offset, 16)
            guard header.count >= 8 else { return .cut("its last box is truncated at byte \(offset)") }
            let type = text(header[4..<8])
            if boxes == 1, type != "ftyp", !isQuickTime(firstBox: type) {
                return .damaged("it is not an MP4, QuickTime or WebM file")
            }
            var size = Int64(number(header[0..<4]))
            if size == 1 {
                guard header.count == 16 else { return .cut("its last box is truncated at byte \(offset)") }
                let wide = number(header[8..<16])
                guard wide <= UInt64(Int64.max), wide >= 16 else {
                    return .damaged("the box at byte \(offset) has an invalid size")
                }
                size = Int64(wide)
            } else if size == 0 {
                // After index and media these are zeros, not a box.
                if isComplete, header[4..<8].allSatisfy({ $0 == 0 }) { return .damaged("zeros follow its last box") }
                size = length - offset
            } else if size < 8 {
                return .damaged("the box at byte \(offset) has an invalid size")
            }
            guard size <= length - offset else {
                return .cut(
                    "the box at byte \(offset) ends \(size - (length - offset)) bytes after the end of the file")
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
