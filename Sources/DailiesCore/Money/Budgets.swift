/// The store's row number of a tag's budget in a batch.
package struct TagBudgetID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The row number.
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static func < (a: TagBudgetID, b: TagBudgetID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "\(rawValue)" }
}

/// A budget for the tasks of a batch with a given tag, and its use over all runs.
package struct TagBudget: Hashable, Sendable {
    /// Its row number in the store.
    package let id: TagBudgetID
    package let batch: BatchID
    /// The tag whose tasks count against it.
    package let tag: TaskSpec.Tag
    /// Its cap and use.
    package let position: BudgetUsage
    package init(id: TagBudgetID, batch: BatchID, tag: TaskSpec.Tag, position: BudgetUsage) {
        self.id = id
        self.batch = batch
        self.tag = tag
        self.position = position
    }

    /// The tag for display, such as `client=acme`.
    package var label: String { "\(tag.name)=\(tag.value)" }
}

/// All budgets of a run. A task must fit the budgets of its batch and of each of its tags.
struct Budgets: Sendable {
    /// Identifies a budget.
    enum Scope: Hashable, Sendable {
        case batch(BatchID)
        case tag(TagBudgetID)
    }

    private var guards: [Scope: Budget] = [:]
    private var labels: [TagBudgetID: String] = [:]
    /// Whether an amount was released or settled since the last call of ``takeHasFreedCredits()``.
    private var hasMoved = false

    init() {}

    init(batches: [BatchID: BudgetUsage], tags: [TagBudget]) {
        for (batch, position) in batches { guards[.batch(batch)] = Budget(position: position) }
        for tag in tags {
            guards[.tag(tag.id)] = Budget(position: tag.position)
            labels[tag.id] = tag.label
        }
    }

    subscript(batch: BatchID) -> Budget? { guards[.batch(batch)] }
    subscript(scope: Scope) -> Budget? { guards[scope] }

    /// A description with the cap, for messages.
    func name(of scope: Scope) -> String {
        let cap = guards[scope]?.position.cap.map { " \($0)" } ?? ""
        return switch scope {
        case .batch: "budget\(cap)"
        case .tag(let id): "budget\(cap) of \(labels[id] ?? "tag \(id)")"
        }
    }

    /// The strictest decision of the given budgets, and the budget that made it.
    func verdict(for bound: Credits?, of scopes: [Scope]) -> (verdict: Budget.Decision, scope: Scope?) {
        var strictest: (verdict: Budget.Decision, scope: Scope?) = (.allowed, nil)
        for scope in scopes {
            guard let verdict = guards[scope]?.verdict(for: bound), verdict.rank > strictest.verdict.rank else {
                continue
            }
            strictest = (verdict, scope)
        }
        return strictest
    }

    mutating func reserve(_ amount: Credits?, for scopes: [Scope]) {
        for scope in scopes { guards[scope]?.reserve(amount) }
    }

    mutating func release(_ amount: Credits?, for scopes: [Scope]) {
        hasMoved = true
        for scope in scopes { guards[scope]?.release(amount) }
    }

    /// Whether tasks waiting for a budget may fit now. True once for each change.
    mutating func takeHasFreedCredits() -> Bool {
        defer { hasMoved = false }
        return hasMoved
    }

    /// The first budget that does not allow replacing a reservation; nil: all allow it.
    func scope(refusing new: Credits?, insteadOf old: Credits?, of scopes: [Scope]) -> Scope? {
        guard let new else { return nil }
        return scopes.first { guards[$0]?.allows(changing: old, to: new) == false }
    }

    /// Books a bill in all given budgets.
    ///
    /// - Returns: the budgets in which the bill exceeded its reservation.
    mutating func settle(_ charged: Credits, reserved: Credits?, for scopes: [Scope]) -> [Scope] {
        hasMoved = true
        var broken: [Scope] = []
        for scope in scopes where guards[scope]?.settle(charged, reserved: reserved) == true { broken.append(scope) }
        return broken
    }
}

extension Budget.Decision {
    fileprivate var rank: Int {
        switch self {
        case .allowed: 0
        case .wait: 1
        case .unknownPrice: 2
        case .exhausted: 3
        }
    }
}
