import Testing

@testable import DailiesCore

@Suite struct IdentityTests {
    private func bytes(hex: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = hex[...]
        while let byte = UInt8(rest.prefix(2), radix: 16) {
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }

    // MARK: submission keys

    @Test func `the preimage contains each part preceded by its length`() {
        let preimage = SubmissionKey.preimage(
            batchName: "b", task: TaskKey("é"), attempt: 12, request: CanonicalRequest(text: "{}"))
        let length: [UInt8] = [0, 0, 0, 0, 0, 0, 0]
        let expected =
            length + [20] + Array("dailies-submission-1".utf8) + length + [1] + Array("b".utf8) + length + [2]
            + [0xC3, 0xA9] + length + [2] + Array("12".utf8) + length + [2] + Array("{}".utf8)
        #expect(preimage == expected)
    }

    @Test func `line ends of a prompt do not change the key`() {
        let preimages = [#"\n"#, #"\r\n"#, #"\r"#].map { lineEnd in
            SubmissionKey.preimage(
                batchName: "b", task: TaskKey("t"), attempt: 1,
                request: CanonicalRequest(text: #"{"prompt":"one\#(lineEnd)two"}"#))
        }
        #expect(Set(preimages).count == 1 && preimages[0].suffix(9) == ArraySlice(#"ne\ntwo"}"#.utf8))
    }

    /// Digest: SHA-256 of the preimage, computed with another program. The provider knows renders by these keys:
    /// changing one would pay for finished clips again.
    @Test(arguments: [
        (
            "misty-forest", "dolly", 1, 134, "ca1d58b515e88b097f3c2763ff9f740718494711f9090a7108412da1444ef791",
            "ziovrniv5cfqs7z4e5r77h3u"
        ),
        (
            "misty-forest", "dolly", 2, 134, "dacf08c24ba7645ad6e14233906632d33e25f80365421dc7010f9048a62d6af2",
            "3lhqrqslu5sfvvxbiizzazrs"
        ),
        (
            "misty", "-forestdolly", 1, 134, "298df1c8e77a6bb54c5fec1f8c1699eb0553dd4e4b88c4b021ca8e8ed9a45771",
            "fgg7dshhpjv3ktc75qpyyfuz"
        ),
    ])
    func `keys never change`(batch: String, task: String, attempt: Int, length: Int, digest: String, key: String) {
        let request = CanonicalRequest(text: #"{"model":"sora-2-pro","prompt":"A cinematic dolly shot"}"#)
        let preimage = SubmissionKey.preimage(
            batchName: batch, task: TaskKey(task), attempt: attempt, request: request)
        #expect(preimage.count == length)
        #expect(SubmissionKey(digest: bytes(hex: digest)) == SubmissionKey(key))
        #expect(key.utf8.count == 24)
    }

    @Test func `composed and decomposed text give different keys, tasks and models`() {
        let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
        #expect(TaskKey(composed) != TaskKey(decomposed) && ModelID(composed) != ModelID(decomposed))
        #expect(Set([TaskKey(composed), TaskKey(decomposed)]).count == 2)
        let preimages = [composed, decomposed].map {
            SubmissionKey.preimage(batchName: "b", task: TaskKey($0), attempt: 1, request: CanonicalRequest(text: "{}"))
        }
        #expect(preimages.map(\.count) == [69, 70])
    }

    /// RFC 4648, section 10, in lowercase without padding.
    @Test(arguments: [
        ("", ""), ("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("foob", "mzxw6yq"), ("fooba", "mzxw6ytb"),
        ("foobar", "mzxw6ytboi"),
    ])
    func `base32 matches RFC 4648, truncated`(text: String, encoded: String) {
        let whole = text.utf8.count * 8 / 5
        #expect(Base32.lowercase(Array(text.utf8), length: whole) == String(encoded.prefix(whole)))
        #expect(Base32.lowercase(Array(text.utf8) + [0], length: encoded.utf8.count) == encoded)
    }

    // MARK: time

    @Test func `an instant rounds down to milliseconds and clamps at both ends of time`() {
        #expect(Instant(nanoseconds: 1_999_999).milliseconds == 1 && Instant(nanoseconds: -1).milliseconds == -1)
        #expect(Instant(nanoseconds: -1_000_000).milliseconds == -1 && Instant(milliseconds: -5).milliseconds == -5)
        #expect(Instant(milliseconds: .max) == .distantFuture && Instant(milliseconds: .min) == .distantPast)
        #expect(
            Instant.distantFuture + .seconds(1) == .distantFuture && Instant.distantPast - .seconds(1) == .distantPast)
        #expect(
            Instant.distantFuture - .seconds(-1) == .distantFuture && Instant.distantPast + .seconds(-1) == .distantPast
        )
        #expect(Instant.distantFuture - Instant.distantPast == .nanoseconds(Int64.max))
        #expect(Instant.distantPast - Instant.distantFuture == .nanoseconds(Int64.min))
        #expect(Instant(milliseconds: 0) + .seconds(Int64.max) == .distantFuture)
        #expect(Instant(milliseconds: 1_500) - Instant(milliseconds: 500) == .seconds(1))
    }

    @Test func `adding and subtracting a duration restores a random instant`() {
        var random = SplitMix64(seed: 9)
        for round in 0..<1000 {
            let instant = Instant(nanoseconds: Int64.random(in: -(1 << 61)...(1 << 61), using: &random))
            let wait = Duration.nanoseconds(Int64.random(in: -(1 << 61)...(1 << 61), using: &random))
            #expect((instant + wait) - wait == instant && (instant + wait) - instant == wait, "round \(round)")
            #expect((instant < instant + wait) == (wait > .zero), "round \(round)")
        }
    }

    @Test func `a duration divides by a speed and converts to nanoseconds without overflow`() {
        #expect(Duration.seconds(90).divided(bySpeed: 60) == .milliseconds(1500))
        #expect(Duration.seconds(3).divided(bySpeed: 1) == .seconds(3))
        #expect(Duration.seconds(Int64.max).nanoseconds == .max && Duration.seconds(Int64.min).nanoseconds == .min)
        #expect(Duration.milliseconds(1500).inSeconds == 1.5)
    }

    // MARK: accounts

    @Test func `the longest prefix of a model ID selects the account`() {
        let (all, sora, pro) = (KeyFingerprint("a"), KeyFingerprint("b"), KeyFingerprint("c"))
        let book = APIKeyRouting(byPrefix: ["": all, "sora-": sora, "sora-2-pro": pro])
        #expect(book.account(for: ModelID("veo-3.1")) == all && book.account(for: ModelID("sora-2")) == sora)
        #expect(book.account(for: ModelID("sora-2-pro")) == pro && book.account(for: ModelID("sora-2-pro-x")) == pro)
        #expect(book.all == [all, sora, pro] && book.contains(sora) && !book.contains(KeyFingerprint("d")))
        #expect(APIKeyRouting(byPrefix: ["sora": sora]).account(for: ModelID("veo")) == nil)
    }

    // MARK: exit codes

    @Test func `exit codes have the numbers that scripts rely on`() {
        #expect(ExitCode.allCases.map(\.rawValue) == [0, 1, 2, 3, 5, 6, 7, 8, 9, 11, 64, 65, 77, 129, 130, 143])
        #expect(ExitCode.precedence.map(\.rawValue) == [1, 64, 65, 77, 11, 129, 130, 143, 7, 6, 9, 8, 5, 3, 0])
    }

    @Test func `if several exit codes apply, the first in precedence is returned`() {
        // In reverse order of precedence: each beats all before it.
        let steps: [(ExitCode, (inout RunResult) -> Void)] = [
            (.stoppedEarly, { $0.isWorkOutstanding = true }), (.budgetReached, { $0.budgetReached = true }),
            (.unsaved, { $0.unsaved = 1 }), (.uncertain, { $0.uncertain = 1 }),
            (.accountRefused, { $0.accountRefused = true }), (.terminated, { $0.isInterrupted = true }),
            (.keyRefused, { $0.keyRefused = true }),
        ]
        var all = RunResult()
        #expect(ExitCode.of(all, failed: 0, signal: nil) == .success)
        #expect(ExitCode.of(all, failed: 1, signal: nil) == .someFailed)
        for (code, change) in steps {
            var alone = RunResult()
            change(&alone)
            #expect(ExitCode.of(alone, failed: 0, signal: .terminated) == code)
            change(&all)
            #expect(ExitCode.of(all, failed: 3, signal: .terminated) == code)
        }
        var interrupted = RunResult()
        interrupted.isInterrupted = true
        #expect(ExitCode.of(interrupted, failed: 0, signal: nil) == .interrupted)
    }
}
