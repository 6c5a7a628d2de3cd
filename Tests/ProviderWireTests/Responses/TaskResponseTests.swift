import DailiesCore
import Testing

@testable import ProviderWire

@Suite struct TaskReplyTests {
    @Test func `the flat responses match the documentation, member by member`() throws {
        let submitted = TaskResponse(
            taskID: "task_…", status: "queued", estimatedCredits: "1.85",
            submittedAt: ISOTimestamp.parse("2026-05-08T13:00:00Z"))
        #expect(text(submitted.encode(.flat)) == (try PageFixtures.compact(PageFixtures.submitted)))
        let completed = TaskResponse(
            taskID: "task_…", status: "completed",
            asset: TaskResponse.Asset(
                url: "https://cdn.bytespike.ai/vid/...", durationSeconds: "8", resolution: "1080p", aspectRatio: "16:9"),
            cost: "1.85", completedAt: ISOTimestamp.parse("2026-05-08T13:02:14Z"))
        #expect(text(completed.encode(.flat)) == (try PageFixtures.compact(PageFixtures.completed)))
    }

    @Test func `the params responses match the dispatcher's documentation, member by member`() throws {
        let submitted = TaskResponse(
            taskID: "task_01HZX", outTaskID: pageKey.text, status: "pending", estimatedCredits: "1.50",
            estimatedSeconds: "30", submittedAt: Instant(milliseconds: 0))
        #expect(text(submitted.encode(.params)) == (try PageFixtures.compact(PageFixtures.paramsSubmitted)))
        let completed = TaskResponse(
            taskID: "task_01HZX", outTaskID: pageKey.text, status: "completed",
            asset: TaskResponse.Asset(
                url: "https://cdn.bytespike.ai/multimodal/sora-2-pro/2026-05-08/01HZX.mp4", durationSeconds: "8",
                resolution: "1080p", width: 1920, height: 1080), cost: "1.47", completedAt: Instant(milliseconds: 0))
        #expect(text(completed.encode(.params)) == (try PageFixtures.compact(PageFixtures.paramsCompleted)))
        let failed = TaskResponse(
            taskID: "task_01HZX", status: "failed", errorCode: "content_policy_violation", errorMessage: "blocked")
        #expect(text(failed.encode(.params)) == (try PageFixtures.compact(PageFixtures.paramsFailed)))
    }

    @Test func `each dialect has its own word for queued`() {
        #expect(TaskResponse.word(for: .queued, dialect: .flat) == "queued")
        #expect(TaskResponse.word(for: .queued, dialect: .params) == "pending")
        for phase in [RemoteTask.Phase.queued, .running, .completed, .failed, .cancelled, .unknown("odd")] {
            for dialect in Dialect.allCases {
                #expect(TaskResponseDecoder.phase(TaskResponse.word(for: phase, dialect: dialect)) == phase)
            }
        }
    }
}

@Suite struct ErrorBodyTests {
    @Test func `the API's envelope is read, recognized and written`() throws {
        let body = try #require(ErrorBody.read(Array(PageFixtures.paramsError.utf8)))
        #expect(
            body
                == ErrorBody(
                    type: "invalid_request_error", code: "invalid_param", message: "duration_seconds: 1 to 20"))
        #expect(body.isEnvelope)
        #expect(text(body.encode()) == (try PageFixtures.compact(PageFixtures.paramsError)))
    }

    @Test(
        arguments: [
            (#"{"error":{"type":"rate_limit_error","message":"m"}}"#, "rate_limit_error", nil, "m", true),
            (#"{"error":{"type":"t","code":17,"message":"m"}}"#, "t", "17", "m", true),
            (#"{"error":{"type":"t","code":null,"message":"m"}}"#, "t", nil, "m", true),
            (#"{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}"#, "UNAVAILABLE", "503", "m", false),
            (#"{"type":"error","error":{"type":"api_error","message":"m"}}"#, "api_error", nil, "m", false),
            (#"{"error":{"type":"t"}}"#, "t", nil, nil, false), (#"{"error":"bad"}"#, nil, nil, "bad", false),
            (#"{"error":{}}"#, nil, nil, nil, false),
        ] as [(String, String?, String?, String?, Bool)])
    func `other shapes are read, but only the API's own counts as an envelope`(
        body: String, type: String?, code: String?, message: String?, isEnvelope: Bool
    ) throws {
        let error = try #require(ErrorBody.read(Array(body.utf8)))
        #expect(error == ErrorBody(type: type, code: code, message: message))
        #expect(error.isEnvelope == isEnvelope)
    }

    @Test(arguments: ["", "<html>502</html>", "{}", #"{"error":null}"#, #"{"error":[]}"#, "[]", #"{"task_id":"t"}"#])
    func `anything else is not an error body`(body: String) { #expect(ErrorBody.read(Array(body.utf8)) == nil) }
}
