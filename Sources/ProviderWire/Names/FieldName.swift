/// Field names of the API's bodies, each once.
public enum FieldName {
    /// The model's id.
    public static let model = "model"
    /// In the params dialect the object that the model's fields stand in.
    public static let params = "params"
    /// The caller's own name of a submission: here the submission key.
    public static let outTaskID = "out_task_id"
    /// Where the service would call back; not used.
    public static let callbackURL = "callback_url"
    /// Whether the reply would come piece by piece; not used.
    public static let stream = "stream"
    /// The provider's name of the task.
    public static let taskID = "task_id"
    /// The phase of the task, as a word.
    public static let status = "status"
    /// What the task is expected to cost, in credits.
    public static let estimatedCredits = "estimated_credits"
    /// Seconds that the task is expected to take from now, in the params dialect.
    public static let estimatedSeconds = "estimated_seconds"
    /// When the task was taken, as an ISO 8601 text.
    public static let submittedAt = "submitted_at"
    /// When the task ended, as an ISO 8601 text.
    public static let completedAt = "completed_at"
    /// The object with the finished clip, in the flat dialect.
    public static let result = "result"
    /// The clip's address.
    public static let videoURL = "video_url"
    /// The list of finished assets, in the params dialect.
    public static let output = "output"
    /// The kind of an asset, or of an error.
    public static let type = "type"
    /// The address of an asset.
    public static let url = "url"
    /// Length of a clip in whole seconds.
    public static let durationSeconds = "duration_seconds"
    /// Picture lines, as `1080p`.
    public static let resolution = "resolution"
    /// Shape of the picture, as `16:9`.
    public static let aspectRatio = "aspect_ratio"
    /// Pixels.
    public static let width = "width"
    /// Pixels.
    public static let height = "height"
    /// The cost in credits, in the flat dialect.
    public static let credits = "credits"
    /// The cost in credits, in the params dialect.
    public static let creditsUsed = "credits_used"
    /// Why a task failed, as a word.
    public static let errorCode = "error_code"
    /// Why a task failed, for people.
    public static let errorMessage = "error_message"
    /// The object with what went wrong.
    public static let error = "error"
    /// The error as a word.
    public static let code = "code"
    /// The error for people.
    public static let message = "message"
}
