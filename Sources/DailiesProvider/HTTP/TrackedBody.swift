import NIOConcurrencyHelpers

/// The bytes of a request that remember whether anyone asked for them.
///
/// The type of an error does not tell whether a request was sent. This does: the client reads a body given as a
/// collection right after it has handed the head to the socket, and never before. Unread means that the service
/// cannot have got the request whole.
struct TrackedBody: RandomAccessCollection, Sendable {
    /// Set once, never cleared.
    final class Flag: Sendable {
        private let value = NIOLockedValueBox(false)
        var isRead: Bool { value.withLockedValue { $0 } }
        func set() { value.withLockedValue { $0 = true } }
    }

    let bytes: [UInt8]
    let flag: Flag

    var startIndex: Int { 0 }
    var endIndex: Int { bytes.count }

    subscript(index: Int) -> UInt8 {
        flag.set()
        return bytes[index]
    }

    func withContiguousStorageIfAvailable<Result>(
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
    ) rethrows -> Result? {
        flag.set()
        return try bytes.withContiguousStorageIfAvailable(body)
    }
}
