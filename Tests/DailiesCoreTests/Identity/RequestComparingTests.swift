import DailiesCore
import Testing

/// Equal and nearly equal requests, and how an index finds them.
struct RequestComparingTests {
    private static func request(_ prompt: String, seed: Int? = nil) -> CanonicalRequest {
        let seed = seed.map { ",\"seed\":\($0)" } ?? ""
        return CanonicalRequest(text: "{\"model\":\"m\",\"prompt\":\"\(prompt)\"\(seed)}")
    }

    @Test(arguments: [
        (#"a\r\nb"#, #"a\nb"#), (#"a\rb"#, #"a\nb"#), (#"a\r\r\n\nb\r"#, #"a\n\n\nb\n"#), (#"\r"#, #"\n"#),
        (#"a\\\r\n"#, #"a\\\n"#), (#"é\r\n"#, #"é\n"#),
    ])
    func `requests that differ only in line ends are equal and have one hash`(written: String, lines: String) {
        #expect(Self.request(written).withLineFeeds == Self.request(lines))
        #expect(Self.request(written).isSame(as: Self.request(lines)))
        #expect(SimilarityHash(Self.request(written)) == SimilarityHash(Self.request(lines)))
    }

    @Test(arguments: [#"a\\r"#, #"a\\r\\n"#, "", "rrr", #"\\\\r\n"#])
    func `characters other than line ends are kept`(text: String) {
        #expect(Self.request(text).withLineFeeds == Self.request(text))
    }

    @Test(arguments: [
        ("a boat", "a boat "), ("a boat", " a boat"), (#"a boat\nat dawn"#, #"a boat \nat dawn\n"#),
        (#"a boat\nat dawn"#, #"a boat\t \r\nat dawn"#), ("caf\u{e9} noir", "cafe\u{301} noir"),
        ("caf\u{e9}", "cafe\u{301}\u{a0}"), ("\u{304c}\u{66f8}", "\u{304b}\u{3099}\u{66f8}"),
        ("\u{ac00}", "\u{1100}\u{1161}"),
        (#"\n\na"#, "a"), (#"say \"hi\""#, #"say \"hi\" "#), ("雨の夜 ", "雨の夜"),
    ])
    func `requests that differ in outer blanks or Unicode form are nearly equal`(one: String, other: String) {
        let (one, other) = (Self.request(one, seed: 5), Self.request(other, seed: 5))
        #expect(one.isNearly(other) && other.isNearly(one))
        #expect(!one.isSame(as: other))
        #expect(SimilarityHash(one) != SimilarityHash(other))
        #expect(SimilarityHash(one).nearby.contains(SimilarityHash(other).number))
        #expect(SimilarityHash(other).nearby.contains(SimilarityHash(one).number))
    }

    @Test(arguments: [
        ("a boat", "a  boat"), ("a boat", "aboat"), (#"a\nboat"#, "a boat"), ("café", "cafe"), ("a", "b"),
        (#"a\n\nb"#, #"a\nb"#), (#"say \"hi\""#, "say hi"), (#"a\\nb"#, #"a\nb"#), ("雨の夜", "雨の朝"),
    ])
    func `requests with different text are neither equal nor nearly equal`(one: String, other: String) {
        #expect(!Self.request(one).isNearly(Self.request(other)))
        #expect(!Self.request(one).isSame(as: Self.request(other)))
        #expect(SimilarityHash(Self.request(one)) != SimilarityHash(Self.request(other)))
    }

    @Test func `requests with different seeds differ`() {
        #expect(!Self.request("a", seed: 1).isNearly(Self.request("a", seed: 2)))
    }

    @Test func `hashes never change, since stores keep them`() {
        #expect(SimilarityHash(Self.request("a boat")).number == -36_424_516_061_682_289)
        #expect(SimilarityHash(Self.request("雨 caf\u{e9} \u{1F600}")).number == -6_326_957_709_646_632_151)
    }

    @Test func `repeated requests are found among many`() {
        var repeated = RepeatedRequests()
        func isRepeated(_ seed: Int) -> Bool { repeated.insert(Self.request("a", seed: seed)) }
        #expect((0..<100_000).filter { isRepeated($0) } == [])
        let some = Array(stride(from: 0, to: 100_000, by: 777))
        #expect(some.filter { isRepeated($0) } == some)
        #expect([#"b\r\n"#, #"b\n"#].map { repeated.insert(Self.request($0)) } == [false, true])
    }
}
