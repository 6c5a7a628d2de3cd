import Testing

@testable import DailiesCore

/// Members of a request that are read or replaced in its text.
struct RequestMembersTests {
    private func request(_ text: String) -> CanonicalRequest { CanonicalRequest(text: text) }

    @Test(arguments: [
        (#"{"model":"m","seed":7,"steps":1.50}"#, #"{"model":"m","seed":-1,"steps":1.50}"#),
        (#"{"seed":7}"#, #"{"seed":-1}"#),
        (#"{"a":[{"seed":7}],"b":"\"seed\":7,"}"#, #"{"a":[{"seed":7}],"b":"\"seed\":7,","seed":-1}"#),
        (#"{"a":"seed","c":{"seed":1},"seed":1e3}"#, #"{"a":"seed","c":{"seed":1},"seed":-1}"#),
        ("{}", #"{"seed":-1}"#),
    ])
    func `a new seed replaces the request's, or follows its last member`(_ old: String, _ new: String) {
        #expect(request(old).with(seed: -1).text == new)
    }

    @Test func `a request with a new seed is recognized wherever the seed stands`() {
        let listed = request(#"{"model":"m","prompt":"a\r\nb","zoom":2}"#)
        let sent = request(#"{"model":"m","prompt":"a\nb","seed":5,"zoom":2}"#)
        #expect(sent.isSame(as: listed, withSeed: 5))
        #expect(sent.isSame(as: listed.with(seed: 9), withSeed: 5))
        #expect(!sent.isSame(as: listed, withSeed: 6))
        #expect(!listed.isSame(as: listed, withSeed: 5))
        #expect(!request(#"{"model":"m","prompt":"a\nb","seed":5.0,"zoom":2}"#).isSame(as: listed, withSeed: 5))
        #expect(request(#"{"seed":5,"zoom":2}"#).isSame(as: request(#"{"zoom":2}"#), withSeed: 5))
        #expect(request(#"{"seed":5}"#).isSame(as: request("{}"), withSeed: 5))
    }

    @Test(arguments: [
        (#"{"model":"m","prompt":"rain"}"#, "rain"),
        (#"{"a":{"prompt":"no"},"prompt":"\"q\" \\ \u0001\ttab\nend é 日本"}"#, "\"q\" \\ \u{1}\ttab\nend é 日本"),
        (#"{"prompt":"\ud83c\udfac \ud83c"}"#, "🎬 \u{FFFD}"),
        (#"{"prompt":""}"#, ""), (#"{"model":"prompt"}"#, ""),
    ])
    func `the prompt is read without its escapes`(_ text: String, _ prompt: String) {
        #expect(request(text).prompt == prompt)
    }
}
