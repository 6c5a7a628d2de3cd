import DailiesCore
import Testing

@testable import DailiesStore

/// Prices from bills: of one service, recent, and not forgotten.
struct PriceTests {
    private static let service = Service(provider: "bytespike", baseURL: "https://api.example")
    private static let simulator = Service(provider: "simulator", baseURL: "http://127.0.0.1:8080")
    private static let model = ModelID("sora-2-pro")

    private func complete(_ rig: Rig, _ task: Int64, _ bill: String, model: String = "sora-2-pro") throws {
        try rig.apply(
            Steps.intent(task, model: model), Steps.accepted(task),
            Steps.settled(.completed, task, charges: [Steps.amount(bill)]))
    }

    private func charged(_ rig: Rig, at service: Service = service) throws -> [String] {
        try rig.store.observedPrices(of: service).map { "\($0.charged)" }
    }

    @Test func `a completed clip's bill is kept with its request, estimate and time`() throws {
        let rig = try Rig(tasks: [
            Rig.spec("a", seconds: 3), Rig.spec("b", seconds: nil), Rig.spec("c"), Rig.spec("d"), Rig.spec("e"),
        ])
        try complete(rig, 1, "1")
        let settledAt = Instant(milliseconds: rig.clock)
        try complete(rig, 2, "1.5")
        try rig.apply(Steps.intent(3), Steps.accepted(3), Steps.settled(.failed, 3, charges: [Steps.amount("99")]))
        try rig.apply(Steps.intent(4), Steps.accepted(4), Steps.settled(.cancelled, 4, charges: [Steps.amount("98")]))
        try complete(rig, 5, "0")
        let prices = try rig.store.observedPrices(of: Self.service)
        #expect(
            prices.first
                == ObservedPrice(
                    shape: RequestShape(model: Self.model, durationSeconds: 3, resolution: "1080p"),
                    charged: Steps.credits("1"), estimate: Steps.credits("1.25"), settledAt: settledAt))
        #expect(prices.map { "\($0.charged)" } == ["1", "1.5"])
        let book = PriceBook(catalog: ModelCatalog(compiled: "", models: []), observed: prices)
        let range = book.summary(of: PriceKind(model: Self.model, resolution: "1080p"))?.range
        #expect(range == Credits(nano: 333_333_334)...Steps.credits("1.5"))
    }

    @Test func `prices of one service do not apply to another`() throws {
        let rig = try Rig(tasks: [Rig.spec("a")])
        let play = Rig.manifest("play", provider: Self.simulator.provider, baseURL: Self.simulator.baseURL)
        _ = try rig.importManifest([Rig.spec("a")], manifest: play)
        try complete(rig, 1, "0.36")
        try complete(rig, 2, "5")
        #expect(try rig.store.services() == [Self.service, Self.simulator])
        #expect(try charged(rig) == ["0.36"] && charged(rig, at: Self.simulator) == ["5"])
        #expect(try charged(rig, at: Service(provider: "bytespike", baseURL: "https://other.example")) == [])
        #expect(try charged(rig, at: Service(provider: "simulator", baseURL: Self.service.baseURL)) == [])
    }

    @Test func `for each kind of clip the latest bills count, in submission order, whatever the clock says`()
        throws
    {
        let size = Int64(PriceBook.windowSize)
        let kinds = (1...size + 5).flatMap { number in
            [Rig.spec("a-\(number)"), Rig.spec("b-\(number)", model: "veo-3.1")]
        }
        let rig = try Rig(tasks: kinds)
        for task in 1...2 * (size + 5) {
            let isOther = task % 2 == 0
            if isOther, task > 6 { continue }
            try complete(rig, task, "\(task)", model: isOther ? "veo-3.1" : "sora-2-pro")
        }
        // A clock that was temporarily ahead.
        try rig.shell().run("UPDATE attempt SET settled_at_ms = settled_at_ms + 90000000 WHERE task IN (13, 15)")
        let numbers = try charged(rig).compactMap { Int64($0) }
        let latest = Array((1...size + 5).map { 2 * $0 - 1 }.suffix(Int(size)))
        #expect(numbers.filter { $0.isMultiple(of: 2) } == [2, 4, 6])
        #expect(numbers.filter { !$0.isMultiple(of: 2) } == latest)
        #expect(numbers == numbers.sorted())
    }

    @Test func `a cost learned later keeps its position, and a new take changes no earlier price`() throws {
        let rig = try Rig(tasks: [Rig.spec("a", seconds: 4), Rig.spec("b", seconds: 4)])
        try rig.apply(
            Steps.intent(1), Steps.accepted(1), Steps.settled(.completed, charges: [], awaited: true),
            .costUnknown(AttemptID(task: TaskID(1), number: 1)))
        try complete(rig, 2, "2")
        #expect(try charged(rig) == ["2"])
        let again = ImportOptions(acceptChanges: true)
        _ = try rig.importManifest(
            [Rig.spec("a", prompt: "new", seconds: 20), Rig.spec("b", prompt: "new", seconds: 20)], again)
        try rig.apply(.costLearned(AttemptID(task: TaskID(1), number: 1), [Steps.amount("1")]))
        let prices = try rig.store.observedPrices(of: Self.service)
        #expect(prices.map { "\($0.charged) for \($0.shape.durationSeconds ?? 0) s" } == ["1 for 4 s", "2 for 4 s"])
        try rig.apply(
            Steps.intent(1, 2), Steps.accepted(1, 2), Steps.settled(.completed, 1, 2, charges: [Steps.amount("5")]))
        #expect(try rig.store.observedPrices(of: Self.service).last?.shape.durationSeconds == 20)
    }

    @Test func `forgotten bills of a service no longer count, and later bills do`() throws {
        let rig = try Rig(tasks: (1...4).map { Rig.spec("a-\($0)") } + [Rig.spec("other", model: "veo-3.1")])
        let play = Rig.manifest("play", provider: Self.simulator.provider, baseURL: Self.simulator.baseURL)
        _ = try rig.importManifest([Rig.spec("p")], manifest: play)
        try complete(rig, 1, "360")
        try complete(rig, 5, "7", model: "veo-3.1")
        try complete(rig, 6, "5")
        // At the provider when it is forgotten.
        try rig.apply(Steps.intent(2), Steps.accepted(2))
        let kind = PriceKind(model: Self.model, resolution: "1080p")
        func forget(_ resolution: String? = nil) throws -> [PriceKind] {
            try rig.store.forgetPrices(of: Self.model, resolution: resolution, at: Self.service, at: rig.tick())
        }
        #expect(try forget("720p") == [] && forget("") == [])
        let before = try rig.store.revision()
        #expect(try forget() == [kind])
        #expect(try rig.store.revision() != before)
        #expect(try charged(rig) == ["7"] && charged(rig, at: Self.simulator) == ["5"])
        try rig.apply(Steps.settled(.completed, 2, charges: [Steps.amount("361")]))
        #expect(try charged(rig) == ["7"])
        try complete(rig, 3, "0.36")
        #expect(try charged(rig) == ["7", "0.36"])
        #expect(try forget("1080p") == [kind] && forget() == [])
        try complete(rig, 4, "0.37")
        #expect(try charged(rig) == ["7", "0.37"])
        #expect(
            try rig.shell().rows("SELECT source, message FROM event WHERE kind = 'prices_forgotten'")
                == Array(repeating: "user|sora-2-pro 1080p at bytespike, https://api.example", count: 2))
        #expect(
            try rig.store.forgetPrices(of: Self.model, at: Service(provider: "x", baseURL: "y"), at: rig.tick()) == [])
        #expect(try rig.store.problems() == [])
    }

    @Test func `prices are found by their index, whatever the number of bills`() throws {
        let rig = try Rig(tasks: [Rig.spec("a")])
        let found = [
            SQLiteConnection.nextBilledKind: "(service_id=? AND (model,resolution)>(?,?))",
            SQLiteConnection.latestBills: "(service_id=? AND model=? AND resolution=? AND id>?)",
        ]
        for (statement, terms) in found {
            let plan = try rig.shell().rows("EXPLAIN QUERY PLAN " + statement)
            #expect(plan.contains { $0.contains("SEARCH attempt USING INDEX attempt_price " + terms) }, "\(plan)")
            #expect(!plan.contains { $0.contains("SCAN") || $0.contains("TEMP B-TREE") }, "\(plan)")
        }
    }
}
