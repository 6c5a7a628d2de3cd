import DailiesCore
import NIOCore
import ProviderWire
import Testing

@testable import DailiesProvider

private let accepted = #"{"task_id":"task_1","status":"queued","estimated_credits":1.85}"#

@Suite struct SubmitOverSocketTests {
    @Test(arguments: Dialect.allCases)
    func `a submit sends its bytes once, to the documented path, with the key in a header`(dialect: Dialect)
        async throws
    {
        try await HostileServer.with({ _ in .reply(200, [("Date", "Sun, 06 Nov 1994 08:49:37 GMT")], accepted) }) {
            server in
            try await withProvider(server.url + "/", change: { $0.dialect = dialect }) { provider in
                let submission = provider.submission()
                let result = await provider.submit(submission)
                guard case .accepted(let report) = result else {
                    Issue.record("\(result)")
                    return
                }
                #expect(report.remoteID == RemoteTaskID("task_1"))
                #expect(report.estimate?.text == "1.85")
                #expect(report.repliedAt == Instant(milliseconds: 784_111_777_000))
                let seen = try #require(server.seen.first)
                #expect(server.seen.count == 1)
                #expect(seen.method == "POST")
                #expect(seen.target == "/v1/tasks/submit")
                #expect(seen.headers["x-api-key"] == secret)
                #expect(seen.headers["authorization"] == nil)
                #expect(seen.headers["content-type"] == "application/json")
                #expect(seen.body == submission.body)
                #expect(try SubmitBody.decode(seen.body).dialect == dialect)
            }
        }
    }

    @Test func `a refused connection, an unknown host and failed TLS mean that nothing was submitted`() async throws {
        let gone = try await HostileServer.with({ _ in .hang }) { $0.url }
        try await withProvider(gone) { provider in
            let result = await provider.submit(provider.submission())
            #expect(result.isNotAccepted, "\(result)")
            #expect(result.fault?.kind == .unreachable)
        }
        try await withProvider("https://no-such-host.invalid", change: { $0.submitTimeout = .seconds(3) }) { provider in
            #expect(await provider.submit(provider.submission()).isNotAccepted)
        }
        try await HostileServer.with({ _ in .hang }) { server in
            // The server waits for a plain request and never answers the TLS greeting.
            try await withProvider(
                "https://127.0.0.1:\(server.port)", change: { $0.connectTimeout = .milliseconds(300) }
            ) { provider in
                let result = await provider.submit(provider.submission())
                #expect(result.isNotAccepted, "\(result)")
            }
        }
    }

    @Test(arguments: [
        "", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"task_id\":\"task_1\"}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{\"task_id\":\"task_1\"}\r\n", "HTTP/1.1 20",
        "nonsense nonsense nonsense\r\n\r\n", "HTTP/1.1 400 X\r\nContent-Length: 100\r\n\r\n{",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}\n", "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n\u{1F}garbage",
    ])
    func `a missing, truncated or invalid response leaves the outcome unknown`(raw: String) async throws {
        try await HostileServer.with({ _ in .cut(raw) }) { server in
            try await withProvider(server.url) { provider in
                let result = await provider.submit(provider.submission())
                #expect(result.isUnknown, "\(result)")
                #expect(server.seen.count == 1)
            }
        }
    }

    @Test func `a 5xx is free by contract only with the API's own envelope`() async throws {
        let envelope = ErrorBody(type: "server_error", code: "internal_error", message: "m").encode()
        for (body, isFree) in [(String(decoding: envelope, as: UTF8.self), true), ("<html>", false)] {
            try await HostileServer.with({ _ in .reply(500, [], body) }) { server in
                try await withProvider(server.url) { provider in
                    let result = await provider.submit(provider.submission())
                    guard case .unknown(let fault, isFreeByContract: isFree) = result else {
                        Issue.record("\(result)")
                        return
                    }
                    #expect(fault.status == 500)
                }
            }
        }
    }

    // The limit is for a missing deadline, which would never end. A busy machine needs minutes.
    @Test(
        .timeLimit(.minutes(20)),
        arguments: [
            HostileServer.Act.hang, .drip("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{"),
            .drip("HTTP/1.1 200 OK\r\nX-Slow: "),
            .raw("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{\"task_id\":\"t\"}"),
        ])
    func `the deadline covers the whole body`(act: HostileServer.Act) async throws {
        try await HostileServer.with({ _ in act }) { server in
            try await withProvider(server.url, change: { $0.submitTimeout = .seconds(2) }) { provider in
                let result = await provider.submit(provider.submission())
                #expect(result.isUnknown, "\(result)")
                #expect(result.fault?.kind == .timedOut)
                let words = ["no response in time", "the response was not complete in time"]
                #expect(words.contains(result.fault?.message ?? ""), "\(result)")
            }
        }
    }

    @Test func `a response beyond the limit is unreadable, announced or not`() async throws {
        let long = "{\"task_id\":\"" + String(repeating: "x", count: 2000) + "\"}"
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(String(long.utf8.count, radix: 16))\r\n\(long)"
        for act in [HostileServer.Act.reply(200, [], long), .raw(chunked)] {
            try await HostileServer.with({ _ in act }) { server in
                try await withProvider(server.url, change: { $0.maximumReplyBytes = 1000 }) { provider in
                    let result = await provider.submit(provider.submission())
                    #expect(result.isUnknown, "\(result)")
                    #expect(result.fault?.kind == .unreadable)
                }
            }
        }
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `a redirect is not followed, and the key is not sent to it`(status: Int) async throws {
        try await HostileServer.with({ _ in .reply(200, [], accepted) }) { elsewhere in
            let target = elsewhere.url + "/v1/tasks/submit"
            try await HostileServer.with({ _ in .reply(status, [("Location", target)], "") }) { server in
                try await withProvider(server.url) { provider in
                    #expect(await provider.submit(provider.submission()).isUnknown)
                    #expect(await provider.query(.remote(RemoteTaskID("t"))).fault?.status == status)
                    #expect(server.seen.count == 2)
                    #expect(elsewhere.seen.isEmpty)
                }
            }
        }
    }

    @Test func `nothing is sent without the key of the task's account`() async throws {
        try await HostileServer.with({ _ in .reply(200, [], accepted) }) { server in
            try await withProvider(server.url, keys: []) { provider in
                #expect(provider.fingerprint(for: ModelID("sora-2")) == nil)
                let result = await provider.submit(provider.submission(account: KeyFingerprint("0123456789ab")))
                #expect(result.isNotAccepted)
                #expect(result.fault?.code == ByteSpikeProvider.noKeyCode)
                let answer = await provider.query(.remote(RemoteTaskID("t")), account: KeyFingerprint("0123456789ab"))
                #expect(answer.fault?.code == ByteSpikeProvider.noKeyCode)
                #expect(answer.fault?.message.contains("0123456789ab") == true)
                #expect(server.seen.isEmpty)
            }
        }
    }

    @Test func `each model has the key of its longest prefix, and a repeat that of its account`() async throws {
        let general = try APIKey("general")
        let sora = try APIKey("sora")
        let keys = [ModelAPIKey(modelPrefix: "sora", key: sora), ModelAPIKey(key: general)]
        try await HostileServer.with({ _ in .reply(200, [], accepted) }) { server in
            try await withProvider(server.url, keys: keys) { provider in
                #expect(provider.fingerprint(for: ModelID("sora-2")) == sora.fingerprint)
                #expect(provider.fingerprint(for: ModelID("veo-3.1")) == general.fingerprint)
                _ = await provider.submit(provider.submission(model: ModelID("sora-2")))
                _ = await provider.submit(
                    provider.submission(account: general.fingerprint, model: ModelID("sora-2")))
                #expect(server.seen.map { $0.headers["x-api-key"] } == ["sora", "general"])
            }
        }
    }

    @Test(arguments: [200, 400, 401, 402, 403, 404, 409, 429, 451, 500])
    func `a key echoed by a service is not in any fault`(status: Int) async throws {
        let bodies = [
            "{\"error\":{\"type\":\"\(secret)\",\"code\":\"\(secret)\",\"message\":\"key \(secret) is bad\"}}",
            "<html>\(secret)</html>", "{\"error\":\"\(secret)\"}", "{\"status\":\"\(secret)\"}",
        ]
        for body in bodies {
            try await HostileServer.with({ _ in .reply(status, [("X-Echo", secret)], body) }) { server in
                try await withProvider(server.url) { provider in
                    let result = await provider.submit(provider.submission())
                    let answer = await provider.query(.remote(RemoteTaskID("t")))
                    #expect(result.fault != nil)
                    #expect(!"\(result) \(answer)".contains(secret), "\(result) \(answer)")
                }
            }
        }
    }

    @Test func `queued requests wait without failing, and the number of open connections is limited`() async throws {
        // The wait is far longer than the client's own limit for getting a connection.
        try await HostileServer.with({ _ in .late(.milliseconds(300), #"{"task_id":"t","status":"running"}"#) }) {
            server in
            try await withProvider(
                server.url,
                change: {
                    $0.connections = 2
                    $0.connectTimeout = .seconds(2)
                }
            ) { provider in
                let found = await withTaskGroup(of: Bool.self) { group in
                    for _ in 0..<20 {
                        group.addTask { await provider.query(.remote(RemoteTaskID("t"))).isFound }
                    }
                    return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
                }
                #expect(found == 20)
                #expect(server.maximumOpen == 2)
            }
        }
    }

    @Test func `calls after a shutdown complete`() async throws {
        try await HostileServer.with({ _ in .reply(200, [], accepted) }) { server in
            try await withProvider(server.url) { provider in
                await provider.shutdown()
                #expect(await provider.submit(provider.submission()).isNotAccepted)
                #expect(await provider.query(.key(testKey)).fault != nil)
                #expect(await provider.download(server.url + "/v", into: CollectingSink()).isInterrupted)
                #expect(server.seen.isEmpty)
            }
        }
    }
}
