import DailiesCore
import ProviderSimulator
import Testing

struct LifeCycleTests {
    @Test func `a task waits, runs and completes when its times are over`() throws {
        var harness = Harness()
        let id = try harness.accept()
        #expect(harness.status(id) == "queued")
        harness.wait(.milliseconds(9_999))
        #expect(harness.status(id) == "queued")
        harness.wait(.milliseconds(1))
        #expect(harness.status(id) == "running")
        harness.wait(.milliseconds(99_999))
        #expect(harness.status(id) == "running")
        #expect(harness.machine.bill.charges.isEmpty)
        harness.wait(.milliseconds(1))
        #expect(harness.status(id) == "completed")
        #expect(harness.machine.bill.charges.map(\.at) == [Harness.start + .seconds(110)])
    }

    @Test func `the speed divides the times of a task`() throws {
        var harness = Harness { $0.speed = 60 }
        let id = try harness.accept()
        harness.wait(.milliseconds(1_833))
        #expect(harness.status(id) == "running")
        harness.wait(.milliseconds(1))
        let reply = harness.query(id)
        #expect(reply.json?["status"]?.string == "completed")
        #expect(reply.header("X-Simulator-Speed") == "60")
        #expect(reply.json?["completed_at"]?.string == "2026-05-08T13:00:01.833Z")
    }

    @Test func `latencies follow the model's documentation and the requested seconds`() throws {
        for seed in UInt64(1)...20 {
            var harness = Harness {
                $0.latency = .catalog
                $0.seed = seed
            }
            let id = try harness.accept(Harness.flat(seconds: "16"))
            harness.wait(.seconds(239))
            #expect(harness.status(id) == "running")
            harness.wait(.seconds(121))
            #expect(harness.status(id) == "completed")
        }
    }

    @Test func `a query with another key finds nothing`() throws {
        var harness = Harness()
        let id = try harness.accept()
        harness.key = "sk-byts-two"
        let reply = harness.query(id)
        #expect(reply.status == 404)
        #expect(reply.errorCode == "task_not_found")
    }

    @Test func `a time before the last one changes nothing`() throws {
        var harness = Harness()
        let id = try harness.accept()
        harness.wait(.seconds(200))
        #expect(harness.status(id) == "completed")
        harness.wait(.seconds(-150))
        #expect(harness.status(id) == "completed")
    }

    @Test func `a queued task is cancelled free, a running one for its whole rendered seconds`() throws {
        var harness = Harness()
        let queued = try harness.accept()
        let free = harness.send("POST", "/v1/tasks/cancel/\(queued)")
        #expect(free.json?["status"]?.string == "cancelled")
        #expect(free.json?["credits"] == nil)
        let running = try harness.accept(Harness.flat(prompt: "noon"))
        harness.wait(.seconds(60))
        let partly = harness.send("POST", "/v1/tasks/cancel", "{\"task_id\":\"\(running)\"}")
        #expect(partly.json?["credits"]?.number == "1.8")  // 4 of 8 s at 0.45
        #expect(harness.query(running).json?["credits"]?.number == "1.8")
        harness.wait(.seconds(600))
        #expect(harness.status(running) == "cancelled")
        #expect(harness.machine.bill.charges.map(\.text) == ["1.8"])
        #expect(harness.machine.tasksInFlight == 0)
    }

    @Test func `a cancellation can omit its cost, or be free`() throws {
        let rows: [(SimulatorConfiguration.CancellationCost, [String])] = [
            (.billed(reported: false), ["1.8"]), (.free, []),
        ]
        for (cost, charges) in rows {
            var harness = Harness { $0.money.cancellation = cost }
            let id = try harness.accept()
            harness.wait(.seconds(60))
            #expect(harness.send("POST", "/v1/tasks/cancel/\(id)").json?["credits"] == nil)
            #expect(harness.machine.bill.charges.map(\.text) == charges)
        }
    }

    @Test func `a cancellation of a finished task returns its state and changes nothing`() throws {
        var harness = Harness()
        let id = try harness.accept()
        harness.wait(.seconds(110))
        let reply = harness.send("POST", "/v1/tasks/cancel/\(id)")
        #expect(reply.status == 200)
        #expect(reply.json?["status"]?.string == "completed")
        #expect(harness.machine.bill.charges.count == 1)
    }

    @Test func `tasks beyond the model's slots stay queued and start in order`() throws {
        var harness = Harness { $0.limits.modelSlots = 1 }
        let ids = try ["a", "b", "c"].map { try harness.accept(Harness.flat(prompt: $0)) }
        harness.wait(.seconds(50))
        #expect(ids.map { harness.status($0) } == ["running", "queued", "queued"])
        harness.wait(.seconds(60))
        #expect(ids.map { harness.status($0) } == ["completed", "running", "queued"])
        _ = harness.send("POST", "/v1/tasks/cancel/\(ids[1])")
        #expect(ids.map { harness.status($0) } == ["completed", "cancelled", "running"])
        harness.wait(.seconds(100))
        #expect(harness.status(ids[2]) == "completed")
    }

    @Test func `the same requests at the same times give the same bytes`() throws {
        func run() throws -> [SimulatedResponse] {
            var harness = Harness {
                $0.latency = .catalog
                $0.money.deviation = -500...500
                $0.faults = FaultPlan([.dropReply: 0.2, .serverErrorBefore: 0.2, .goBackwards: 0.3, .lateURL: 0.3])
            }
            var replies: [SimulatedResponse] = []
            for number in 0..<60 {
                replies.append(harness.submit(Harness.flat(prompt: "take \(number)", key: "k\(number)")))
                harness.wait(.seconds(5))
                replies.append(harness.send("POST", "/v1/tasks/query", "{\"out_task_id\":\"k\(number / 2)\"}"))
            }
            replies.append(harness.send("GET", "/simulator/bill"))
            return replies
        }
        #expect(try run() == run())
    }
}
