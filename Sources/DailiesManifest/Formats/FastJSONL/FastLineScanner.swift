import DailiesCore

/// Splits a typical line of JSONL, one object of known fields with plain values, without copying.
///
/// Anything unusual stops the scan silently. The slow path then reads the line and reports its errors, if any.
struct FastLineScanner: ~Copyable {
    struct Span {
        var start = 0
        var end = 0
        /// Whether the text contains a backslash. `start` and `end` exclude the quotes.
        var isEscaped = false
        var count: Int { end - start }
        /// Including the quotes.
        var quoted: Span { Span(start: start - 1, end: end + 1, isEscaped: isEscaped) }
    }
    /// The value of a field: the inside of a text, or the digits of a number.
    struct Value {
        var span = Span()
        var isText = false
        /// For numbers.
        var integer = 0
    }
    /// Maximum number of tags on a plain line.
    static let maximumTags = 8

    /// Names by slot; a slot holds the value of one name.
    private let names: [[UInt8]]
    /// The slot of the object `tags`.
    private let tagSlot: Int
    /// The slot of each position in the previous line, as a prediction: lines of one file are alike.
    private var lastSlots = [Int](repeating: 0, count: 64)

    private(set) var line = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    private var index = 0
    private(set) var values: [Value]
    /// One bit per slot.
    private(set) var present: UInt64 = 0
    private(set) var tags: [(name: Span, value: Span)] = []

    /// - Parameter names: at most 64, including `tags`.
    init(names: [[UInt8]], tagSlot: Int) {
        self.names = names
        self.tagSlot = tagSlot
        values = [Value](repeating: Value(), count: names.count)
        tags.reserveCapacity(Self.maximumTags)
    }

    func bytes(_ span: Span) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: line[span.start..<span.end])
    }

    func has(_ slot: Int) -> Bool { present & (1 << UInt64(slot)) != 0 }

    // MARK: Splitting

    /// - Returns: the offset of the object; nil if the line is not plain.
    mutating func split(_ line: UnsafeBufferPointer<UInt8>) -> Int? {
        self.line = line
        index = 0
        present = 0
        tags.removeAll(keepingCapacity: true)
        skipBlanks()
        let start = index
        guard take(UInt8(ascii: "{")) else { return nil }
        var place = 0
        repeat {
            skipBlanks()
            guard take(UInt8(ascii: "\"")), let name = text(), !name.isEscaped else { return nil }
            let slot = slot(of: name, at: place)
            guard slot >= 0, !has(slot) else { return nil }
            skipBlanks()
            guard take(UInt8(ascii: ":")) else { return nil }
            skipBlanks()
            guard slot == tagSlot ? takeTags() : takeValue(slot) else { return nil }
            present |= 1 << UInt64(slot)
            place += 1
            skipBlanks()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { return nil }
        skipBlanks()
        return index == line.count ? start : nil
    }

    private mutating func skipBlanks() {
        while index < line.count, line[index] == 0x20 || line[index] == 0x09 { index += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard index < line.count, line[index] == byte else { return false }
        index += 1
        return true
    }

    private mutating func slot(of name: Span, at place: Int) -> Int {
        if place < lastSlots.count {
            let slot = lastSlots[place]
            if isName(slot, name) { return slot }
        }
        for slot in names.indices where isName(slot, name) {
            if place < lastSlots.count { lastSlots[place] = slot }
            return slot
        }
        return -1
    }

    private func isName(_ slot: Int, _ span: Span) -> Bool {
        names[slot].count == span.count && bytes(span).elementsEqual(names[slot])
    }

    private mutating func takeValue(_ slot: Int) -> Bool {
        guard index < line.count else { return false }
        if take(UInt8(ascii: "\"")) {
            guard let span = text() else { return false }
            values[slot] = Value(span: span, isText: true)
            return true
        }
        return takeInteger(slot)
    }

    private mutating func takeInteger(_ slot: Int) -> Bool {
        let start = index
        let isNegative = take(UInt8(ascii: "-"))
        let first = index
        // Accumulate as a negative number: the smallest integer has no positive counterpart.
        var value = 0
        while index < line.count, line[index] &- 0x30 < 10 {
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isTooSmall) = product.subtractingReportingOverflow(Int(line[index] - 0x30))
            guard !isTooLarge, !isTooSmall else { return false }
            value = sum
            index += 1
        }
        guard index > first, index < line.count, isNegative || value != Int.min else { return false }
        if line[first] == UInt8(ascii: "0"), isNegative || index - first > 1 { return false }
        switch line[index] {
        case UInt8(ascii: ","), UInt8(ascii: "}"), 0x20, 0x09: break
        default: return false
        }
        values[slot] = Value(span: Span(start: start, end: index), integer: isNegative ? value : -value)
        return true
    }

    private mutating func takeTags() -> Bool {
        guard take(UInt8(ascii: "{")) else { return false }
        skipBlanks()
        if take(UInt8(ascii: "}")) { return true }
        repeat {
            skipBlanks()
            guard tags.count < Self.maximumTags, take(UInt8(ascii: "\"")), let name = text(), isTagText(name) else {
                return false
            }
            for earlier in tags where bytes(earlier.name).elementsEqual(bytes(name)) { return false }
            skipBlanks()
            guard take(UInt8(ascii: ":")) else { return false }
            skipBlanks()
            guard take(UInt8(ascii: "\"")), let value = text(), isTagText(value) else { return false }
            tags.append((name, value))
            skipBlanks()
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "}"))
    }

    private func isTagText(_ span: Span) -> Bool {
        !span.isEscaped && 1...ManifestLimits.maximumNameBytes ~= span.count && Self.hasPlainEnds(bytes(span))
    }

    /// Whether there is nothing to trim.
    static func hasPlainEnds(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard OuterCharacters.isWorthALook(text.first) || OuterCharacters.isWorthALook(text.last) else { return true }
        return OuterCharacters.removed(from: String(decoding: text, as: UTF8.self)) == nil
    }

    // MARK: Texts

    /// After an opening quote: the text up to the closing quote, if it has no control characters.
    private mutating func text() -> Span? {
        var span = Span(start: index, end: index)
        while true {
            index = Self.endOfPlain(line, from: index)
            guard index < line.count else { return nil }
            switch line[index] {
            case UInt8(ascii: "\""):
                span.end = index
                index += 1
                return span
            case UInt8(ascii: "\\"):
                span.isEscaped = true
                index += 2
            case 0xC2:
                // Control characters from U+0080.
                guard index + 1 < line.count, line[index + 1] >= 0xA0 else { return nil }
                index += 2
            case 0x80...0xFF: index += 1
            default: return nil
            }
        }
    }

    /// The offset of the next byte that is not printable ASCII, or is a quote or a backslash. Reads 8 bytes at a time.
    private static func endOfPlain(_ line: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let raw = UnsafeRawBufferPointer(line)
        var index = start
        while index + 8 <= raw.count {
            let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            let delete = word ^ (ones &* 0x7F)
            // A borrow can flag later bytes wrongly, but never earlier ones: the first flag is right.
            var special = (word &- ones &* 0x20) & ~word
            special |= (quote &- ones) & ~quote
            special |= (backslash &- ones) & ~backslash
            special |= (delete &- ones) & ~delete
            special = (special | word) & highs
            if special != 0 { return index + special.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < line.count {
            let byte = line[index]
            if byte < 0x20 || byte >= 0x7F || byte == 0x22 || byte == 0x5C { break }
            index += 1
        }
        return index
    }
}
