import DailiesCore
import ExactJSON
import ProviderWire
import Testing

@testable import ProviderSimulator

/// Numbers that nobody could count with: those that the simulator states on purpose, and those that it is given.
struct NumberEdgeTests {
    @Test func `absurd numbers appear in every kind of response, and the bill stays correct`() throws {
        var fields: Set<String> = []
        for seed in UInt64(1)...60 {
            var harness = Harness {
                $0.faults = FaultPlan([.absurdNumbers: 1])
                $0.faults.seed = seed
            }
            let reply = try #require(harness.submit(Harness.params(key: "k")).json)
            let id = try #require(reply["task_id"]?.string)
            Self.note(reply, "estimated_credits", "3.6", &fields)
            Self.note(reply, "estimated_seconds", "110", &fields)
            harness.wait(.seconds(200))
            let done = try #require(harness.send("POST", "/v1/tasks/query", #"{"task_id":"\#(id)"}"#).json)
            #expect(done["status"]?.string == "completed", "seed \(seed)")
            Self.note(done, "credits_used", "3.6", &fields)
            Self.note(try #require(done["output"]?.array?.first), "duration_seconds", "8", &fields)
            #expect(harness.machine.bill.charges.map(\.credits) == [Credits(nano: 3_600_000_000)], "seed \(seed)")
            // An absurd cost is never another valid cost.
            let report = try TaskResponseDecoder.report(harness.query(id).body, date: nil)
            #expect(report.charges.allSatisfy { $0.credits == Credits(nano: 3_600_000_000) }, "seed \(seed)")
        }
        #expect(fields == ["estimated_credits", "estimated_seconds", "credits_used", "duration_seconds"])
    }

    /// Records a field whose number is not the correct one.
    private static func note(_ reply: JSONValue, _ field: String, _ truth: String, _ fields: inout Set<String>) {
        if let value = reply[field], value.number != truth { fields.insert(field) }
    }

    @Test func `a limit resets at absurd times, and the next request is answered`() {
        var seen: Set<String> = []
        var harness = Harness {
            $0.faults = FaultPlan([.absurdNumbers: 1, .throttle: 1])
        }
        for _ in 0..<200 {
            let reply = harness.submit()
            #expect(reply.status == 429)
            let reset = reply.header("X-RateLimit-Reset")
            let wait = reply.header("Retry-After")
            #expect((reset == nil) != (wait == nil))
            seen.insert((reset ?? wait) ?? "")
        }
        #expect(seen == Set(AbsurdNumbers.moments))
    }

    @Test func `an absurd amount is never a valid amount`() {
        for text in AbsurdNumbers.amounts { #expect(Credits.read(text) == nil, "\(text.prefix(40))") }
    }

    @Test func `extreme prices, times and states do not crash or overflow`() throws {
        for edge in [Int64.min, -1, 0, 1, .max / 2, .max] {
            let credits = Credits(nano: edge)
            for share in [Int64.min, -10_000, -1, 1, 10_000, .max] {
                let deviating = credits.deviating(byHundredthsOfPercent: share)
                #expect(edge >= 0 ? deviating >= .zero : deviating <= .zero)
            }
            #expect(credits.deviating(byHundredthsOfPercent: 0) == credits)
            #expect(edge < 0 || Credits(nano: edge).times(.max) >= .zero)
        }
        #expect(Credits(nano: 1_000_000).deviating(byHundredthsOfPercent: 500) == Credits(nano: 1_050_000))
        for speed in [1e-300, 1, 1e300] {
            var harness = Harness {
                $0.speed = speed
                $0.latency = .lognormal(mean: .seconds(365 * 86_400), variation: 5)
                $0.money.rateBucket = .init(limit: Credits(nano: 1), window: .nanoseconds(Int64.max))
                $0.assets.urlLifetime = .nanoseconds(Int64.max)
            }
            let refused = harness.submit()
            #expect(refused.status == 429 && refused.header("X-RateLimit-Reset") != nil)
            #expect(harness.send("GET", "/simulator/state").json?["speed"] != nil)
        }
    }

    @Test func `a catalog with a year of latency per second is simulated`() throws {
        let model = ModelID("m")
        let longest = 366 * 86_400
        let spec = ModelSpec(
            id: model, vendor: "v", durationSeconds: 1...longest, resolutions: [], defaultResolution: nil,
            aspectRatios: [], defaultAspectRatio: nil, extraFields: [:], acceptsImageInit: false, cadence: .fallback,
            typicalLatency: .seconds(longest) ... .seconds(longest), typicalLatencyForSeconds: 1,
            prices: [.init(figure: .rate(perSecond: Credits(nano: .max), fee: .zero), resolution: nil, source: "s")],
            urlLifetime: nil, withdrawn: nil)
        var machine = SimulatedProvider(
            configuration: SimulatorConfiguration(), catalog: ModelCatalog(compiled: "", models: [spec]))
        let body = #"{"model":"m","prompt":"p","duration_seconds":\#(longest)}"#
        func send(_ method: String, _ path: String, _ body: String, at now: Instant) -> SimulatedResponse {
            machine.handle(
                SimulatedRequest(method: method, path: path, headers: ["x-api-key": "k"], body: Array(body.utf8)),
                at: now)
        }
        let accepted = send("POST", "/v1/tasks/submit", body, at: Harness.start)
        let id = try #require(accepted.json?["task_id"]?.string, "\(accepted.text)")
        for now in [Harness.start, Instant(nanoseconds: .max / 2), .distantFuture] {
            #expect(send("GET", "/v1/tasks/query?task_id=\(id)", "", at: now).status == 200)
        }
        #expect(send("POST", "/v1/tasks/cancel/\(id)", "", at: .distantFuture).status == 200)
    }

    @Test func `a state with a counter at its limit is refused`() throws {
        var harness = Harness()
        harness.machine.recordsChanges = true
        _ = try harness.accept(Harness.flat(key: "k"))
        let line = String(decoding: try #require(harness.machine.takeChanges().first), as: UTF8.self)
        #expect(line.contains(#""submits":1"#))
        for number in ["9223372036854775807", "9223372036854775808", "2147483648", "-2147483649"] {
            let changed = line.replacing(#""submits":1"#, with: "\"submits\":\(number)")
            var machine = SimulatedProvider(configuration: Harness.configuration(), catalog: Harness.catalog)
            #expect(throws: (any Error).self) { try machine.replay(Array(changed.utf8)) }
        }
    }
}
