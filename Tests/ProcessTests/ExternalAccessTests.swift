import Foundation
import Testing

extension ProcessSuite {
    /// A program outside this package that embeds the library: the compiler lets it run batches, and refuses whatever
    /// could send a task a second time behind the runner's back.
    struct ExternalAccessTests {
        let stage: Stage
        init() throws { stage = try Stage() }

        private static let swiftc = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .map { "\($0)/swiftc" }.first { FileManager.default.isExecutableFile(atPath: $0) }
        private static let modules = URL(fileURLWithPath: Stage.program).deletingLastPathComponent()
            .appendingPathComponent("Modules").path
        private static let whyNot: Comment? =
            swiftc == nil || !FileManager.default.fileExists(atPath: modules + "/DailiesRunner.swiftmodule")
            ? "there is no compiler on the PATH, or no module beside the program" : nil

        /// What the compiler says of a function's body, one line an error.
        private func errors(in body: String) throws -> [String] {
            let source = try stage.write(
                "outsider.swift",
                """
                import DailiesCore
                import DailiesRunner
                import DailiesStore
                import Logging

                func outsider(_ store: Store, _ lock: RunnerLock, _ change: Mutation, _ provider: any RenderProvider,
                    _ plan: Runner.Plan) throws {
                \(body)
                }
                """)
            let check = try stage.start(
                program: try #require(Self.swiftc),
                [
                    "-typecheck", "-swift-version", "6", "-I", Self.modules, "-I",
                    Stage.repository + "/Sources/CSQLite",
                    source,
                ])
            try check.ended()
            return check.written.errText.split(separator: "\n").filter {
                $0.hasPrefix(source) && $0.contains("error: ")
            }
            .map { String($0.split(separator: "error: ", maxSplits: 1).last ?? "") }
        }

        @Test(.enabled(if: whyNot == nil, whyNot)) func `it can make a runner, and only with the lock`() throws {
            let arguments = "provider: provider, timers: DispatchClock(), plan: plan, logger: Logger(label: \"x\")"
            let with = "let runner = Runner(store: store, lock: lock, \(arguments)) { _, _ in }\nrunner.start { _ in }"
            #expect(try errors(in: with) == [])
            let without = try errors(in: "_ = Runner(store: store, \(arguments)) { _, _ in }")
            #expect(without.count == 1, "\(without)")
        }

        @Test(
            .enabled(if: whyNot == nil, whyNot),
            arguments: [
                ("store.write([change]) { _ in }", "'write' is inaccessible due to 'package' protection level"),
                (
                    "try store.writeAndWait([change])",
                    "'writeAndWait' is inaccessible due to 'package' protection level"
                ),
                ("lock.handOver(for: store)", "'handOver' is inaccessible due to 'package' protection level"),
                (
                    """
                    _ = Submission(attempt: AttemptID(task: TaskID(1), number: 1), key: SubmissionKey("k"),
                        model: ModelID("m"), dialect: .flat, account: KeyFingerprint("f"), body: [])
                    """, "'Submission' initializer is inaccessible due to 'package' protection level"
                ),
            ])
        func `it can neither write outcomes of its own nor make up a submission`(body: String, error: String) throws {
            #expect(try errors(in: body) == [error])
        }
    }
}
