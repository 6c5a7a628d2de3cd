import DailiesCore
import DailiesStore
import Foundation

/// Reads an API key from a file, a FIFO or a shell's `<(command)`.
enum KeyFile {
    /// In seconds. The writer of a FIFO may ask for a password.
    private static let timeoutSeconds = 60
    private static let maximumBytes = 65_536

    /// By path, because a FIFO can be read only once.
    private static let texts = Locked<[String: String]>([:])

    /// - Throws: ``Stop`` with 77 if it cannot be read in time.
    static func text(of path: String) throws -> String {
        if let text = texts.withLock({ $0[path] }) { return text }
        do throws(Failure) {
            let text = try text(of: path, within: .seconds(timeoutSeconds))
            texts.withLock { $0[path] = text }
            return text
        } catch {
            throw Stop(.keyRefused, "cannot read an API key from the file \(SafeText.quoted(path)): \(error.message)")
        }
    }

    struct Failure: Error {
        let message: String
    }

    /// Reads to the end. Warns about a regular file that other users can read.
    static func text(of path: String, within timeout: DispatchTimeInterval) throws(Failure) -> String {
        let descriptor = open(path)
        guard descriptor >= 0 else { throw Failure(message: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        warnOfReaders(descriptor, path)
        do throws(TimedReader.Failure) {
            let bytes = try TimedReader(within: timeout).read(descriptor, atMost: maximumBytes)
            return text(of: bytes)
        } catch {
            switch error {
            case .timedOut: throw Failure(message: "no key was written to it within \(Self.timeoutSeconds) s")
            case .tooLong: throw Failure(message: "it is too long for a key")
            case .refused(let code): throw Failure(message: String(cString: strerror(code)))
            }
        }
    }

    /// UTF-8, or UTF-16 with a byte order mark, as PowerShell writes it.
    private static func text(of bytes: [UInt8]) -> String {
        let marks: [([UInt8], String.Encoding)] = [
            ([0xFF, 0xFE], .utf16LittleEndian), ([0xFE, 0xFF], .utf16BigEndian),
        ]
        for (mark, encoding) in marks where bytes.starts(with: mark) {
            return String(bytes: bytes, encoding: encoding) ?? ""
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Does not wait for the writer of a FIFO. Duplicates an inherited descriptor, because a pipe that is opened again
    /// does not report the end of its writer.
    private static func open(_ path: String) -> Int32 {
        for folder in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(folder) {
            if let number = Int32(path.dropFirst(folder.count)) { return fcntl(number, F_DUPFD_CLOEXEC, 0) }
        }
        return Foundation.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    }

    private static func warnOfReaders(_ descriptor: Int32, _ path: String) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_mode & (S_IRGRP | S_IROTH) != 0
        else { return }
        let (mode, file) = (String(status.st_mode & 0o777, radix: 8), ShellWord.quoted(path))
        Console.error("warning: others can read the API key in \(file) (mode 0\(mode)); run `chmod 600 \(file)`")
    }
}
