import DailiesCore
import ProviderSimulator
import Testing

struct SubmissionKeyTests {
    @Test func `a repeat with the same key returns the original and renders once`() throws {
        var harness = Harness()
        let id = try harness.accept(Harness.flat(key: "k"))
        harness.wait(.seconds(20))
        let repeated = harness.submit(Harness.flat(key: "k"))
        #expect(repeated.status == 200)
        #expect(repeated.json?["task_id"]?.string == id)
        #expect(repeated.json?["status"]?.string == "running")
        harness.wait(.seconds(100))
        #expect(harness.submit(Harness.flat(key: "k")).json?["credits"]?.number == "3.6")
        #expect(harness.machine.bill.rendersByKey == ["k": 1])
        #expect(harness.machine.bill.submitsByKey == ["k": 3])
        #expect(harness.machine.bill.charges.count == 1)
    }

    @Test func `member order and dialect do not change a request, but the prompt does`() throws {
        var harness = Harness()
        let id = try harness.accept(Harness.flat(key: "k"))
        #expect(harness.submit(Harness.params(key: "k")).json?["task_id"]?.string == id)
        let other = harness.submit(Harness.params(prompt: "dusk", key: "k"))
        #expect(other.status == 409)
        #expect(other.errorCode == "duplicate_out_task_id")
        #expect(harness.machine.bill.accepted == 1)
    }

    @Test func `for a strict service other bytes are another request`() throws {
        var harness = Harness { $0.sameness = .bytes }
        let id = try harness.accept(Harness.flat(key: "k"))
        #expect(harness.submit(Harness.flat(key: "k")).json?["task_id"]?.string == id)
        #expect(harness.submit(Harness.flat(key: "k") + " ").status == 409)
    }

    @Test func `submission keys of two API keys are separate`() throws {
        var harness = Harness()
        let first = try harness.accept(Harness.flat(key: "k"))
        harness.key = "sk-byts-two"
        let second = try harness.accept(Harness.flat(prompt: "dusk", key: "k"))
        #expect(first != second)
    }

    @Test func `a submission without a key is a new task each time`() throws {
        var harness = Harness()
        #expect(try harness.accept() != harness.accept())
    }

    @Test func `if keys are ignored a repeat renders and bills again, and no key finds a task`() throws {
        var harness = Harness { $0.submissionKeys = .ignored }
        #expect(try harness.accept(Harness.params(key: "k")) != harness.accept(Harness.params(key: "k")))
        #expect(harness.submit(Harness.params(key: "k")).json?["out_task_id"] == nil)
        #expect(harness.send("POST", "/v1/tasks/query", "{\"out_task_id\":\"k\"}").errorCode == "task_not_found")
        harness.wait(.seconds(110))
        #expect(harness.send("GET", "/simulator/bill").json?["renders_by_key"]?["k"]?.number == "3")
        #expect(harness.machine.bill.charges.count == 3)
    }

    @Test func `the echo follows the setting and the dialect`() {
        let rows: [(SimulatorConfiguration.Echo, flat: String?, params: String?)] = [
            (.always, "k", "k"), (.paramsOnly, nil, "k"), (.never, nil, nil),
        ]
        for row in rows {
            var harness = Harness { $0.submissionKeys = .honored(echo: row.0) }
            #expect(harness.submit(Harness.flat(key: "k")).json?["out_task_id"]?.string == row.flat)
            #expect(harness.submit(Harness.params(key: "k")).json?["out_task_id"]?.string == row.params)
        }
    }
}
