import Testing

@testable import DailiesCore

/// Outages of the provider and pauses of single models.
@Suite struct AvailabilityTests {
    private let start = Instant(milliseconds: 1_000_000)
    private let patience = Duration.seconds(900)
    private let model = ModelID("sora-2-pro")
    private let ids = (1...3).map { AttemptID(task: TaskID($0), number: 1) }

    private func outage(_ random: inout SplitMix64) -> Outage {
        var outage = Outage(policy: RetryPolicy(), maximumWait: patience)
        for failure in 1...4 { #expect(outage.failed(at: start, using: &random) == (failure == 4)) }
        return outage
    }

    // MARK: Outages

    @Test func `four failures in a row begin an outage, and any answer ends it`() {
        var random = SplitMix64(seed: 1)
        var outage = outage(&random)
        #expect(outage.isOpen && !outage.allowsSubmit && outage.nextProbe != nil)
        #expect(outage.answered()?.isEmpty == true)
        #expect(!outage.isOpen && outage.allowsSubmit && outage.moments.isEmpty && outage.answered() == nil)
    }

    @Test func `deferred queries are the probes, in order; without any the next submit is the probe`() {
        var random = SplitMix64(seed: 2)
        var outage = outage(&random)
        for id in ids { outage.deferQuery(id) }
        #expect(outage.nextDeferred() == ids[0] && !outage.allowsSubmit)
        outage.querySent()
        #expect(outage.isProbing && outage.moments == [start + patience])
        #expect(!outage.failed(at: start + .seconds(1), using: &random) && !outage.isProbing)
        #expect(outage.nextDeferred() == ids[1] && outage.nextDeferred() == ids[2])
        #expect(!outage.allowsSubmit && outage.nextDeferred() == nil && outage.allowsSubmit)
        outage.submitSent()
        #expect(outage.isProbing && !outage.allowsSubmit)
    }

    @Test func `an answer returns the queries that still wait`() {
        var random = SplitMix64(seed: 3)
        var outage = outage(&random)
        for id in ids { outage.deferQuery(id) }
        _ = outage.nextDeferred()
        #expect(outage.answered() == [ids[1], ids[2]] && outage.answered() == nil)
    }

    @Test func `a probe is due at its time unless one is in flight, and the outage is given up after the maximum wait`()
    {
        var random = SplitMix64(seed: 4)
        var outage = outage(&random)
        guard let probe = outage.nextProbe else { return #expect(Bool(false), "no probe") }
        #expect(outage.advance(to: start, mayProbe: true, using: &random) == .nothing)
        #expect(outage.advance(to: probe, mayProbe: false, using: &random) == .nothing)
        #expect(outage.advance(to: probe, mayProbe: true, using: &random) == .probe)
        #expect(outage.nextProbe.map { $0 > probe } == true)
        outage.querySent()
        #expect(outage.advance(to: start + .seconds(600), mayProbe: true, using: &random) == .nothing)
        #expect(outage.advance(to: start + patience, mayProbe: true, using: &random) == .giveUp)
    }

    // MARK: Models

    @Test func `four failures in a row pause a model, one submit probes it, and an answer ends the pause`() {
        var random = SplitMix64(seed: 5)
        var models = ModelPauses(policy: RetryPolicy(), maximumWait: patience)
        for failure in 1...4 { #expect(models.failed(model, at: start, using: &random) == (failure == 4)) }
        #expect(models.isPaused(model) && !models.isPaused(ModelID("other")) && !models.isWithdrawn(model))
        guard let probe = models.nextProbe(of: model) else { return #expect(Bool(false), "no probe") }
        #expect(models.moments.sorted() == [probe, start + patience])
        #expect(models.advance(to: probe, using: &random).isEmpty && !models.isPaused(model))
        models.sent(model)
        #expect(models.isPaused(model))
        #expect(models.advance(to: probe + .seconds(60), using: &random).isEmpty && models.isPaused(model))
        models.submitEnded(model)
        #expect(models.answered(model) && !models.isPaused(model) && !models.answered(model))
    }

    @Test func `a model that is unavailable for too long is stopped, and one that is not offered is probed on`() {
        var random = SplitMix64(seed: 6)
        var models = ModelPauses(policy: RetryPolicy(), maximumWait: patience)
        for _ in 1...4 { _ = models.failed(model, at: start, using: &random) }
        let withdrawn = ModelID("veo")
        #expect(models.withdraw(withdrawn, "not offered", at: start, using: &random) == true)
        #expect(models.withdraw(withdrawn, "still not offered", at: start, using: &random) == false)
        #expect(models.isWithdrawn(withdrawn) && models.withdrawals.map(\.message) == ["still not offered"])
        #expect(models.advance(to: start + patience, using: &random) == [model])
        #expect(models.isStopped(model) && !models.isPaused(model) && !models.isStopped(withdrawn))
        #expect(!models.stop(model) && models.stop(withdrawn))
    }
}
