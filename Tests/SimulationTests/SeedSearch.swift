import DailiesStore
import Foundation

/// Lives many seeds, on as many threads as there are processors: threads of our own, since every life waits for queues.
enum SeedSearch {
    struct Finding: Sendable {
        let seed: UInt64
        let reason: String
        let trace: String

        var text: String {
            """
            VIOLATION in seed \(seed): \(reason)
            the last of what happened:
            \(trace)
            repeat it: DAILIES_SEED=\(seed) swift test --filter SimulationTests
            """
        }
    }

    private struct State {
        var next: UInt64
        var coverage = Coverage()
        var findings: [Finding] = []
    }

    /// The search stops after this many violations.
    private static let maximumFindings = 5

    /// One seed. Its violation, if any, is told; everything else that goes wrong as well.
    static func live(
        _ seed: UInt64, keepsTrace: Bool = false, former: FormerBehavior? = nil
    ) -> (world: World?, finding: Finding?) {
        do {
            let world = try World(Scenario(seed: seed, former: former), keepsTrace: keepsTrace)
            do {
                try world.live()
                return (world, nil)
            } catch {
                world.abandon()
                world.coverage.violations += 1
                return (world, Finding(seed: seed, reason: "\(error)", trace: world.trace.text))
            }
        } catch {
            return (nil, Finding(seed: seed, reason: "\(error)", trace: ""))
        }
    }

    /// - Parameters:
    ///   - first: the first seed; the others follow it.
    ///   - goesOn: asked with the number of seeds begun, before each.
    static func run(
        from first: UInt64, while goesOn: @escaping @Sendable (UInt64) -> Bool
    ) async -> (coverage: Coverage, findings: [Finding]) {
        let state = Locked(State(next: first))
        let workers = max(1, ProcessInfo.processInfo.activeProcessorCount)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<workers {
                group.addTask {
                    await withCheckedContinuation { done in
                        Thread.detachNewThread {
                            work(state, from: first, while: goesOn)
                            done.resume()
                        }
                    }
                }
            }
        }
        return state.withLock { ($0.coverage, $0.findings) }
    }

    private static func work(_ state: Locked<State>, from first: UInt64, while goesOn: (UInt64) -> Bool) {
        while true {
            let seed: UInt64? = state.withLock { state in
                guard goesOn(state.next - first), state.findings.count < maximumFindings else { return nil }
                defer { state.next += 1 }
                return state.next
            }
            guard let seed else { return }
            let (world, finding) = live(seed)
            state.withLock { state in
                if let world { state.coverage = state.coverage + world.coverage }
                if let finding { state.findings.append(finding) }
            }
        }
    }
}
