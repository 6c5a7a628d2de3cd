import Foundation

/// Walks the top-level boxes of an MP4 file to its very end: enough to know that nothing is cut off.
///
/// Source: ISO/IEC 14496-12, section 4.2 (object structure): a box is a 32-bit size, a four-character type, and where
/// the size is 1 a 64-bit size follows; size 0 reaches to the end of the file.
enum MP4Structure {
    /// More boxes than any clip has at top level, fragmented ones included.
    private static let mostBoxes = 100_000

    /// What is wrong with a file, or nil when it is whole.
    ///
    /// - Parameters:
    ///   - length: of the file, in bytes.
    ///   - read: `(offset, count)` gives that many bytes, or fewer at the end.
    static func fault(length: Int64, read: (Int64, Int) throws -> [UInt8]) rethrows -> String? {
        var offset: Int64 = 0
        var seen: Set<String> = []
        var boxes = 0
        while offset < length {
            boxes += 1
            guard boxes <= mostBoxes else { return "it has more than \(mostBoxes) boxes" }
            let header = try read(offset, 16)
            guard header.count >= 8 else { return "its last box is cut at byte \(offset)" }
            let type = String(decoding: header[4..<8], as: UTF8.self)
            if boxes == 1, type != "ftyp" { return "it is no MP4 file: it does not begin with an ftyp box" }
            var size = Int64(number(header[0..<4]))
            if size == 1 {
                guard header.count == 16 else { return "its last box is cut at byte \(offset)" }
                let wide = number(header[8..<16])
                guard wide <= UInt64(Int64.max), wide >= 16 else { return "a box at byte \(offset) has no valid size" }
                size = Int64(wide)
            } else if size == 0 {
                size = length - offset
            } else if size < 8 {
                return "a box at byte \(offset) has no valid size"
            }
            guard size <= length - offset else {
                return "a box at byte \(offset) ends \(size - (length - offset)) bytes after the file"
            }
            seen.insert(type)
            offset += size
        }
        for needed in ["ftyp", "moov", "mdat"] where !seen.contains(needed) { return "it has no \(needed) box" }
        return nil
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
