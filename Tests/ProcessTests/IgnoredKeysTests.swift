import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// A provider that pays no heed to our keys: whatever is repeated is paid twice, so nothing may be.
    struct IgnoredKeysTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        @Test func `6: what may have been sent is never sent again`() throws {
            let simulator = try Simulator(test, speed: 500, ["--keys", "ignored", "--fault", "dropReply=0.4"])
            let manifest = try test.manifest(clips: 20)
            let run = try test.startRun([manifest], at: simulator)
            #expect(try run.ended() == .exited(6), "\(run.written.errText)")
            let uncertain = try test.status("uncertain")
            // Five that are left uncertain pause submission; those still being asked about at that moment come on top.
            #expect((1...10).contains(uncertain))
            try expectNoneTwice(simulator)
            let told = run.written.lines.filter { $0.hasPrefix(#"{"type":"uncertain""#) && $0.contains("reconcile") }
            #expect(Set(told).count >= uncertain, "\(told)")
            #expect(run.written.lines.last?.contains(#""uncertain":\#(uncertain),"#) == true)

            // Killed, and again and again: the same holds.
            let second = try test.startRun([manifest], at: simulator)
            _ = second.ending(within: 0.3)
            try second.killNow()
            try expectNoneTwice(simulator)
            let arguments = test.runArguments([manifest], at: simulator).filter { $0 != "--json" }
            let third = try test.finish(arguments)
            #expect(third.code == 6, "\(third.err)")
            #expect(third.err.contains("they will not be resubmitted\n  dailies reconcile "), "\(third.err)")
            try expectNoneTwice(simulator)
        }

        private func expectNoneTwice(
            _ simulator: Simulator, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let bill = try simulator.bill()
            #expect(bill.submitsByKey.filter { $0.value > 1 } == [:], sourceLocation: sourceLocation)
            #expect(bill.rendersByKey.filter { $0.value > 1 } == [:], sourceLocation: sourceLocation)
            #expect(bill.accepted > 0, sourceLocation: sourceLocation)
        }
    }
}
