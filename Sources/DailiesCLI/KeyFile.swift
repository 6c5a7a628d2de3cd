import DailiesCore
import DailiesStore
import Foundation

/// A file that holds an API key: also a FIFO, or what a shell gives for `<(command)`.
enum KeyFile {
    /// Seconds: whoever writes the key may have to be asked for a password.
    private static let patience = 60
    private static let mostBytes = 65_536

    /// A FIFO gives what it has once, however often its key is asked for.
    private static let texts = Guarded<[String: String]>([:])

    /// - Throws: ``Stop`` with 77 where it cannot be read, or not in time.
    static func text(of path: String) throws -> String {
        if let text = texts.withLock({ $0[path] }) { return text }
        do throws(Trouble) {
            let text = try text(of: path, within: .seconds(patience))
            texts.withLock { $0[path] = text }
            return text
        } catch {
            throw Stop(.keyRefused, "cannot read an API key from the file \(SafeText.quoted(path)): \(error.message)")
        }
    }

    struct Trouble: Error {
        let message: String
    }

    /// To its end. A plain file that others can read is warned of.
    static func text(of path: String, within patience: DispatchTimeInterval) throws(Trouble) -> String {
        let descriptor = open(path)
        guard descriptor >= 0 else { throw Trouble(message: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        warnOfReaders(descriptor, path)
        do throws(DeadlineReading.Failure) {
            let bytes = try DeadlineReading(within: patience).read(descriptor, atMost: mostBytes)
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            switch error {
            case .timedOut: throw Trouble(message: "nobody wrote it, or its end, in time (\(Self.patience) s)")
            case .tooLong: throw Trouble(message: "it is longer than any key")
            case .refused(let code): throw Trouble(message: String(cString: strerror(code)))
            }
        }
    }

    /// Does not wait for a FIFO's writer. A descriptor that was inherited is taken as it is: opened anew, a pipe whose
    /// writer has ended would look like one whose writer is still to come.
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
        Console.error("warning: others can read the API key in \(file) (mode 0\(mode)); chmod 600 \(file)")
    }
}
