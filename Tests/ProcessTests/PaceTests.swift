import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// How many at a time, how soon the next one, and when each is asked for. Arrival times are noted by a proxy between
    /// runner and simulator; they and the store's `at_ms` come from one clock.
    struct PaceTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private static let limit = 7
        private static let clips = 200

        @Test(.enabled(if: Child.slowed == nil, Child.slowed))
        func `never more than N are in flight, and a freed slot is filled within 50 ms`() throws {
            // Other programs may hold the processors for longer than that. A runner that is slow is slow every time.
            var tries: [[Double]] = []
            repeat {
                tries.append(try waitsForASlot("try-\(tries.count + 1)"))
            } while tries.allSatisfy(Self.isLate) && tries.count < 3
            let summaries = tries.map(Self.summary).joined(separator: "; before: ")
            print("a freed slot is filled after \(summaries)")
            #expect(!tries.allSatisfy(Self.isLate), "more than one in a hundred late: \(summaries)")
        }

        /// More than one in a hundred took longer than 50 ms.
        private static func isLate(_ waits: [Double]) -> Bool { waits.count { $0 > 50 } > waits.count / 100 }

        /// Renders a batch and returns, sorted, how long each freed slot stayed empty, in milliseconds.
        private func waitsForASlot(_ name: String) throws -> [Double] {
            let simulator = try Simulator(test, speed: 60)
            let proxy = try test.startProxy(before: simulator)
            let manifest = try test.manifest("\(name).jsonl", clips: Self.clips, seconds: 1)
            // In memory, where there is such a folder: the wait is counted from the commit of a final state on, and a disk
            // that is busy for others needs as long as 300 ms (measured) for the commit itself.
            let store = try test.folderInMemory() + "/\(name).sqlite"
            let options = ["--concurrency", "\(Self.limit)", "--store", store]
            let run = try test.finishRun([manifest], at: proxy, options)
            #expect(run.code == 0, "\(run.err)")
            #expect(try simulator.bill().maximumInFlight == Self.limit)
            #expect(try simulator.bill().accepted == Self.clips)

            // The k-th final state frees the slot of the k-th submit after the first seven.
            let freed = try StoreFile(store).rows("SELECT at_ms FROM event WHERE kind = 'completed' ORDER BY id")
            let submits = proxy.requests.filter(\.isSubmit).map(\.at).sorted()
            try #require(freed.count == Self.clips && submits.count == Self.clips)
            let waits = zip(submits.dropFirst(Self.limit), freed).map { $0 - (Double($1) ?? 0) }.sorted()
            // Below zero a submit would have gone out before its slot was free. The store cuts to whole milliseconds.
            #expect(waits[0] > -1)
            return waits
        }

        private static func summary(_ sorted: [Double]) -> String {
            func at(_ share: Double) -> String {
                String(format: "%.1f ms", sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))])
            }
            return "median \(at(0.5)), 99 % \(at(0.99)), longest \(at(1))"
        }

        /// A documented cadence: from the "Poll" section of the model's page, then every 10 s.
        struct Cadence: Sendable, CustomTestStringConvertible {
            let model: String
            let seconds: Int
            let phases: [(interval: Double, until: Double)]
            var testDescription: String { model }

            /// Moments of polls in milliseconds after the submission, at a speed.
            func grid(speed: Double, until end: Double) -> [Double] {
                var moments: [Double] = []
                var start = 0.0
                for phase in phases + [(10, .infinity)] {
                    var moment = start + phase.interval
                    while moment <= phase.until, moment * 1000 / speed <= end {
                        moments.append(moment * 1000 / speed)
                        moment += phase.interval
                    }
                    // The end of a phase is a moment of its own where the interval does not divide it.
                    if let last = moments.last, phase.until * 1000 / speed - last > 1, phase.until * 1000 / speed <= end
                    {
                        moments.append(phase.until * 1000 / speed)
                    }
                    start = phase.until
                }
                return moments
            }
        }

        private static let cadences = [
            Cadence(model: "sora-2-pro", seconds: 4, phases: [(2, 90), (5, 240)]),
            Cadence(model: "veo-3.1", seconds: 4, phases: [(2, 60), (5, 180)]),
            Cadence(model: "seedance-2.0-pro-fast", seconds: 4, phases: [(2, 60), (5, 120)]),
        ]

        @Test func `tasks are asked for at the documented times, counted from submission, also across a restart`()
            throws
        {
            let speed = 20
            let simulator = try Simulator(test, speed: speed)
            // They wait for as long as this goes on.
            try simulator.control(#"{"model_slots": 0}"#)
            let proxy = try test.startProxy(before: simulator)
            let manifest = try test.write(
                "cadences.jsonl",
                Self.cadences.map {
                    #"{"id": "\#($0.model)", "model": "\#($0.model)", "prompt": "x", "duration_seconds": \#($0.seconds)}"#
                }.joined(separator: "\n"))
            let first = try test.startRun([manifest], at: proxy)
            try Self.wait(for: 25, queriesOf: Self.cadences.count, proxy)
            try first.killNow()
            let second = try test.startRun([manifest], at: proxy)
            try eventually("the slower beat") { try age(proxy) > 7000 }
            let end = try #require(proxy.requests.last).at
            try second.killNow()
            let pause = try Self.pause(of: proxy)
            for cadence in Self.cadences { try expect(cadence, speed: Double(speed), proxy, end: end, pause: pause) }
        }

        /// How old the last request is, counted from the first submission.
        private func age(_ proxy: Proxy) throws -> Double {
            let requests = proxy.requests
            let first = try #require(requests.first { $0.isSubmit })
            return (requests.last?.at ?? 0) - first.at
        }

        private static func wait(for count: Int, queriesOf tasks: Int, _ proxy: Proxy) throws {
            try eventually("\(count) questions for each task") {
                var counts: [String: Int] = [:]
                for request in proxy.requests { if let task = request.queriedTask { counts[task, default: 0] += 1 } }
                return counts.count == tasks && counts.values.allSatisfy { $0 >= count }
            }
        }

        /// The time without a runner: from the last request before the second runner's first output to its first query.
        private static func pause(of proxy: Proxy) throws -> ClosedRange<Double> {
            let requests = proxy.requests
            let state = try #require(requests.lastIndex { $0.target == "/simulator/state" })
            let next = try #require(requests[state...].first { $0.queriedTask != nil })
            return requests[state - 1].at...next.at
        }

        private func expect(
            _ cadence: Cadence, speed: Double, _ proxy: Proxy, end: Double, pause: ClosedRange<Double>
        ) throws {
            let row = try StoreFile(test.store).one(
                "SELECT task_id, submitted_at_ms FROM task WHERE key = '\(cadence.model)'"
            ).split(separator: "|")
            let submitted = try #require(Double(row[1]))
            let asked = proxy.requests.filter { $0.queriedTask == String(row[0]) }.map { $0.at - submitted }
            let grid = cadence.grid(speed: speed, until: end - submitted)
            // Moments when no runner was there are not asked for.
            let due = grid.filter { !pause.contains($0 + submitted) }
            var late: [Double] = []
            for moment in asked {
                let place = try #require(grid.last { $0 <= moment + 1 }, "asked at \(moment) ms, before any is due")
                late.append(moment - place)
            }
            let summary = Self.summary(late.sorted())
            print("\(cadence.model): \(asked.count) questions, \(due.count) moments, late by \(summary)")
            // Never more often than documented; one more for a moment at the edge of the pause.
            #expect(asked.count <= due.count + 1, "\(cadence.model) was asked for too often")
            // A question that is still open when the next is due lets that one go by; on a busy machine a few do.
            #expect(Double(asked.count) >= 0.9 * Double(due.count) - 1, "\(cadence.model) was asked for too seldom")
            let isLate = late.count { $0 > 60 }
            #expect(Double(isLate) <= 0.05 * Double(late.count), "\(isLate) of \(late.count) late: \(summary)")
            for (before, after) in zip(asked, asked.dropFirst()) {
                let moments = grid.count { $0 > before - 60 && $0 <= after + 1 }
                #expect(moments >= 1, "asked at \(before) and \(after) ms with no moment between")
            }
        }
    }
}
