import DailiesCore
import DailiesStore

/// The budgets needed to submit every waiting task.
struct RequiredBudgets {
    /// Waiting tasks read at a time.
    private static let pageSize = 512
    /// Amounts are rounded up to hundredths of a credit, because people type them.
    private static let roundingNano: Int64 = 10_000_000

    private let store: Store
    private let prices: PriceBook

    /// - Parameter prices: the prices of the run.
    init(_ store: Store, _ prices: PriceBook) {
        self.store = store
        self.prices = prices
    }

    /// New values for the budgets that are too low for the waiting tasks.
    ///
    /// - Returns: nil if the price of a waiting clip is unknown.
    func budgets(for batches: [BatchID]) throws(StoreError) -> [BudgetArgument]? {
        // One `--budget` applies to every batch of a run.
        var batchNeed: Credits?
        var tagNeeds: [TaskSpec.Tag: Credits] = [:]
        for batch in batches {
            let position = try store.budgetPosition(batch)
            let tags = try store.tagBudgets(batch)
            guard position.cap != nil || !tags.isEmpty else { continue }
            guard let waiting = try bounds(of: batch) else { return nil }
            if let need = Self.need(position, waiting.all) { batchNeed = max(batchNeed ?? need, need) }
            for budget in tags {
                guard let need = Self.need(budget.position, waiting.byTag[budget.id, default: .zero]) else { continue }
                tagNeeds[budget.tag] = max(tagNeeds[budget.tag] ?? need, need)
            }
        }
        let ofTags = tagNeeds.sorted { ($0.key.name, $0.key.value) < ($1.key.name, $1.key.value) }.map {
            BudgetArgument.tag(TagBudgetSetting(tag: $0.key, setting: .cap($0.value)))
        }
        return (batchNeed.map { [BudgetArgument.batch(.cap($0))] } ?? []) + ofTags
    }

    private struct Waiting {
        var all = CreditTotal.zero
        var byTag: [TagBudgetID: CreditTotal] = [:]
    }

    /// The maximum cost of all waiting tasks of a batch.
    private func bounds(of batch: BatchID) throws(StoreError) -> Waiting? {
        var waiting = Waiting()
        for queue in try store.taskQueues(batches: [batch]) {
            var cursor: WaitingTask.Cursor?
            while true {
                let page = try store.waiting(batch: batch, model: queue.model, after: cursor, limit: Self.pageSize)
                for task in page {
                    guard let bound = prices.bound(for: task.shape) else { return nil }
                    waiting.all += CreditTotal(bound)
                    for tag in task.tagBudgets { waiting.byTag[tag, default: .zero] += CreditTotal(bound) }
                }
                guard page.count == Self.pageSize, let last = page.last else { break }
                cursor = last.place
            }
        }
        return waiting
    }

    /// nil: the budget is high enough.
    private static func need(_ position: BudgetUsage, _ waiting: CreditTotal) -> Credits? {
        guard let cap = position.cap, waiting > .zero else { return nil }
        let need = rounded(position.settled + position.reserved + waiting)
        return need > cap ? need : nil
    }

    /// Rounds up; a sum that is too large becomes the largest amount.
    private static func rounded(_ total: CreditTotal) -> Credits {
        let steps = (total.billionths + roundingNano - 1) / roundingNano
        let (whole, overflow) = total.whole.multipliedReportingOverflow(by: 1_000_000_000)
        let (nano, carried) = whole.addingReportingOverflow(steps * roundingNano)
        return Credits(nano: overflow || carried ? .max : nano)
    }
}
