import DailiesCore
import NIOConcurrencyHelpers
import ProviderWire
import Testing

@testable import DailiesProvider

@Suite struct ConfigurationTests {
    @Test(arguments: [
        ("https://llm.bytespike.ai", "https://llm.bytespike.ai"),
        ("https://h.example:8443/api//", "https://h.example:8443/api"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"), ("http://localhost:1", "http://127.0.0.1:1"),
        ("http://[::1]:1", "http://[::1]:1"), ("HTTPS://H.example", "https://h.example"),
        ("https://h.example:443/", "https://h.example"), ("http://LocalHost:80", "http://127.0.0.1"),
        ("https://h.example:00443/V1/", "https://h.example/V1"), (" https://h.example\n", "https://h.example"),
        ("https://É.example", "https://xn--9ca.example"), ("https://h.example:", "https://h.example"),
    ])
    func `different spellings of a base URL are normalized to one`(given: String, kept: String)
        throws
    {
        #expect(try ProviderConfiguration(baseURL: given, keys: []).baseURL == kept)
    }

    @Test(arguments: [
        (
            "http://llm.bytespike.ai",
            "the base URL uses plain http to another machine, which would expose the key; use https: "
        ), ("http://127.0.0.1.example.com", "plain http"),
        ("http://128.0.0.1", "plain http"), ("https://user:hunter2@h.example", "contains a user name"),
        ("https://h.example?x=1", "query"), ("https://h.example/?", "query"), ("https://h.example/#f", "fragment"),
        ("ftp://h.example", "not an http or https URL"), ("h.example", "not an http or https URL"),
        ("", "not an http or https URL"), ("https://", "not an http or https URL"),
        ("https://h example", "not an http or https URL"),
    ])
    func `a base URL that would expose the key or has extra parts is refused`(given: String, reason: String) {
        #expect {
            try ProviderConfiguration(baseURL: given, keys: [])
        } throws: { error in
            let message = (error as? ConfigurationError)?.message ?? ""
            return message.contains(reason) && !message.contains("hunter2")
        }
    }

    @Test func `two keys with the same prefix are refused`() throws {
        let keys = [
            ModelAPIKey(modelPrefix: "sora", key: try APIKey("a")),
            ModelAPIKey(modelPrefix: "sora", key: try APIKey("b")),
        ]
        #expect(throws: ConfigurationError.self) { try ProviderConfiguration(keys: keys) }
    }

    @Test func `a key is shown only by its fingerprint`() throws {
        let key = try APIKey(" \(secret)\r\n")
        // The first twelve digits of `printf sk-byts-test-0123456789abcdef | sha256sum`.
        #expect(key.fingerprint.text == "8c9c4604f074")
        #expect(key == (try APIKey(secret)))
        var dumped = ""
        dump([ModelAPIKey(key: key)], to: &dumped)
        let configuration = try ProviderConfiguration(keys: [ModelAPIKey(key: key)])
        dump(configuration, to: &dumped)
        let shown = "\(key) \(String(reflecting: key)) \(configuration) \(String(reflecting: configuration)) \(dumped)"
        #expect(!shown.contains(secret))
        #expect(shown.contains("8c9c4604f074"))
    }

    @Test(arguments: ["", " \n", "two words", "line\nfeed", "clé", "nul\u{0}", String(repeating: "x", count: 4097)])
    func `text that is not valid in a header is not a key`(text: String) {
        #expect {
            try APIKey(text)
        } throws: { error in
            let message = (error as? ConfigurationError)?.message ?? text
            return text.count < 3 || !message.contains(text)
        }
    }
}

@Suite struct ContentRangeTests {
    @Test(
        arguments: [
            ("bytes 0-0/1", ContentRange.part(first: 0, last: 0, total: 1)),
            ("Bytes 5-9/*", .part(first: 5, last: 9, total: nil)),
            ("bytes */10", .unsatisfied(total: 10)), ("bytes */*", nil), ("bytes 5-4/10", nil), ("bytes 5-10/10", nil),
            ("bytes -5-9/10", nil), ("bytes 5/10", nil), ("bytes 5-9", nil), ("items 5-9/10", nil), ("", nil),
            (nil, nil),
            ("bytes 0-9223372036854775807/*", nil), ("bytes 0-99999999999999999999/*", nil), ("bytes 5-9/x", nil),
            ("bytes 5-9/10/11", nil),
        ] as [(String?, ContentRange?)])
    func `a Content-Range is read, or invalid`(text: String?, range: ContentRange?) {
        #expect(ContentRange(text) == range)
    }
}

@Suite struct RequestGateTests {
    @Test func `queued calls start in order, each after a release`() {
        let semaphore = AsyncSemaphore(2)
        let started = NIOLockedValueBox<[Int]>([])
        for number in 0..<5 { semaphore.acquire { started.withLockedValue { $0.append(number) } } }
        #expect(started.withLockedValue { $0 } == [0, 1])
        semaphore.release()
        #expect(started.withLockedValue { $0 } == [0, 1, 2])
        for _ in 0..<4 { semaphore.release() }
        #expect(started.withLockedValue { $0 } == [0, 1, 2, 3, 4])
        semaphore.acquire { started.withLockedValue { $0.append(5) } }
        #expect(started.withLockedValue { $0 }.last == 5)
    }
}
