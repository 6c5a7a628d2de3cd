import DailiesCore
import NIOCore
import ProviderWire
import Testing

@testable import DailiesProvider

private let accepted = #"{"task_id":"task_1","status":"queued","estimated_credits":1.85}"#
private let task = TaskQuery.Subject.remote(RemoteTaskID("task_1"))

/// Replies that no page describes, from a server of bytes: heads, types, sizes and times.
@Suite struct HostileReplyTests {
    /// The results of a submit and a query.
    private func answers(
        _ act: HostileServer.Act, change: (inout ProviderConfiguration) -> Void = { _ in }
    ) async throws -> (result: SubmitResult, answer: QueryResult) {
        try await HostileServer.with({ _ in act }) { server in
            try await withProvider(server.url, change: change) { provider in
                (await provider.submit(provider.submission()), await provider.query(task))
            }
        }
    }

    @Test func `a response of one mebibyte is read, and a longer one is an error`() async throws {
        let limit = 1 << 20
        for (size, isRead) in [(limit, true), (limit + 1, false)] {
            let body = accepted + String(repeating: " ", count: size - accepted.utf8.count)
            let chunked =
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(String(size, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
            for act in [HostileServer.Act.reply(200, [], body), .raw(chunked)] {
                let (result, answer) = try await answers(act)
                #expect(answer.isFound == isRead)
                #expect(result.isUnknown == !isRead)
                if !isRead {
                    #expect(result.fault?.message == "the response is longer than allowed")
                    #expect(result.fault?.kind == .unreadable && answer.fault?.kind == .unreadable)
                }
            }
        }
    }

    @Test func `an endless body is stopped at the size limit, before the deadline`() async throws {
        let flood = String(repeating: "x", count: 3 << 19)
        let act = HostileServer.Act.drip("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"task_id\":\"\(flood)")
        let (result, answer) = try await answers(act)
        #expect(result.isUnknown && result.fault?.kind == .unreadable)
        #expect(answer.fault?.kind == .unreadable)
    }

    @Test(arguments: ["text/html; charset=utf-8", "application/octet-stream", "image/png", "", "nonsense"])
    func `the body decides, not its content type`(type: String) async throws {
        let (result, answer) = try await answers(.reply(200, [("Content-Type", type)], accepted))
        guard case .accepted = result else {
            Issue.record("\(result)")
            return
        }
        #expect(answer.isFound)
        let page = try await answers(.reply(200, [("Content-Type", "application/json")], "<html>sign in</html>"))
        #expect(page.result.isUnknown && page.result.fault?.kind == .unreadable)
        #expect(page.answer.fault?.kind == .unreadable)
    }

    @Test(arguments: [
        (200, "unknown"), (204, "unknown"), (302, "unknown"), (400, "not accepted"), (401, "stopped"),
        (403, "stopped"), (404, "not accepted"), (407, "not accepted"), (429, "throttled"), (500, "unknown"),
        (502, "unknown"), (503, "unknown"),
        (504, "unknown"), (511, "unknown"), (599, "unknown"),
    ])
    func `a proxy's page is never an acceptance, and its text is shown`(
        status: Int, result: String
    ) async throws {
        let page = "<!DOCTYPE html><title>Sign in to Hotel-WiFi</title>"
        let body = status == 204 ? "" : page
        let (submitted, answer) = try await answers(.reply(status, [("Content-Type", "text/html")], body))
        let word =
            switch submitted {
            case .accepted: "accepted"
            case .notAccepted: "not accepted"
            case .refused: "refused"
            case .throttled: "throttled"
            case .stopped: "stopped"
            case .unknown(_, let isFree): isFree ? "free" : "unknown"
            }
        #expect(word == result)
        #expect(!answer.isFound)
        #expect(submitted.fault?.message.contains(status == 204 ? "204" : "Hotel-WiFi") == true)
    }

    @Test func `numbers as texts, unknown fields and missing fields are read correctly`() async throws {
        let body = #"""
            {"x":{"y":[1,{"z":null}]},"task_id":17,"status":"queued","estimated_credits":"1.850","credits_used":" 3.70 ",
            "estimated_seconds":"12.5","credits":{},"result":[],"output":7,"error":null,"submitted_at":5}
            """#
        let (result, _) = try await answers(.reply(201, [], body))
        guard case .accepted(let report) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(report.remoteID == RemoteTaskID("17"))
        #expect(report.estimate?.text == "1.850" && report.charges.map(\.text) == ["3.70"])
        #expect(report.remaining == .milliseconds(12_500))
        #expect(report.asset == nil && report.submittedAt == nil)
    }

    @Test(arguments: [
        "{\"task_id\":", "{\"task_id\":\"t\"", "[\"t\"]", "\"task_1\"", "null", "", "{}", "{\"task_id\":null}",
        "{\"task_id\":\"\"}", "{\"task_id\":{}}", "{\"task_id\":[\"t\"]}", "{\"task_id\":true}", "{'task_id':'t'}",
        "{\"task_id\":\"\u{FFFD}", "\u{FEFF}{\"task_id\":\"t\"}", "{\"task_id\":\"t\"}{\"task_id\":\"u\"}",
        "{\"task_id\":NaN}",
    ])
    func `a truncated, empty or malformed body proves nothing`(body: String) async throws {
        let (result, _) = try await answers(.reply(200, [], body))
        #expect(result.isUnknown, "\(result)")
        #expect(result.fault?.kind == .unreadable)
    }

    @Test func `a body in a coding that was not requested proves nothing`() async throws {
        // Sixteen bytes of a gzip stream that are valid UTF-8.
        let gzip = "\u{1F}\u{7F}\u{8}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{3}KLJ\u{4}\u{0}"
        let (result, answer) = try await answers(.reply(200, [("Content-Encoding", "gzip")], gzip))
        #expect(result.isUnknown && !answer.isFound)
    }

    @Test(arguments: [
        "X-Huge: \(String(repeating: "x", count: 200_000))\r\n",
        String(repeating: "X-Many: y\r\n", count: 20_000), "\(String(repeating: "N", count: 200_000)): v\r\n",
    ])
    func `an oversized header ends the exchange, and the next one is not affected`(head: String) async throws {
        try await HostileServer.with({ seen in
            seen.method == "POST"
                ? .raw("HTTP/1.1 200 OK\r\n\(head)Content-Length: 2\r\n\r\n{}") : .reply(200, [], accepted)
        }) { server in
            try await withProvider(server.url) { provider in
                let result = await provider.submit(provider.submission())
                #expect(result.isUnknown, "\(result)")
                #expect(await provider.query(task).isFound)
            }
        }
    }

    @Test(
        arguments: [
            // Reset far away, in the past, not a number, negative, in milliseconds, infinite: none is a wait.
            ([("X-RateLimit-Reset", "99999999999999999999")], nil), ([("X-RateLimit-Reset", "-5")], nil),
            ([("X-RateLimit-Reset", "soon")], nil), ([("X-RateLimit-Reset", "1e400")], nil),
            ([("X-RateLimit-Reset", "784111777000")], nil), ([("X-RateLimit-Reset", "1")], nil),
            ([("X-RateLimit-Reset", "")], nil), ([("X-RateLimit-Reset", "NaN")], nil),
            // A reset some seconds ago means a wait of one second, one in a minute a wait of a minute.
            ([("X-RateLimit-Reset", "784111770")], 1), ([("X-RateLimit-Reset", "784111837")], 60),
            ([("Retry-After", "0")], 1), ([("Retry-After", "-1")], nil), ([("Retry-After", "99999999999")], 2_592_000),
            ([("Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT")], 60), ([("Retry-After", "yesterday")], nil),
        ] as [([(String, String)], Int?)])
    func `an implausible reset time is not a wait`(fields: [(String, String)], seconds: Int?) async throws {
        let date = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
        let (result, _) = try await answers(.reply(429, fields + [date], ""))
        #expect(result.fault?.retryAfter == seconds.map { .seconds($0) })
    }

    @Test(arguments: [
        "", "now", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 0000 08:49:37 GMT", "784111777", "\u{0}",
    ])
    func `an invalid date is ignored, and a reset time that needs one is not a wait`(date: String) async throws {
        let (result, _) = try await answers(.reply(200, [("Date", date)], accepted))
        guard case .accepted(let report) = result else {
            // A response with a NUL in a header is refused.
            #expect(date == "\u{0}" && result.isUnknown)
            return
        }
        #expect(report.repliedAt == nil)
        let (throttled, _) = try await answers(.reply(429, [("X-RateLimit-Reset", "784111837"), ("Date", date)], ""))
        #expect(throttled.fault?.retryAfter == nil)
    }

    @Test func `a second response on a connection is not used for the next request`() async throws {
        let two = #"{"task_id":"other","status":"queued"}"#
        @Sendable func reply(_ body: String) -> String {
            "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }
        try await HostileServer.with({ seen in
            seen.method == "POST" ? .raw(reply(accepted) + reply(two)) : .reply(200, [], accepted)
        }) { server in
            try await withProvider(server.url, change: { $0.connections = 1 }) { provider in
                for _ in 0..<5 {
                    let result = await provider.submit(provider.submission())
                    guard case .accepted(let report) = result else { continue }
                    #expect(report.remoteID == RemoteTaskID("task_1"))
                    guard case .found(let found) = await provider.query(task) else { continue }
                    #expect(found.remoteID == RemoteTaskID("task_1"))
                }
            }
        }
    }

    @Test func `endless interim responses time out`() async throws {
        let interim = String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 1000)
        let (result, _) = try await answers(.drip(interim), change: { $0.submitTimeout = .seconds(2) })
        #expect(result.isUnknown)
    }
}

/// Who may see the key, and what may be fetched, where TLS is spoken.
@Suite struct TransportSecurityTests {
    @Test func `an untrusted server gets no byte of a request`() async throws {
        try await HostileServer.with(certificate: TestCertificate(), { _ in .reply(200, [], accepted) }) { server in
            try await withProvider(server.url) { provider in
                let result = await provider.submit(provider.submission())
                #expect(result.isNotAccepted, "\(result)")
                #expect(result.fault?.kind == .unreachable)
                #expect(
                    result.fault?.message.hasPrefix("the service's certificate is not trusted: ") == true, "\(result)")
                #expect(await provider.query(task).fault?.kind == .unreachable)
                #expect(await provider.download(server.url + "/v", into: CollectingSink()).isInterrupted)
                #expect(server.seen.isEmpty)
            }
        }
    }

    /// The result of a request by a client that trusts the server's certificate.
    private func fault(_ kind: TestCertificate.Kind) async throws -> ProviderError {
        let certificate = TestCertificate(kind: kind)
        return try await HostileServer.with(certificate: certificate, { _ in .reply(200, [], "{}") }) { server in
            let network = try certificate.network()
            return try await withProvider(server.url, change: { $0.network = network }) { provider in
                let fault = await provider.query(task).fault
                #expect(server.seen.isEmpty)
                return try #require(fault)
            }
        }
    }

    @Test func `a certificate for another host and an expired one are distinguished from other TLS errors`()
        async throws
    {
        let otherName = try await fault(.ofAnotherName)
        #expect(otherName.kind == .unreachable)
        let words = "the service's certificate is for a different host name; check the base URL"
        #expect(otherName.message == words)
        let expired = try await fault(.expired)
        #expect(expired.kind == .unreachable)
        #expect(expired.message.contains("or it has expired, or it is not valid yet"), "\(expired)")
        // The server does not use TLS.
        try await HostileServer.with({ _ in .reply(200, [], "{}") }) { server in
            try await withProvider("https://127.0.0.1:\(server.port)") { provider in
                let fault = await provider.query(task).fault
                #expect(fault?.kind == .unreachable)
                #expect(fault?.message.contains("certificate") == false, "\(String(describing: fault))")
            }
        }
    }

    @Test func `a clip's redirect from https is followed to https, but not to plain http`() async throws {
        let certificate = TestCertificate()
        try await HostileServer.with({ _ in .reply(200, [], "clip") }) { plain in
            let down = plain.url + "/v"
            try await HostileServer.with(
                certificate: certificate,
                {
                    switch $0.target {
                    case "/down": .reply(302, [("Location", down)], "")
                    case "/over": .reply(302, [("Location", "/v")], "")
                    default: .reply(200, [], "clip")
                    }
                }
            ) { server in
                let network = try certificate.network()
                let (over, refused) = try await withProvider(server.url, change: { $0.network = network }) { provider in
                    (
                        await provider.download(server.url + "/over", into: CollectingSink()),
                        await provider.download(server.url + "/down", into: CollectingSink())
                    )
                }
                #expect(over == .whole, "\(over)")
                #expect(refused.isRefused, "\(refused)")
                #expect(refused.fault?.message.contains("redirects to an invalid URL") == true)
                #expect(plain.seen.isEmpty)
            }
        }
    }
}
