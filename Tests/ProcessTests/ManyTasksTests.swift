import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// Very many tasks in flight at one time, and what the runner needs for them: with room for other machines.
    ///
    /// `DAILIES_CROWD` is how many (default 10,000).
    struct ManyTasksTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private static let tasks = ProcessInfo.processInfo.environment["DAILIES_CROWD"].flatMap { Int($0) } ?? 10_000
        /// Connections to the API (48) and for clips (16), the store's three files, and the program's own.
        private static let maximumDescriptors = 120

        @Test func `ten thousand tasks are in flight at one time, with few descriptors and little memory`() throws {
            let simulator = try Simulator(test, speed: 20)
            try simulator.control(#"{"model_slots": 0}"#)
            let manifest = try test.manifest(clips: Self.tasks)
            let start = Date()
            let run = try test.startRun(
                [manifest], at: simulator, ["--concurrency", "\(Self.tasks)", "--max-wait", "24h"])
            var samples: [Usage] = []
            try eventually("all to be in flight", within: 300) {
                if let ending = run.ending(within: 0.1) { throw Child.Failure(description: "it ended: \(ending)") }
                if let sample = Usage(of: run.pid) { samples.append(sample) }
                return try simulator.inFlight() == Self.tasks
            }
            let filled = Date().timeIntervalSince(start)
            #expect(try simulator.bill().maximumInFlight == Self.tasks)
            #expect(try test.status("in_flight") == Self.tasks)
            let most = (descriptors: samples.map(\.descriptors).max() ?? 0, bytes: samples.map(\.bytes).max() ?? 0)
            let used = "\(most.descriptors) descriptors, \(most.bytes >> 20) MB"
            print("\(Self.tasks) tasks in flight after \(String(format: "%.1f", filled)) s, with at most \(used)")
            #expect(most.descriptors <= Self.maximumDescriptors)
            // A sanitizer keeps a shadow of what is used, and for a while what was freed.
            #expect(most.bytes < (Child.sanitizers.isEmpty ? 400 << 20 : 1 << 30))

            run.send(SIGINT)
            #expect(run.ending(within: 120) == .exited(130), "\(run.written.errText)")
            #expect(try test.status("in_the_air") == 0)
            #expect(try simulator.bill().accepted == Self.tasks)
        }
    }
}

/// What a process holds at one moment.
struct Usage {
    /// Resident, in bytes.
    let bytes: Int
    let descriptors: Int

    /// nil: it has ended.
    init?(of pid: pid_t) {
        guard let text = FileManager.default.contents(atPath: "/proc/\(pid)/statm"),
            let pages = String(decoding: text, as: UTF8.self).split(separator: " ").dropFirst().first.flatMap({
                Int($0)
            })
        else { return nil }
        do {
            descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
        } catch {
            // It ended between the two questions.
            return nil
        }
        bytes = pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
