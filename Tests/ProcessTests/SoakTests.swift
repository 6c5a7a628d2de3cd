import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// One process for a long time against a provider that does everything wrong now and then, fed from several batches:
    /// its memory and its descriptors stay flat, and in the end the report is the bill.
    ///
    /// `DAILIES_SOAK_SECONDS` is how long (default 60); `.ci/soak` runs half an hour of it.
    struct SoakTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private static let variables = ProcessInfo.processInfo.environment
        private static let seconds = variables["DAILIES_SOAK_SECONDS"].flatMap { Double($0) } ?? 60
        private static let batches = 4
        /// `PRAGMA cache_size` of a store that runs.
        private static let cacheOfStore = 16 << 20
        /// More than there are slots for, so that the work does not end before the time.
        private static let clipsPerSecond = 100
        private static let speed = 60

        /// Left out is what hides a cost (`noCost`, `absurdNumbers`), what ends a run, as it should (`walletEmpty`,
        /// `absurdBill`), what takes hours or days (`dripDownload`, `dropTask`, `forgetKey`), and what is wrong of names,
        /// quotes and bills, which the torture and the seeds have. Rare are those that hold everything up.
        private static let faults: [(kind: String, probability: Double)] = [
            ("refuse", 0.02), ("dropReply", 0.02), ("delayReply", 0.002), ("duplicateDelivery", 0.02),
            ("serverErrorBefore", 0.02), ("serverErrorAfter", 0.02), ("bareServerErrorAfter", 0.02),
            ("truncateReply", 0.02), ("htmlReply", 0.02), ("dripReply", 0.02), ("numbersAsStrings", 0.1),
            ("throttle", 0.005), ("bareThrottle", 0.005), ("contentPolicy", 0.02),
            ("throttleQuery", 0.02), ("goBackwards", 0.05), ("unknownState", 0.02), ("forget", 0.02),
            ("lateURL", 0.05), ("noURL", 0.01), ("lateCost", 0.05), ("failRender", 0.05),
            ("failRenderSilently", 0.02), ("failRenderByPolicy", 0.02), ("expireURL", 0.05), ("cutDownload", 0.05),
            ("changedAsset", 0.02), ("noLength", 0.05), ("ignoredRange", 0.1), ("wrongRange", 0.1),
            ("otherFormat", 0.05), ("bytesAfterEnd", 0.05), ("damagedClip", 0.02),
        ]

        @Test func `for as long as it runs memory and descriptors stay flat, and the report is the bill`() throws {
            let faults = Self.faults.map { "\($0.kind)=\($0.probability)" }.joined(separator: ",")
            let simulator = try Simulator(test, speed: Self.speed, ["--padding", "4000", "--fault", faults])
            try importManifest(at: simulator)
            let run = try test.start(resume(at: simulator))
            let samples = try sample(run)
            run.send(SIGINT)
            #expect(run.ending(within: 120) == .exited(130), "\(run.written.errText.suffix(2000))")
            let accepted = try simulator.bill().accepted
            print("soak: \(accepted) renders in \(Int(Self.seconds)) s\n\(Self.table(samples))")
            #expect(Double(accepted) > Self.seconds / 2, "it hardly rendered")
            expectFlat(samples)
            try settle(at: simulator)
            let report = try test.report()
            #expect(report.credits == (try simulator.bill().total), "the report is not the bill")
            #expect(report.unknown == "0")
            let doctor = try test.finish(["doctor", "--offline", "--store", test.store])
            #expect(doctor.out.contains(": no problems found, "), "\(doctor.out)")
        }

        /// Takes the batches in, and lets the first submits pass, so that it is known that keys are honoured. In a process
        /// of its own: what enrolment needs for a moment would hide what the run needs.
        private func importManifest(at simulator: Simulator) throws {
            let clips = max(1, Int(Self.seconds) * Self.clipsPerSecond / Self.batches)
            let models = ["veo-3.1-fast", "seedance-fast"]
            let manifests = try (1...Self.batches).map {
                try test.manifest("soak-\($0).jsonl", clips: clips, model: models[$0 % 2], seconds: 2 + $0 % 2)
            }
            try simulator.control(#"{"faults": false}"#)
            let run = try test.startRun(manifests, at: simulator)
            try run.wait(for: "the proof that keys are honoured") { $0.count("accepted") >= 2 }
            run.send(SIGINT)
            #expect(try run.ended() == .exited(130), "\(run.written.errText)")
            try simulator.control(#"{"faults": true}"#)
        }

        private func resume(at simulator: Simulator) -> [String] {
            [
                "resume", "--provider", "simulator", "--base-url", simulator.url, "--speed", "\(Self.speed)", "--store",
                test.store, "--output", test.renders, "--concurrency", "20", "--max-wait", "24h", "--quiet",
            ]
        }

        /// One sample a second.
        private func sample(_ run: Child) throws -> [Usage] {
            let end = Date(timeIntervalSinceNow: Self.seconds)
            var samples: [Usage] = []
            while Date() < end {
                if let ending = run.ending(within: 1) {
                    throw Child.Failure(description: "it ended (\(ending)):\n\(run.written.errText.suffix(2000))")
                }
                if let sample = Usage(of: run.pid) { samples.append(sample) }
            }
            return samples
        }

        /// Lets what is in flight come to its end, and nothing else begin.
        private func settle(at simulator: Simulator) throws {
            try simulator.control(#"{"faults": false}"#)
            let arguments = resume(at: simulator).dropFirst().prefix(8)
            let cancel = try test.start(["cancel", "--all", "--yes"] + arguments)
            // Some have failed, some have no URL, some render on when they are asked to stop, and of the requests in flight when
            // the run ended some are uncertain until the next run.
            let cancelled = try cancel.ended()
            #expect(
                [.exited(0), .exited(5), .exited(6), .exited(9)].contains(cancelled),
                "\(cancel.written.errText.suffix(1000))")
            let rest = try test.start(resume(at: simulator))
            let ending = try rest.ended()
            #expect(
                [.exited(0), .exited(3), .exited(9)].contains(ending), "\(ending): \(rest.written.errText.suffix(1000))"
            )
            #expect(try test.status("in_flight") == 0)
        }

        // MARK: Samples

        private static func quarters(_ samples: [Usage]) -> [ArraySlice<Usage>] {
            (0..<4).map { samples[samples.count * $0 / 4..<samples.count * ($0 + 1) / 4] }
        }

        private static func median(_ values: some Sequence<Int>) -> Int {
            let sorted = values.sorted()
            return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
        }

        private static func table(_ samples: [Usage]) -> String {
            quarters(samples).enumerated().map { number, quarter in
                let bytes = median(quarter.map(\.bytes)) >> 10
                let descriptors = quarter.map(\.descriptors)
                return "  quarter \(number + 1): \(bytes) kB resident (median), "
                    + "\(median(descriptors)) descriptors (median), \(descriptors.max() ?? 0) at most"
            }.joined(separator: "\n")
        }

        private func expectFlat(_ samples: [Usage]) {
            let quarters = Self.quarters(samples)
            let (second, last) = (quarters[1], quarters[3])
            let (before, after) = (Self.median(second.map(\.bytes)), Self.median(last.map(\.bytes)))
            // In the first minutes the store's cache still fills, and what a sanitizer keeps of what was freed.
            let filling = Self.seconds < 600 ? (Child.sanitizers.isEmpty ? Self.cacheOfStore : 256 << 20) : 0
            #expect(after <= before + max(before / 10, filling), "memory grew from \(before) to \(after) bytes")
            // Connections come and go with what is asked: the most there ever are may not grow.
            let most = (second.map(\.descriptors).max() ?? 0, last.map(\.descriptors).max() ?? 0)
            #expect(most.1 <= most.0 + 8, "descriptors grew from \(most.0) to \(most.1)")
        }
    }
}
