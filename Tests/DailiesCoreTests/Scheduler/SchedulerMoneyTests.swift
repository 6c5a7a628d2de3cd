import Foundation
import Testing

@testable import DailiesCore

/// Budgets through the whole scheduler: random prices, a batch's and a tag's cap, one to a thousand tasks in flight,
/// late costs, and crashes after any event.
///
///     swift test --filter SchedulerMoneyTests                             from seed 1 on
///     DAILIES_MONEY_SEED=123 swift test --filter SchedulerMoneyTests      one seed again
///     DAILIES_MONEY_SEEDS=5000 swift test --filter SchedulerMoneyTests    more of them
@Suite struct SchedulerMoneyTests {
    private static let defaultSeeds: UInt64 = 120

    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    private static var seeds: [UInt64] {
        if let one = number("DAILIES_MONEY_SEED") { return [one] }
        return Array(1...(number("DAILIES_MONEY_SEEDS") ?? defaultSeeds))
    }

    @Test func `settled plus reserved stays within every cap at every commit, and the ledger equals the bill`() {
        var coverage = MoneyLife.Coverage()
        for seed in Self.seeds {
            var life = MoneyLife(seed: seed)
            let breaches = life.live()
            coverage.add(life.coverage)
            #expect(breaches.isEmpty, "seed \(seed) (DAILIES_MONEY_SEED=\(seed)): \(breaches.prefix(3))")
            if !breaches.isEmpty { return }
        }
        print("money: \(Self.seeds.count) seeds, \(coverage)")
        guard Self.number("DAILIES_MONEY_SEED") == nil else { return }
        #expect(coverage.bills > 2000 && coverage.crashes > 50 && coverage.recentMissingCosts > 100)
        #expect(coverage.stops > 10 && coverage.reached > 20 && coverage.maximumInFlight >= 500)
        #expect(coverage.waitAgain > 20)
    }
}

/// The runs of one batch under one seed.
struct MoneyLife {
    struct Coverage: CustomStringConvertible {
        var commits = 0
        var bills = 0
        var recentMissingCosts = 0
        var crashes = 0
        var stops = 0
        var reached = 0
        var waitAgain = 0
        var maximumInFlight = 0

        mutating func add(_ other: Coverage) {
            commits += other.commits
            bills += other.bills
            recentMissingCosts += other.recentMissingCosts
            crashes += other.crashes
            stops += other.stops
            reached += other.reached
            waitAgain += other.waitAgain
            maximumInFlight = max(maximumInFlight, other.maximumInFlight)
        }

        var description: String {
            "\(commits) commits, \(bills) bills, \(recentMissingCosts) of them late, \(crashes) crashes, \(stops) stops by a bill "
                + "above its reservation, \(reached) runs that reached a budget, \(waitAgain) cancelled by a guard, "
                + "up to \(maximumInFlight) in flight"
        }
    }

    private static let tag = TagBudgetID(1)
    private static let maximumRuns = 30
    private static let maximumEvents = 40_000

    let seed: UInt64
    private(set) var coverage = Coverage()
    private var random: SplitMix64
    private var provider: MoneyProvider
    private var books: MoneyBooks
    private let settings: SchedulerSettings
    private let rate: Credits
    private let tagCap: Credits
    private var crashes: Int

    init(seed: UInt64) {
        self.seed = seed
        var random = SplitMix64(seed: seed)
        let concurrency = seed % 40 == 0 ? 1000 : [1, 3, 8, 40].randomElement(using: &random) ?? 1
        let tasks = concurrency == 1000 ? 1100 : Int64.random(in: 1...60, using: &random)
        // Bills within the reservation, or up to half off their estimates in both directions.
        provider = MoneyProvider(seed: seed &+ 99, spread: Bool.random(using: &random) ? 50...110 : 50...150)
        var store = StoreModel()
        store.trust[SchedulerHarness.account] = .honored
        for id in 1...tasks {
            store.add(SchedulerHarness.task(id, tagBudgets: Bool.random(using: &random) ? [Self.tag] : []))
        }
        // A clip is quoted at 0.7 credits on average. The large seeds have room for all, so that all are in flight at
        // once.
        let mean = Int64(tasks) * 700_000_000
        let share = concurrency == 1000 ? 800 : Int64.random(in: 5...250, using: &random)
        store.cap = Credits(nano: mean / 100 * share)
        tagCap = Credits(nano: mean / 100 * max(share / 2, Int64.random(in: 5...150, using: &random)))
        rate = Credits(nano: Int64.random(in: 100_000_000...300_000_000, using: &random))
        var settings = SchedulerSettings()
        settings.concurrency = concurrency
        settings.unsavedLimit = 5000
        settings.pageSize = concurrency == 1000 ? 256 : Int.random(in: 1...20, using: &random)
        self.settings = settings
        crashes = Int.random(in: 0...3, using: &random)
        books = MoneyBooks(store: store, tagCap: tagCap, tag: Self.tag)
        self.random = random
    }

    /// - Returns: the violations.
    mutating func live() -> [String] {
        for run in 1...Self.maximumRuns {
            // Towards the end all costs are stated, so that the books can be closed.
            provider.isCalm = run > Self.maximumRuns / 2
            let rig = SchedulerHarness(settings: settings, store: books.store, at: books.now, seed: seed &+ UInt64(run))
            rig.checksEvery = settings.concurrency > 100 ? 50 : 1
            let ledger = books
            ledger.begin()
            rig.observer = { ledger.take($0, $1) }
            rig.start(
                prices: PriceBook(
                    catalog: SchedulerHarness.catalog,
                    rates: [SchedulerHarness.model: PriceBook.Rate(perSecond: rate, fee: .zero)]),
                tagBudgets: [books.tagBudget])
            let isOver = pass(rig)
            books.leave(rig)
            let problems = books.problems + rig.problems
            if !problems.isEmpty { return problems }
            if let ending = rig.ending {
                if ending.budgetReached { coverage.reached += 1 }
                if books.wasBroken, !ending.budgetReached {
                    return ["a bill broke a budget and the run did not say so"]
                }
            }
            if books.wasBroken { coverage.stops += 1 }
            if isOver, run > Self.maximumRuns / 2, books.unknown == 0 { break }
        }
        coverage.commits = books.commits
        coverage.bills = books.ledger.count
        coverage.recentMissingCosts = books.late
        coverage.waitAgain = books.waitAgain
        return close()
    }

    /// One run, until its end or crash. False: it was cut off.
    private mutating func pass(_ rig: SchedulerHarness) -> Bool {
        var events = 0
        while rig.ending == nil, rig.problems.isEmpty, books.problems.isEmpty {
            events += 1
            guard events < Self.maximumEvents else {
                books.problems.append("a run does not end")
                return false
            }
            coverage.maximumInFlight = max(coverage.maximumInFlight, rig.scheduler.tally.inFlight)
            if crashes > 0, Int.random(in: 0..<80, using: &random) == 0 {
                crashes -= 1
                coverage.crashes += 1
                // Requests in flight may still arrive.
                for submission in rig.submits where Bool.random(using: &random) { _ = provider.submit(submission) }
                return false
            }
            step(rig)
        }
        return true
    }

    private mutating func step(_ rig: SchedulerHarness) {
        // A thousand answers come before the next wake-up, so that all are in flight at once.
        if let first = rig.downloads.first { return rig.save(first.attempt.task.rawValue) }
        let replies = rig.submits.count + rig.questions.count + rig.cancels.count
        guard replies > 0, rig.wakes.isEmpty || Int.random(in: 0..<6, using: &random) > 0 else {
            return rig.wakes.isEmpty ? () : rig.serveNextWake()
        }
        var chosen = Int.random(in: 0..<replies, using: &random)
        if chosen < rig.submits.count {
            let submission = rig.submits[chosen]
            return rig.land(provider.submit(submission), submission.attempt.task.rawValue)
        }
        chosen -= rig.submits.count
        if chosen < rig.questions.count {
            let question = rig.questions[chosen]
            return rig.answer(
                provider.query(question.question), question.attempt.task.rawValue, question.purpose)
        }
        guard let remote = rig.store.attempts[rig.cancels[0]]?.remoteID else { return }
        rig.answerCancel(provider.cancel(remote))
    }

    /// The ledger, the report (the sum over the rows) and the provider's bill are equal.
    private func close() -> [String] {
        var problems: [String] = []
        let ledger = books.ledger.values.reduce(CreditTotal.zero) { $0 + $1 }
        let rows = books.store.attempts.values.reduce(CreditTotal.zero) { $0 + ($1.charge ?? .zero) }
        if ledger != rows { problems.append("the ledger holds \(ledger), the rows \(rows)") }
        if books.unknown > 0 { problems.append("\(books.unknown) costs are still unknown") }
        if ledger != provider.bill { problems.append("the ledger holds \(ledger), the bill \(provider.bill)") }
        if ledger.description != provider.bill.description { problems.append("they are written differently") }
        for (id, attempt) in books.store.attempts where attempt.stage == .cancelled && attempt.cancelReason != nil {
            guard let entry = books.store.entries[id.task], entry.task.attempt > id.number else {
                problems.append("\(id) was cancelled by a guard and does not wait again")
                continue
            }
        }
        return problems
    }
}

/// The durable data with running totals, and the invariants at each commit.
final class MoneyBooks {
    private(set) var store: StoreModel
    private(set) var now = Instant(milliseconds: 1_000_000)
    private let tagCap: Credits
    private let tag: TagBudgetID
    /// Every booked charge, once.
    private(set) var ledger: [AttemptID: Credits] = [:]
    private(set) var commits = 0
    private(set) var late = 0
    private(set) var waitAgain = 0
    /// Accepted at an estimate above a cap: until these are cancelled the caps are exceeded.
    private var tooDear: Set<AttemptID> = []
    /// Whether a bill of this run exceeded its reservation: the batch may begin nothing more.
    private(set) var wasBroken = false
    /// Whether one of this or an earlier run did: the caps may be exceeded by the bills.
    private(set) var wasEverBroken = false
    var problems: [String] = []
    private var held: [AttemptID: (charge: Credits, reserved: Credits)] = [:]
    private var sum = (batch: CreditTotal.zero, tag: CreditTotal.zero)

    init(store: StoreModel, tagCap: Credits, tag: TagBudgetID) {
        self.store = store
        self.tagCap = tagCap
        self.tag = tag
    }

    var unknown: Int { store.attempts.values.count { $0.isSettled && $0.charge == nil } }

    var tagBudget: TagBudget {
        var position = BudgetUsage(cap: tagCap, settled: .zero, reserved: .zero)
        for (id, attempt) in store.attempts where isTagged(id) {
            position.settled += CreditTotal(attempt.charge ?? .zero)
            position.reserved += CreditTotal(attempt.reserved ?? .zero)
        }
        return TagBudget(
            id: tag, batch: SchedulerHarness.batch, tag: TaskSpec.Tag(name: "client", value: "acme"), position: position
        )
    }

    private func isTagged(_ attempt: AttemptID) -> Bool {
        store.entries[attempt.task]?.task.tagBudgets.contains(tag) ?? false
    }

    func begin() { wasBroken = false }

    func leave(_ rig: SchedulerHarness) {
        store = rig.store
        now = rig.now
        let position = store.position(SchedulerHarness.batch)
        if position.settled + position.reserved != sum.batch { problems.append("the sums drifted: \(position)") }
    }

    func take(_ change: Mutation, _ store: StoreModel) {
        commits += 1
        switch change.step {
        case .intent(let intent):
            move(intent.submission.attempt, store)
            // A new task is begun only within the caps, whatever was billed before.
            expectWithinCaps(store, intent.submission.attempt, "an intent")
            if wasBroken {
                problems.append("\(intent.submission.attempt) was begun after a bill above its reservation")
            }
        case .notAccepted(let attempt, _): move(attempt, store)
        case .accepted(let attempt, _), .reservationRaised(let attempt, _): raise(attempt, store)
        case .waitsAgain: waitAgain += 1
        case .settled(let attempt, let settlement): book(attempt, settlement.charges, store)
        case .costLearned(let attempt, let amounts):
            late += 1
            book(attempt, amounts, store)
        default: return
        }
        guard !wasEverBroken, tooDear.isEmpty else { return }
        expectWithinCaps(store, nil, "\(change.step)")
    }

    private func book(_ attempt: AttemptID, _ charges: [Amount], _ store: StoreModel) {
        if let charge = charges.first {
            if ledger.updateValue(charge.credits, forKey: attempt) != nil {
                problems.append("\(attempt) was charged twice")
            }
            if charge.credits > held[attempt]?.reserved ?? .zero {
                wasBroken = true
                wasEverBroken = true
            }
        }
        move(attempt, store)
        // A task that could not be cancelled in time is paid for, whatever the caps.
        guard let charge = charges.first?.credits, tooDear.remove(attempt) != nil, charge > .zero else { return }
        wasEverBroken = true
    }

    private func raise(_ attempt: AttemptID, _ store: StoreModel) {
        let old = held[attempt]?.reserved ?? .zero
        move(attempt, store)
        let isAbove = store.cap.map { sum.batch > CreditTotal($0) } ?? false || sum.tag > CreditTotal(tagCap)
        if held[attempt]?.reserved ?? .zero > old, isAbove { tooDear.insert(attempt) }
    }

    private func move(_ attempt: AttemptID, _ store: StoreModel) {
        let old = held[attempt] ?? (.zero, .zero)
        let row = store.attempts[attempt]
        let new = (charge: row?.charge ?? .zero, reserved: row?.reserved ?? .zero)
        held[attempt] = new
        let change = CreditTotal.zero + new.charge + new.reserved - CreditTotal(old.charge) - CreditTotal(old.reserved)
        sum.batch += change
        if isTagged(attempt) { sum.tag += change }
    }

    private func expectWithinCaps(_ store: StoreModel, _ attempt: AttemptID?, _ what: @autoclosure () -> String) {
        if let cap = store.cap, sum.batch > CreditTotal(cap) {
            problems.append("\(sum.batch) settled and reserved under a cap of \(cap), after \(what().prefix(200))")
        }
        if attempt.map(isTagged) ?? true, sum.tag > CreditTotal(tagCap) {
            problems.append(
                "\(sum.tag) settled and reserved under a tag's cap of \(tagCap), after \(what().prefix(200))")
        }
    }
}
