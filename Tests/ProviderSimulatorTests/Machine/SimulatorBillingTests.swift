import DailiesCore
import ExactJSON
import ProviderSimulator
import Testing

struct SimulatorBillingTests {
    @Test func `a tenth and a fifth add up to three tenths exactly`() throws {
        var harness = Harness {
            $0.unknownModels = .accepted
            $0.money.perSecond = ["a": Credits(nano: 100_000_000), "b": Credits(nano: 200_000_000)]
        }
        _ = try harness.accept(Harness.flat(model: "a", seconds: "1"))
        _ = try harness.accept(Harness.flat(model: "b", seconds: "1"))
        harness.wait(.seconds(110))
        let bill = harness.send("GET", "/simulator/bill").json
        #expect(bill?["total"]?.number == "0.3")
        #expect(bill?["charges"]?.array?.compactMap { $0["credits"]?.number } == ["0.1", "0.2"])
    }

    @Test func `the bill is the sum of its charges to the last billionth`() throws {
        var harness = Harness {
            $0.unknownModels = .accepted
            $0.money.unknownModelPerSecond = Credits(nano: 1_234_567)
            $0.money.deviation = -9_999...9_999
            $0.money.submissionFee = Credits(nano: 50_000_000)
        }
        for number in 0..<200 { _ = try harness.accept(Harness.flat(model: "m", prompt: "take \(number)")) }
        harness.wait(.seconds(110))
        harness.machine.advance(to: harness.now)
        let bill = harness.machine.bill
        #expect(bill.charges.count == 200)
        #expect(Set(bill.charges.map(\.credits)).count > 100)
        let sum = bill.charges.reduce(Int64(0)) { $0 + $1.credits.nano }
        #expect(bill.total == CreditTotal(whole: 0, billionths: sum))
        #expect(bill.charges.allSatisfy { $0.text == $0.credits.description })
    }

    @Test(arguments: [
        (SimulatorConfiguration.AmountStyle.plain, "3.6", Int64(3_600_000_000)),
        (.padded(decimals: 4), "3.6000", 3_600_000_000),
        (.exponent, "36e-1", 3_600_000_000),
        (.overlong(tail: "0004"), "3.6000000000004", 3_600_000_000),
        (.overlong(tail: "5"), "3.6000000005", 3_600_000_001),
    ])
    func `amounts are written in the configured format and billed as an exact reader reads them`(
        style: SimulatorConfiguration.AmountStyle, text: String, nano: Int64
    ) throws {
        var harness = Harness { $0.money.amountStyle = style }
        let id = try harness.accept()
        harness.wait(.seconds(110))
        #expect(harness.query(id).json?["credits"]?.number == text)
        #expect(harness.machine.bill.charges.map(\.text) == [text])
        #expect(harness.machine.bill.total == CreditTotal(Credits(nano: nano)))
    }

    @Test func `a failed task is free`() throws {
        var harness = Harness { $0.faults = FaultPlan([.failRender: 1]) }
        let id = try harness.accept()
        harness.wait(.seconds(110))
        let reply = harness.query(id)
        #expect(reply.json?["status"]?.string == "failed")
        #expect(reply.json?["error_code"]?.string == "upstream_error")
        #expect(reply.json?["credits"] == nil)
        #expect(harness.machine.bill.total == .zero)
    }

    @Test func `prices change after a number of submissions, and by a control`() {
        var harness = Harness { $0.money.priceChange = .init(submits: 2, factorHundredths: 150) }
        let prices = (0..<3).map { harness.submit(Harness.flat(prompt: "\($0)")).json?["estimated_credits"]?.number }
        #expect(prices == ["3.6", "3.6", "5.4"])
        var ordered = Harness()
        #expect(ordered.send("POST", "/simulator/control", "{\"price_factor_hundredths\":200}").status == 200)
        #expect(ordered.submit().json?["estimated_credits"]?.number == "7.2")
    }

    @Test func `the balance includes reservations, and a top-up allows submissions again`() throws {
        var harness = Harness { $0.money.balance = Credits(nano: 8_000_000_000) }
        let first = try harness.accept()
        _ = try harness.accept(Harness.flat(prompt: "b"))
        let refused = harness.submit(Harness.flat(prompt: "c"))
        #expect(refused.status == 402)
        #expect(refused.errorCode == "insufficient_balance")
        _ = harness.send("POST", "/v1/tasks/cancel/\(first)")
        _ = try harness.accept(Harness.flat(prompt: "c"))
        harness.wait(.seconds(110))
        #expect(harness.send("GET", "/simulator/state").json?["balance"]?.number == "0.8")
        #expect(harness.submit(Harness.flat(prompt: "d")).status == 402)
        #expect(harness.send("POST", "/simulator/control", "{\"top_up\":2.8}").status == 200)
        #expect(harness.submit(Harness.flat(prompt: "d")).status == 200)
    }

    @Test func `a reached spend limit states its reset time`() throws {
        var harness = Harness {
            $0.money.rateBucket = .init(limit: Credits(nano: 4_000_000_000), window: .seconds(3600))
        }
        _ = try harness.accept()
        harness.wait(.seconds(1))
        let refused = harness.submit(Harness.flat(prompt: "b"))
        #expect(refused.status == 429)
        #expect(refused.errorCode == "rate_limit_exceeded")
        #expect(refused.header("X-RateLimit-Reset") == "1778248800")  // 14:00:00Z
        harness.wait(.seconds(3598))
        #expect(harness.submit(Harness.flat(prompt: "b")).status == 429)
        harness.wait(.seconds(1))
        #expect(harness.submit(Harness.flat(prompt: "b")).status == 200)
    }

    @Test func `tasks in flight beyond the account's limit are refused, a repeat is not`() throws {
        var harness = Harness { $0.limits.accountConcurrency = 2 }
        _ = try harness.accept(Harness.flat(key: "a"))
        _ = try harness.accept(Harness.flat(key: "b"))
        let refused = harness.submit(Harness.flat(key: "c"))
        #expect(refused.status == 429)
        #expect(refused.errorCode == "concurrency_limit")
        #expect(refused.header("X-RateLimit-Reset") == nil)
        #expect(harness.submit(Harness.flat(key: "a")).status == 200)
        harness.wait(.seconds(110))
        #expect(harness.submit(Harness.flat(key: "c")).status == 200)
        #expect(harness.machine.bill.maximumInFlight == 2)
        #expect(harness.machine.bill.submits == 5)
    }
}
