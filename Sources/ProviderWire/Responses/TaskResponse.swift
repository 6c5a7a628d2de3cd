import DailiesCore
import ExactJSON

/// A server's response about a task: the superset of both dialects, encoded in either.
///
/// nil members are omitted. Numbers are JSON number texts, so that tests can send any value.
package struct TaskResponse: Hashable, Sendable {
    /// A finished clip. Members that are not stated are nil.
    package struct Asset: Hashable, Sendable {
        /// The clip's URL: a bearer secret while it is valid.
        package var url: String
        /// Seconds delivered, as number text.
        package var durationSeconds: String?
        /// For example `1080p`.
        package var resolution: String?
        /// For example `16:9`.
        package var aspectRatio: String?
        /// Width in pixels.
        package var width: Int?
        /// Height in pixels.
        package var height: Int?

        /// Creates an asset; nil members are omitted when encoding.
        package init(
            url: String, durationSeconds: String? = nil, resolution: String? = nil, aspectRatio: String? = nil,
            width: Int? = nil, height: Int? = nil
        ) {
            self.url = url
            self.durationSeconds = durationSeconds
            self.resolution = resolution
            self.aspectRatio = aspectRatio
            self.width = width
            self.height = height
        }
    }

    /// The provider's id of the task.
    package var taskID: String?
    /// The echo of the submission key.
    package var outTaskID: String?
    /// The status word; see ``word(for:dialect:)``.
    package var status: String?
    /// The estimated cost in credits, as number text.
    package var estimatedCredits: String?
    /// Estimated remaining seconds, as number text. Params dialect only.
    package var estimatedSeconds: String?
    /// The finished clip.
    package var asset: Asset?
    /// The cost: `credits` in the flat dialect, `credits_used` in the other.
    package var cost: String?
    /// Flat dialect only.
    package var submittedAt: Instant?
    /// Flat dialect only.
    package var completedAt: Instant?
    /// Why it failed, as a code.
    package var errorCode: String?
    /// Why it failed, for users; may contain anything.
    package var errorMessage: String?
    /// Undocumented members, encoded last.
    package var extra: [Extra]
    /// Encodes credits as texts ("1.85"), as some servers do.
    package var writesNumbersAsText: Bool

    /// An undocumented member.
    package struct Extra: Hashable, Sendable {
        /// The member's name.
        package let name: String
        /// Its value as JSON.
        package let raw: String
        /// Creates a member; `raw` is written unchanged.
        package init(name: String, raw: String) {
            self.name = name
            self.raw = raw
        }
    }

    /// Creates a response; nil members are omitted when encoding.
    package init(
        taskID: String?, outTaskID: String? = nil, status: String?, estimatedCredits: String? = nil,
        estimatedSeconds: String? = nil, asset: Asset? = nil, cost: String? = nil, submittedAt: Instant? = nil,
        completedAt: Instant? = nil, errorCode: String? = nil, errorMessage: String? = nil, extra: [Extra] = [],
        writesNumbersAsText: Bool = false
    ) {
        self.taskID = taskID
        self.outTaskID = outTaskID
        self.status = status
        self.estimatedCredits = estimatedCredits
        self.estimatedSeconds = estimatedSeconds
        self.asset = asset
        self.cost = cost
        self.submittedAt = submittedAt
        self.completedAt = completedAt
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.extra = extra
        self.writesNumbersAsText = writesNumbersAsText
    }

    /// The word for a phase in the documentation of this dialect.
    package static func word(for phase: RemoteTask.Phase, dialect: Dialect) -> String {
        switch (phase, dialect) {
        case (.queued, .flat): "queued"
        case (.queued, .params): "pending"
        case (.running, _): "running"
        case (.completed, _): "completed"
        case (.failed, _): "failed"
        case (.cancelled, _): "cancelled"
        case (.unknown(let word), _): word
        }
    }

    /// The body, with members in the order of the documentation.
    package func encode(_ dialect: Dialect) -> [UInt8] {
        var body = JSONObjectText()
        body.add(FieldName.taskID, text: taskID)
        body.add(FieldName.outTaskID, text: outTaskID)
        body.add(FieldName.status, text: status)
        body.add(FieldName.estimatedCredits, raw: number(estimatedCredits))
        switch dialect {
        case .flat:
            body.add(FieldName.submittedAt, text: submittedAt.map(ISOTimestamp.format))
            body.add(FieldName.result, raw: asset.map(result))
            body.add(FieldName.credits, raw: number(cost))
            body.add(FieldName.completedAt, text: completedAt.map(ISOTimestamp.format))
        case .params:
            body.add(FieldName.estimatedSeconds, raw: number(estimatedSeconds))
            body.add(FieldName.output, raw: asset.map { "[\(output($0))]" })
            body.add(FieldName.creditsUsed, raw: number(cost))
        }
        body.add(FieldName.errorCode, text: errorCode)
        body.add(FieldName.errorMessage, text: errorMessage)
        for member in extra { body.add(member.name, raw: member.raw) }
        return body.bytes
    }

    private func result(_ asset: Asset) -> String {
        var object = JSONObjectText()
        object.add(FieldName.videoURL, text: asset.url)
        object.add(FieldName.durationSeconds, raw: number(asset.durationSeconds))
        object.add(FieldName.resolution, text: asset.resolution)
        object.add(FieldName.aspectRatio, text: asset.aspectRatio)
        return object.text
    }

    private func output(_ asset: Asset) -> String {
        var object = JSONObjectText()
        object.add(FieldName.type, text: "video")
        object.add(FieldName.url, text: asset.url)
        object.add(FieldName.durationSeconds, raw: number(asset.durationSeconds))
        object.add(FieldName.width, raw: number(asset.width.map { "\($0)" }))
        object.add(FieldName.height, raw: number(asset.height.map { "\($0)" }))
        return object.text
    }

    private func number(_ text: String?) -> String? {
        writesNumbersAsText ? text.map { JSONText.quoted($0) } : text
    }
}
