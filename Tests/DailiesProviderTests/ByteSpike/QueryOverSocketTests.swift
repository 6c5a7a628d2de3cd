import DailiesCore
import ProviderWire
import Testing

@testable import DailiesProvider

private let running = #"{"task_id":"task_1","status":"running"}"#
private let wrongRoute = #"{"error":{"type":"not_found_error","code":"not_found","message":"no such route"}}"#
private let noTask = #"{"error":{"type":"not_found_error","code":"task_not_found","message":"no such task"}}"#
private let task = TaskQuery.Subject.remote(RemoteTaskID("task_1"))

private func isNotFound(_ answer: QueryResult) -> Bool { if case .notFound = answer { true } else { false } }

@Suite struct QueryOverSocketTests {
    @Test func `each dialect queries in its own form, and by key always with POST`() async throws {
        try await HostileServer.with({ _ in .reply(200, [], running) }) { server in
            for dialect in Dialect.allCases {
                try await withProvider(server.url, change: { $0.dialect = dialect }) { provider in
                    #expect(await provider.query(task).isFound)
                    #expect(await provider.query(.key(testKey)).isFound)
                }
            }
            let calls = server.seen.map { "\($0.method) \($0.target) \(String(decoding: $0.body, as: UTF8.self))" }
            #expect(
                calls == [
                    "GET /v1/tasks/query?task_id=task_1 ",
                    #"POST /v1/tasks/query {"out_task_id":"abcdefghijklmnopqrstuvwx"}"#,
                    #"POST /v1/tasks/query {"task_id":"task_1"}"#,
                    #"POST /v1/tasks/query {"out_task_id":"abcdefghijklmnopqrstuvwx"}"#,
                ])
            #expect(server.seen.allSatisfy { $0.headers["x-api-key"] == secret })
        }
    }

    @Test func `queries share a much smaller number of connections`() async throws {
        try await HostileServer.with({ _ in .reply(200, [], running) }) { server in
            try await withProvider(server.url, change: { $0.connections = 4 }) { provider in
                // On a busy machine, idle connections are closed between two queries; without sharing there
                // would be a connection for each.
                for _ in 0..<20 { #expect(await provider.query(task).isFound) }
                #expect(server.connections < 10)
                await withTaskGroup(of: Bool.self) { group in
                    for _ in 0..<200 { group.addTask { await provider.query(task).isFound } }
                    for await isFound in group { #expect(isFound) }
                }
                #expect(server.connections < 50 && server.maximumOpen <= 4)
            }
        }
    }

    @Test(arguments: [(405, ""), (404, wrongRoute), (404, "404 page not found")])
    func `a query form without a route is replaced by the other for the rest of the run`(
        status: Int, body: String
    ) async throws {
        for (dialect, right) in [(Dialect.flat, "POST"), (.params, "GET")] {
            try await HostileServer.with({ $0.method == right ? .reply(200, [], running) : .reply(status, [], body) }) {
                server in
                try await withProvider(server.url, change: { $0.dialect = dialect }) { provider in
                    for _ in 0..<3 { #expect(await provider.query(task).isFound) }
                    let wrong = right == "POST" ? "GET" : "POST"
                    #expect(server.seen.map(\.method) == [wrong, right, right, right])
                }
            }
        }
    }

    @Test func `after a form has worked, a missing route does not change the form`() async throws {
        try await HostileServer.with({
            $0.target.hasSuffix("task_1") ? .reply(200, [], running) : .reply(404, [], wrongRoute)
        }) { server in
            try await withProvider(server.url) { provider in
                #expect(await provider.query(task).isFound)
                let answer = await provider.query(.remote(RemoteTaskID("other")))
                #expect(answer.fault?.code == "not_found")
                #expect(server.seen.map(\.method) == ["GET", "GET"])
            }
        }
    }

    @Test func `an unknown task is not a missing route`() async throws {
        try await HostileServer.with({ _ in .reply(404, [], noTask) }) { server in
            try await withProvider(server.url) { provider in
                #expect(isNotFound(await provider.query(task)))
                #expect(isNotFound(await provider.query(.key(testKey))))
                #expect(server.seen.map(\.method) == ["GET", "POST"])
            }
        }
    }

    @Test func `if neither form works the first answer is returned, and the other is tried at most three times`()
        async throws
    {
        try await HostileServer.with({ $0.method == "GET" ? .reply(404, [], wrongRoute) : .reply(500, [], "") }) {
            server in
            try await withProvider(server.url) { provider in
                for _ in 0..<5 { #expect(await provider.query(task).fault?.code == "not_found") }
                #expect(server.seen.filter { $0.method == "POST" }.count == 3)
                #expect(server.seen.count == 8)
            }
        }
    }

    @Test func `a cancellation uses the path, has no body, and returns the new state`() async throws {
        let body = #"{"task_id":"a/b","status":"cancelled","credits_used":0.25}"#
        try await HostileServer.with({ _ in .reply(200, [], body) }) { server in
            try await withProvider(server.url) { provider in
                let answer = await provider.cancel(RemoteTaskID("a/b"))
                guard case .found(let report) = answer else {
                    Issue.record("\(answer)")
                    return
                }
                #expect(report.phase == .cancelled)
                #expect(report.charges.map(\.text) == ["0.25"])
                let seen = try #require(server.seen.first)
                #expect(seen.method == "POST")
                #expect(seen.target == "/v1/tasks/cancel/a%2Fb")
                #expect(seen.body.isEmpty)
                #expect(seen.headers["x-api-key"] == secret)
            }
        }
    }

    @Test(arguments: [
        HostileServer.Act.cut(""), .cut("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"), .hang, .reply(200, [], "{}"),
        .drip("HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n{"), .reply(429, [("Retry-After", "7")], ""),
    ])
    func `any failed query is a retryable fault`(act: HostileServer.Act) async throws {
        try await HostileServer.with({ _ in act }) { server in
            try await withProvider(server.url, change: { $0.queryTimeout = .milliseconds(300) }) { provider in
                let answer = await provider.query(task)
                guard case .fault(let fault) = answer else {
                    Issue.record("\(answer)")
                    return
                }
                #expect(fault.retryAfter == (fault.status == 429 ? .seconds(7) : nil))
            }
        }
    }
}
