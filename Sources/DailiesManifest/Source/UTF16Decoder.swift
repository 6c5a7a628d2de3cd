/// Converts UTF-16 to UTF-8 incrementally. Invalid UTF-16 becomes invalid UTF-8, so that the reader reports its place.
struct UTF16Decoder {
    private let isBigEndian: Bool
    private var firstByte: UInt8?
    private var highSurrogate: UInt16?
    private(set) var text: [UInt8] = []

    /// - Parameter start: the first four bytes, or all if fewer.
    /// - Returns: nil if they do not start with a UTF-16 mark. The mark is part of the text.
    init?(startingWith start: some Collection<UInt8>) {
        if start.starts(with: [0xFE, 0xFF]) {
            isBigEndian = true
        } else if start.starts(with: [0xFF, 0xFE]), !start.starts(with: [0xFF, 0xFE, 0x00, 0x00]) {
            isBigEndian = false
        } else {
            return nil
        }
    }

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            guard let first = firstByte else {
                firstByte = byte
                continue
            }
            firstByte = nil
            add(isBigEndian ? UInt16(first) << 8 | UInt16(byte) : UInt16(byte) << 8 | UInt16(first))
        }
    }

    /// Returns the converted text so far, and clears it.
    mutating func takeText() -> [UInt8] {
        defer { text.removeAll(keepingCapacity: true) }
        return text
    }

    /// Call at the end of the input.
    mutating func finish() {
        if let high = highSurrogate { append(UInt32(high)) }
        if firstByte != nil { text.append(0xFF) }
    }

    private mutating func add(_ unit: UInt16) {
        let high = highSurrogate
        highSurrogate = nil
        if let high {
            if UTF16.isTrailSurrogate(unit) {
                append(0x10000 + (UInt32(high) - 0xD800) << 10 + (UInt32(unit) - 0xDC00))
                return
            }
            append(UInt32(high))
        }
        if UTF16.isLeadSurrogate(unit) { highSurrogate = unit } else { append(UInt32(unit)) }
    }

    /// Encodes a lone surrogate like a character, which is invalid UTF-8.
    private mutating func append(_ value: UInt32) {
        let tail = { (shift: UInt32) in UInt8(0x80 | value >> shift & 0x3F) }
        switch value {
        case ..<0x80: text.append(UInt8(value))
        case ..<0x800: text += [UInt8(0xC0 | value >> 6), tail(0)]
        case ..<0x10000: text += [UInt8(0xE0 | value >> 12), tail(6), tail(0)]
        default: text += [UInt8(0xF0 | value >> 18), tail(12), tail(6), tail(0)]
        }
    }
}
