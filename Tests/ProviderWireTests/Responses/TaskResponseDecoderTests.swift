import DailiesCore
import ExactJSON
import Testing

@testable import ProviderWire

private func read(_ body: String, redaction: Redactor = .none) throws(WireError) -> RemoteTask {
    try TaskResponseDecoder.report(Array(body.utf8), date: nil, redaction: redaction)
}

private func amount(_ text: String, _ source: String) -> Amount? {
    Credits.read(text).map { Amount(credits: $0.credits, text: text, source: source, isRounded: $0.isRounded) }
}

@Suite struct TaskResponseDecoderTests {
    @Test(
        arguments: [
            (#""abc""#, "abc"), ("7", "7"), ("null", nil), (#""""#, nil), ("{}", "neither a text nor a number"),
            ("[1]", "neither a text nor a number"), ("true", "neither a text nor a number"),
        ] as [(String, String?)])
    func `any value for a submission identifies one, but only text can be ours`(
        value: String, key: String?
    ) throws {
        let body = #"{"task_id":"t","status":"queued","out_task_id":\#(value)}"#
        #expect(try TaskResponseDecoder.report(Array(body.utf8), date: nil).submissionKey?.text == key)
        let long = #"{"task_id":"t","out_task_id":"\#(String(repeating: "x", count: 4000))"}"#
        #expect(try TaskResponseDecoder.report(Array(long.utf8), date: nil).submissionKey?.text.utf8.count ?? 0 > 24)
    }

    @Test func `the documented response to a submit is read`() throws {
        let date = Instant(milliseconds: 7)
        let report = try TaskResponseDecoder.report(Array(PageFixtures.submitted.utf8), date: date)
        #expect(
            report
                == RemoteTask(
                    phase: .queued, remoteID: RemoteTaskID("task_…"), estimate: amount("1.85", "estimated_credits"),
                    submittedAt: ISOTimestamp.parse("2026-05-08T13:00:00Z"), repliedAt: date))
        #expect(report.submittedAt == Instant(milliseconds: 1_778_245_200_000))
    }

    @Test func `the documented finished task is read`() throws {
        #expect(
            try read(PageFixtures.completed)
                == RemoteTask(
                    phase: .completed, remoteID: RemoteTaskID("task_…"),
                    charges: [try #require(amount("1.85", "credits"))],
                    asset: AssetLocation(url: "https://cdn.bytespike.ai/vid/..."), deliveredSeconds: 8,
                    completedAt: Instant(milliseconds: 1_778_245_334_000)))
    }

    @Test func `the dispatcher's documented responses are read`() throws {
        #expect(
            try read(PageFixtures.paramsSubmitted)
                == RemoteTask(
                    phase: .queued, remoteID: RemoteTaskID("task_01HZX"), submissionKey: pageKey,
                    estimate: amount("1.50", "estimated_credits"), remaining: .seconds(30)))
        #expect(
            try read(PageFixtures.paramsCompleted)
                == RemoteTask(
                    phase: .completed, remoteID: RemoteTaskID("task_01HZX"), submissionKey: pageKey,
                    charges: [try #require(amount("1.47", "credits_used"))],
                    asset: AssetLocation(
                        url: "https://cdn.bytespike.ai/multimodal/sora-2-pro/2026-05-08/01HZX.mp4"),
                    deliveredSeconds: 8))
        let failed = try read(PageFixtures.paramsFailed)
        #expect(failed.phase == .failed)
        #expect(failed.failureCode == "content_policy_violation")
        #expect(failed.failureMessage == "blocked")
        #expect(failed.charges.isEmpty)
    }

    @Test(arguments: [
        ("queued", RemoteTask.Phase.queued), ("pending", .queued), ("running", .running), ("processing", .running),
        ("in_progress", .running), ("completed", .completed), ("succeeded", .completed), ("failed", .failed),
        ("cancelled", .cancelled), ("canceled", .cancelled), (" Completed ", .completed),
        ("paused", .unknown("paused")),
        ("", .unknown("")),
    ])
    func `every status word has one meaning`(word: String, phase: RemoteTask.Phase) {
        #expect(TaskResponseDecoder.phase(word) == phase)
    }

    @Test(arguments: [
        (#""credits":1.85"#, ["credits 1.85"]), (#""credits_used":1.47"#, ["credits_used 1.47"]),
        (#""credits":1.85,"credits_used":1.47"#, ["credits_used 1.47", "credits 1.85"]),
        (#""credits":1.5,"credits_used":1.50"#, ["credits_used 1.50"]),
        (#""credits":"1.85","credits_used":null"#, ["credits 1.85"]), (#""credits":" 2 ""#, ["credits 2"]),
        (#""credits":0"#, ["credits 0"]), (#""credits":1e-3"#, ["credits 1e-3"]),
        (#""credits":-1"#, []), (#""credits":"NaN""#, []), (#""credits":true"#, []), (#""credits":1e99"#, []),
        (#""credits":[1],"credits_used":{}"#, []), (#""credits_used":-1,"credits":3"#, ["credits 3"]),
        (#""credits":99999999999999999999"#, []), (#""credits":0.0000000001"#, ["credits 0.0000000001 rounded"]),
    ])
    func `costs are read from either field, exactly, or not at all`(fields: String, expected: [String]) throws {
        let report = try read(#"{"task_id":"t","status":"cancelled",\#(fields)}"#)
        let found = report.charges.map { "\($0.source) \($0.text)\($0.isRounded ? " rounded" : "")" }
        #expect(found == expected)
    }

    @Test func `null counts as absent, unknown fields are ignored, numbers may be texts`() throws {
        let report = try read(
            """
            {"task_id":"t","status":"running","estimated_credits":"2.5","estimated_seconds":"12.5","result":null,
             "output":null,"completed_at":null,"error_code":null,"upstream_provider":"openai","x":{"y":[1]}}
            """)
        #expect(
            report
                == RemoteTask(
                    phase: .running, remoteID: RemoteTaskID("t"), estimate: amount("2.5", "estimated_credits"),
                    remaining: .seconds(12.5)))
    }

    @Test(arguments: [
        (#""result":{"video_url":"u1"},"output":[{"url":"u2"}]"#, "u1"),
        (#""result":{"video_url":""},"output":[{"url":"u2"}]"#, "u2"),
        (#""output":[{"type":"audio","url":"a"},{"type":"video","url":"v"},{"url":"w"}]"#, "v"),
        (#""output":[{"type":null,"url":"v"}]"#, "v"),
        (#""output":[{"type":"video"},{"type":"video","url":"v"}]"#, "v"),
        (#""output":[]"#, nil), (#""result":{}"#, nil), (#""result":"u","output":"v""#, nil),
    ])
    func `the clip's URL comes from result, or from the first video with a URL`(
        fields: String, url: String?
    ) throws {
        let report = try read(#"{"task_id":"t","status":"completed",\#(fields)}"#)
        #expect(report.asset?.url == url)
    }

    @Test(arguments: [
        "", "nonsense", "[]", "null", "7", "{}", #"{"task_id":null}"#, #"{"task_id":"","credits":1}"#,
        #"{"task_id":"t","status":"queued""#, #"{"error":{"type":"x","code":"y","message":"z"}}"#,
    ])
    func `a response without a task is an error`(body: String) {
        #expect(throws: WireError.self) { try read(body) }
    }

    @Test func `an id longer than 512 bytes is an error, and not truncated`() throws {
        #expect(throws: WireError.self) { try read(#"{"task_id":"\#(String(repeating: "x", count: 513))"}"#) }
        let longest = String(repeating: "x", count: 512)
        #expect(try read(#"{"task_id":"\#(longest)"}"#).remoteID == RemoteTaskID(longest))
    }

    @Test func `an id that is a number is kept as its text`() throws {
        #expect(
            try read(#"{"task_id":12345678901234567890,"status":"queued"}"#).remoteID?.text == "12345678901234567890")
    }

    @Test func `an echoed API key is not kept`() throws {
        let secret = "sk-byts-abcdef"
        let report = try read(
            """
            {"task_id":"t \(secret)","status":"\(secret)","out_task_id":"\(secret)","error_code":"x\(secret)",
             "error_message":"bad key \(secret)\\u0073k-byts-abcdef","result":{"video_url":"https://h/?k=\(secret)"}}
            """, redaction: Redactor(secrets: [secret]))
        #expect(!"\(report)".contains(secret))
        #expect(report.failureMessage == "bad key [key][key]")
    }

    @Test func `every response that our encoder writes is read correctly`() throws {
        let reply = TaskResponse(
            taskID: "t", outTaskID: "k", status: "completed", estimatedCredits: "1.50",
            asset: TaskResponse.Asset(url: "https://h/v", durationSeconds: "8", width: 1920, height: 1080),
            cost: "1.47",
            errorCode: "c", errorMessage: "m", extra: [TaskResponse.Extra(name: "x", raw: "[null]")])
        for dialect in Dialect.allCases {
            for asText in [false, true] {
                var reply = reply
                reply.writesNumbersAsText = asText
                let report = try TaskResponseDecoder.report(reply.encode(dialect), date: nil)
                #expect(report.charges.map(\.credits) == [Credits(nano: 1_470_000_000)])
                #expect(report.estimate?.text == "1.50")
                #expect(report.asset?.url == "https://h/v")
                #expect(report.deliveredSeconds == 8)
                #expect(report.submissionKey?.text == "k")
                #expect(report.failureCode == "c")
            }
        }
    }

    @Test func `two thousand mutations of documented responses are read or refused without a crash`() {
        let seed: UInt64 = 0x5EED_2026
        var random = SplitMix(state: seed)
        var read = 0
        for _ in 0..<2000 {
            var body = Array(PageFixtures.replies[Int.random(in: 0..<PageFixtures.replies.count, using: &random)].utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&body, &random) }
            do throws(WireError) {
                let report = try TaskResponseDecoder.report(body, date: nil)
                read += 1
                #expect(report.charges.count <= 2, "seed \(seed): \(text(body))")
                #expect(report.charges.allSatisfy { $0.credits >= .zero }, "seed \(seed): \(text(body))")
            } catch {
                #expect(!error.description.isEmpty)
            }
            _ = ResponseClassifier.submitResult(
                status: Int.random(in: 100..<600, using: &random), headers: HeaderFields(), body: body, dialect: .flat)
        }
        #expect(read > 100 && read < 2000, "\(read) of 2000 mutations could be read")
    }

    private func mutate(_ body: inout [UInt8], _ random: inout SplitMix) {
        guard !body.isEmpty else { return }
        let place = Int.random(in: 0..<body.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: body[place] = UInt8.random(in: 0...255, using: &random)
        case 1: body.remove(at: place)
        case 2: body.insert(Array("\"{}[],:-19eE.u\\".utf8).randomElement(using: &random) ?? 0, at: place)
        case 3: body.removeSubrange(place...)
        default:
            let end = Int.random(in: place..<body.count, using: &random)
            body.insert(contentsOf: body[place...end], at: place)
        }
    }
}

/// Sebastiano Vigna's SplitMix64: small, seeded, good enough to choose mutations.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
