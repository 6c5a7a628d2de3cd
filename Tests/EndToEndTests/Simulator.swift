import ExactJSON
import Foundation
import Testing

/// `dailies simulate` as a process, and requests that tests send to it directly.
final class Simulator: Sendable {
    struct Failure: Error {
        let message: String
    }

    let url: String
    private let process: Process

    init(_ arguments: [String], in folder: String) async throws {
        let process = Program.process(["simulate"] + arguments, in: folder, key: nil)
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.process = process
        // It prints its first line once it listens. A separate thread reads it, so that other tests are not blocked.
        url = await withCheckedContinuation { continuation in
            DispatchQueue(label: "simulator").async {
                var line = Data()
                while !line.contains(0x0A) {
                    let more = pipe.fileHandleForReading.availableData
                    if more.isEmpty { break }
                    line += more
                }
                let text = String(decoding: line, as: UTF8.self)
                continuation.resume(returning: text.trimmingCharacters(in: .whitespacesAndNewlines))
            }
        }
        guard url.hasPrefix("http://127.0.0.1:") else { throw Failure(message: "the simulator did not start: \(url)") }
    }

    func stop() { if process.isRunning { process.terminate() } }

    /// Submits like the program, with this submission key.
    ///
    /// - Returns: the task id.
    @discardableResult
    func submit(key: String, prompt: String = "a pine forest") throws -> String {
        let body =
            "{\"model\":\"sora-2\",\"prompt\":\"\(prompt)\",\"duration_seconds\":4,\"out_task_id\":\"\(key)\"}"
        let reply = try send("POST", "/v1/tasks/submit", body)
        return try #require(try JSONValue.parse(reply.utf8)["task_id"]?.string, "no task id in \(reply)")
    }

    /// Polls until the task has this state, up to a limit, while the simulator's clock advances. Polls on a separate
    /// thread, so that other tests are not blocked.
    func wait(for id: String, toBe state: String) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            DispatchQueue(label: "simulator").async {
                continuation.resume(with: Result { try self.askUntil(id, is: state) })
            }
        }
    }

    private func askUntil(_ id: String, is state: String) throws {
        for _ in 0..<20_000 {
            let reply = try send("GET", "/v1/tasks/query?task_id=\(id)", nil)
            if try JSONValue.parse(reply.utf8)["status"]?.string == state { return }
            poll(nil, 0, 5)
        }
        throw Failure(message: "the task \(id) did not become \(state)")
    }

    /// Polls until the task is unknown, like ``wait(for:toBe:)``.
    func wait(untilGone id: String) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            DispatchQueue(label: "simulator").async {
                continuation.resume(
                    with: Result {
                        for _ in 0..<20_000 {
                            let reply = try self.send("GET", "/v1/tasks/query?task_id=\(id)", nil)
                            if reply.contains("task_not_found") { return }
                            poll(nil, 0, 5)
                        }
                        throw Failure(message: "the task \(id) stays")
                    })
            }
        }
    }

    func control(_ order: String) throws { _ = try send("POST", "/simulator/control", order) }

    /// The credits that it would have charged, as text.
    func charged() throws -> String {
        let bill = try JSONValue.parse(try send("GET", "/simulator/bill", nil).utf8)
        return try #require(bill["total"]?.number ?? bill["total"]?.string, "no total in \(bill.compactText)")
    }

    /// Sends one request over a new socket and returns the body of the response.
    func send(_ method: String, _ target: String, _ body: String?) throws -> String {
        let port = try #require(UInt16(url.split(separator: ":").last ?? ""))
        let socket = try Self.connected(to: port)
        defer { close(socket) }
        let text = body ?? ""
        try Self.write(
            "\(method) \(target) HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: \(Scene.keyText)\r\n"
                + "content-type: application/json\r\ncontent-length: \(text.utf8.count)\r\nconnection: close\r\n\r\n"
                + text, to: socket)
        let reply = String(decoding: Self.readAll(from: socket), as: UTF8.self)
        let parts = reply.split(separator: "\r\n\r\n", maxSplits: 1)
        guard parts.count == 2 else { throw Failure(message: "no whole reply to \(method) \(target): \(reply)") }
        return String(parts[1])
    }

    private static func connected(to port: UInt16) throws -> Int32 {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard socket >= 0, result == 0 else { throw Failure(message: "no connection to the simulator (\(errno))") }
        return socket
    }

    private static func write(_ text: String, to socket: Int32) throws {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Foundation.write(socket, $0.baseAddress, $0.count) }
            guard count > 0 else { throw Failure(message: "the simulator does not listen (\(errno))") }
            bytes = bytes.dropFirst(count)
        }
    }

    private static func readAll(from socket: Int32) -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(socket, &buffer, buffer.count)
            if count <= 0 { return all }
            all += buffer.prefix(count)
        }
    }
}
