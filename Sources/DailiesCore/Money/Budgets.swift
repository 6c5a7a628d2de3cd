/// The store's row number of a budget that holds for the tasks of a batch with a certain tag.
public struct TagBudgetID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// As the store numbers it.
    public let rawValue: Int64
    /// Keeps the number as it is given.
    public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public static func < (a: TagBudgetID, b: TagBudgetID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { "\(rawValue)" }
}

/// A budget for the tasks of a batch with a certain tag, and where it stands over all runs.
public struct TagBudget: Hashable, Sendable {
    /// The store's number of it.
    public let id: TagBudgetID
    /// The batch whose tasks it is about.
    public let batch: BatchID
    /// The tag, name and value, that makes a task count.
    public let tag: TaskSpec.Tag
    /// Its cap, and how much of it is used.
    public let position: BudgetUsage
    /// Takes its properties as they are given.
    public init(id: TagBudgetID, batch: BatchID, tag: TaskSpec.Tag, position: BudgetUsage) {
        self.id = id
        self.batch = batch
        self.tag = tag
        self.position = position
    }

    /// `client=acme`, for people.
    public var label: String { "\(tag.name)=\(tag.value)" }
}

/// All budgets of a run. A task counts against that of its batch and those of its tags, and all of them must hold.
struct Budgets: Sendable {
    /// One budget.
    enum Scope: Hashable, Sendable {
        case batch(BatchID)
        case tag(TagBudgetID)
    }

    private var guards: [Scope: Budget] = [:]
    private var labels: [TagBudgetID: String] = [:]
    /// Something was given back, or settled, since the last look of ``takeHasFreedCredits()``.
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

    /// In words, with its cap.
    func name(of scope: Scope) -> String {
        let cap = guards[scope]?.position.cap.map { " \($0)" } ?? ""
        return switch scope {
        case .batch: "budget\(cap)"
        case .tag(let id): "budget\(cap) of \(labels[id] ?? "tag \(id)")"
        }
    }

    /// The strictest verdict of all budgets that apply, and whose it is.
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

    /// Whether what had to wait for a budget may have room now. True at most once for each change.
    mutating func takeHasFreedCredits() -> Bool {
        defer { hasMoved = false }
        return hasMoved
    }

    /// The first budget that does not hold a reservation in the place of another; nil: all of them do.
    func scope(refusing new: Credits?, insteadOf old: Credits?, of scopes: [Scope]) -> Scope? {
        guard let new else { return nil }
        return scopes.first { guards[$0]?.allows(changing: old, to: new) == false }
    }

    /// Books a bill everywhere.
    ///
    /// - Returns: the budgets that it broke, being above its reservation.
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
