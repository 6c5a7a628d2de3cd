import DailiesCore
import DailiesManifest
import DailiesRunner
import DailiesStore

/// What a run of some manifests would do, determined without requests or changes.
struct RunPlan {
    /// The status of a task in the plan.
    enum TaskStatus: String, CaseIterable {
        case new
        case waiting
        case resumable
        case uncertain
        /// Rendered, paid for and saved.
        case paid
        case paidUnsaved = "paid_not_saved"
        case changed
        case failed = "failed_before"
        case cancelled
    }

    struct Task {
        let key: TaskKey
        let shape: RequestShape
        let status: TaskStatus
        /// Whether a run would submit it.
        let isToRender: Bool
        let price: PriceEstimate?
    }

    /// A task in the list of a plan.
    enum Listed {
        case named(Task, batch: String)
        case removed(TaskKey, batch: String)
    }

    /// The clips of one kind to render, and their price.
    struct PriceLine {
        let shape: RequestShape
        let price: PriceEstimate?
        var tasks = 0
    }

    /// The budget of a tag, and the cost of the clips to render under it.
    struct TagBudgetPlan {
        let tag: TaskSpec.Tag
        let position: BudgetUsage
        var low = CreditTotal.zero
        var high = CreditTotal.zero
        var unknownPrices = 0

        mutating func add(_ price: PriceEstimate?) {
            guard let price else {
                unknownPrices += 1
                return
            }
            low += CreditTotal(price.range.lowerBound)
            high += CreditTotal(price.range.upperBound)
        }
    }

    struct Batch {
        let name: String
        let path: String
        fileprivate(set) var digest = ""
        /// nil: not in the store yet.
        let stored: StoredBatch?
        let position: BudgetUsage
        var counts: [TaskStatus: Int] = [:]
        /// Unsent tasks in the store that are no longer in the manifest: a run would cancel them.
        var removed = 0
        /// Waiting tasks whose last attempt a guard cancelled.
        fileprivate(set) var heldBack: [CancelReason: Int] = [:]
        var low = CreditTotal.zero
        var high = CreditTotal.zero
        /// Clips to render without a known price.
        var unknownPrices = 0
        var toRender = 0
        var tagBudgets: [TagBudgetPlan] = []
        /// Duplicates among the clips to render.
        var duplicates = Duplicates()

        /// Whether a run would do anything.
        var hasWork: Bool {
            toRender > 0 || removed > 0
                || [.resumable, .uncertain, .paidUnsaved, .changed].contains { counts[$0, default: 0] > 0 }
        }
    }

    let catalog: ModelCatalog
    /// The provider whose clips count as existing.
    let provider: String
    let prices: PlanPrices
    let limits: SubmissionLimits
    /// Changed tasks are rendered again.
    let acceptsChanges: Bool
    /// Budgets from the command line, which replace the stored ones.
    let budget: [BudgetArgument]
    /// Collects every task if a list was requested.
    let listing: PlanTaskList?

    private(set) var batches: [Batch] = []
    private(set) var time: PlanDuration
    /// In the order of their first clip.
    private(set) var lines: [PriceLine] = []
    private var lineOfKind: [RequestShape: Int] = [:]

    init(
        catalog: ModelCatalog, provider: String, prices: PlanPrices, limits: SubmissionLimits, acceptsChanges: Bool,
        budget: [BudgetArgument], listing: PlanTaskList? = nil
    ) {
        self.catalog = catalog
        self.provider = provider
        self.prices = prices
        self.limits = limits
        self.acceptsChanges = acceptsChanges
        self.budget = budget
        self.listing = listing
        time = PlanDuration(limits)
    }

    var hasWork: Bool { batches.contains(where: \.hasWork) }
    var low: CreditTotal { batches.reduce(.zero) { $0 + $1.low } }
    var high: CreditTotal { batches.reduce(.zero) { $0 + $1.high } }
    var toRender: Int { batches.reduce(0) { $0 + $1.toRender } }
    var unknownPrices: Int { batches.reduce(0) { $0 + $1.unknownPrices } }

    /// - Parameter store: nil: it does not exist yet.
    mutating func add(_ manifest: ValidatedManifest, in store: Store?) throws {
        let stored = try store?.batch(named: manifest.batchName)
        var position = BudgetUsage(cap: nil, settled: .zero, reserved: .zero)
        if let store, let stored { position = try store.budgetPosition(stored.id) }
        position.cap = BudgetArgument.setting(of: budget).applied(to: position.cap)
        var batch = Batch(name: manifest.batchName, path: manifest.absolutePath, stored: stored, position: position)
        batch.tagBudgets = try tagBudgets(of: stored, in: store)
        if let store, let stored { batch.heldBack = try store.heldBack(in: stored.id) }
        var digest = Self.digest(ofBatch: manifest.batchName)
        func take(_ finding: DiffEntry) throws {
            switch finding {
            case .named(let task, let verdict, let clip):
                Self.add(task, to: &digest)
                try add(task, verdict: verdict, like: clip, to: &batch)
            case .removed(let key):
                batch.removed += 1
                try listing?.add(.removed(key, batch: batch.name))
            }
        }
        if let store {
            try store.compare(
                batchName: manifest.batchName, provider: provider, forEachTask: manifest.forEachTask, take)
        } else {
            try manifest.forEachTask { try take(.named($0, .new, nil)) }
        }
        batch.digest = digest.hex
        batches.append(batch)
    }

    private func task(_ spec: TaskSpec, _ verdict: TaskDiff) -> Task {
        let isToRender = isToRender(verdict)
        return Task(
            key: spec.key, shape: spec.shape, status: TaskStatus(verdict), isToRender: isToRender,
            price: isToRender ? prices.estimate(for: spec.shape) : nil)
    }

    private mutating func add(
        _ spec: TaskSpec, verdict: TaskDiff, like clip: ExistingClip?, to batch: inout Batch
    ) throws {
        let task = task(spec, verdict)
        try listing?.add(.named(task, batch: batch.name))
        let price = task.price
        batch.counts[task.status, default: 0] += 1
        if task.status == .resumable || task.status == .uncertain {
            time.add(spec.shape, in: catalog, isUnderWay: true)
        }
        guard task.isToRender else { return }
        batch.toRender += 1
        batch.duplicates.add(spec, like: clip)
        time.add(spec.shape, in: catalog)
        if let price {
            batch.low += CreditTotal(price.range.lowerBound)
            batch.high += CreditTotal(price.range.upperBound)
        } else {
            batch.unknownPrices += 1
        }
        for index in batch.tagBudgets.indices where spec.tags.contains(batch.tagBudgets[index].tag) {
            batch.tagBudgets[index].add(price)
        }
        let line = lineOfKind[spec.shape] ?? lines.count
        if line == lines.count {
            lineOfKind[spec.shape] = line
            lines.append(PriceLine(shape: spec.shape, price: price))
        }
        lines[line].tasks += 1
    }

    /// Stored and given tag budgets; a given one replaces the stored one.
    private func tagBudgets(of batch: StoredBatch?, in store: Store?) throws -> [TagBudgetPlan] {
        let given = BudgetArgument.tags(of: budget)
        let stored = try batch.flatMap { try store?.tagBudgets($0.id) } ?? []
        var budgets: [TagBudgetPlan] = []
        for known in stored where !given.contains(where: { $0.tag == known.tag }) {
            budgets.append(TagBudgetPlan(tag: known.tag, position: known.position))
        }
        for budget in given {
            var position = BudgetUsage(cap: nil, settled: .zero, reserved: .zero)
            if let store, let batch { position = try store.tagPosition(batch.id, budget.tag) }
            position.cap = budget.setting.applied(to: stored.first { $0.tag == budget.tag }?.position.cap)
            if position.cap != nil { budgets.append(TagBudgetPlan(tag: budget.tag, position: position)) }
        }
        return budgets
    }

    private func isToRender(_ verdict: TaskDiff) -> Bool {
        switch verdict {
        case .new, .waiting, .restored: true
        case .changed(let task): acceptsChanges && task.progress != .unsettled
        case .resumable, .uncertain, .paid, .failed, .cancelled: false
        }
    }

    /// Covers keys, requests, priorities, outputs and tags in order, but not comments, formatting or line endings.
    static func digest(of manifest: ValidatedManifest) throws -> String {
        var digest = digest(ofBatch: manifest.batchName)
        try manifest.forEachTask { add($0, to: &digest) }
        return digest.hex
    }

    private static func digest(ofBatch name: String) -> SHA256Digester {
        var digest = SHA256Digester()
        digest.add(name)
        return digest
    }

    private static func add(_ task: TaskSpec, to digest: inout SHA256Digester) {
        // The key of a task without an id is derived from its request, except for a name that the store gave it.
        digest.add(task.isKeyDerived ? "" : task.key.text)
        digest.add(task.request.withLineFeeds.text)
        digest.add(String(task.priority))
        digest.add(task.output ?? "")
        digest.add(String(task.tags.count))
        for tag in task.tags {
            digest.add(tag.name)
            digest.add(tag.value)
        }
    }

    /// Covers the price of every clip to render, and its source.
    var pricesDigest: String {
        var digest = SHA256Digester()
        for line in lines {
            digest.add(line.shape.model.text)
            digest.add(line.shape.resolution ?? "")
            digest.add(line.shape.durationSeconds.map(String.init) ?? "")
            digest.add(line.price.map { "\($0.range.lowerBound) \($0.range.upperBound)" } ?? "unknown")
            digest.add(line.price?.source.name ?? "")
            digest.add(line.price?.source.date ?? "")
        }
        return digest.hex
    }
}

extension RunPlan.TaskStatus {
    fileprivate init(_ verdict: TaskDiff) {
        switch verdict {
        case .new: self = .new
        case .waiting, .restored: self = .waiting
        case .resumable: self = .resumable
        case .uncertain: self = .uncertain
        case .paid(let isSaved): self = isSaved ? .paid : .paidUnsaved
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        case .changed: self = .changed
        }
    }

    /// The column title.
    var title: String {
        switch self {
        case .new: "new"
        case .waiting: "waiting"
        case .resumable: "resumable"
        case .uncertain: "uncertain"
        case .paid: "already paid"
        case .paidUnsaved: "paid, not saved"
        case .changed: "changed"
        case .failed: "failed earlier"
        case .cancelled: "cancelled"
        }
    }
}
