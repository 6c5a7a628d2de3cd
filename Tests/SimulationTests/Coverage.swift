import ProviderSimulator

/// Where a life was cut off.
enum CrashPoint: String, CaseIterable, Hashable, Sendable {
    /// While the manifest is taken in: before or after that commit is durable.
    case duringEnrolment = "during_enrolment"
    /// The store was read, nothing is decided yet.
    case duringStart = "during_start"
    /// Intents and outcomes are decided and not durable.
    case beforeCommit = "before_commit"
    /// They are durable, and nobody was told: no action has followed.
    case afterCommit = "after_commit"
    /// The provider carried a call out, and its reply is on the way.
    case afterAction = "after_action"
    /// The reply was taken in, and what follows from it is not durable.
    case beforeOutcome = "before_outcome"
    /// Some bytes of a clip are on disk.
    case midDownload = "mid_download"
    /// A clip has its name, and the store does not know.
    case afterRename = "after_rename"
    /// Nothing is in flight.
    case atRest = "at_rest"
    /// The disk refuses a commit: the run must end by itself, as if cut off.
    case storeFailure = "store_failure"
}

/// What happens to a request outside the provider.
enum NetworkFault: String, CaseIterable, Hashable, Sendable {
    /// No connection: provably not sent.
    case unreachable
    /// The reply takes longer than the client waits.
    case timedOut = "timed_out"
    /// The program dies, its request arrives all the same.
    case arrivedAfterCrash = "arrived_after_crash"
    /// The program dies before its request has left.
    case lostInCrash = "lost_in_crash"
}

/// How much was exercised, so that a harness that has gone silent is noticed.
struct Coverage {
    var seeds = 0
    var runs = 0
    var steps = 0
    var commits = 0
    var checks = 0
    var submits = 0
    var renders = 0
    var clipsSaved = 0
    var tasks = 0
    var repeats = 0
    var settledByHand = 0
    /// Lookups that users requested and that ended with an answer.
    var lookedUp = 0
    /// Attempts that went on under another API key of their account.
    var transferred = 0
    var gracefulStops = 0
    var unknownCosts = 0
    /// Attempts that guards cancelled, intents under a cap, and models that a bill above its quote stopped.
    var guarded = 0
    var intentsUnderCaps = 0
    var stoppedModels = 0
    /// Downloads that ended without a length, and those that gave their place away.
    var unverified = 0
    var downloadsStopped = 0
    /// What others put in the way of clips, and bytes that they wrote into parts.
    var obstacles = 0
    var scribbles = 0
    var partsHeld = 0
    /// Clips that vanished after they were saved, those that their provider had no longer, and folders put out of reach.
    var clipsLost = 0
    var clipsLostForGood = 0
    var foldersTakenAway = 0
    /// What users told runs, and how much of that had an effect on a task.
    var told = 0
    var carriedOut = 0
    /// Kinds of clips with an absurd bill among few, and plays with another service in the same store.
    var absurdHistories = 0
    var plays = 0
    /// Manifests that were refused together, and new seeds that came back in a manifest.
    var refusedEnrolments = 0
    var seedsReadBack = 0
    var violations = 0
    var crashes: [CrashPoint: Int] = [:]
    var faults: [FaultKind: Int] = [:]
    var network: [NetworkFault: Int] = [:]

    static func + (a: Coverage, b: Coverage) -> Coverage {
        var sum = a
        sum.seeds += b.seeds
        sum.runs += b.runs
        sum.steps += b.steps
        sum.commits += b.commits
        sum.checks += b.checks
        sum.submits += b.submits
        sum.renders += b.renders
        sum.clipsSaved += b.clipsSaved
        sum.tasks += b.tasks
        sum.repeats += b.repeats
        sum.settledByHand += b.settledByHand
        sum.lookedUp += b.lookedUp
        sum.transferred += b.transferred
        sum.gracefulStops += b.gracefulStops
        sum.unknownCosts += b.unknownCosts
        sum.guarded += b.guarded
        sum.intentsUnderCaps += b.intentsUnderCaps
        sum.stoppedModels += b.stoppedModels
        sum.unverified += b.unverified
        sum.downloadsStopped += b.downloadsStopped
        sum.obstacles += b.obstacles
        sum.scribbles += b.scribbles
        sum.partsHeld += b.partsHeld
        sum.clipsLost += b.clipsLost
        sum.clipsLostForGood += b.clipsLostForGood
        sum.foldersTakenAway += b.foldersTakenAway
        sum.told += b.told
        sum.carriedOut += b.carriedOut
        sum.absurdHistories += b.absurdHistories
        sum.plays += b.plays
        sum.refusedEnrolments += b.refusedEnrolments
        sum.seedsReadBack += b.seedsReadBack
        sum.violations += b.violations
        sum.crashes.merge(b.crashes, uniquingKeysWith: +)
        sum.faults.merge(b.faults, uniquingKeysWith: +)
        sum.network.merge(b.network, uniquingKeysWith: +)
        return sum
    }

    private static func list<Key: RawRepresentable & CaseIterable & Hashable>(_ counts: [Key: Int]) -> String
    where Key.RawValue == String {
        Key.allCases.map { "\($0.rawValue) \(counts[$0, default: 0])" }.joined(separator: ", ")
    }

    var text: String {
        """
        simulation: \(seeds) seeds, \(violations) violations; \(tasks) tasks, \(runs) runs, \(steps) steps, \
        \(submits) submissions (\(repeats) repeats), \(renders) renders, \(clipsSaved) clips saved, \(commits) commits, \
        \(checks) store checks, \(gracefulStops) graceful stops, \(settledByHand) settled by hand, \(lookedUp) looked up, \
        \(transferred) handed over to another key, \
        \(unknownCosts) costs unknown, \(guarded) cancelled by guards, \(intentsUnderCaps) begun under a cap, \
        \(stoppedModels) models stopped by a bill, \(told) commands told, \(carriedOut) of them changed a task, \
        \(absurdHistories) price histories with an absurd bill, \(plays) plays with another service, \
        \(refusedEnrolments) enrolments refused, \(seedsReadBack) new seeds read back
        simulation: crashes: \(Self.list(crashes))
        simulation: faults: \(Self.list(faults))
        simulation: network: \(Self.list(network))
        simulation: clips: \(unverified) ends without a length, \(downloadsStopped) downloads stopped, \
        \(obstacles) obstacles, \(scribbles) bytes spoiled, \(partsHeld) parts held by others, \
        \(clipsLost) lost after they were saved (\(clipsLostForGood) for good), \(foldersTakenAway) folders taken away
        """
    }
}
