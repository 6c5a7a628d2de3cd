import ArgumentParser
import AsyncHTTPClient
import DailiesCore
import DailiesProvider
import Foundation
import NIOCore
import NIOPosix

/// The minimal cost of the same requests with async-http-client: no store, no scheduler, almost no parsing. It is a
/// separate process, to measure its CPU time apart from the benchmark's.
struct HTTPBaseline: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bare-loop", shouldDisplay: false)

    @Option var url: String
    /// One submission key per line.
    @Option var keys: String
    @Option var slots: Int
    @Option var speed: Int
    @Option var connections = 48
    /// Queries one task this many times as fast as possible, instead of at poll times.
    @Option var flatOut: Int?

    func run() async throws {
        let keys = try String(contentsOfFile: keys, encoding: .utf8).split(separator: "\n").map(String.init)
        var configuration = HTTPClient.Configuration()
        configuration.httpVersion = .http1Only
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        // If there are more tasks than connections, they wait in the client's queue.
        configuration.timeout.connect = .seconds(60)
        let client = HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton.any()), configuration: configuration)
        do {
            let requests = Requests(client: client, url: url)
            if let flatOut {
                try await hurry(requests, key: keys[0], count: flatOut)
            } else {
                try await follow(requests, keys)
            }
        } catch {
            try await client.shutdown()
            throw error
        }
        try await client.shutdown()
    }

    /// Handles every task like the runner: a submit, then a query at each poll time until it is completed.
    private func follow(_ requests: Requests, _ keys: [String]) async throws {
        let cadence = BenchmarkEnvironment.cadence(speed: speed)
        let late = BenchmarkEnvironment.lateInterval(speed: speed)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for slot in 0..<slots {
                group.addTask {
                    // Each slot gets its share at the start, so that there is no shared list to wait for.
                    for index in stride(from: slot, to: keys.count, by: slots) {
                        let began = ContinuousClock.now
                        let task = try await requests.submit(keys[index])
                        var elapsed = began.duration(to: .now)
                        repeat {
                            elapsed = cadence.nextPoll(after: elapsed, afterwards: late)
                            try await Task.sleep(until: began + elapsed, tolerance: .zero)
                        } while try await !requests.isCompleted(task)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func hurry(_ requests: Requests, key: String, count: Int) async throws {
        let task = try await requests.submit(key)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<connections {
                group.addTask {
                    for _ in stride(from: worker, to: count, by: connections) {
                        _ = try await requests.isCompleted(task)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private struct Requests: Sendable {
        private static let longest = 1 << 20
        let client: HTTPClient
        let url: String

        func submit(_ key: String) async throws -> String {
            var request = request("/v1/tasks/submit")
            request.method = .POST
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(
                ByteBuffer(
                    string: """
                        {"model":"\(BenchmarkEnvironment.model)","duration_seconds":\(BenchmarkEnvironment.clipSeconds),\
                        "prompt":"A cinematic dolly shot through a misty pine forest at dawn","out_task_id":"\(key)"}
                        """))
            let reply = try await send(request)
            guard let start = reply.range(of: "\"task_id\":\""),
                let end = reply[start.upperBound...].firstIndex(of: "\"")
            else { throw ProcessUsage.Failure(description: "unexpected response to a submit: \(reply.prefix(200))") }
            return String(reply[start.upperBound..<end])
        }

        func isCompleted(_ task: String) async throws -> Bool {
            try await send(request("/v1/tasks/query?task_id=\(task)")).contains("\"completed\"")
        }

        private func request(_ target: String) -> HTTPClientRequest {
            var request = HTTPClientRequest(url: url + target)
            request.headers.add(name: "x-api-key", value: "any-key-will-do-here")
            return request
        }

        private func send(_ request: HTTPClientRequest) async throws -> String {
            let reply = try await client.execute(request, deadline: .now() + .seconds(60))
            guard reply.status == .ok else { throw ProcessUsage.Failure(description: "status \(reply.status)") }
            return String(buffer: try await reply.body.collect(upTo: Self.longest))
        }
    }
}
