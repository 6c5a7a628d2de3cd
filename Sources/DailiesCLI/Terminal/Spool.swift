import DailiesCore
import DailiesManifest
import Foundation

/// Lines in an unnamed temporary file, which disappears with this object or the process.
final class Spool {
    private let stream: UnsafeMutablePointer<FILE>

    init() throws {
        let descriptor = TemporaryFile.create()
        guard descriptor >= 0 else { throw Self.stop() }
        guard let stream = fdopen(descriptor, "w+") else {
            close(descriptor)
            throw Self.stop()
        }
        self.stream = stream
    }

    deinit { fclose(stream) }

    /// - Parameter line: without a line end.
    func add(_ line: String) throws {
        var text = line + "\n"
        let written = text.withUTF8 { fwrite($0.baseAddress, 1, $0.count, stream) }
        guard written == text.utf8.count else { throw Self.stop() }
    }

    /// Reads all lines. Nothing may be added afterwards.
    func forEach(_ body: (String) throws -> Void) throws {
        guard fflush(stream) == 0, fseek(stream, 0, SEEK_SET) == 0 else { throw Self.stop() }
        var line: UnsafeMutablePointer<CChar>?
        var room = 0
        defer { free(line) }
        while true {
            let count = getline(&line, &room, stream)
            guard count > 0, let line else { break }
            let bytes = UnsafeRawBufferPointer(start: line, count: count - 1)
            try body(String(decoding: bytes, as: UTF8.self))
        }
        guard ferror(stream) == 0 else { throw Self.stop() }
    }

    private static func stop() -> Stop {
        Stop(
            .unexpected,
            "cannot write or read a temporary file in \(FileManager.default.temporaryDirectory.path): "
                + "\(String(cString: strerror(errno))); free up space there, or set TMPDIR to another folder")
    }
}
