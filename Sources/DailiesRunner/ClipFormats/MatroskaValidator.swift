/// Checks whether a Matroska or WebM file is complete, by its top-level elements.
///
/// Source: RFC 8794 (EBML): an element is an ID of one to four bytes, a size of one to eight, and its content; a size
/// of all ones is unknown and extends to the end. RFC 9559 (Matroska): a header, then a segment with its clusters.
enum MatroskaValidator {
    private static let header: UInt64 = 0x1A45_DFA3
    private static let documentType: UInt64 = 0x4282
    private static let segment: UInt64 = 0x1853_8067
    private static let cluster: UInt64 = 0x1F43_B675
    /// More elements than any clip has, not counting frames.
    private static let maximumElements = 100_000
    /// Maximum length of ID and size.
    private static let maximumHeadBytes = 12

    /// The declared document type; nil if the file is not EBML or does not declare it in its first bytes.
    static func documentType(_ head: [UInt8]) -> String? {
        guard let outer = element(head[...]), outer.id == header else { return nil }
        var rest = head.dropFirst(outer.headBytes).prefix(Int(clamping: outer.size ?? Int64(head.count)))
        while let inner = element(rest) {
            let contents = rest.dropFirst(inner.headBytes).prefix(Int(clamping: inner.size ?? 0))
            if inner.id == documentType { return MP4Validator.text(contents.prefix { $0 != 0 }) }
            rest = rest.dropFirst(inner.headBytes + contents.count)
        }
        return ""
    }

    /// See ``MP4Validator/finding(length:stated:read:)``.
    static func finding<Failure>(
        length: Int64, stated: Int64?, read: (Int64, Int) throws(Failure) -> [UInt8]
    ) throws(Failure) -> MP4Validator.Finding {
        func cut(_ message: String, at end: Int64) -> MP4Validator.Finding {
            .init(verdict: stated == nil ? .cut(message) : .damaged(message), end: end)
        }
        var offset: Int64 = 0
        var elements = 0
        var hasCluster = false
        while offset < length {
            elements += 1
            guard elements <= maximumElements else {
                return .init(verdict: .damaged("it has more than \(maximumElements) elements"), end: offset)
            }
            let head = try read(offset, maximumHeadBytes)
            guard let next = element(head[...]) else {
                // The segment is complete, and other data follows.
                if hasCluster { break }
                return length - offset < Int64(maximumHeadBytes)
                    ? cut("its last element is truncated at byte \(offset)", at: offset)
                    : .init(verdict: .damaged("the element at byte \(offset) cannot be read"), end: offset)
            }
            let start = offset + Int64(next.headBytes)
            // Descend into the segment, up to its first cluster.
            if next.id == segment, !hasCluster {
                if let size = next.size, size > length - start {
                    return cut(
                        "its segment ends \(size - (length - start)) bytes after the end of the file", at: offset)
                }
                let end = next.size.map { start + $0 } ?? length
                guard try hasClusters(from: start, to: end, &elements, read) else {
                    return cut("its segment has no cluster", at: offset)
                }
                hasCluster = true
                offset = end
                continue
            }
            guard let size = next.size, size <= length - start else {
                if hasCluster { break }
                return cut("the element at byte \(offset) ends after the end of the file", at: offset)
            }
            offset = start + size
        }
        guard hasCluster else { return cut("it has no segment", at: offset) }
        return .init(verdict: stated == nil ? .unverified : .whole, end: offset)
    }

    private static func hasClusters<Failure>(
        from start: Int64, to end: Int64, _ elements: inout Int, _ read: (Int64, Int) throws(Failure) -> [UInt8]
    ) throws(Failure) -> Bool {
        var offset = start
        while offset < end, elements <= maximumElements {
            elements += 1
            guard let next = element(try read(offset, maximumHeadBytes)[...]) else { return false }
            let contents = offset + Int64(next.headBytes)
            if next.id == cluster { return next.size.map { $0 <= end - contents } ?? true }
            guard let size = next.size, contents <= end, size <= end - contents else { return false }
            offset = contents + size
        }
        return false
    }

    // MARK: Elements

    /// The head of an element; nil if invalid. `size` is nil if unknown.
    private static func element(_ bytes: ArraySlice<UInt8>) -> (id: UInt64, size: Int64?, headBytes: Int)? {
        guard let id = number(bytes, longest: 4), let size = number(bytes.dropFirst(id.count), longest: 8) else {
            return nil
        }
        let mask = (UInt64(1) << UInt64(7 * size.count)) - 1
        let value = size.value & mask
        return (id.value, value == mask ? nil : Int64(value), id.count + size.count)
    }

    /// A number whose leading bits give its length in bytes.
    private static func number(_ bytes: ArraySlice<UInt8>, longest: Int) -> (value: UInt64, count: Int)? {
        guard let first = bytes.first, first != 0 else { return nil }
        let count = first.leadingZeroBitCount + 1
        guard count <= longest, bytes.count >= count else { return nil }
        return (bytes.prefix(count).reduce(0) { $0 << 8 | UInt64($1) }, count)
    }
}
