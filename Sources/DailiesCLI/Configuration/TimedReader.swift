import Dispatch
import Foundation

/// Reads a file, pipe or FIFO with a deadline.
struct TimedReader {
    enum Failure: Error, Equatable {
        case timedOut
        /// More bytes than the limit.
        case tooLong
        case refused(errno: Int32)
    }

    let deadline: DispatchTime

    init(within timeout: DispatchTimeInterval) { deadline = .now() + timeout }

    /// Reads until `isEnough` returns true, to the end, or until `other` is readable and `descriptor` is not.
    ///
    /// - Parameter limit: in bytes.
    func read(
        _ descriptor: Int32, atMost limit: Int, orUntil other: Int32 = -1, isEnough: ([UInt8]) -> Bool = { _ in false }
    ) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !isEnough(bytes) {
            guard try isReadable(descriptor, orUntil: other) else { return bytes }
            let count = Foundation.read(descriptor, &buffer, buffer.count)
            if count < 0 {
                guard errno == EINTR || errno == EAGAIN else { throw .refused(errno: errno) }
                continue
            }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limit else { throw .tooLong }
        }
        return bytes
    }

    /// - Returns: false if only `other` is readable.
    private func isReadable(_ descriptor: Int32, orUntil other: Int32) throws(Failure) -> Bool {
        // poll(2) ignores a descriptor of -1.
        var both = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: other, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            let now = DispatchTime.now().uptimeNanoseconds
            guard deadline.uptimeNanoseconds > now else { throw .timedOut }
            let left = min((deadline.uptimeNanoseconds - now) / 1_000_000 + 1, 3_600_000)
            let ready = poll(&both, 2, Int32(left))
            if ready < 0 {
                guard errno == EINTR else { throw .refused(errno: errno) }
            } else if ready > 0 {
                return both[0].revents != 0
            }
        }
    }
}
