import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// A program outside this package that embeds the library: the compiler lets it run batches, and refuses whatever
    /// could send a task a second time behind the runner's back.
    struct ExternalAccessTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private static let swiftc = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .map { "\($0)/swiftc" }.first { FileManager.default.isExecutableFile(atPath: $0) }
        private static let modules = URL(fileURLWithPath: TestEnvironment.program).deletingLastPathComponent()
            .appendingPathComponent("Modules").path
        private static let whyNot: Comment? =
            swiftc == nil || !FileManager.default.fileExists(atPath: modules + "/DailiesRunner.swiftmodule")
            ? "there is no compiler on the PATH, or no module beside the program" : nil

        /// What the compiler says of a function's body, one line an error.
        private func errors(in body: String) throws -> [String] {
            let source = try test.write(
                "outsider.swift",
                """
                import DailiesCore
                import DailiesRunner
                import DailiesStore

                func outsider(_ provider: any RenderProvider) throws {
                \(body)
                }
                """)
            let check = try test.start(
                program: try #require(Self.swiftc),
                [
                    "-typecheck", "-swift-version", "6", "-I", Self.modules, "-I",
                    TestEnvironment.repository + "/Sources/CSQLite",
                    source,
                ])
            let isWhole = try check.ended() == .exited(0)
            let errors = check.written.errText.split(separator: "\n").filter {
                $0.hasPrefix(source) && $0.contains("error: ")
            }
            .map { String($0.split(separator: "error: ", maxSplits: 1).last ?? "") }
            // An error elsewhere, such as a missing module, would hide those of the body.
            #expect(isWhole == errors.isEmpty, "\(check.written.errText)")
            return errors
        }

        @Test(
            .enabled(if: whyNot == nil, whyNot),
            arguments: [
                ("_ = try Store.lock(provider.name)", "cannot find 'Store' in scope"),
                ("_ = Mutation.self", "cannot find 'Mutation' in scope"),
                ("_ = Runner.self", "cannot find 'Runner' in scope"),
                (
                    """
                    _ = Submission(attempt: AttemptID(task: TaskID(1), number: 1), key: SubmissionKey("k"),
                        model: ModelID("m"), dialect: .flat, account: KeyFingerprint("f"), body: [])
                    """, "'Submission' initializer is inaccessible due to 'package' protection level"
                ),
            ])
        func `it can neither reach the store past a run nor make up a submission`(body: String, error: String) throws {
            #expect(try errors(in: body) == [error])
            #expect(try errors(in: "print(provider.name)") == [], "the public part is there")
        }
    }
}
