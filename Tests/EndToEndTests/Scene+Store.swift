import DailiesCore
import DailiesStore
import Foundation
import Testing

@testable import TestSupport

/// Stores as a run would have left them.
extension Scene {
    /// 2025-06-01T00:00:00Z: no test takes it for the time at which the test runs.
    static let start = Instant(milliseconds: 1_748_736_000_000)

    static func request(_ prompt: String) -> String {
        """
        {"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2","prompt":"\(prompt)","resolution":"720p"}
        """
    }

    static func spec(
        _ key: String, prompt: String = "a pine forest", request: String? = nil, tags: [TaskSpec.Tag] = []
    ) -> TaskSpec {
        TaskSpec(
            key: TaskKey(key),
            shape: RequestShape(model: ModelID("sora-2"), durationSeconds: 4, resolution: "720p"), prompt: prompt,
            request: CanonicalRequest(text: request ?? Self.request(prompt)), tags: tags, priority: 0, output: nil)
    }

    /// A batch of these tasks, all waiting.
    func importManifest(
        _ tasks: [TaskSpec], batch: String = "forest", budget: BudgetSetting = .unchanged, manifest: String? = nil
    ) throws {
        try store { store in
            _ = try store.importManifest(
                BatchDefinition(
                    name: batch, manifestPath: manifest ?? folder + "/m.yaml", provider: "simulator",
                    baseURL: baseURL, outputDirectory: folder + "/renders", budget: budget),
                tasks: tasks, at: Self.start)
        }
    }

    /// 24 characters that tell which task it is for.
    static func submissionKey(_ key: String) -> String {
        String((key.filter { $0.isASCII && $0.isLetter } + String(repeating: "a", count: 24)).prefix(24))
    }

    /// The task's submit went out, and this became of it.
    func send(
        _ key: String, account: KeyFingerprint = Scene.account, reserved: Int64 = 5_000_000_000, take: Int = 1,
        at instant: Instant = Scene.start, then steps: (AttemptID) -> [Mutation.Kind] = { _ in [] }
    ) throws {
        let row = try task(key)
        let attempt = AttemptID(task: row.id, number: row.attempt)
        let submission = Submission(
            attempt: attempt, key: SubmissionKey(Self.submissionKey(take == 1 ? key : key + "take")),
            model: ModelID("sora-2"), dialect: .flat,
            account: account, body: Array("{}".utf8))
        let intent = Intent(submission: submission, reserved: Credits(nano: reserved))
        try apply([.intent(intent)] + steps(attempt), at: instant)
    }

    /// A submit whose reply never came.
    func sendUncertain(
        _ key: String, account: KeyFingerprint = Scene.account, take: Int = 1, at instant: Instant = Scene.start
    ) throws {
        let fault = ProviderError(kind: .broken, message: "the service closed the connection without a response")
        try send(key, account: account, take: take, at: instant) { [.uncertain($0, fault)] }
    }

    /// A submit that was accepted under this task id.
    func sendAccepted(_ key: String, as id: String, then steps: (AttemptID) -> [Mutation.Kind] = { _ in [] }) throws {
        try send(key) { attempt in
            let acceptance = Acceptance(
                remoteID: RemoteTaskID(id), isRunning: false, estimate: nil, reserved: Credits(nano: 5_000_000_000),
                source: .reply)
            return [.accepted(attempt, acceptance)] + steps(attempt)
        }
    }

    /// Accepted, cancelled for a guard while it waited, and waiting again.
    func sendCancelled(_ key: String, for reason: CancelReason) throws {
        try sendAccepted(key, as: "vt_\(key)") { attempt in
            let settlement = Settlement(end: .cancelled, charges: [.notBilled], failureCode: "cancelled")
            return [.cancelWanted(attempt, reason)] + settlement.steps(for: attempt, cancelledFor: reason)
        }
    }

    func sendFailed(_ key: String, code: String = "render_failed") throws {
        try sendAccepted(key, as: "vt_\(key)") { attempt in
            [
                .settled(
                    attempt,
                    Settlement(
                        end: .failed, charges: [.notBilled], failureCode: code, failureMessage: "the render failed"))
            ]
        }
    }

    /// Completed at 1.20 credits, with its clip saved or not.
    func sendCompleted(_ key: String, isSaved: Bool = true) throws {
        let charge = Amount(
            credits: Credits(nano: 1_200_000_000), text: "1.20", source: "credits", isRounded: false)
        let clip = SavedClip(
            path: folder + "/clips/\(key.replacing("/", with: "_")).mp4", sha256: String(repeating: "0", count: 64),
            bytes: 4096)
        if isSaved {
            try FileManager.default.createDirectory(atPath: folder + "/clips", withIntermediateDirectories: true)
            #expect(FileManager.default.createFile(atPath: clip.path, contents: Data(count: 4096)))
        }
        try sendAccepted(key, as: "vt_\(key)") { attempt in
            let settled = Mutation.Kind.settled(attempt, Settlement(end: .completed, charges: [charge]))
            return isSaved ? [settled, .saved(attempt, clip)] : [settled]
        }
    }

    func apply(_ steps: [Mutation.Kind], at instant: Instant = Scene.start) throws {
        try store { try $0.writeAndWait(steps.map { Mutation(at: instant, $0) }) }
    }
}
