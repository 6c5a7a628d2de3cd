import DailiesCore
import ExactJSON

/// Parses the responses to submits, queries and cancellations, in either dialect or a mixture.
///
/// Null counts as absent, numbers may be texts, unknown fields are ignored, and invalid amounts (negative, out of
/// range, not a number) count as absent.
package enum TaskResponseDecoder {
    // Limits on the stored parts of a response.
    private static let maximumIDBytes = 512
    private static let maximumURLBytes = 16_384
    private static let maximumCodeLength = 100
    private static let maximumMessageLength = 500
    private static let maximumWordLength = 100
    /// A stated remaining time beyond this is implausible.
    private static let maximumRemaining = Duration.seconds(30 * 86_400)

    /// - Parameters:
    ///   - date: the response's `Date`.
    ///   - redaction: applied to all text that is kept.
    /// - Throws: ``WireError`` if it is not a JSON object, has neither `task_id` nor `status`, or has an id longer than
    ///   512 bytes, since a truncated id could not be queried.
    package static func report(
        _ body: [UInt8], date: Instant?, redaction: Redactor = .none
    ) throws(WireError) -> RemoteTask {
        let members = try JSONValue.object(in: body)
        let id = try identifier(members.value(FieldName.taskID)).map { RemoteTaskID(redaction.identifier($0)) }
        let word = members.value(FieldName.status)?.string
        guard id != nil || word != nil else { throw WireError(.missing(FieldName.taskID)) }
        let asset = Asset(members)
        let failure = failure(members)
        return RemoteTask(
            phase: phase(word.map { redaction.identifier($0) } ?? ""), remoteID: id,
            submissionKey: echo(members, redaction), estimate: amount(members, FieldName.estimatedCredits),
            charges: charges(members), remaining: remaining(members),
            asset: asset.url.map { AssetLocation(url: redaction.identifier($0)) }, deliveredSeconds: asset.seconds,
            submittedAt: time(members, FieldName.submittedAt), completedAt: time(members, FieldName.completedAt),
            failureCode: failure.code.map { ASCII.cut(redaction.identifier($0), to: maximumCodeLength) },
            failureMessage: failure.message.map { ASCII.cut(redaction($0), to: maximumMessageLength) },
            repliedAt: date)
    }

    /// The phase for a status word: the words of both dialects and the spellings of other services.
    package static func phase(_ word: String) -> RemoteTask.Phase {
        switch ASCII.trimmed(word).lowercased() {
        case "queued", "pending", "submitted": .queued
        case "running", "processing", "in_progress": .running
        case "completed", "succeeded": .completed
        case "failed": .failed
        case "cancelled", "canceled": .cancelled
        default: .unknown(ASCII.cut(word, to: maximumWordLength))
        }
    }

    private static func identifier(_ value: JSONValue?) throws(WireError) -> String? {
        guard let text = value?.textOrNumber else { return nil }
        guard text.utf8.count <= maximumIDBytes else {
            throw WireError(.unusable(FieldName.taskID), detail: "longer than \(maximumIDBytes) bytes")
        }
        return text
    }

    /// The echoed submission key. Anything that is not one of our keys, such as a number or a very long text,
    /// identifies another submission.
    private static func echo(_ members: [JSONMember], _ redaction: Redactor) -> SubmissionKey? {
        guard let value = members.value(FieldName.outTaskID), value.string != "" else { return nil }
        let text = value.textOrNumber ?? "neither a text nor a number"
        return SubmissionKey(ASCII.cut(redaction.identifier(text), to: maximumIDBytes))
    }

    /// The submission that an error refers to, next to or inside `error`; nil if it names none.
    static func echo(inError body: [UInt8], _ redaction: Redactor) -> SubmissionKey? {
        do throws(WireError) {
            let members = try JSONValue.object(in: body)
            return echo(members, redaction)
                ?? members.value(FieldName.error)?.members.flatMap { echo($0, redaction) }
        } catch {
            // Not JSON: it names nothing.
            return nil
        }
    }

    private static func amount(_ members: [JSONMember], _ field: String) -> Amount? {
        guard let text = members.value(field)?.numberText, let reading = Credits.read(text) else { return nil }
        return Amount(credits: reading.credits, text: text, source: field, isRounded: reading.isRounded)
    }

    /// `credits_used`, then `credits` if it differs.
    private static func charges(_ members: [JSONMember]) -> [Amount] {
        let used = amount(members, FieldName.creditsUsed)
        let credits = amount(members, FieldName.credits)
        guard let used else { return credits.map { [$0] } ?? [] }
        guard let credits, credits.credits != used.credits else { return [used] }
        return [used, credits]
    }

    private static func remaining(_ members: [JSONMember]) -> Duration? {
        guard let seconds = members.value(FieldName.estimatedSeconds)?.seconds, .seconds(seconds) <= maximumRemaining
        else { return nil }
        return .seconds(seconds)
    }

    private static func time(_ members: [JSONMember], _ field: String) -> Instant? {
        members.value(field)?.string.flatMap { ISOTimestamp.parse($0) }
    }

    private static func failure(_ members: [JSONMember]) -> (code: String?, message: String?) {
        let nested = members.value(FieldName.error)
        return (
            members.value(FieldName.errorCode)?.textOrNumber ?? nested?.members?.value(FieldName.code)?.textOrNumber,
            members.value(FieldName.errorMessage)?.string ?? nested?.string
                ?? nested?.members?.value(FieldName.message)?.string
        )
    }

    /// The clip: `result`, otherwise the first entry of `output` that is a video with a URL.
    private struct Asset {
        var url: String?
        var seconds: Double?

        init(_ members: [JSONMember]) {
            if let result = members.value(FieldName.result)?.members,
                let url = Self.address(result.value(FieldName.videoURL))
            {
                self.url = url
                seconds = Self.length(result.value(FieldName.durationSeconds))
                return
            }
            for entry in members.value(FieldName.output)?.array ?? [] {
                guard let entry = entry.members, Self.isVideo(entry.value(FieldName.type)),
                    let url = Self.address(entry.value(FieldName.url))
                else { continue }
                self.url = url
                seconds = Self.length(entry.value(FieldName.durationSeconds))
                return
            }
        }

        private static func isVideo(_ type: JSONValue?) -> Bool { type == nil || type?.string == "video" }

        /// Less than a millisecond is not a clip, and would make prices per second infinite.
        private static func length(_ value: JSONValue?) -> Double? {
            value?.seconds.flatMap { $0 >= 0.001 ? $0 : nil }
        }

        private static func address(_ value: JSONValue?) -> String? {
            guard let text = value?.string, !text.isEmpty, text.utf8.count <= maximumURLBytes else { return nil }
            return text
        }
    }
}

extension JSONValue {
    /// A number's text, or trimmed text.
    fileprivate var numberText: String? { number ?? string.map { String(ASCII.trimmed($0)) } }

    /// Seconds, from 0 to a thousand years.
    fileprivate var seconds: Double? {
        guard let text = numberText, text.utf8.count <= 100, let value = Double(text), value >= 0, value <= 3.2e10
        else {
            return nil
        }
        return value
    }
}
