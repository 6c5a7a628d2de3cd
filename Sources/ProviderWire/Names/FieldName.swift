/// Field names of the API's request and response bodies.
package enum FieldName {
    /// The model's id.
    package static let model = "model"
    /// In the params dialect, the object with the model's fields.
    package static let params = "params"
    /// The caller's id of a submission: the submission key.
    package static let outTaskID = "out_task_id"
    /// URL for callbacks from the service; not used.
    package static let callbackURL = "callback_url"
    /// Whether to stream the response; not used.
    package static let stream = "stream"
    /// The provider's id of the task.
    package static let taskID = "task_id"
    /// The state of the task, as a word.
    package static let status = "status"
    /// The estimated cost, in credits.
    package static let estimatedCredits = "estimated_credits"
    /// The estimated remaining time in seconds, in the params dialect.
    package static let estimatedSeconds = "estimated_seconds"
    /// When the task was accepted, in ISO 8601 format.
    package static let submittedAt = "submitted_at"
    /// When the task ended, in ISO 8601 format.
    package static let completedAt = "completed_at"
    /// The object with the finished clip, in the flat dialect.
    package static let result = "result"
    /// The clip's URL.
    package static let videoURL = "video_url"
    /// The list of finished assets, in the params dialect.
    package static let output = "output"
    /// The type of an asset, or of an error.
    package static let type = "type"
    /// The URL of an asset.
    package static let url = "url"
    /// Length of a clip in whole seconds.
    package static let durationSeconds = "duration_seconds"
    /// Vertical resolution, such as `1080p`.
    package static let resolution = "resolution"
    /// Aspect ratio, such as `16:9`.
    package static let aspectRatio = "aspect_ratio"
    /// Width in pixels.
    package static let width = "width"
    /// Height in pixels.
    package static let height = "height"
    /// The cost in credits, in the flat dialect.
    package static let credits = "credits"
    /// The cost in credits, in the params dialect.
    package static let creditsUsed = "credits_used"
    /// Why a task failed, as a code.
    package static let errorCode = "error_code"
    /// Why a task failed, as a message for users.
    package static let errorMessage = "error_message"
    /// The error object.
    package static let error = "error"
    /// The error code.
    package static let code = "code"
    /// The error message for users.
    package static let message = "message"
}
