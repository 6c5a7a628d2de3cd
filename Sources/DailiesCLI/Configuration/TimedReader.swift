import Dispatch
import Foundation

/// Reads a file, pipe or FIFO up to a deadline.
struct TimedReader {
    enum Failure: Error, Equatable {
        case timedOut
        /// There were more bytes than the limit.
        case tooLong
        case refused(errno: Int32)
    }

    let deadline: DispatchTime

    init(within patience: DispatchTimeInterval) { deadline = .now() + patience }

    /// Reads until it is enough, to the end, or until the other descriptor has something to read and this one has not.
    ///
    /// - Parameter limit: in bytes.
    func read(
        _ descriptor: Int32, atMost limit: Int, orUntil other: Int32 = -1, isEnough: ([UInt8]) -> Bool = { _ in false }
    ) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !isEnough(bytes) {
            guard try waits(for: descriptor, or: other) else { return bytes }
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

    /// - Returns: false if only the other one has something to read.
    private func waits(for descriptor: Int32, or other: Int32) throws(Failure) -> Bool {
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
