/// Field names of the API's request and response bodies.
public enum FieldName {
    /// The model's id.
    public static let model = "model"
    /// In the params dialect, the object with the model's fields.
    public static let params = "params"
    /// The caller's id of a submission: the submission key.
    public static let outTaskID = "out_task_id"
    /// URL for callbacks from the service; not used.
    public static let callbackURL = "callback_url"
    /// Whether to stream the response; not used.
    public static let stream = "stream"
    /// The provider's id of the task.
    public static let taskID = "task_id"
    /// The state of the task, as a word.
    public static let status = "status"
    /// The estimated cost, in credits.
    public static let estimatedCredits = "estimated_credits"
    /// The estimated remaining time in seconds, in the params dialect.
    public static let estimatedSeconds = "estimated_seconds"
    /// When the task was accepted, in ISO 8601 format.
    public static let submittedAt = "submitted_at"
    /// When the task ended, in ISO 8601 format.
    public static let completedAt = "completed_at"
    /// The object with the finished clip, in the flat dialect.
    public static let result = "result"
    /// The clip's URL.
    public static let videoURL = "video_url"
    /// The list of finished assets, in the params dialect.
    public static let output = "output"
    /// The type of an asset, or of an error.
    public static let type = "type"
    /// The URL of an asset.
    public static let url = "url"
    /// Length of a clip in whole seconds.
    public static let durationSeconds = "duration_seconds"
    /// Vertical resolution, such as `1080p`.
    public static let resolution = "resolution"
    /// Aspect ratio, such as `16:9`.
    public static let aspectRatio = "aspect_ratio"
    /// Width in pixels.
    public static let width = "width"
    /// Height in pixels.
    public static let height = "height"
    /// The cost in credits, in the flat dialect.
    public static let credits = "credits"
    /// The cost in credits, in the params dialect.
    public static let creditsUsed = "credits_used"
    /// Why a task failed, as a code.
    public static let errorCode = "error_code"
    /// Why a task failed, as a message for users.
    public static let errorMessage = "error_message"
    /// The error object.
    public static let error = "error"
    /// The error code.
    public static let code = "code"
    /// The error message for users.
    public static let message = "message"
}
