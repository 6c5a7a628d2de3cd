/// Makes UTF-8 of UTF-16, piece by piece. What is no UTF-16 becomes what is no UTF-8, so that the reader names its place.
struct UTF16Decoder {
    private let isBigEndian: Bool
    private var firstByte: UInt8?
    private var highSurrogate: UInt16?
    private(set) var text: [UInt8] = []

    /// - Parameter start: the first four bytes, or all.
    /// - Returns: nil where they are not the mark of UTF-16, which belongs to the text.
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

    /// The text so far, which is forgotten.
    mutating func takeText() -> [UInt8] {
        defer { text.removeAll(keepingCapacity: true) }
        return text
    }

    /// Nothing more follows.
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

    /// A surrogate alone is written as if it were a character, which UTF-8 does not know.
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
