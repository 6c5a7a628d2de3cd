import DailiesCore
import ProviderSimulator

@testable import DailiesStore
@testable import ProviderSimulator

/// What runs know of prices, against what was billed.
extension World {
    private static let service = Service(provider: "simulator", baseURL: Scenario.baseURL)
    private static let otherService = Service(provider: "simulator", baseURL: "http://127.0.0.2")

    /// A bound that the user gives holds, whatever was billed before; only what the provider has quoted for such a clip is
    /// held as well.
    func checkReservation(of attempt: InvariantChecker.Attempt) throws {
        guard let most = scenario.maximumPerTask, let reserved = attempt.reserved,
            let index = batchIDs.firstIndex(of: attempt.batch),
            let key = try inspector?.tasks().first(where: { $0.id == attempt.id.task })?.key,
            let task = scenario.batches[index].tasks.first(where: { $0.key.text == key })
        else { return }
        let published = PriceBook(catalog: scenario.catalog).publishedRange(for: task.shape)?.upperBound ?? .zero
        let quoted =
            try inspector?.attempts().filter { $0.model == attempt.model }.compactMap(\.estimate).max() ?? .zero
        guard reserved <= max(most, published, quoted).times(hundredths: 110) else {
            throw Violation("\(attempt.id) holds \(reserved); its user says \(most) at most, the page \(published)")
        }
    }

    /// At the end: the history is that of the bill, absurd bills decide nothing, and another service's say nothing.
    func auditPrices(_ attempts: [InvariantChecker.Attempt]) throws {
        let store = try Store.open(disk.store, for: .running)
        let observed = try store.observedPrices(of: Self.service)
        let bills = attempts.compactMap { attempt -> BilledClip? in
            guard attempt.state == .completed, let charged = attempt.credits, charged > .zero,
                let task = remoteTask(of: attempt)
            else { return nil }
            return BilledClip(task: task, charged: charged)
        }
        for (kind, bills) in Dictionary(grouping: bills, by: \.kind) where bills.count <= PriceBook.windowSize {
            let known = observed.filter { PriceKind($0.shape) == kind }
            let (expected, found) = (bills.map(\.text).sorted(), known.map(BilledClip.text).sorted())
            guard expected == found else { throw Violation("of \(kind) \(found) is known, and billed was \(expected)") }
            try auditBound(kind, bills, known)
        }
        try auditPlay(store, observed)
        try store.close()
    }

    private func auditBound(_ kind: PriceKind, _ bills: [BilledClip], _ known: [ObservedPrice]) throws {
        let second = RequestShape(model: kind.model, durationSeconds: 1, resolution: kind.resolution)
        let book = PriceBook(catalog: scenario.catalog, observed: known)
        let fee = scenario.simulator.money.submissionFee
        let absurd = bills.filter { $0.task.isBilledAbsurdly(fee: fee) }.map(\.perSecond)
        guard let bound = book.bound(for: second),
            let (lowest, highest) = absurd.min().map({ ($0, absurd.max() ?? $0) })
        else { return }
        // Other faults lift bills as well. Where a bill lies between the usual and the absurd, or the absurd ones lie apart, no
        // price is the absurd one.
        let usual = bills.filter { !$0.task.isBilledAbsurdly(fee: fee) }.map(\.perSecond).max() ?? .zero
        guard usual.times(hundredths: 500) < lowest, highest < lowest.times(hundredths: 500) else { return }
        coverage.absurdHistories += 1
        if absurd.count > 2 {
            guard bound >= highest else {
                throw Violation("\(bound) is held for \(kind), and bills rose to \(highest)")
            }
        } else if absurd.count == 1 || bills.count > absurd.count {
            guard bound < lowest else { throw Violation("\(bound) is held for \(kind) after a bill of \(lowest)") }
        }
    }

    /// A play with another service in the same store, whose bills are what the seed drew.
    private func auditPlay(_ store: Store, _ observed: [ObservedPrice]) throws {
        guard let percent = scenario.play else { return }
        let specs = Array(scenario.batches[0].tasks.prefix(3))
        let batch = try store.importManifest(
            BatchDefinition(
                name: "play", manifestPath: "/play.yaml", provider: Self.otherService.provider,
                baseURL: Self.otherService.baseURL, outputDirectory: disk.clips, budget: .unchanged),
            tasks: specs, at: now
        ).batch
        for model in Set(specs.map(\.shape.model)) {
            for task in try store.waiting(batch: batch, model: model, after: nil, limit: specs.count) {
                let price =
                    PriceBook(catalog: scenario.catalog).publishedRange(for: task.shape)?.upperBound ?? .zero
                let bill = max(price.times(hundredths: percent), Credits(nano: 1))
                let attempt = AttemptID(task: task.id, number: task.attempt)
                let submission = Submission(
                    attempt: attempt, key: SubmissionKey("play-\(task.id)"), model: model, dialect: dialect,
                    account: MachineProvider.secrets.keys.sorted { $0.text < $1.text }[0], body: [])
                let amount = Amount(credits: bill, text: "\(bill)", source: "credits", isRounded: false)
                let acceptance = Acceptance(
                    remoteID: RemoteTaskID("play-\(task.id)"), isRunning: true, estimate: nil, reserved: nil,
                    source: .reply)
                try store.writeAndWait(
                    [
                        .intent(Intent(submission: submission, reserved: nil)), .accepted(attempt, acceptance),
                        .settled(attempt, Settlement(end: .completed, charges: [amount])),
                    ].map { Mutation(at: now, $0) })
            }
        }
        guard try store.observedPrices(of: Self.otherService).count == specs.count else {
            throw Violation("the bills of another service are not all known")
        }
        guard try store.observedPrices(of: Self.service) == observed else {
            throw Violation("the bills of another service changed the prices of this one")
        }
        coverage.plays += 1
    }
}

/// A completed clip and what was billed for it.
private struct BilledClip {
    let task: SimulatedTask
    let charged: Credits

    var kind: PriceKind { PriceKind(model: ModelID(task.model), resolution: task.resolution) }
    var perSecond: Credits { Credits(nano: (charged.nano + Int64(task.seconds) - 1) / Int64(task.seconds)) }
    var text: String { "\(charged) for \(task.seconds) s" }

    static func text(_ price: ObservedPrice) -> String {
        "\(price.charged) for \(price.shape.durationSeconds ?? 0) s"
    }
}
