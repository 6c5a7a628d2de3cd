import DailiesCore
import NIOCore
import ProviderWire
import Testing

@testable import DailiesProvider

private let clip = "0123456789"
private let signature = "X-Signature=very-secret"

@Suite struct DownloadOverSocketTests {
    @Test func `a whole clip arrives part by part, and no credentials are sent for it`() async throws {
        let long = String(repeating: clip, count: 200_000)
        try await HostileServer.with({ _ in .reply(200, [], long) }) { server in
            try await withProvider(server.url) { provider in
                let sink = CollectingSink()
                #expect(await provider.download(server.url + "/v.mp4?\(signature)", into: sink) == .whole)
                #expect(sink.held.begins == [.begins(at: 0, AssetVersion(length: 2_000_000))])
                #expect(sink.held.text == long)
                #expect(!sink.held.wasHurried)
                let seen = try #require(server.seen.first)
                #expect(seen.method == "GET")
                #expect(seen.target == "/v.mp4?\(signature)")
                #expect(seen.headers["x-api-key"] == nil)
                #expect(seen.headers["authorization"] == nil)
                #expect(seen.headers["range"] == nil)
                #expect(!seen.headers.fields.contains { $0.value.contains(secret) })
            }
        }
    }

    private static let tag = ("ETag", "\"1\"")
    private static let known = AssetVersion(validator: "\"1\"", length: 10)

    @Test(arguments: ["bytes 4-9/10", "bytes 4-9/*"])
    func `a clip is resumed where the file ends, with the same version`(range: String) async throws {
        try await HostileServer.with({ _ in .reply(206, [Self.tag, ("Content-Range", range)], "456789") }) { server in
            try await withProvider(server.url) { provider in
                let sink = CollectingSink()
                #expect(await provider.download(server.url + "/v", from: 4, into: sink) == .whole)
                #expect(sink.held.begins == [.begins(at: 4, Self.known)])
                #expect(sink.held.text == "456789")
                #expect(server.seen.map { $0.headers["range"] } == ["bytes=4-"])
                #expect(server.seen.map { $0.headers["if-range"] } == ["\"1\""])
            }
        }
    }

    @Test func `a server without range support starts again`() async throws {
        try await HostileServer.with({ _ in .reply(200, [], clip) }) { server in
            try await withProvider(server.url) { provider in
                let sink = CollectingSink()
                #expect(await provider.download(server.url + "/v", from: 4, into: sink) == .whole)
                #expect(sink.held.begins == [.begins(at: 0, AssetVersion(length: 10))])
                #expect(sink.held.text == clip)
            }
        }
    }

    @Test(arguments: [
        (416, [("Content-Range", "bytes */10")], ""), (416, [], ""),
        (206, [tag, ("Content-Range", "bytes 0-9/10")], clip), (206, [tag], "rest"),
        (206, [tag, ("Content-Range", "bytes 9-4/10")], "rest"),
        (206, [tag, ("Content-Range", "bytes 4-9/11")], "456789"),
        (206, [("Content-Range", "bytes 4-9/10")], "456789"),
        (206, [("ETag", "\"2\""), ("Content-Range", "bytes 4-9/10")], "456789"),
        (206, [("ETag", "W/\"1\""), ("Content-Range", "bytes 4-9/10")], "456789"),
        (206, [tag, tag, ("Content-Range", "bytes 4-9/10")], "456789"),
    ])
    func `if a range is refused, wrong or of another version, the whole clip is requested`(
        status: Int, headers: [(String, String)], body: String
    ) async throws {
        try await HostileServer.with({
            $0.headers["range"] == nil ? .reply(200, [], clip) : .reply(status, headers, body)
        }) { server in
            try await withProvider(server.url) { provider in
                let sink = CollectingSink()
                #expect(await provider.download(server.url + "/v", from: 4, into: sink) == .whole)
                #expect(sink.held.begins == [.begins(at: 0, AssetVersion(length: 10))])
                #expect(sink.held.text == clip)
                #expect(server.seen.map { $0.headers["range"] } == ["bytes=4-", nil])
            }
        }
    }

    @Test func `nothing is resumed without a validator`() async throws {
        try await HostileServer.with({ _ in .reply(200, [], clip) }) { server in
            try await withProvider(server.url) { provider in
                let sink = CollectingSink()
                let version = AssetVersion(length: 10)
                #expect(await provider.download(server.url + "/v", from: 4, of: version, into: sink) == .whole)
                #expect(sink.held.text == clip)
                #expect(server.seen.map { $0.headers["range"] } == [nil])
            }
        }
    }

    @Test(
        arguments: [
            ([tag], "\"1\""), ([("ETag", "W/\"1\"")], nil), ([("ETag", "\"\"")], nil),
            (
                [("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Date", "Sun, 06 Nov 1994 08:50:37 GMT")],
                "Sun, 06 Nov 1994 08:49:37 GMT"
            ),
            ([("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Date", "Sun, 06 Nov 1994 08:50:36 GMT")], nil),
            ([("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")], nil),
            (
                [
                    ("ETag", "W/\"1\""), ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
                    ("Date", "Sun, 06 Nov 2094 08:50:37 GMT"),
                ], nil
            ),
            ([("ETag", "\"\(secret)\"")], nil),
        ] as [([(String, String)], String?)])
    func `a version is identified by a strong tag, or a date that is old enough, and never by the key`(
        headers: [(String, String)], validator: String?
    ) async throws {
        try await HostileServer.with({ _ in .reply(200, headers, clip) }) { server in
            try await withProvider(server.url) { provider in
                let sink = CollectingSink()
                #expect(await provider.download(server.url + "/v", into: sink) == .whole)
                #expect(sink.held.begins == [.begins(at: 0, AssetVersion(validator: validator, length: 10))])
            }
        }
    }

    // MARK: Lengths

    /// A body that ends when the connection closes.
    private static func unannounced(_ text: String, _ head: String = "ETag: \"1\"\r\n") -> HostileServer.Act {
        .cut("HTTP/1.1 200 OK\r\n\(head)Connection: close\r\n\r\n\(text)")
    }

    @Test(arguments: [
        ("GET", HostileServer.Act.reply(206, [tag, ("Content-Range", "bytes 0-0/10")], "0")),
        ("GET", .reply(200, [tag], clip)),
        ("HEAD", .raw("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 10\r\n\r\n")),
    ])
    func `after a body without a length the length is requested, and a truncated clip is resumed`(
        method: String, act: HostileServer.Act
    ) async throws {
        for (body, end) in [(clip, true), ("0123", false)] {
            try await HostileServer.with({ request in
                if request.method == method, method == "HEAD" || request.headers["range"] == "bytes=0-0" { return act }
                if request.headers["range"] == "bytes=0-0" { return .reply(403, [], "") }
                return Self.unannounced(body)
            }) { server in
                try await withProvider(server.url) { provider in
                    let sink = CollectingSink()
                    let found = await provider.download(server.url + "/v", into: sink)
                    #expect(end ? found == .whole : found.isInterrupted, "\(found)")
                    #expect(sink.held.begins == [.begins(at: 0, AssetVersion(validator: "\"1\""))])
                    #expect(sink.held.text == body)
                    if !end { #expect(found.fault?.message == "the clip ended at byte 4 of 10") }
                    #expect(server.seen.map(\.method) == ["GET", "GET"] + (method == "HEAD" ? ["HEAD"] : []))
                }
            }
        }
    }

    @Test func `a length of another version does not make a body whole`() async throws {
        try await HostileServer.with({ request in
            request.headers["range"] == nil
                ? Self.unannounced("0123") : .reply(206, [("ETag", "\"2\""), ("Content-Range", "bytes 0-0/4")], "0")
        }) { server in
            try await withProvider(server.url) { provider in
                let end = await provider.download(server.url + "/v", into: CollectingSink())
                #expect(end.isInterrupted)
                #expect(end.fault?.message == "the service now has another version of the clip")
            }
        }
    }

    @Test func `a body without any stated length may be truncated`() async throws {
        try await HostileServer.with({ request in
            if request.method == "HEAD" { return .reply(200, [], "") }
            return Self.unannounced("0123", "")
        }) { server in
            try await withProvider(server.url) { provider in
                let sink = CollectingSink()
                #expect(await provider.download(server.url + "/v", into: sink) == .unverified)
                #expect(sink.held.text == "0123")
                #expect(server.seen.map(\.method) == ["GET", "GET", "HEAD"])
            }
        }
    }

    @Test func `existing bytes are compared with the length before they are downloaded again`() async throws {
        for (held, total, requests) in [(10, 10, 1), (4, 10, 2)] as [(Int64, Int, Int)] {
            try await HostileServer.with({ request in
                request.headers["range"] == "bytes=0-0"
                    ? .reply(206, [Self.tag, ("Content-Range", "bytes 0-0/\(total)")], "0")
                    : .reply(206, [Self.tag, ("Content-Range", "bytes 4-9/10")], "456789")
            }) { server in
                try await withProvider(server.url) { provider in
                    let sink = CollectingSink()
                    let version = AssetVersion(validator: "\"1\"")
                    #expect(await provider.download(server.url + "/v", from: held, of: version, into: sink) == .whole)
                    #expect(sink.held.begins == [.begins(at: held, Self.known)])
                    #expect(server.seen.count == requests)
                }
            }
        }
    }

    @Test(arguments: [
        HostileServer.Act.cut("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123"),
        .cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n"),
        .raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123"),
    ])
    func `a truncated or stalled clip is interrupted and keeps the bytes received`(act: HostileServer.Act) async throws
    {
        try await HostileServer.with({ _ in act }) { server in
            try await withProvider(server.url, change: { $0.stallTimeout = .milliseconds(200) }) { provider in
                let sink = CollectingSink()
                let end = await provider.download(server.url + "/v?\(signature)", into: sink)
                #expect(end.isInterrupted, "\(end)")
                #expect(sink.held.text == "0123")
                #expect(end.fault?.message.contains(signature) == false)
            }
        }
    }

    @Test func `a part of a range shorter than the rest is interrupted, a longer one too`() async throws {
        for body in ["4567", "456789abc"] {
            let range = body.count == 4 ? "bytes 4-7/10" : "bytes 4-9/10"
            try await HostileServer.with({ _ in .reply(206, [Self.tag, ("Content-Range", range)], body) }) { server in
                try await withProvider(server.url) { provider in
                    let sink = CollectingSink()
                    #expect(await provider.download(server.url + "/v", from: 4, into: sink).isInterrupted)
                }
            }
        }
    }

    @Test func `a slow sink does not count as a stalled server`() async throws {
        let long = String(repeating: clip, count: 600)
        try await HostileServer.with({ _ in .reply(200, [], long) }) { server in
            try await withProvider(server.url, change: { $0.stallTimeout = .seconds(1) }) { provider in
                let sink = CollectingSink(delay: .milliseconds(1200))
                #expect(await provider.download(server.url + "/v", into: sink) == .whole)
                #expect(sink.held.text.utf8.count == long.utf8.count)
                #expect(!sink.held.wasHurried)
            }
        }
    }

    @Test func `redirects to another host are followed with the range and without the key`() async throws {
        try await HostileServer.with({ _ in
            .reply(206, [Self.tag, ("Content-Range", "bytes 4-9/10")], "456789")
        }) { store in
            let target = store.url + "/stored"
            try await HostileServer.with({
                $0.target == "/v" ? .reply(302, [("Location", "next")], "") : .reply(307, [("Location", target)], "")
            }) { server in
                try await withProvider(server.url) { provider in
                    let sink = CollectingSink()
                    #expect(await provider.download(server.url + "/v", from: 4, into: sink) == .whole)
                    #expect(sink.held.text == "456789")
                    #expect(server.seen.map(\.target) == ["/v", "/next"])
                    #expect(store.seen.map(\.target) == ["/stored"])
                    #expect(store.seen.allSatisfy { $0.headers["range"] == "bytes=4-" })
                    #expect(store.seen.allSatisfy { $0.headers["if-range"] == "\"1\"" })
                    for seen in server.seen + store.seen {
                        #expect(!seen.headers.fields.contains { $0.value.contains(secret) })
                    }
                }
            }
        }
    }

    @Test(arguments: ["/again", "http://example.com/v", "ftp://127.0.0.1/v", "https://u:p@127.0.0.1/v", "", "http://"])
    func `endless and invalid redirects are refused`(location: String) async throws {
        try await HostileServer.with({ _ in .reply(302, [("Location", location)], "") }) { server in
            try await withProvider(server.url) { provider in
                let end = await provider.download(server.url + "/v?\(signature)", into: CollectingSink())
                #expect(end.isRefused, "\(end)")
                #expect(server.seen.count == (location == "/again" ? 6 : 1))
                #expect(end.fault?.message.contains(signature) == false)
            }
        }
    }

    @Test(arguments: [
        "", "v.mp4", "file:///etc/passwd", "http://example.com/v", "http://127.0.0.1.example.com/v",
        "https://user@example.com/v", "https://exa mple.com/", "javascript:1", "https://",
    ])
    func `an invalid URL is refused without a request`(url: String) async throws {
        try await withProvider("http://127.0.0.1:1") { provider in
            #expect(await provider.download(url, into: CollectingSink()).isRefused)
        }
    }

    @Test func `plain http is allowed only for loopback, and only if the service is on loopback`() async throws {
        try await HostileServer.with({ _ in .reply(200, [], clip) }) { server in
            try await withProvider("https://llm.bytespike.ai") { provider in
                #expect(await provider.download(server.url + "/v", into: CollectingSink()).isRefused)
                #expect(server.seen.isEmpty)
            }
        }
    }

    @Test(arguments: [
        (401, true), (403, true), (404, true), (410, true), (400, true), (408, false), (429, false), (500, false),
        (503, false), (204, false), (304, false),
    ])
    func `a status asks for a new URL or for a retry`(status: Int, isRefused: Bool) async throws {
        try await HostileServer.with({ _ in .cut("HTTP/1.1 \(status) X\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n")
        }) {
            server in
            try await withProvider(server.url) { provider in
                let sink = CollectingSink()
                let end = await provider.download(server.url + "/v?\(signature)", into: sink)
                #expect(end.isRefused == isRefused, "\(end)")
                #expect(end.isInterrupted == !isRefused)
                #expect(end.fault?.status == status)
                #expect(end.fault?.retryAfter == .seconds(9))
                #expect(end.fault?.message.contains(signature) == false)
                #expect(sink.held.begins.isEmpty)
            }
        }
    }

    @Test(arguments: [0, 1])
    func `a sink that refuses ends the download`(part: Int) async throws {
        try await HostileServer.with({ _ in .reply(200, [], clip) }) { server in
            try await withProvider(server.url) { provider in
                let end = await provider.download(server.url + "/v", into: CollectingSink(refuses: part))
                guard case .sinkFailed = end else {
                    Issue.record("\(end)")
                    return
                }
            }
        }
    }

    @Test func `a clip beyond the size limit is refused, announced or not`() async throws {
        for act in [
            HostileServer.Act.reply(200, [], clip), .cut("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\(clip)"),
        ] {
            try await HostileServer.with({ _ in act }) { server in
                try await withProvider(server.url, change: { $0.maximumClipBytes = 9 }) { provider in
                    #expect(await provider.download(server.url + "/v", into: CollectingSink()).isRefused)
                }
            }
        }
    }
}
