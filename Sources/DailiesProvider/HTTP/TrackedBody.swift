import NIOConcurrencyHelpers

/// A request body that records whether it was read.
///
/// The type of an error does not show whether a request was sent. This does: the client reads a body given as a
/// collection right after passing the head to the socket, and never before. If it is unread, the service cannot have
/// received the whole request.
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
