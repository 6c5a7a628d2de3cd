import DailiesCore
import Testing

@testable import ProviderSimulator

struct FaultPlanTests {
    /// A simulator on which one kind of fault always occurs.
    private static func always(_ kind: FaultKind) -> Harness { Harness { $0.faults = FaultPlan([kind: 1]) } }

    @Test func `a refused connection has no effect`() {
        var harness = Self.always(.refuse)
        #expect(harness.submit().action == .closeBeforeReading)
        #expect(harness.machine.bill.submits == 0)
        #expect(harness.machine.bill.accepted == 0)
    }

    @Test func `a gateway's page is a 4xx without the API's envelope, and has no effect`() {
        var harness = Self.always(.gatewayPage4xx)
        var statuses: Set<Int> = []
        for _ in 0..<100 {
            let reply = harness.submit()
            #expect(reply.json == nil && reply.header("content-type") == "text/html")
            statuses.insert(reply.status)
            #expect((400..<500).contains(harness.query("task_1").status))
        }
        #expect(statuses == [400, 404, 405, 407, 421, 431])
        #expect(harness.machine.bill.submits == 0 && harness.machine.bill.accepted == 0)
    }

    // MARK: Mixed-up tasks

    @Test func `a repeated ID is that of a task queried by ID, and renders nothing`() throws {
        var harness = Harness {
            $0.submissionKeys = .honored(echo: .always)
            $0.faults = FaultPlan([.sameTaskID: 1])
        }
        let first = try harness.accept(Harness.flat(key: "a"))
        // The first was not queried by ID, so its client may not know it: the second gets its own.
        let second = try harness.accept(Harness.flat(prompt: "b", key: "b"))
        #expect(first != second)
        _ = harness.query(second)
        let reply = harness.submit(Harness.flat(prompt: "c", key: "c")).json
        #expect(reply?["task_id"]?.string == second && reply?["out_task_id"]?.string == "c")
        #expect(reply?["status"]?.string == "queued")
        #expect(harness.machine.bill.accepted == 2 && harness.machine.bill.rendersByKey["c"] == nil)
        harness.machine.advance(to: harness.now + .seconds(200))
        #expect(harness.machine.bill.charges.map(\.outTaskID) == ["a", "b"])
        // Another account has separate tasks.
        harness.key = "sk-byts-two"
        #expect(try harness.accept(Harness.flat(prompt: "c", key: "c")) != second)
    }

    @Test func `a query by key returns another task, without a key`() throws {
        var harness = Harness {
            $0.submissionKeys = .honored(echo: .always)
            $0.faults = FaultPlan([.wrongTaskByKey: 1])
        }
        func ask(_ key: String) -> SimulatedResponse {
            harness.send("POST", "/v1/tasks/query", #"{"out_task_id":"\#(key)"}"#)
        }
        let first = try harness.accept(Harness.flat(key: "a"))
        let second = try harness.accept(Harness.flat(prompt: "b", key: "b"))
        #expect(ask("b").json?["task_id"]?.string == second, "nobody has asked for another one by its ID")
        _ = harness.query(first)
        let reply = ask("b").json
        #expect(reply?["task_id"]?.string == first && reply?["out_task_id"] == nil)
        #expect(ask("a").json?["out_task_id"]?.string == "a", "its own is its own")
        #expect(ask("never sent").json?["task_id"]?.string == first)
    }

    @Test func `a forgotten key is not found, and its repeat renders and bills again`() throws {
        var harness = Harness {
            $0.speed = 2
            $0.faults = FaultPlan([.forgetKey: 1])
        }
        let body = Harness.flat(key: "a")
        let first = try harness.accept(body)
        harness.wait(.seconds(12 * 3600 - 1))
        #expect(try harness.accept(body) == first)
        harness.wait(.seconds(1))
        #expect(harness.send("POST", "/v1/tasks/query", #"{"out_task_id":"a"}"#).errorCode == "task_not_found")
        #expect(harness.query(first).status == 200, "its ID is known")
        let second = try harness.accept(body)
        #expect(second != first && harness.machine.bill.rendersByKey["a"] == 2)
        #expect(try harness.accept(body) == second)
    }

    @Test func `a service that starts immediately reports running or an unknown word`() throws {
        var harness = Self.always(.startAtOnce)
        let reply = harness.submit().json
        #expect(reply?["status"]?.string == "running")
        harness.wait(.seconds(100))
        #expect(harness.status(try #require(reply?["task_id"]?.string)) == "completed")

        var odd = Self.always(.unlistedSubmitState)
        #expect(odd.submit().json?["status"]?.string == "preparing")
    }

    @Test func `a repeated submission returns the time of its task`() throws {
        var harness = Harness()
        let first = harness.submit(Harness.flat(key: "a")).json
        harness.wait(.seconds(30))
        let again = harness.submit(Harness.flat(key: "a")).json
        #expect(again?["submitted_at"]?.string == first?["submitted_at"]?.string)
        #expect(again?["status"]?.string == "running")
        #expect(harness.query(try #require(first?["task_id"]?.string)).json?["submitted_at"] == nil)
    }

    @Test func `a dropped response leaves the task`() {
        var harness = Self.always(.dropReply)
        #expect(harness.submit().action == .closeWithoutReply)
        #expect(harness.machine.bill.accepted == 1)
    }

    @Test func `a delayed response is complete`() {
        var harness = Self.always(.delayReply)
        let reply = harness.submit()
        #expect(reply.action == .delay(.seconds(2)))
        #expect(reply.json?["task_id"] != nil)
    }

    @Test func `a duplicated request renders once if keys are honored, otherwise twice`() {
        for (policy, renders) in [(SimulatorConfiguration.KeyPolicy.honored(echo: .always), 1), (.ignored, 2)] {
            var harness = Harness {
                $0.submissionKeys = policy
                $0.faults = FaultPlan([.duplicateDelivery: 1])
            }
            #expect(harness.submit(Harness.flat(key: "k")).status == 200)
            #expect(harness.machine.bill.accepted == renders)
            #expect(harness.machine.bill.submits == 2)
        }
    }

    @Test func `a server error before processing has the envelope and no task`() {
        var harness = Self.always(.serverErrorBefore)
        let statuses = Set(
            (0..<50).map { _ in
                let reply = harness.submit()
                #expect(reply.json?["error"]?["type"]?.string == "api_error")
                return reply.status
            })
        #expect(statuses == [500, 502, 503, 504])
        #expect(harness.machine.bill.accepted == 0)
    }

    @Test func `a server error after processing hides a task that is billed`() {
        for (kind, hasEnvelope) in [(FaultKind.serverErrorAfter, true), (.bareServerErrorAfter, false)] {
            var harness = Self.always(kind)
            let reply = harness.submit()
            #expect(reply.status >= 500)
            #expect((reply.errorCode != nil) == hasEnvelope)
            harness.machine.advance(to: harness.now + .seconds(110))
            #expect(harness.machine.bill.charges.count == 1)
        }
    }

    @Test func `a throttled submission is not accepted`() {
        var harness = Self.always(.throttle)
        let reply = harness.submit()
        #expect(reply.status == 429)
        #expect(reply.header("X-RateLimit-Reset") == "1778245205")
        var bare = Self.always(.bareThrottle)
        let other = bare.submit()
        #expect(other.status == 429)
        #expect(other.errorCode == nil)
        #expect(other.header("X-RateLimit-Reset") == nil)
        #expect(harness.machine.bill.accepted + bare.machine.bill.accepted == 0)
    }

    @Test func `a query is throttled only by its own fault`() throws {
        var harness = Harness()
        let id = try harness.accept()
        order(&harness, "{\"fault\":{\"throttle\":1}}")
        #expect(harness.query(id).status == 200)
        order(&harness, "{\"fault\":{\"throttleQuery\":1}}")
        #expect(harness.query(id).status == 429)
    }

    @Test func `a truncated response is shorter than announced`() throws {
        var harness = Self.always(.truncateReply)
        for _ in 0..<50 {
            let reply = harness.submit()
            guard case .truncate(let bytes) = reply.action else {
                Issue.record("\(reply.action)")
                return
            }
            #expect((0..<reply.body.count).contains(bytes))
            #expect(reply.header("Content-Length") == "\(reply.body.count)")
        }
    }

    @Test func `a page instead of JSON hides the result`() {
        var harness = Self.always(.htmlReply)
        let reply = harness.submit()
        #expect(reply.status == 200)
        #expect(reply.header("content-type") == "text/html")
        #expect(reply.json == nil)
        #expect(harness.machine.bill.accepted == 1)
    }

    @Test func `a dripped response is complete, in small parts`() {
        var harness = Self.always(.dripReply)
        #expect(harness.submit().action == .drip(bytes: 16, pause: .milliseconds(20)))
    }

    @Test func `a clip is quoted above its price, billed above its quote, or quoted at zero, as the bill shows`()
        throws
    {
        for (kind, isQuoteRaised) in [
            (FaultKind.quoteAbovePrice, true), (.billAboveQuote, false), (.zeroEstimate, nil),
        ]
            as [(FaultKind, Bool?)]
        {
            var harness = Self.always(kind)
            let reply = harness.submit()
            let quote = try #require(Credits.read(reply.json?["estimated_credits"]?.number ?? "")).credits
            harness.wait(.seconds(110))
            harness.machine.advance(to: harness.now)
            let bill = try #require(harness.machine.bill.charges.first).credits
            let price = Credits(nano: 3_600_000_000)
            switch isQuoteRaised {
            case true: #expect(quote >= price.times(hundredths: 200) && bill == quote, "\(kind)")
            case false: #expect(quote == price && bill >= price.times(hundredths: 200), "\(kind)")
            case nil: #expect(quote == .zero && bill == price, "\(kind)")
            }
        }
    }

    @Test func `a late cancellation bills the rendered part, and reports it in its response or in queries`()
        throws
    {
        for isSilent in [false, true] {
            var harness = Harness {
                $0.faults = FaultPlan([.rendersBeforeCancel: 1, .silentCancelCost: isSilent ? 1 : 0])
            }
            let id = try harness.accept()
            let reply = harness.send("POST", "/v1/tasks/cancel/\(id)").json
            #expect(reply?["status"]?.string == "cancelled")
            #expect(reply?["credits"]?.number == (isSilent ? nil : "0.45"))
            #expect(harness.query(id).json?["credits"]?.number == "0.45")
            #expect(harness.machine.bill.charges.map(\.text) == ["0.45"])
        }
    }

    @Test func `numbers are sent as strings`() throws {
        var harness = Self.always(.numbersAsStrings)
        #expect(harness.submit().json?["estimated_credits"]?.string == "3.6")
        let id = try harness.accept(Harness.flat(prompt: "b"))
        harness.wait(.seconds(110))
        let reply = harness.query(id).json
        #expect(reply?["credits"]?.string == "3.6")
        #expect(reply?["result"]?["duration_seconds"]?.string == "8")
    }

    @Test func `an empty balance lasts for a while, or until a top-up`() {
        var harness = Self.always(.walletEmpty)
        #expect(harness.submit().status == 402)
        order(&harness, "{\"fault\":{\"walletEmpty\":0}}")
        harness.wait(.seconds(59))
        #expect(harness.submit().status == 402)
        harness.wait(.seconds(1))
        #expect(harness.submit().status == 200)
        var other = Self.always(.walletEmpty)
        #expect(other.submit().status == 402)
        order(&other, "{\"fault\":{\"walletEmpty\":0},\"top_up\":1}")
        #expect(other.submit().status == 200)
    }

    @Test func `a prompt is blocked at random`() {
        var harness = Self.always(.contentPolicy)
        #expect(harness.submit().status == 451)
        #expect(harness.machine.bill.accepted == 0)
    }

    @Test func `a task is forgotten for a while, but keeps its key`() throws {
        var harness = Self.always(.forget)
        let id = try harness.accept(Harness.params(key: "k"))
        harness.wait(.milliseconds(29_999))
        #expect(harness.query(id).errorCode == "task_not_found")
        #expect(harness.send("POST", "/v1/tasks/query", "{\"out_task_id\":\"k\"}").status == 404)
        #expect(harness.submit(Harness.params(key: "k")).json?["task_id"]?.string == id)
        harness.wait(.milliseconds(1))
        #expect(harness.status(id) == "running")
    }

    @Test func `a running task is reported as queued once, or with an unknown word`() throws {
        var harness = Harness()
        let id = try harness.accept()
        harness.wait(.seconds(20))
        order(&harness, "{\"fault\":{\"goBackwards\":1}}")
        #expect(harness.status(id) == "queued")
        order(&harness, "{\"fault\":{\"goBackwards\":0,\"unknownState\":1}}")
        #expect(harness.status(id) == "finalizing")
        order(&harness, "{\"fault\":{\"unknownState\":0}}")
        #expect(harness.status(id) == "running")
    }

    @Test func `the URL and the cost of a completed task are late or missing`() throws {
        let rows: [(FaultKind, String, [Bool])] = [
            (.lateURL, "result", [false, false, true]), (.noURL, "result", [false, false, false]),
            (.lateCost, "credits", [false, false, true]), (.noCost, "credits", [false, false, false]),
        ]
        for (kind, field, present) in rows {
            var harness = Self.always(kind)
            let id = try harness.accept()
            harness.wait(.seconds(110))
            #expect(present.map { _ in harness.query(id).json?[field] != nil } == present, "\(kind)")
            #expect(harness.machine.bill.charges.count == 1)
        }
    }

    @Test func `an absurd bill is a thousand times its estimate, and is reported`() throws {
        for (probability, bill) in [(0.0, "3.6"), (1, "3600")] {
            var harness = Harness { $0.faults = FaultPlan([.absurdBill: probability]) }
            let reply = harness.submit()
            #expect(reply.json?["estimated_credits"]?.number == "3.6")
            harness.wait(.seconds(110))
            let id = try #require(reply.json?["task_id"]?.string)
            #expect(harness.query(id).json?["credits"]?.number == bill)
            #expect(harness.machine.bill.total.description == bill)
        }
    }

    @Test func `a render fails with a code, without one, or by policy`() throws {
        let rows: [(FaultKind, String?)] = [
            (.failRender, "upstream_error"), (.failRenderSilently, nil),
            (.failRenderByPolicy, "content_policy_violation"),
        ]
        for (kind, code) in rows {
            var harness = Self.always(kind)
            let id = try harness.accept()
            harness.wait(.seconds(110))
            let reply = harness.query(id).json
            #expect(reply?["status"]?.string == "failed")
            #expect(reply?["error_code"]?.string == code)
            #expect(reply?["error_message"] != nil || code == nil)
            #expect(harness.machine.bill.charges.isEmpty)
        }
    }

    @Test func `an outage starts and ends at its planned times, or by a control`() {
        var harness = Harness {
            $0.faults.outages = [.init(from: Harness.start + .seconds(5), to: Harness.start + .seconds(10))]
        }
        #expect(harness.submit().action == .deliver)
        harness.wait(.seconds(5))
        #expect(harness.submit().action == .closeBeforeReading)
        harness.wait(.seconds(5))
        #expect(harness.submit().action == .deliver)
        order(&harness, "{\"outage\":true}")
        #expect(harness.submit().action == .closeBeforeReading)
        order(&harness, "{\"outage\":false}")
        #expect(harness.submit().action == .deliver)
    }

    @Test func `faults can be disabled and enabled`() {
        var harness = Self.always(.refuse)
        order(&harness, "{\"faults\":false}")
        #expect(harness.submit().status == 200)
        order(&harness, "{\"faults\":true}")
        #expect(harness.submit().action == .closeBeforeReading)
    }

    @Test func `a fault occurs with about its probability`() {
        var harness = Harness { $0.faults = FaultPlan([.dropReply: 0.25]) }
        let dropped = (0..<2000).count { harness.submit(Harness.flat(prompt: "\($0)")).action != .deliver }
        #expect((400...600).contains(dropped))
    }

    @Test func `the outcome of a task does not depend on earlier requests`() throws {
        func billed(after others: Int) throws -> String? {
            var harness = Harness { $0.money.deviation = -1000...1000 }
            for number in 0..<others { _ = try harness.accept(Harness.flat(prompt: "other \(number)")) }
            let id = try harness.accept(Harness.flat(key: "mine"))
            harness.wait(.seconds(110))
            return harness.query(id).json?["credits"]?.number
        }
        #expect(try billed(after: 0) == billed(after: 7))
    }

    @Test(arguments: [
        "{\"fault\":{\"nonesuch\":1}}", "{\"fault\":{\"refuse\":2}}", "{\"speed\":3}", "{\"top_up\":-1}", "[]",
        "{\"outage\":true,\"nonesuch\":1}",
    ])
    func `an invalid control is refused as a whole`(body: String) {
        var harness = Harness()
        harness.machine.advance(to: harness.now)
        let before = harness.machine
        let reply = harness.send("POST", "/simulator/control", body)
        #expect(reply.status == 400)
        #expect(reply.errorCode == "invalid_param")
        #expect(harness.machine.controls == before.controls)
        #expect(harness.machine.configuration.faults == before.configuration.faults)
    }

    private func order(_ harness: inout Harness, _ body: String) {
        let reply = harness.send("POST", "/simulator/control", body)
        #expect(reply.status == 200, "\(reply.text)")
    }
}
