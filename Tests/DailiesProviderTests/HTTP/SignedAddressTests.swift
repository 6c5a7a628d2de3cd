import DailiesCore
import ProviderWire
import Testing

@testable import DailiesProvider

private let clip = "0123456789"

/// Addresses as object stores and CDNs sign them: what goes out is what was given, byte for byte.
@Suite struct SignedAddressTests {
    /// The part after `/c/`; the request line has the same bytes, except those that would break it.
    private static let given: [(tail: String, sent: String)] = [
        ("ok.mp4?X-Sig=a%2Bb%3D&x=1", "ok.mp4?X-Sig=a%2Bb%3D&x=1"),
        ("bar.mp4?X-Sig=a%2Bb%3D&meta=a|b", "bar.mp4?X-Sig=a%2Bb%3D&meta=a|b"),
        ("brackets.mp4?X-Sig=a%2Bb%3D&f[0]=1", "brackets.mp4?X-Sig=a%2Bb%3D&f[0]=1"),
        (
            #"quotes.mp4?X-Sig=a%2Bb%3D&rscd=attachment;filename="a.mp4""#,
            #"quotes.mp4?X-Sig=a%2Bb%3D&rscd=attachment;filename="a.mp4""#
        ),
        ("braces.mp4?X-Sig=a%2Bb%3D&t={x}", "braces.mp4?X-Sig=a%2Bb%3D&t={x}"),
        ("nonascii.mp4?X-Sig=a%2Bb%3D&name=é", "nonascii.mp4?X-Sig=a%2Bb%3D&name=%C3%A9"),
        ("percent.mp4?X-Sig=a%2Bb%3D&d=100%", "percent.mp4?X-Sig=a%2Bb%3D&d=100%"),
        ("a/../b/./c//d?x=/../y", "a/../b/./c//d?x=/../y"), ("p|q{r}%zz%2f?^`\\'", "p|q{r}%zz%2f?^`\\'"),
        ("two words?a b\tc\u{7F}d", "two%20words?a%20b%09c%7Fd"), ("?", "?"), ("x??y?", "x??y?"),
        ("e\u{301}\u{1F980}", "e%CC%81%F0%9F%A6%80"), ("x?a#b?c", "x?a"),
    ]

    @Test(arguments: given)
    func `a signed URL is sent byte for byte`(tail: String, sent: String) async throws {
        try await HostileServer.with({ $0.target == "/c/\(sent)" ? .reply(200, [], clip) : .reply(403, [], "") }) {
            server in
            try await withProvider(server.url) { provider in
                for (before, after) in [("", ""), (" \t", "\r\n"), ("\u{FEFF}", "\u{2028}\u{A0}\n")] {
                    let end = await provider.download(
                        "\(before)\(server.url)/c/\(tail)\(after)", into: CollectingSink())
                    #expect(end == .whole)
                }
                #expect(server.seen.map(\.target) == Array(repeating: "/c/\(sent)", count: 3))
            }
        }
    }

    @Test(arguments: given)
    func `a redirect's Location is sent byte for byte, absolute and relative`(
        tail: String, sent: String
    ) async throws {
        // Header fields cannot contain control characters.
        guard tail.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else { return }
        try await HostileServer.with({ $0.target == "/c/\(sent)" ? .reply(200, [], clip) : .reply(403, [], "") }) {
            store in
            for location in ["\(store.url)/c/\(tail)", "//127.0.0.1:\(store.port)/c/\(tail)"] {
                try await HostileServer.with({ _ in .reply(302, [("Location", location)], "") }) { server in
                    try await withProvider(server.url) { provider in
                        #expect(await provider.download("\(server.url)/v", into: CollectingSink()) == .whole)
                    }
                }
            }
            #expect(store.seen.map(\.target) == Array(repeating: "/c/\(sent)", count: 2))
        }
        try await HostileServer.with({ seen in
            switch seen.target {
            case "/v": .reply(307, [("Location", "/c/\(tail)")], "")
            case "/c/\(sent)": .reply(200, [], clip)
            default: .reply(403, [], "")
            }
        }) { server in
            try await withProvider(server.url) { provider in
                #expect(await provider.download("\(server.url)/v", into: CollectingSink()) == .whole)
            }
        }
    }

    @Test(arguments: [
        ("next", "/a/b/next"), ("next?q=|", "/a/b/next?q=|"), ("./next", "/a/b/next"), ("../next", "/a/next"),
        ("../../../next", "/next"), ("d/../e/./f", "/a/b/e/f"), ("..", "/a/"), (".", "/a/b/"), ("d/..", "/a/b/"),
        ("?q=1", "/a/b/c?q=1"), ("/next/../x", "/next/../x"), ("a:b/c", nil), ("#f", nil), ("  ", nil),
        ("x%2F../y", "/a/b/x%2F../y"), ("//", nil), ("mailto:a@b", nil), ("HTTP://h.example/x|", "/x|"),
        ("http:/x", nil), ("https://h.example/x/../y?z=/../", "/x/../y?z=/../"), ("\\\\h\\x", "/a/b/\\\\h\\x"),
    ])
    func `a relative URL is joined without changing a byte`(relative: String, target: String?) throws {
        let base = try #require(ServiceURL("http://127.0.0.1:1/a/b/c?sig=%2B|"))
        #expect(ServiceURL(relative, relativeTo: base)?.target == target)
    }

    @Test func `all bytes are sent unchanged, except those that would break the request line`() throws {
        var random = SplitMix64(seed: 16)
        for round in 0..<4000 {
            let bytes = Self.bytes(&random, round)
            let text = "http://127.0.0.1:1/" + String(decoding: bytes, as: UTF8.self) + "."
            let place = try #require(ServiceURL(text), "round \(round): \(text)")
            #expect(place.target == Self.expected(text), "round \(round)")
            #expect(place.escapedTarget == Self.expected(text, andNot: Array("\"<>".utf8)), "round \(round)")
            #expect(place.origin == "http://127.0.0.1:1/" && place.text == text, "round \(round)")
        }
    }

    @Test func `random URLs and Locations reach the server unchanged`() async throws {
        try await HostileServer.with({ seen in
            seen.target.hasPrefix("/to?")
                ? .reply(302, [("Location", "http://\(seen.headers["host"] ?? "")\(seen.target.dropFirst(4))")], "")
                : .reply(200, [], clip)
        }) { server in
            try await withProvider(server.url) { provider in
                var random = SplitMix64(seed: 3)
                for round in 0..<150 {
                    let text = String(decoding: Self.bytes(&random, round), as: UTF8.self).filter { $0 != "#" } + "."
                    let target = Self.expected("http://h/\(text)")
                    #expect(await provider.download("\(server.url)/\(text)", into: CollectingSink()) == .whole)
                    #expect(server.seen.last?.target == target, "round \(round)")
                    #expect(
                        await provider.download("\(server.url)/to?\(target)", into: CollectingSink()) == .whole)
                    #expect(server.seen.last?.target == target, "round \(round), redirected")
                }
            }
        }
    }

    private static func bytes(_ random: inout SplitMix64, _ round: Int) -> [UInt8] {
        let alphabet: [UInt8]? = round.isMultiple(of: 2) ? nil : Array("a/?%2B|[]{}\"<>#&=;'\\^` é\u{7F}\n".utf8)
        return (0..<Int.random(in: 0...60, using: &random)).map { _ in
            alphabet?.randomElement(using: &random) ?? UInt8.random(in: 0...255, using: &random)
        }
    }

    /// The rule, without a parser.
    private static func expected(_ text: String, andNot more: [UInt8] = []) -> String {
        let behind = text.utf8.drop { $0 != UInt8(ascii: ":") }.dropFirst(3).drop { $0 != UInt8(ascii: "/") }
        return behind.prefix { $0 != UInt8(ascii: "#") }.map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return 0x21...0x7E ~= byte && !more.contains(byte)
                ? String(UnicodeScalar(byte)) : "%" + (digits.count == 1 ? "0" : "") + digits
        }.joined()
    }

    @Test(arguments: [400, 403])
    func `quotes that a server refuses are sent escaped, and nothing else`(status: Int) async throws {
        let sent = "/v?sig=a%2Bb&name=%22a|b%22&%3Cx%3E"
        try await HostileServer.with({ $0.target == sent ? .reply(200, [], clip) : .reply(status, [], "") }) { server in
            try await withProvider(server.url) { provider in
                let address = server.url + #"/v?sig=a%2Bb&name="a|b"&<x>"#
                #expect(await provider.download(address, into: CollectingSink()) == .whole)
                #expect(server.seen.map(\.target) == [#"/v?sig=a%2Bb&name="a|b"&<x>"#, sent])
                #expect(await provider.download(server.url + "/w?|", into: CollectingSink()).isRefused)
                #expect(server.seen.count == 3)
            }
        }
    }

    @Test func `the path of a base URL is sent byte for byte`() async throws {
        let accepted = #"{"task_id":"task_1","status":"queued"}"#
        try await HostileServer.with({ _ in .reply(200, [], accepted) }) { server in
            try await withProvider(server.url + "/a|b/%2Fc//") { provider in
                _ = await provider.submit(provider.submission())
                _ = await provider.query(.remote(RemoteTaskID("a|b%2F")))
                #expect(
                    server.seen.map(\.target) == [
                        "/a|b/%2Fc/v1/tasks/submit", "/a|b/%2Fc/v1/tasks/query?task_id=a%7Cb%252F",
                    ])
                #expect(server.seen.allSatisfy { $0.headers[RequestTarget.field] == nil })
            }
        }
    }
}
