import ExactJSON
import Foundation
import Testing

/// One test's own folder, the program in it, and a simulator where one is asked for. All are gone when it is let go of.
final class MoneyEnvironment {
    struct Finished {
        let code: Int32
        let out: String
        let err: String
        func json() throws -> JSONValue { try JSONValue.parse(Array(out.utf8)) }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The program, beside the test bundle.
    private static let program: String = {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        var candidates = [root.appendingPathComponent(".build/debug/dailies").path]
        if count > 0 {
            let bundle = String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            candidates.insert(
                URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("dailies").path, at: 0)
        }
        guard let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
            preconditionFailure("the program is not built: there is none of \(candidates)")
        }
        return found
    }()

    let speed: Int
    let folder: String
    private var simulators: [Process] = []

    /// - Parameter speed: of the simulator and of the runs against it.
    init(speed: Int = 1000) throws {
        self.speed = speed
        folder = NSTemporaryDirectory() + "/dailies-money-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit {
        for process in simulators {
            process.terminate()
            process.waitUntilExit()
        }
        // A folder that stays behind harms nobody, and a deinit cannot throw.
        try? FileManager.default.removeItem(atPath: folder)
    }

    var store: String { folder + "/dailies.sqlite" }
    func path(_ name: String) -> String { folder + "/" + name }

    @discardableResult func write(_ name: String, _ text: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }

    /// A JSONL manifest of 8 s clips of `sora-2-pro` with the ids `clip-1`, `clip-2` …
    func manifest(_ name: String = "batch.jsonl", clips: Int, more: String = "") throws -> String {
        let lines = (1...clips).map { number in
            """
            {"id": "clip-\(number)", "model": "sora-2-pro", "prompt": "take \(number)", "duration_seconds": 8\(more)}
            """
        }
        return try write(name, lines.joined(separator: "\n") + "\n")
    }

    func bytes(_ path: String) throws -> Data {
        try #require(FileManager.default.contents(atPath: path), "there is no file \(path)")
    }

    func files() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }

    // MARK: Processes

    private func process(_ arguments: [String], _ environment: [String: String]) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.arguments = arguments
        var variables = ["SWIFT_BACKTRACE": "enable=no", "TMPDIR": folder, "HOME": folder]
        for (name, value) in ProcessInfo.processInfo.environment
        where ["PATH", "LANG", "LD_LIBRARY_PATH"].contains(name) || name.hasSuffix("SAN_OPTIONS") {
            variables[name] = value
        }
        process.environment = variables.merging(environment) { $1 }
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardInput = FileHandle.nullDevice
        return process
    }

    /// Runs a command to its end.
    ///
    /// - Parameter input: a file that is its standard input.
    func finish(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil
    ) throws -> Finished {
        let process = process(arguments, environment)
        if let input { process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: input)) }
        // Files take any amount of output without a reader.
        let (outPath, errPath) = (path("out.\(UUID().uuidString)"), path("err.\(UUID().uuidString)"))
        for path in [outPath, errPath] { try Data().write(to: URL(fileURLWithPath: path)) }
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: outPath))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errPath))
        try process.run()
        process.waitUntilExit()
        let (out, err) = (try bytes(outPath), try bytes(errPath))
        for path in [outPath, errPath] { try FileManager.default.removeItem(atPath: path) }
        return Finished(
            code: process.terminationStatus, out: String(decoding: out, as: UTF8.self),
            err: String(decoding: err, as: UTF8.self))
    }

    /// What the bare `sqlite3` shell answers about the store.
    func shell(_ sql: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["sqlite3", "-readonly", store, sql]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let out = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(description: "sqlite3 refuses: \(sql)") }
        return String(decoding: out, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Starts `dailies simulate`; its address.
    func simulator(_ more: [String] = []) throws -> String {
        let process = process(["simulate", "--speed", "\(speed)", "--port", "0"] + more, [:])
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        simulators.append(process)
        var line: [UInt8] = []
        while line.last != UInt8(ascii: "\n") {
            guard let byte = try pipe.fileHandleForReading.read(upToCount: 1)?.first else {
                throw Failure(description: "the simulator ended before it said where it is")
            }
            line.append(byte)
        }
        return String(decoding: line.dropLast(), as: UTF8.self)
    }

    /// The options that lead to a simulator.
    func options(_ url: String) -> [String] {
        ["--provider", "simulator", "--base-url", url, "--speed", "\(speed)", "--store", store]
    }

    func run(_ manifest: String, at url: String, _ more: [String] = []) throws -> Finished {
        try finish(["run", manifest, "--output", path("renders")] + options(url) + more)
    }

    func plan(_ manifest: String, _ more: [String] = []) throws -> Finished {
        try finish(["plan", manifest, "--store", store] + more)
    }

    /// Changes how the simulator behaves from now on.
    func control(_ url: String, _ order: String) throws {
        let port = try #require(UInt16(url.split(separator: ":").last ?? ""))
        _ = try Loopback.get(port, "/simulator/control", posting: order)
    }

    /// What the simulator has billed, and to how many submits it said yes.
    func bill(_ url: String) throws -> (total: String, accepted: Int) {
        let port = try #require(UInt16(url.split(separator: ":").last ?? ""))
        let json = try JSONValue.parse(try Loopback.get(port, "/simulator/bill"))
        return (try #require(json["total"]?.number), try #require(Int(json["accepted"]?.number ?? "")))
    }
}

/// The least of TCP on this machine.
enum Loopback {
    private static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        return address
    }

    private static func socket() throws -> Int32 {
        let descriptor = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw MoneyEnvironment.Failure(description: "no socket") }
        return descriptor
    }

    /// The body of a reply.
    ///
    /// - Parameter body: nil for a GET.
    static func get(_ port: UInt16, _ path: String, posting body: String? = nil) throws -> [UInt8] {
        let descriptor = try socket()
        defer { close(descriptor) }
        var address = address(port)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard connected == 0 else { throw MoneyEnvironment.Failure(description: "cannot connect to port \(port)") }
        let method = body == nil ? "GET" : "POST"
        let head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        let length = "Content-Length: \(body?.utf8.count ?? 0)\r\n\r\n"
        let request = Array((head + length + (body ?? "")).utf8)
        guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw MoneyEnvironment.Failure(description: "cannot send to port \(port)")
        }
        var reply: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 { reply += buffer[..<count] }
        guard let head = reply.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw MoneyEnvironment.Failure(description: "port \(port) sent no reply")
        }
        return Array(reply[head.upperBound...])
    }

    /// A port that listens and counts, at the end, how many have called.
    static func listener() throws -> (port: UInt16, callers: () -> Int) {
        let descriptor = try socket()
        var address = address(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { socket in
                bind(descriptor, socket, size) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, socket, &size) == 0
            }
        }
        guard bound else { throw MoneyEnvironment.Failure(description: "cannot listen") }
        return (
            UInt16(bigEndian: address.sin_port),
            {
                var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                let count = Int(poll(&waiting, 1, 0))
                close(descriptor)
                return count
            }
        )
    }
}
