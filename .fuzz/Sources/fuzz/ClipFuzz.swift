/// Fuzzes the clip validators.
enum ClipFuzz {
    /// Maximum size of clips that are truncated at every place.
    private static let maximumCuts = 64

    static func mp4(_ bytes: [UInt8]) {
        matroska(bytes)
        guard verdict(bytes[...], stated: bytes.count) == .whole else {
            // Without a stated length nothing is whole, and a file that is damaged with its length is not valid without
            // it.
            precondition(verdict(bytes[...], stated: nil) != .whole, "whole without a length")
            return
        }
        switch verdict(bytes[...], stated: nil) {
        case .unverified: break
        // With the length it is known that the bytes after the last box are not a truncated box.
        case .cut:
            precondition(finding(bytes[...], stated: bytes.count).end < bytes.count, "the length changes the boxes")
        case .whole, .damaged: preconditionFailure("the length changes what the boxes are")
        }
        // A whole clip that is truncated anywhere, even between two boxes, is not whole.
        for length in cuts(of: bytes) {
            let cut = bytes.prefix(length)
            precondition(verdict(cut, stated: bytes.count) == .cut("it has \(length) of \(bytes.count) bytes"))
            switch verdict(cut, stated: nil) {
            case .cut, .unverified: break
            case .whole, .damaged: preconditionFailure("cut at \(length) it is \(verdict(cut, stated: nil))")
            }
        }
    }

    private static func matroska(_ bytes: [UInt8]) {
        _ = ClipFormat(head: Array(bytes.prefix(ClipFormat.detectionBytes)))
        for stated in [nil, Int64(bytes.count)] {
            let finding = MatroskaValidator.finding(length: Int64(bytes.count), stated: stated) { offset, count in
                precondition(offset >= 0 && count <= 16, "reads \(count) bytes at \(offset)")
                return Array(bytes.dropFirst(Int(clamping: offset)).prefix(count))
            }
            precondition(finding.verdict != .whole || stated != nil, "whole without a length")
            precondition(0...Int64(bytes.count) ~= finding.end, "it ends at \(finding.end)")
        }
    }

    private static func verdict(_ bytes: ArraySlice<UInt8>, stated: Int?) -> MP4Validator.Verdict {
        finding(bytes, stated: stated).verdict
    }

    private static func finding(_ bytes: ArraySlice<UInt8>, stated: Int?) -> MP4Validator.Finding {
        var reads = 0
        return MP4Validator.finding(length: Int64(bytes.count), stated: stated.map(Int64.init)) { offset, count in
            reads += 1
            precondition(offset >= 0 && offset < bytes.count && count <= 16, "reads \(count) bytes at \(offset)")
            precondition(reads <= bytes.count / 8 + 1, "too many reads")
            return Array(bytes.dropFirst(Int(offset)).prefix(count))
        }
    }

    /// The ends of boxes, and places throughout the file.
    private static func cuts(of bytes: [UInt8]) -> Set<Int> {
        var cuts = Set(stride(from: 0, to: bytes.count, by: max(1, bytes.count / maximumCuts)))
        var offset = 0
        while offset + 8 <= bytes.count, cuts.count < 4 * maximumCuts {
            func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
            var size = number(offset..<offset + 4)
            if size == 1, offset + 16 <= bytes.count { size = number(offset + 8..<offset + 16) }
            guard size > 0, size <= UInt64(bytes.count - offset) else { break }
            offset += Int(size)
            if offset < bytes.count { cuts.insert(offset) }
        }
        return cuts
    }
}
