import DailiesCore
import Foundation
import ProviderSimulator
import Testing

struct ServerTests {
    private static func server(
        stateFile: String? = nil, _ configure: (inout SimulatorConfiguration) -> Void = { _ in }
    ) -> SimulatorServer {
        SimulatorServer(
            configuration: Harness.configuration(configure), catalog: Harness.catalog, port: 0,
            stateFile: stateFile, clock: { Harness.start })
    }

    private static func submit(_ body: String = Harness.flat()) -> String {
        """
        POST /v1/tasks/submit HTTP/1.1\r\nHost: x\r\nX-API-Key: k\r\nContent-Type: application/json\r\n\
        Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)
        """
    }

    private static func get(_ path: String) -> String {
        "GET \(path) HTTP/1.1\r\nHost: x\r\nX-API-Key: k\r\nConnection: close\r\n\r\n"
    }

    @Test func `a task is submitted, queried and delivered over a socket`() async throws {
        let server = Self.server { $0.latency = .fixed(queued: .zero, running: .zero) }
        let port = try await server.start()
        let accepted = try await RawClient.exchange(port, Self.submit())
        #expect(accepted.status == 200)
        #expect(accepted.headers["x-simulator-speed"] == "1")
        #expect(accepted.headers["date"] == "Fri, 08 May 2026 13:00:00 GMT")
        let id = try #require(accepted.json?["task_id"]?.string)
        let done = try await RawClient.exchange(port, Self.get("/v1/tasks/query?task_id=\(id)"))
        #expect(done.json?["status"]?.string == "completed")
        let url = try #require(done.json?["result"]?["video_url"]?.string)
        let base = "http://127.0.0.1:\(port)"
        try #require(url.hasPrefix(base))
        let clip = try await RawClient.exchange(port, Self.get(String(url.dropFirst(base.count))))
        #expect(clip.body == ClipWriter(resolution: "1080p", aspectRatio: "16:9", seconds: 8).file())
        let bill = try await RawClient.exchange(port, Self.get("/simulator/bill"))
        #expect(bill.json?["total"]?.number == "3.6")
        #expect(server.bill.total.description == "3.6")
        await server.stop()
    }

    @Test func `a dropped reply and a refused connection close without a byte`() async throws {
        for (kind, accepted) in [(FaultKind.dropReply, 1), (.refuse, 0)] {
            let server = Self.server { $0.faults = FaultPlan([kind: 1]) }
            let port = try await server.start()
            let reply = try await RawClient.exchange(port, Self.submit())
            #expect(reply.raw.isEmpty)
            #expect(server.bill.accepted == accepted)
            await server.stop()
        }
    }

    @Test func `a truncated response ends before its announced length`() async throws {
        let server = Self.server { $0.faults = FaultPlan([.truncateReply: 1]) }
        let port = try await server.start()
        for _ in 0..<10 {
            let reply = try await RawClient.exchange(port, Self.submit())
            let announced = try #require(reply.headers["content-length"].flatMap { Int($0) })
            #expect(reply.body.count < announced)
        }
        await server.stop()
    }

    @Test func `dripped and delayed responses are complete`() async throws {
        let server = Self.server {
            $0.faults = FaultPlan([.dripReply: 0.5, .delayReply: 1])
            $0.faults.dripPause = .microseconds(100)
            $0.faults.replyDelay = .milliseconds(1)
        }
        let port = try await server.start()
        for _ in 0..<10 {
            let reply = try await RawClient.exchange(port, Self.submit())
            #expect(reply.headers["content-length"] == "\(reply.body.count)")
            #expect(reply.json?["task_id"] != nil)
        }
        await server.stop()
    }

    @Test func `a body over the limit is refused and read to its end`() async throws {
        let server = Self.server()
        let port = try await server.start()
        let reply = try await RawClient.exchange(
            port, Self.submit(Harness.flat(prompt: String(repeating: "x", count: 3 << 20))))
        #expect(reply.status == 413)
        await server.stop()
    }

    @Test func `accepted tasks survive the end of the server, and a repeat finds them`() async throws {
        let path = NSTemporaryDirectory() + "simulator-\(UUID().uuidString)"
        defer { unlink(path) }
        let first = Self.server(stateFile: path)
        let reply = try await RawClient.exchange(try await first.start(), Self.submit(Harness.flat(key: "k")))
        let id = try #require(reply.json?["task_id"]?.string)
        // After the response, the file on disk is what a kill would leave.
        let journal = try Data(contentsOf: URL(fileURLWithPath: path))
        await first.stop()
        try journal.write(to: URL(fileURLWithPath: path))
        let second = Self.server(stateFile: path)
        let again = try await RawClient.exchange(try await second.start(), Self.submit(Harness.flat(key: "k")))
        #expect(again.json?["task_id"]?.string == id)
        #expect(second.bill.rendersByKey == ["k": 1])
        await second.stop()
    }

    @Test func `a port in use is an error, and stopping closes open connections`() async throws {
        let server = Self.server()
        let port = try await server.start()
        let other = SimulatorServer(
            configuration: Harness.configuration(), catalog: Harness.catalog, port: port, stateFile: nil,
            clock: { Harness.start })
        await #expect(throws: (any Error).self) { try await other.start() }
        let idle = try RawClient.connect(port)
        defer { close(idle) }
        await server.stop()
        await #expect(throws: RawClient.Refused.self) {
            try await RawClient.exchange(port, Self.get("/simulator/state"))
        }
    }
}
