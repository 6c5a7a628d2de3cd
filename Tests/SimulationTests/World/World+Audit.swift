import Crypto
import DailiesCore
import Foundation
import ProviderSimulator

@testable import DailiesRunner
@testable import DailiesStore
@testable import ProviderSimulator

/// The last look, when everything has come to its end: books against bill, clips against renders, rows against tasks.
extension World {
    func audit() throws {
        guard let inspector else { throw Violation("no store at the end") }
        let damage = try inspector.damage()
        guard damage.isEmpty else { throw Violation("the store is damaged: \(damage)") }
        let twice = try inspector.repeatedOnce()
        guard twice.isEmpty else { throw Violation("the log says twice what happens once: \(twice)") }
        let attempts = try inspector.attempts()
        try auditCommands()
        try auditTasks(attempts, inspector)
        try auditRenders(attempts)
        try auditMoney(attempts, inspector)
        try auditBudgets(attempts, inspector)
        try auditClips(attempts)
        try auditPrices(attempts)
        guard machine.keysSentToAssets == 0 else { throw Violation("the key was sent to an asset's address") }
        coverage.renders += machine.bill.accepted
        coverage.repeats += try inspector.count(ofEvents: "repeated")
        note("audited")
    }

    // MARK: Tasks

    private func auditTasks(_ attempts: [InvariantChecker.Attempt], _ inspector: InvariantChecker) throws {
        let tasks = try inspector.tasks()
        guard tasks.count == coverage.tasks else {
            throw Violation("\(tasks.count) of \(coverage.tasks) tasks are left")
        }
        let byTask = Dictionary(grouping: attempts, by: \.id.task)
        let commands = Dictionary(grouping: try inspector.commands(), by: \.task)
        for task in tasks {
            let own = byTask[task.id] ?? []
            let told = commands[task.id] ?? []
            if task.state == .cancelled, !task.isSubmitted {
                let isAsked = told.contains { $0.attempt == task.attempt && $0.outcome == .withdrawn }
                guard isAsked else { throw Violation("task \(task.key) was withdrawn, and nobody asked for it") }
                try auditAttempts(own.filter { !$0.isNotAccepted }, of: task, told)
                continue
            }
            guard let last = own.last, task.isSubmitted, last.id.number == task.attempt, last.state == task.state else {
                throw Violation("task \(task.key) shows \(task.state), its attempts \(own.map(\.state))")
            }
            guard own.map(\.id.number) == Array(1...own.count) else { throw Violation("task \(task.key): \(own)") }
            try auditAttempts(own, of: task, told)
        }
    }

    /// A new attempt follows only on a free failure, as often as the user allowed, and then it does follow; or on the
    /// user's own word.
    private func auditAttempts(
        _ own: [InvariantChecker.Attempt], of task: InvariantChecker.Progress, _ told: [InvariantChecker.Command]
    ) throws {
        let retries = scenario.settings.retries
        let asked = Set(told.filter { $0.kind == "retry" && $0.outcome == .requeued }.map(\.attempt))
        let cancelled = Set(told.filter { $0.kind == "cancel" }.map(\.attempt))
        let guarded = Set(own.filter { $0.state == .cancelled && $0.cancelReason != nil }.map(\.id.number))
        coverage.guarded += guarded.count
        guard own.count <= retries + 1 + asked.count + guarded.count else {
            throw Violation("task \(task.key) has \(own.count) attempts")
        }
        for attempt in own {
            let isRetriable =
                attempt.state == .failed && attempt.credits == .zero && remoteTask(of: attempt) != nil
                && mayRetry(attempt)
            let isLast = attempt.id.number == task.attempt
            guard isLast || isRetriable || asked.union(guarded).contains(attempt.id.number) else {
                throw Violation("\(attempt.id) was followed: \(attempt)")
            }
            guard
                !isLast || !isRetriable || attempt.id.number > retries || cancelled.contains(attempt.id.number)
            else {
                throw Violation("\(attempt.id) failed free of charge and was not tried again")
            }
        }
    }

    private func mayRetry(_ attempt: InvariantChecker.Attempt) -> Bool {
        let failure = RetryRules.Failure(status: nil, code: attempt.failureCode, message: attempt.failureMessage)
        return switch scenario.settings.retryRules.action(for: failure) {
        case .retry, .newSeed: true
        case .skip, .pause: false
        }
    }

    // MARK: Renders

    /// Every render belongs to an attempt, and both sides report the same about it.
    private func auditRenders(_ attempts: [InvariantChecker.Attempt]) throws {
        let byRemote = Dictionary(grouping: attempts.filter { $0.remote != nil }) { $0.remote?.text ?? "" }
        for task in machine.tasks {
            guard let owner = byRemote[task.id]?.first, byRemote[task.id]?.count == 1 else {
                throw Violation("the render \(task.id) was forgotten: \(task.phase), key \(task.outTaskID ?? "none")")
            }
            guard owner.key.text == task.outTaskID else { throw Violation("\(owner.id) has the render of another key") }
            let told: TaskState? =
                switch task.phase {
                case .queued, .running: nil
                case .completed: .completed
                case .failed: .failed
                case .cancelled: .cancelled
                }
            guard told == owner.state else {
                throw Violation("\(owner.id) is \(owner.state), the render \(task.phase)")
            }
        }
        for attempt in attempts where attempt.remote == nil && !attempt.isNotAccepted {
            guard attempt.state == .failed else {
                throw Violation("\(attempt.id) is \(attempt.state) without a render")
            }
            // The service itself refuses a prompt and nothing else.
            guard ["http_451", Settlement.assumedLost].contains(attempt.failureCode) else {
                throw Violation("\(attempt.id) failed by what the service never said: \(attempt)")
            }
        }
    }

    // MARK: Money

    /// The report, the log and the rows agree with the bill, to the last digit and letter. Left out is exactly what
    /// ``mayLackCost(_:isBilled:)`` allows.
    private func auditMoney(_ attempts: [InvariantChecker.Attempt], _ inspector: InvariantChecker) throws {
        let charged = try inspector.charged()
        let billed = Dictionary(uniqueKeysWithValues: machine.bill.charges.map { ($0.taskID, $0) })
        var expected = CreditTotal.zero
        var logged = CreditTotal.zero
        for attempt in attempts where !attempt.isNotAccepted {
            let bill = attempt.remote.flatMap { billed[$0.text] }
            guard let credits = attempt.credits else {
                guard mayLackCost(attempt, isBilled: bill != nil) else {
                    throw Violation("\(attempt.id) has no cost, the bill says \(bill?.text ?? "nothing")")
                }
                coverage.unknownCosts += 1
                continue
            }
            guard credits == bill?.credits ?? .zero else {
                throw Violation("\(attempt.id) is booked with \(credits), billed with \(bill?.text ?? "nothing")")
            }
            guard let row = charged[attempt.id], row.credits == credits, row.text == bill?.text ?? "0" else {
                throw Violation("\(attempt.id): the log says \(String(describing: charged[attempt.id]))")
            }
            if let bill { expected = expected + bill.credits }
            logged = logged + row.credits
        }
        let store = try Store.open(disk.store, for: .reading)
        let report = try store.spend(by: []).total
        try store.close()
        guard report.charged == expected, logged == expected else {
            throw Violation("the report says \(report.charged), the log \(logged), the bill \(expected)")
        }
        guard report.charged.description == expected.description else {
            throw Violation("the report writes \(report.charged), the bill \(expected)")
        }
        let unknown = attempts.filter { $0.credits == nil }.compactMap { billed[$0.remote?.text ?? ""] }
        let whole = unknown.reduce(expected) { $0 + $1.credits }
        guard whole == machine.bill.total else {
            throw Violation("the bill is \(machine.bill.total), accounted \(whole)")
        }
    }

    /// Whether the plan, and not the program, is why a cost is unknown: the provider never states it, or states what is
    /// no amount, or denies the task for longer than the program asks; or nothing was billed and nobody could know: the
    /// user wrote the task off, or it was cancelled when it ran, or may have run, and the provider says nothing of money.
    private func mayLackCost(_ attempt: InvariantChecker.Attempt, isBilled: Bool) -> Bool {
        guard let task = remoteTask(of: attempt) else { return attempt.failureCode == Settlement.assumedLost }
        let isDenied =
            task.forgottenUntil != nil
            && scenario.simulator.faults.forgottenFor >= scenario.settings.lostAfter
        if attempt.state == .cancelled { return !isBilled || isDenied }
        return task.repliesWithoutCost == .max || isDenied || toldNoCost.contains(task.id)
    }

    // MARK: Clips

    /// Every paid clip is on disk, whole, under a name of its own; and nothing else is there.
    private func auditClips(_ attempts: [InvariantChecker.Attempt]) throws {
        var expected: Set<String> = []
        for attempt in attempts where attempt.state == .completed {
            guard let task = remoteTask(of: attempt) else {
                throw Violation("\(attempt.id) completed without a render")
            }
            guard let path = attempt.path else {
                guard !scenario.settings.downloads || task.repliesWithoutURL == .max else {
                    throw Violation("\(attempt.id) is paid and not saved")
                }
                continue
            }
            if lostForGood.contains(attempt.id) { continue }
            let bytes = FileManager.default.contents(atPath: path) ?? Data()
            let versions = (0...task.assetVersion).map { machine.file(of: task, version: $0) }
            guard versions.contains(Array(bytes)) else {
                throw Violation("\(attempt.id): the clip at \(path) is not a version of the rendered clip")
            }
            guard SHA256.hash(data: bytes).map({ String(format: "%02x", $0) }).joined() == attempt.digest else {
                throw Violation("\(attempt.id): the digest is not that of the clip")
            }
            guard expected.insert(path).inserted else { throw Violation("two clips share \(path)") }
            coverage.clipsSaved += 1
        }
        for (path, content) in obstacles where !content.isEmpty {
            guard FileManager.default.contents(atPath: path).map(Array.init) == content else {
                throw Violation("somebody else's file \(path) is not what it was")
            }
        }
        let present = Set(try disk.clipFiles())
        let strays = present.subtracting(expected).subtracting(obstacles.keys).subtracting(partsOnceHeld)
        let mayBeDamaged = coverage.faults[.damagedClip] != nil
        for path in strays.sorted()
        where try !(mayBeDamaged && path.hasSuffix(".damaged")) && !isEarlierVersion(path) {
            throw Violation("a file that belongs to no clip: \(path)")
        }
        guard expected.isSubset(of: present) else {
            throw Violation("clips are gone: \(expected.subtracting(present).sorted())")
        }
    }

    /// A crash came between a clip's name and its row in the store, and then the provider had another version: both stay.
    private func isEarlierVersion(_ path: String) throws -> Bool {
        let ending = path.split(separator: ".").last.map(String.init) ?? ""
        guard ClipFormat(rawValue: ending) != nil,
            let bytes = FileManager.default.contents(atPath: path).map(Array.init)
        else {
            return false
        }
        return machine.tasks.contains { task in
            (0...task.assetVersion).contains { machine.file(of: task, version: $0) == bytes }
        }
    }
}
