import DailiesCore
import DailiesStore

/// The second part of `reconcile`: queries every unknown cost again.
struct CostBackfill {
    private static let pageSize = 256

    let store: Store
    let batch: BatchID?
    let isJSON: Bool
    private(set) var tally = Tally()

    struct Tally {
        var asked = 0
        var stated = 0
    }

    init(store: Store, batch: BatchID?, isJSON: Bool) {
        self.store = store
        self.batch = batch
        self.isJSON = isJSON
    }

    /// Whether there are unknown costs.
    var isNeeded: Bool {
        get throws { try !store.attemptsWithoutCost(in: batch, limit: 1).isEmpty }
    }

    /// Queries one by one, and stops at the first outage.
    mutating func ask(_ reconciler: TaskReconciler) async throws {
        var last: AttemptID?
        while true {
            let page = try store.attemptsWithoutCost(in: batch, after: last, limit: Self.pageSize)
            for unpriced in page {
                let answer = try await reconciler.queryCost(of: unpriced)
                tally.asked += 1
                if case .stated = answer { tally.stated += 1 }
                write(unpriced, answer)
                if case .noAnswer(_, isOutage: true) = answer { return }
            }
            guard page.count == Self.pageSize else { return }
            last = page.last?.attempt
        }
    }

    private func write(_ unpriced: AttemptWithoutCost, _ answer: TaskReconciler.CostAnswer) {
        var stated: Credits?
        let (verdict, message): (String, String)
        switch answer {
        case .stated(let credits):
            stated = credits
            (verdict, message) = ("cost_learned", "cost recorded: \(credits) credits")
        case .notStated: (verdict, message) = ("cost_unknown", "the provider still does not report its cost")
        case .noAnswer(let reason, _): (verdict, message) = ("cost_unknown", "its cost is still unknown: \(reason)")
        }
        guard isJSON else {
            let name = SafeText.escaped("\(unpriced.batchName)/\(unpriced.key)")
            return Console.out("\(name), attempt \(unpriced.attempt.number): \(message)")
        }
        JSONLine.write("cost") { writer in
            writer.member("batch", unpriced.batchName)
            writer.member("key", unpriced.key.text)
            writer.member("attempt", unpriced.attempt.number)
            writer.member("task_id", unpriced.remote.text)
            writer.member("verdict", verdict)
            writer.member("credits", credits: stated)
        }
    }
}
