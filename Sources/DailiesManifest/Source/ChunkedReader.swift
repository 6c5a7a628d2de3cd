import ExactJSON

/// The part of a text that is being read: bytes from the next one on, checked to be UTF-8 without its mark.
///
/// The text may be of any length; what is passed is forgotten.
final class ChunkedReader {
    /// Bytes that are read at once, of a text that has so many.
    private static let largestChunk = 1 << 18

    private let source: ManifestSource
    private let chunk: Int
    private var room: Int
    private var base: UnsafeMutablePointer<UInt8>
    /// Of `base`: what is there, not passed, and valid.
    private var start = 0
    private var end = 0
    /// Up to here bytes were read; between `end` and here stands a character that is not whole yet, or no character.
    private var filled = 0
    private var offset = 0
    private(set) var isAtEnd = false
    /// A byte that is no UTF-8 follows after what is there.
    private(set) var invalidByte: UInt8?
    private(set) var checksum = Checksum()

    /// - Throws: where the text starts with the mark of another encoding, or cannot be read.
    init(_ source: ManifestSource) throws(SourceError) {
        self.source = source
        chunk = min(Self.largestChunk, (source.knownSize ?? Self.largestChunk) + 1)
        room = 2 * chunk
        base = .allocate(capacity: room)
        try fill()
        start = try TextEncoding.lengthOfMark(UnsafeBufferPointer(start: base, count: filled))
        end = max(end, start)
    }

    deinit { base.deallocate() }

    /// What is there. Valid until the next call of ``more()`` or ``require(_:)``.
    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base + start, count: end - start) }

    func pass(_ count: Int) { start += count }

    /// Nothing is there and nothing follows.
    var isEmpty: Bool { start == end && !canGrow }

    /// More bytes may follow those that are there.
    var canGrow: Bool { !isAtEnd && invalidByte == nil }

    /// Sees to it that so many bytes are there, or all that follow.
    func require(_ count: Int) throws(SourceError) {
        while end - start < count, canGrow { try more() }
    }

    /// Adds bytes to those that are there; none where nothing follows.
    func more() throws(SourceError) {
        guard canGrow else { return }
        let kept = filled - start
        if kept <= chunk / 4 || (filled + chunk > room && kept <= room / 2) {
            // What is little is moved to the front, so that the same memory is used again and stays in the cache.
            base.update(from: base + start, count: kept)
            (start, end, filled) = (0, end - start, kept)
        } else if filled + chunk > room {
            grow()
        }
        try fill()
    }

    private func grow() {
        room *= 2
        let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: room)
        grown.update(from: base + start, count: filled - start)
        base.deallocate()
        base = grown
        (start, end, filled) = (0, end - start, filled - start)
    }

    private func fill() throws(SourceError) {
        precondition(filled + chunk <= room, "a window of \(filled) bytes has no room for more")
        let free = UnsafeMutableRawBufferPointer(start: base + filled, count: chunk)
        let count = try source.read(into: free, from: offset)
        checksum.add(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(free)[..<count]))
        offset += count
        filled += count
        isAtEnd = count == 0
        let unchecked = UnsafeBufferPointer(start: base + end, count: filled - end)
        guard let invalid = JSONText.firstInvalidUTF8(in: unchecked) else {
            end = filled
            return
        }
        end += invalid
        // Up to three bytes of a character may be here while the rest of it is still to come.
        if filled - end > 3 || isAtEnd || !TextEncoding.mayContinue(unchecked[invalid...]) {
            invalidByte = base[end]
        }
    }
}

/// Tells one text from another: to notice that a file was changed between two readings. Not against an adversary.
struct Checksum: Hashable {
    private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15

    private(set) var count = 0
    private var state: UInt64 = 0x2545_F491_4F6C_DD1D

    /// - Parameter bytes: in pieces of the same lengths each time.
    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        count += bytes.count
        var lanes = (state, state ^ Self.factor, state &+ Self.factor, ~state)
        var index = 0
        while index + 32 <= bytes.count {
            lanes.0 = Self.mixed(lanes.0 ^ bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            lanes.1 = Self.mixed(lanes.1 ^ bytes.loadUnaligned(fromByteOffset: index + 8, as: UInt64.self))
            lanes.2 = Self.mixed(lanes.2 ^ bytes.loadUnaligned(fromByteOffset: index + 16, as: UInt64.self))
            lanes.3 = Self.mixed(lanes.3 ^ bytes.loadUnaligned(fromByteOffset: index + 24, as: UInt64.self))
            index += 32
        }
        while index < bytes.count {
            lanes.0 = Self.mixed(lanes.0 ^ UInt64(bytes[index]))
            index += 1
        }
        state = Self.mixed(Self.mixed(Self.mixed(lanes.0) ^ lanes.1) ^ lanes.2) ^ lanes.3
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        let product = (value | 1).multipliedFullWidth(by: factor)
        return product.high ^ product.low ^ value
    }
}
