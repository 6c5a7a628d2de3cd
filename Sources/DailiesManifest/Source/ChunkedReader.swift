import ExactJSON

/// A window on a text: the bytes after the current position, validated as UTF-8, without the byte order mark.
///
/// The text may have any length; bytes that were passed are discarded.
final class ChunkedReader {
    /// Bytes per read, for texts of at least this size.
    private static let maximumChunk = 1 << 18

    private let source: ManifestSource
    private let chunk: Int
    private var room: Int
    private var base: UnsafeMutablePointer<UInt8>
    /// In `base`: the valid bytes that were not passed yet.
    private var start = 0
    private var end = 0
    /// End of the bytes read. Between `end` and here is an incomplete or invalid character.
    private var filled = 0
    private var offset = 0
    private(set) var isAtEnd = false
    /// The invalid byte after the valid ones, if any.
    private(set) var invalidByte: UInt8?
    private(set) var checksum = Checksum()

    /// - Throws: if the text starts with the mark of another encoding, or cannot be read.
    init(_ source: ManifestSource) throws(SourceError) {
        self.source = source
        chunk = min(Self.maximumChunk, (source.knownSize ?? Self.maximumChunk) + 1)
        room = 2 * chunk
        base = .allocate(capacity: room)
        try fill()
        start = try TextEncoding.lengthOfMark(UnsafeBufferPointer(start: base, count: filled))
        end = max(end, start)
    }

    deinit { base.deallocate() }

    /// The current bytes. Valid until the next call of ``readMore()`` or ``require(_:)``.
    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base + start, count: end - start) }

    func pass(_ count: Int) { start += count }

    /// Whether no bytes are left.
    var isEmpty: Bool { start == end && !canGrow }

    /// Whether more bytes may follow.
    var canGrow: Bool { !isAtEnd && invalidByte == nil }

    /// Reads until at least `count` bytes are available, or the text ends.
    func require(_ count: Int) throws(SourceError) {
        while end - start < count, canGrow { try readMore() }
    }

    /// Reads more bytes; none at the end.
    func readMore() throws(SourceError) {
        guard canGrow else { return }
        let kept = filled - start
        if kept <= chunk / 4 || (filled + chunk > room && kept <= room / 2) {
            // Move a small rest to the front, to reuse memory that is in the cache.
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
        // Up to three bytes of an incomplete character may remain.
        if filled - end > 3 || isAtEnd || !TextEncoding.mayContinue(unchecked[invalid...]) {
            invalidByte = base[end]
        }
    }
}

/// Detects that a file changed between two readings. Not safe against an attacker.
struct Checksum: Hashable {
    private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15

    private(set) var count = 0
    private var state: UInt64 = 0x2545_F491_4F6C_DD1D

    /// - Parameter bytes: must be split at the same offsets each time.
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
