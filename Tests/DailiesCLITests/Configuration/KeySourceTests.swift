import Foundation
import Testing

@testable import DailiesCLI

/// Keys from a command, a file, a FIFO or a pipe, each with a size limit and a deadline.
struct KeySourceTests {
    private final class Folder {
        let path: String

        init() throws {
            path = NSTemporaryDirectory() + "/dailies-key-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit {
            // A leftover folder is harmless, and a deinit cannot throw.
            try? FileManager.default.removeItem(atPath: path)
        }

        func fifo() throws -> String {
            let name = path + "/fifo"
            try #require(mkfifo(name, 0o600) == 0)
            return name
        }

        /// A number that a command writes to a file, once it is there.
        func number(in name: String) throws -> pid_t {
            let text = try String(contentsOfFile: path + "/" + name, encoding: .utf8)
            return try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        }
    }

    private static let long = DispatchTimeInterval.seconds(60)
    private static let short = DispatchTimeInterval.milliseconds(300)

    private func fails(_ command: String, within patience: DispatchTimeInterval = long) -> String? {
        do throws(KeyCommand.Failure) {
            return "no failure, but \(try KeyCommand.firstLine(of: command, within: patience))"
        } catch {
            return error.message
        }
    }

    /// Gone, or a zombie that its new parent has not reaped yet.
    private func hasEnded(_ process: pid_t) -> Bool {
        guard let line = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
            // If the folder does not exist, the process is gone.
            return true
        }
        return line[(line.lastIndex(of: ")") ?? line.startIndex)...].dropFirst(2).first == "Z"
    }

    // MARK: Commands

    @Test(arguments: [
        "echo sk-1", "printf sk-1", "printf 'sk-1\\nsecond line\\n'", "echo sk-1; head -c 30000 /dev/zero",
        // Beyond the limit: the output is cut off, and the exit status is meaningless.
        "echo sk-1; cat /dev/zero", "echo sk-1; yes",
    ]) func `the key is the first line, regardless of the rest`(command: String) throws {
        #expect(try KeyCommand.firstLine(of: command, within: Self.long) == "sk-1")
    }

    @Test func `a process that a command leaves running does not delay the key`() throws {
        let folder = try Folder()
        let command = "sleep 1000 & echo $! >'\(folder.path)/pid'; echo sk-1"
        #expect(try KeyCommand.firstLine(of: command, within: Self.long) == "sk-1")
        let left = try folder.number(in: "pid")
        #expect(!hasEnded(left), "it was to be left alone")
        kill(left, SIGKILL)
    }

    @Test func `a command that fails or prints nothing gives no key`() {
        #expect(fails("echo sk-1; exit 3") == "failed with exit code 3")
        #expect(fails("kill -9 $$") == "failed with exit code 137")
        #expect(fails("true") == "printed no key")
        #expect(fails("echo; echo sk-1") == "printed no key")
        #expect(fails("cat /dev/zero") == "printed a first line that is too long for a key")
    }

    @Test(arguments: ["", "echo sk-1; "]) func `at the deadline a command and its child processes are killed`(
        before: String
    ) throws {
        let folder = try Folder()
        let command = "\(before)sleep 1000 & echo $! >'\(folder.path)/pid'; sleep 1001 | cat"
        let words = try #require(fails(command, within: Self.short))
        #expect(
            "api_key_command \(words)"
                == "api_key_command did not finish within 60 s; it and its child processes were killed")
        let sleeper = try folder.number(in: "pid")
        let deadline = Date(timeIntervalSinceNow: 30)
        while !hasEnded(sleeper), Date() < deadline { poll(nil, 0, 3) }
        #expect(hasEnded(sleeper))
    }

    // MARK: Files

    private func failsFile(_ path: String, within patience: DispatchTimeInterval = long) -> String? {
        do throws(KeyFile.Failure) {
            return "no failure, but \(try KeyFile.text(of: path, within: patience))"
        } catch {
            return error.message
        }
    }

    @Test func `a FIFO is read to its end, up to the deadline`() throws {
        let folder = try Folder()
        let fifo = try folder.fifo()
        #expect(failsFile(fifo, within: Self.short) == "no key was written to it within 60 s")
        Thread.detachNewThread {
            // open() waits for the reader.
            guard let stream = fopen(fifo, "w") else { return }
            fputs("sk-", stream)
            fflush(stream)
            fputs("1\n", stream)
            fclose(stream)
        }
        #expect(try KeyFile.text(of: fifo, within: Self.long) == "sk-1\n")
    }

    @Test(arguments: ["/dev/fd/", "/proc/self/fd/"]) func `an inherited pipe is read, even after its writer has ended`(
        folder: String
    ) throws {
        let pipe = Pipe()
        let path = folder + "\(pipe.fileHandleForReading.fileDescriptor)"
        pipe.fileHandleForWriting.write(Data("sk-1\n".utf8))
        pipe.fileHandleForWriting.closeFile()
        #expect(try KeyFile.text(of: path, within: Self.long) == "sk-1\n")
        #expect(try KeyFile.text(of: path, within: Self.long) == "", "an empty file must not block")
    }

    @Test func `an invalid key file is refused with a message`() throws {
        let folder = try Folder()
        #expect(failsFile("/dev/zero") == "it is too long for a key")
        #expect(failsFile(folder.path) == "Is a directory")
        #expect(failsFile(folder.path + "/none") == "No such file or directory")
        #expect(failsFile("/dev/fd/4000") == "Bad file descriptor")
    }
}
