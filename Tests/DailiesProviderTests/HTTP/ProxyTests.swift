import DailiesCore
import Foundation
import NIOCore
import NIOPosix
import ProviderWire
import Testing

@testable import DailiesProvider

private let accepted = #"{"task_id":"task_1","status":"queued","estimated_credits":1.85}"#
private let task = TaskQuery.Subject.remote(RemoteTaskID("task_1"))

/// Proxies and certificates, as the environment names them.
@Suite struct ProxyTests {
    /// A provider with the network settings of this environment.
    private func with(
        _ server: HostileServer, _ environment: [String: String], _ body: (ByteSpikeProvider) async throws -> Void
    ) async throws {
        let network = try NetworkSettings(environment: environment)
        let change = { (configuration: inout ProviderConfiguration) in
            configuration.network = network
            // A handshake takes long on a busy machine.
            configuration.connectTimeout = .seconds(60)
        }
        try await withProvider(server.url, change: change, body)
    }

    @Test(arguments: ["https_proxy", "HTTPS_PROXY"])
    func `https uses a tunnel through the proxy, and only the service sees the key`(
        variable: String
    ) async throws {
        let certificate = TestCertificate()
        try await HostileServer.with(
            certificate: certificate,
            { seen in
                .reply(200, [], seen.target == "/v?a|b" ? "clip" : accepted)
            }
        ) { server in
            try await ConnectProxy.with { proxy in
                let environment = [
                    variable: "http://127.0.0.1:\(proxy.port)", "SSL_CERT_FILE": try certificate.file(),
                ]
                try await with(server, environment) { provider in
                    guard case .accepted = await provider.submit(provider.submission()) else {
                        Issue.record("not accepted")
                        return
                    }
                    #expect(await provider.query(task).isFound)
                    #expect(await provider.download(server.url + "/v?a|b", into: CollectingSink()) == .whole)
                }
                #expect(server.seen.map(\.target).sorted().last == "/v?a|b")
                #expect(!proxy.seen.isEmpty)
                #expect(proxy.seen.allSatisfy { $0.line == "CONNECT 127.0.0.1:\(server.port) HTTP/1.1" })
                #expect(proxy.seen.allSatisfy { !$0.headers.fields.contains { $0.value.contains(secret) } })
            }
        }
    }

    @Test(arguments: ["http_proxy", "HTTP_PROXY"])
    func `plain http requests are sent to the proxy`(variable: String) async throws {
        try await HostileServer.with({ _ in .reply(200, [], accepted) }) { server in
            try await ConnectProxy.with { proxy in
                try await with(server, [variable: "127.0.0.1:\(proxy.port)"]) { provider in
                    #expect(await provider.query(task).isFound)
                    #expect(await provider.download(server.url + "/v?a|b", into: CollectingSink()) == .whole)
                }
                let lines = [
                    "GET \(server.url)/v1/tasks/query?task_id=task_1 HTTP/1.1", "GET \(server.url)/v?a|b HTTP/1.1",
                ]
                #expect(proxy.seen.map(\.line) == lines)
                #expect(proxy.seen.allSatisfy { $0.headers["host"] == "127.0.0.1:\(server.port)" })
                #expect(server.seen.map(\.target) == ["/v1/tasks/query?task_id=task_1", "/v?a|b"])
            }
        }
    }

    @Test func `user name and password go to the proxy, but are not printed with the settings`() async throws {
        let wanted = "Basic " + Data("us er:hunter2@".utf8).base64EncodedString()
        let certificate = TestCertificate()
        for isPlain in [true, false] {
            let speaks = isPlain ? nil : certificate
            try await HostileServer.with(certificate: speaks, { _ in .reply(200, [], accepted) }) { server in
                try await ConnectProxy.with(.wants(wanted)) { proxy in
                    let address = "http://us%20er:hunter2%40@127.0.0.1:\(proxy.port)"
                    let environment = [
                        "http_proxy": address, "https_proxy": address, "SSL_CERT_FILE": try certificate.file(),
                    ]
                    try await with(server, environment) { provider in #expect(await provider.query(task).isFound) }
                    #expect(server.seen.allSatisfy { $0.headers["proxy-authorization"] == nil })
                    var dumped = ""
                    dump(try NetworkSettings(environment: environment), to: &dumped)
                    #expect(!dumped.contains("hunter2") && !dumped.contains(wanted.dropFirst(6)))
                }
            }
        }
    }

    @Test(
        arguments: [
            (ConnectProxy.Behavior.wants("Basic x"), "the proxy rejected the user name and password (407)"),
            (.refuses(403), "the proxy refused the connection"), (.refuses(503), "the proxy refused the connection"),
        ])
    func `a proxy that refuses a tunnel is named, and nothing was submitted`(
        behavior: ConnectProxy.Behavior, reason: String
    ) async throws {
        try await ConnectProxy.with(behavior) { proxy in
            let network = try NetworkSettings(environment: ["https_proxy": "http://127.0.0.1:\(proxy.port)"])
            try await withProvider("https://render.example", change: { $0.network = network }) { provider in
                let result = await provider.submit(provider.submission())
                #expect(result.isNotAccepted)
                #expect(
                    result.fault?.message
                        == "cannot reach render.example through the proxy http://127.0.0.1:\(proxy.port): \(reason)")
            }
        }
    }

    @Test func `an unreachable proxy is named`() async throws {
        let port = try await HostileServer.with({ _ in .hang }) { $0.port }
        let network = try NetworkSettings(environment: ["https_proxy": "http://127.0.0.1:\(port)"])
        try await withProvider("https://render.example", change: { $0.network = network }) { provider in
            #expect(
                await provider.query(task).fault?.message
                    == "cannot reach render.example through the proxy http://127.0.0.1:\(port): connection refused")
        }
    }

    @Test(arguments: [
        ["no_proxy": "example.com, 127.0.0.1"], ["NO_PROXY": "127.0.0.0/8"], ["no_proxy": "*"],
        ["no_proxy": "127.0.0.1", "NO_PROXY": "h"],
    ])
    func `hosts in no_proxy are reached directly`(exceptions: [String: String]) async throws {
        try await HostileServer.with({ _ in .reply(200, [], accepted) }) { server in
            try await ConnectProxy.with { proxy in
                let environment = ["http_proxy": "http://127.0.0.1:\(proxy.port)"].merging(exceptions) { $1 }
                try await with(server, environment) { provider in #expect(await provider.query(task).isFound) }
                #expect(proxy.seen.isEmpty && server.seen.count == 1)
            }
        }
    }

    @Test(arguments: [
        ("h.example", "h.example", true), ("example", "h.example", true), (".example", "h.example", true),
        ("ample", "h.example", false), ("h.example", "x.h.example", true), ("x.h.example", "h.example", false),
        ("H.Example", "h.EXAMPLE", true), ("h.example.", "h.example", true), ("h.example", "h.example.", true),
        ("a,b  c\td", "c", true), ("a,b", "ab", false), ("*", "anything", true), ("*,a", "b", false),
        ("*.example", "h.example", false), ("10.0.0.0/8", "10.255.1.1", true), ("10.0.0.0/8", "11.0.0.1", false),
        ("10.0.0.1", "10.0.0.1", true), ("10.0.0.1", "110.0.0.1", false), ("0.0.1", "10.0.0.1", false),
        ("10.1.2.3/0", "99.1.1.1", true), ("10.0.0.0/33", "10.0.0.0", false), ("10.0.0.0/x", "10.0.0.0", false),
        ("::1", "::1", true), ("[::1]", "::1", true), ("fe80::/10", "febf::1", true), ("fe80::/10", "fec0::1", false),
        ("::/0", "10.0.0.1", false), ("", "h", false), (" , ,", "h", false), (".", "h", false),
    ])
    func `no_proxy contains hosts, domains and networks`(text: String, host: String, isExcepted: Bool) {
        #expect(ProxyExceptions(text).contain(host) == isExcepted)
    }

    @Test func `lowercase variables win, empty ones are ignored, and the default port is curl's`() throws {
        let both = try NetworkSettings(environment: ["https_proxy": "a:1", "HTTPS_PROXY": "b:2", "http_proxy": ""])
        #expect(both.secureProxy?.description == "http://a:1" && both.plainProxy == nil)
        #expect(both.secureProxy?.variable == "https_proxy")
        let bare = try NetworkSettings(environment: ["https_proxy": "", "HTTPS_PROXY": "HTTP://Proxy.Example/"])
        #expect(bare.secureProxy?.description == "http://Proxy.Example:1080")
        let six = try NetworkSettings(environment: ["http_proxy": "http://u:p@[::1]/x"])
        #expect(six.plainProxy?.description == "http://[::1]:1080")
        #expect(
            try NetworkSettings(environment: ["http_proxy": "[::1]:3128"]).plainProxy?.description
                == "http://[::1]:3128")
    }

    @Test(arguments: [
        ("socks5://127.0.0.1:1", "of type socks5"), ("https://127.0.0.1:1", "of type https"),
        ("http://127.0.0.1:70000", "is not a valid proxy"), ("http://", "is not a valid proxy"),
        ("http://u:%zz@h:1", "an invalid % escape"), ("h h", "is not a valid proxy"),
    ])
    func `an invalid proxy is refused with the name of its variable`(text: String, words: String) {
        #expect {
            try NetworkSettings(environment: ["HTTPS_PROXY": text])
        } throws: { "\($0)".contains("HTTPS_PROXY") && "\($0)".contains(words) }
    }

    @Test func `a certificate file replaces the system's certificates, and one without certificates is refused`()
        async throws
    {
        let certificate = TestCertificate()
        try await HostileServer.with(certificate: certificate, { _ in .reply(200, [], accepted) }) { server in
            try await with(server, ["SSL_CERT_FILE": try certificate.file()]) { provider in
                #expect(await provider.query(task).isFound)
            }
            try await with(server, ["SSL_CERT_FILE": try TestCertificate(kind: .ofAnotherName).file()]) { provider in
                let words = "the service's certificate is not trusted: "
                #expect(await provider.query(task).fault?.message.hasPrefix(words) == true)
            }
        }
        for (text, words) in [
            (nil, "which cannot be read"), ("", "which contains no PEM certificates"), ("-----BEGIN", "contains"),
        ] {
            let path = try TestCertificate.file(holding: text)
            #expect {
                try NetworkSettings(environment: ["SSL_CERT_FILE": path])
            } throws: { "\($0)".contains("SSL_CERT_FILE names \(path), ") && "\($0)".contains(words) }
        }
    }
}

/// Speaks first, and not TLS.
private final class Greeting: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "SSH-2.0-OpenSSH_9.2\r\n")), promise: nil)
    }
}

/// What the user reads of a connection that fails: never the text of a library.
@Suite struct TransportWordsTests {
    private func expectPlain(_ fault: ProviderError?, _ words: String) {
        #expect(fault?.message == words)
    }

    @Test func `the error for a refused connection states the destination and the reason`() async throws {
        let port = try await HostileServer.with({ _ in .hang }) { $0.port }
        let words = "cannot reach 127.0.0.1:\(port): connection refused"
        try await withProvider("http://127.0.0.1:\(port)") { provider in
            expectPlain(await provider.query(task).fault, words)
            let result = await provider.submit(provider.submission())
            expectPlain(result.fault, words)
            #expect(result.isNotAccepted)
            expectPlain(
                await provider.download("http://127.0.0.1:\(port)/v?sig", into: CollectingSink()).fault, words)
        }
    }

    @Test func `an unknown host name is reported`() async throws {
        try await withProvider("https://nobody.invalid") { provider in
            expectPlain(await provider.query(task).fault, "cannot reach nobody.invalid: the host name was not found")
        }
    }

    @Test func `a service without TLS or HTTP is reported`() async throws {
        let greeter = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Greeting()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = greeter.localAddress?.port ?? 0
        try await withProvider("https://127.0.0.1:\(port)") { provider in
            expectPlain(
                await provider.query(task).fault,
                "cannot reach 127.0.0.1:\(port): the TLS handshake failed; check that it uses https")
        }
        try await greeter.close()
        try await HostileServer.with({ _ in .cut("SSH-2.0-OpenSSH_9.2\r\n") }) { server in
            try await withProvider(server.url) { provider in
                expectPlain(await provider.query(task).fault, "the response is not HTTP")
            }
        }
    }
}
