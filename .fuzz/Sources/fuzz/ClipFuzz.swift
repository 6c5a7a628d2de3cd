/// Files that call themselves clips.
enum ClipFuzz {
    static func mp4(_ bytes: [UInt8]) {
        let fault = check(bytes[...])
        guard fault == nil, let last = lastBox(of: bytes) else { return }
        // A clip that is whole is none any more when a byte is missing, unless its last box has no length.
        if last.size != 0 { precondition(check(bytes.dropLast()) != nil, "a cut clip passes") }
    }

    private static func check(_ bytes: ArraySlice<UInt8>) -> String? {
        var reads = 0
        return MP4Structure.fault(length: Int64(bytes.count)) { offset, count in
            reads += 1
            precondition(offset >= 0 && offset < bytes.count && count <= 16, "reads \(count) bytes at \(offset)")
            precondition(reads <= bytes.count / 8 + 1, "reads without end")
            return Array(bytes.dropFirst(Int(offset)).prefix(count))
        }
    }

    /// Follows the boxes of a clip that is whole.
    private static func lastBox(of bytes: [UInt8]) -> (offset: Int, size: UInt64)? {
        var (offset, last) = (0, (offset: 0, size: UInt64(0)))
        while offset + 8 <= bytes.count {
            func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
            var size = number(offset..<offset + 4)
            if size == 1, offset + 16 <= bytes.count { size = number(offset + 8..<offset + 16) }
            last = (offset, size)
            guard size > 0 else { return last }
            offset += Int(size)
        }
        return offset == 0 ? nil : last
    }
}
