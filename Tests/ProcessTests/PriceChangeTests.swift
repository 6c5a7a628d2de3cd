import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// A provider that raises its price in the middle of a run.
    struct PriceChangeTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        @Test
        func `a price that triples after task 100 costs nothing more, stops the rest, and both figures are named`()
            throws
        {
            let simulator = try Simulator(test, speed: 500, ["--price-change", "100=3"])
            let port = simulator.port
            // Touched by the proxy's one thread alone.
            nonisolated(unsafe) var submits = 0
            // From the hundred and first on clips wait at the provider, so that no cancel comes too late.
            let proxy = try test.startProxy(before: simulator) { request in
                guard request.isSubmit else { return }
                submits += 1
                guard submits == 101 else { return }
                do {
                    _ = try HTTP.exchange(port, "POST", "/simulator/control", body: #"{"model_slots": 0}"#)
                } catch {
                    Issue.record("the simulator does not listen: \(error)")
                }
            }
            let run = try test.startRun(
                [try test.manifest(clips: 140)], at: proxy, ["--concurrency", "10", "--budget", "1000"])
            // Nothing is on its way any more, and all that was taken at the new price is cancelled; or that was the end.
            try run.wait(for: "the cancels") { output in
                let accepted = output.count("accepted")
                return output.count("finished") == 1
                    || accepted > 100 && output.count("submitted") == accepted
                        && output.count("waits_again") == accepted - 100
            }
            try simulator.control(#"{"model_slots": null}"#)
            #expect(try run.ended() == .exited(5), "\(run.written.errText)")

            let bill = try simulator.bill()
            // A hundred clips of two seconds at the old price, and not a credit more.
            #expect(bill.total == "8" && bill.charges == 100, "\(bill)")
            #expect(bill.accepted > 100 && bill.accepted <= 110)
            #expect(try test.report().credits == "8")
            #expect(try test.status("completed") == 100)
            // What was cancelled waits again.
            #expect(try test.status("cancelled") == 0)
            #expect(try test.status("queued") == 40)
            let text = run.written.outText
            #expect(text.contains("quotes 0.24 credits for a clip of veo-3.1-fast"), "\(run.written.errText)")
            let words =
                ", more than the expected maximum of 0.08; no more veo-3.1-fast clips were submitted; use --accept-quote to continue"
            #expect(text.contains(words))
        }
    }
}
