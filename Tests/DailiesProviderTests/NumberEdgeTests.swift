import AsyncHTTPClient
import DailiesCore
import NIOCore
import ProviderWire
import Testing

@testable import DailiesProvider

private let accepted = #"{"task_id":"task_1","status":"queued","estimated_credits":1.85}"#

/// Ports, hosts, lengths and times that the network library stops the program on, and their neighbors.
@Suite struct NumberEdgeTests {
    private static let ports = [
        "65536", "70000", "99999", "4294967296", "4294967376", "9223372036854775807", "9223372036854775808",
        "18446744073709551616", "99999999999999999999999999", "0", "00", "-1", "+80", "0x50", "8e1",
    ]
    private static let hosts = [
        "127.0.0.1", "127.1", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "[::1%25lo]", "localhost", "%31%32%37.0.0.1",
        "①②⑦.0.0.1",
    ]
    /// After percent-decoding and without brackets these are empty, or not a name.
    private static let emptyHosts = ["[]", "%5B%5D", "%5b%5d", "%5B", "%5D", "127.0.0.1%00", "%00"]

    @Test(arguments: ports)
    func `a URL with an invalid port is refused, whatever its host`(port: String) {
        for host in Self.hosts {
            for scheme in ["http", "https"] {
                #expect(ServiceURL("\(scheme)://\(host):\(port)/v.mp4?sig=1:2@3") == nil, "\(host)")
            }
        }
    }

    @Test func `valid and missing ports are kept as written`() throws {
        for host in ["127.0.0.1", "[::1]", "localhost", "h.example"] {
            for port in ["", ":", ":1", ":80", ":00080", ":65535"] {
                let text = "https://\(host)\(port)/a:70000?b:70000#c:70000"
                #expect(try #require(ServiceURL(text)).text == text)
            }
        }
    }

    @Test(arguments: emptyHosts)
    func `a host that becomes empty is refused`(host: String) {
        #expect(ServiceURL("http://\(host)/") == nil && ServiceURL("https://\(host):8080/") == nil)
    }

    @Test func `the network library accepts every URL that is not refused`() {
        let parts = Self.hosts + Self.emptyHosts + ["h", "h.", "xn--", "[v1.x]", "%", "%25", "é"]
        var taken = 0
        for seed in UInt64(0)..<5000 {
            var random = SplitMix64(seed: seed)
            let host = parts.randomElement(using: &random) ?? ""
            let edge = Self.ports.randomElement(using: &random) ?? ""
            let port = Bool.random(using: &random) ? edge : "\(UInt64.random(in: 0...70_000, using: &random))"
            let path = ["", "/", "/%5B", "?", "#", "/a@b:1", "\\x"].randomElement(using: &random) ?? ""
            let text = "\(Bool.random(using: &random) ? "http" : "https")://\(host):\(port)\(path)"
            guard let place = ServiceURL(text) else { continue }
            taken += 1
            // It crashes for an invalid URL; an error is fine.
            let request = try? HTTPClient.Request(url: place.origin)
            #expect(request != nil, "seed \(seed): \(text)")
        }
        #expect(taken > 500)
    }

    @Test(arguments: ["http://127.0.0.1:65536", "https://[::1]:99999/api", "http://localhost:18446744073709551616"])
    func `a base URL with an invalid port is reported`(baseURL: String) {
        #expect {
            try ProviderConfiguration(baseURL: baseURL, keys: [])
        } throws: { "\($0)" == "the port of the base URL is not a number from 1 to 65535: \(baseURL)" }
    }

    // MARK: Over a socket

    @Test func `a clip with an invalid URL is refused, and the next one is downloaded`() async throws {
        try await HostileServer.with({ _ in .reply(200, [], "clip") }) { server in
            try await withProvider(server.url) { provider in
                for port in Self.ports {
                    let end = await provider.download("http://127.0.0.1:\(port)/v.mp4", into: CollectingSink())
                    #expect(end.isRefused && end.fault?.message.contains("the clip's URL is not valid") == true)
                }
                for host in Self.emptyHosts {
                    #expect(await provider.download("https://\(host)/v", into: CollectingSink()).isRefused)
                }
                #expect(server.seen.isEmpty)
                #expect(await provider.download(server.url + "/v", into: CollectingSink()) == .whole)
            }
        }
    }

    @Test func `a redirect to an invalid URL is refused, and the next clip is downloaded`() async throws {
        let targets = Self.ports.map { "http://127.0.0.1:\($0)/v" } + Self.emptyHosts.map { "//\($0)/v" }
        try await HostileServer.with({ seen in
            let number = Int(seen.target.dropFirst())
            return number.map { .reply(302, [("Location", targets[$0])], "") } ?? .reply(200, [], "clip")
        }) { server in
            try await withProvider(server.url) { provider in
                for index in targets.indices {
                    let end = await provider.download("\(server.url)/\(index)", into: CollectingSink())
                    #expect(
                        end.isRefused && end.fault?.message.contains("redirects to an invalid URL") == true,
                        "\(targets[index]): \(end)")
                }
                #expect(await provider.download(server.url + "/v", into: CollectingSink()) == .whole)
            }
        }
    }

    /// Sends a query and returns the answer. Repeats it if the server was closing the connection.
    private static func expectGoesOn(_ provider: ByteSpikeProvider) async {
        var answer = await provider.query(.remote(RemoteTaskID("task_1")))
        for _ in 1...3 where !answer.isFound { answer = await provider.query(.remote(RemoteTaskID("task_1"))) }
        #expect(answer.isFound, "\(answer)")
    }

    @Test(arguments: [
        "Content-Length: 9223372036854775807", "Content-Length: 9223372036854775808",
        "Content-Length: 18446744073709551616", "Content-Length: -1", "Content-Length: 99999999999999999999",
        "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff", "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff",
        "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff", "Transfer-Encoding: chunked\r\n\r\n-1",
        "Content-Length: 2\r\nContent-Range: bytes 0-9223372036854775806/9223372036854775807",
        "Content-Length: 2\r\nContent-Range: bytes 9223372036854775806-9223372036854775806/9223372036854775807",
        "Content-Length: 2\r\nContent-Range: bytes */9223372036854775807",
        "Content-Length: 2\r\nContent-Range: bytes 4-99999999999999999999/*",
        "Retry-After: 1e400\r\nContent-Length: 2", "Retry-After: 9223372036854775808\r\nContent-Length: 2",
        "Date: Fri, 31 Dec 9999 23:59:59 GMT\r\nContent-Length: 2",
        "Date: Mon, 01 Jan 0001 00:00:00 GMT\r\nRetry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\nContent-Length: 2",
    ])
    func `no length, range, chunk or time in a header crashes the program`(head: String) async throws {
        for status in [
            "200", "206", "302", "416", "429", "000", "099", "600", "999", "1000", "18446744073709551616", "-1",
        ] {
            try await HostileServer.with({ seen in
                seen.target == "/v" || seen.method == "POST"
                    ? .cut("HTTP/1.1 \(status) X\r\n\(head)\r\n\r\n{}") : .reply(200, [], accepted)
            }) { server in
                try await withProvider(server.url) { provider in
                    let result = await provider.submit(provider.submission())
                    if case .accepted = result { Issue.record("\(status) \(head): \(result)") }
                    let sink = CollectingSink()
                    let end = await provider.download(server.url + "/v", from: 4, into: sink)
                    #expect(sink.held.text.utf8.count <= 4, "\(status) \(head): \(end)")
                    await Self.expectGoesOn(provider)
                }
            }
        }
    }

    @Test(arguments: [
        "000", "001", "042", "099", "100", "101", "102", "103", "150", "199", "204", "304", "600", "999",
    ])
    func `no status crashes the program, with a body, without one, or followed by another response`(
        status: String
    ) async throws {
        let (sized, bare) = ("Content-Length: \(accepted.utf8.count)\r\n\r\n\(accepted)", "\r\n")
        let chunked = "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        for rest in [sized, bare, chunked, "Content-Length: 0\r\n\r\n", "\(bare)HTTP/1.1 200 X\r\n\(sized)"] {
            try await HostileServer.with({ seen in
                seen.target == "/v" || seen.method == "POST"
                    ? .cut("HTTP/1.1 \(status) X\r\n\(rest)") : .reply(200, [], accepted)
            }) { server in
                try await withProvider(server.url) { provider in
                    _ = await provider.submit(provider.submission())
                    let sink = CollectingSink()
                    if await provider.download(server.url + "/v", into: sink) == .whole {
                        #expect(sink.held.text == accepted && rest.hasSuffix(accepted), "\(status) \(rest)")
                    }
                    await Self.expectGoesOn(provider)
                }
            }
        }
    }

    @Test func `timeouts beyond the library's range are limited to its maximum`()
        async throws
    {
        try await HostileServer.with({ _ in .reply(200, [], accepted) }) { server in
            for wait in [Duration.seconds(Int64.max), .nanoseconds(Int64.max), Duration(attoseconds: .max)] {
                let change = { (configuration: inout ProviderConfiguration) in
                    configuration.connectTimeout = .nanoseconds(wait.nanoseconds / 4)
                    configuration.submitTimeout = wait
                    configuration.queryTimeout = wait
                    configuration.stallTimeout = .nanoseconds(wait.nanoseconds / 4)
                    configuration.idleTimeout = wait
                }
                try await withProvider(server.url, change: change) { provider in
                    guard case .accepted = await provider.submit(provider.submission()) else {
                        Issue.record("not accepted with \(wait)")
                        return
                    }
                    #expect(await provider.query(.remote(RemoteTaskID("task_1"))).isFound)
                    #expect(await provider.download(server.url + "/v", into: CollectingSink()) == .whole)
                }
            }
        }
    }
}
