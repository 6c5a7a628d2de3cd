import DailiesCore
import ExactJSON

/// Requests and replies as the provider's pages print them. The first four are the page of `sora-2-pro`, letter by
/// letter; the others follow the field tables of the dispatcher reference.
enum PageFixtures {
    static let submit = """
        {
            "model": "sora-2-pro",
            "prompt": "A cinematic dolly shot through a misty pine forest at dawn, golden light filtering through.",
            "duration_seconds": 8,
            "resolution": "1080p"
          }
        """
    static let shortSubmit = """
        {"model": "sora-2-pro", "prompt": "Dolly shot through pine forest at dawn", "duration_seconds": 8, \
        "resolution": "1080p"}
        """
    static let submitted = """
        {
          "task_id": "task_…",
          "status": "queued",
          "estimated_credits": 1.85,
          "submitted_at": "2026-05-08T13:00:00Z"
        }
        """
    static let completed = """
        {
          "task_id": "task_…",
          "status": "completed",
          "result": {
            "video_url": "https://cdn.bytespike.ai/vid/...",
            "duration_seconds": 8,
            "resolution": "1080p",
            "aspect_ratio": "16:9"
          },
          "credits": 1.85,
          "completed_at": "2026-05-08T13:02:14Z"
        }
        """

    static let paramsSubmit = """
        {"model": "sora-2-pro", "params": {"duration_seconds": 8, "prompt": "Dolly shot", "resolution": "1080p"}, \
        "out_task_id": "abcdefghijklmnopqrstuvwx"}
        """
    static let paramsSubmitted = """
        {"task_id": "task_01HZX", "out_task_id": "abcdefghijklmnopqrstuvwx", "status": "pending", \
        "estimated_credits": 1.50, "estimated_seconds": 30}
        """
    static let paramsCompleted = """
        {"task_id": "task_01HZX", "out_task_id": "abcdefghijklmnopqrstuvwx", "status": "completed", \
        "output": [{"type": "video", "url": "https://cdn.bytespike.ai/multimodal/sora-2-pro/2026-05-08/01HZX.mp4", \
        "duration_seconds": 8, "width": 1920, "height": 1080}], "credits_used": 1.47}
        """
    static let paramsFailed = """
        {"task_id": "task_01HZX", "status": "failed", "error_code": "content_policy_violation", \
        "error_message": "blocked"}
        """
    static let paramsError = """
        {"error": {"type": "invalid_request_error", "code": "invalid_param", "message": "duration_seconds: 1 to 20"}}
        """

    static let replies = [submitted, completed, paramsSubmitted, paramsCompleted, paramsFailed]

    /// The same JSON without white space.
    static func compact(_ text: String) throws -> String { try JSONValue.parse(text.utf8).compactText }
}

/// The canonical request of ``PageFixtures/shortSubmit``.
let pageRequest = CanonicalRequest(
    text: #"{"duration_seconds":8,"model":"sora-2-pro","prompt":"Dolly shot","resolution":"1080p"}"#)
let pageKey = SubmissionKey("abcdefghijklmnopqrstuvwx")

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
