import DailiesCore
import ExactJSON

// A task as a record of a journal or snapshot. It is complete, so that restoring draws nothing again.
extension SimulatedTask {
    func write(to writer: inout JSONWriter) {
        writer.object { object in
            object.member("ordinal", ordinal)
            object.member("id", id)
            object.member("owner", owner)
            object.optional("out_task_id", outTaskID)
            object.member("content", content)
            object.member("dialect", dialect.rawValue)
            object.member("model", model)
            object.optional("resolution", resolution)
            object.optional("aspect_ratio", aspectRatio)
            object.member("seconds", seconds)
            object.member("submitted_at_ns", submittedAt)
            object.member("queued_for_ns", queuedFor.nanoseconds)
            object.member("runs_for_ns", runsFor.nanoseconds)
            switch outcome {
            case .completes: break
            case .fails(let code, let message):
                object.member("fails", true)
                object.optional("error_code", code)
                object.optional("error_message", message)
            }
            object.member("estimate", estimate.text)
            object.member("bill", bill.text)
            object.member("per_second_nano", perSecond.nano)
            if let forgottenUntil { object.member("forgotten_until_ns", forgottenUntil) }
            if let keyForgottenAt { object.member("key_forgotten_at_ns", keyForgottenAt) }
            object.member("replies_without_url", repliesWithoutURL)
            if container != .mp4 { object.member("container", container.rawValue) }
            if let droppedAt { object.member("dropped_at_ns", droppedAt) }
            object.member("replies_without_cost", repliesWithoutCost)
            object.member("is_asset_late", isAssetLate)
            object.member("completed_replies", completedReplies)
            object.member("is_asked_by_id", isAskedByID)
            object.member("asset_version", assetVersion)
            object.member("states_cancel_charge", statesCancelCharge)
            phase.write(to: &object)
        }
    }

    init(_ record: StateReader) throws(StateError) {
        guard let dialect = Dialect(rawValue: try record.text("dialect")) else {
            throw StateError(field: "dialect")
        }
        ordinal = try record.integer("ordinal")
        id = try record.text("id")
        owner = try record.integer("owner")
        outTaskID = try record.optionalText("out_task_id")
        content = try record.integer("content")
        self.dialect = dialect
        model = try record.text("model")
        resolution = try record.optionalText("resolution")
        aspectRatio = try record.optionalText("aspect_ratio")
        seconds = try record.integer("seconds")
        submittedAt = try record.instant("submitted_at_ns")
        queuedFor = try record.duration("queued_for_ns")
        runsFor = try record.duration("runs_for_ns")
        outcome =
            record.has("fails")
            ? .fails(code: try record.optionalText("error_code"), message: try record.optionalText("error_message"))
            : .completes
        estimate = BilledAmount(text: try record.text("estimate"))
        bill = BilledAmount(text: try record.text("bill"))
        perSecond = try record.credits("per_second_nano")
        forgottenUntil = record.has("forgotten_until_ns") ? try record.instant("forgotten_until_ns") : nil
        keyForgottenAt = record.has("key_forgotten_at_ns") ? try record.instant("key_forgotten_at_ns") : nil
        repliesWithoutURL = try record.integer("replies_without_url")
        repliesWithoutCost = try record.integer("replies_without_cost")
        isAssetLate = record.has("is_asset_late") ? try record.flag("is_asset_late") : false
        completedReplies = try record.count("completed_replies")
        isAskedByID = record.has("is_asked_by_id") ? try record.flag("is_asked_by_id") : false
        container = ClipWriter.Container(rawValue: try record.optionalText("container") ?? "") ?? .mp4
        droppedAt = record.has("dropped_at_ns") ? try record.instant("dropped_at_ns") : nil
        assetVersion = record.has("asset_version") ? try record.count("asset_version") : 0
        statesCancelCharge = try record.flag("states_cancel_charge")
        phase = try Phase(record)
    }
}

extension SimulatedTask.Phase {
    fileprivate func write(to object: inout JSONWriter) {
        switch self {
        case .queued: object.member("phase", "queued")
        case .running(let since):
            object.member("phase", "running")
            object.member("since_ns", since)
        case .completed(let time):
            object.member("phase", "completed")
            object.member("since_ns", time)
        case .failed(let time):
            object.member("phase", "failed")
            object.member("since_ns", time)
        case .cancelled(let time, let charge):
            object.member("phase", "cancelled")
            object.member("since_ns", time)
            object.optional("charge", charge?.text)
        }
    }

    fileprivate init(_ record: StateReader) throws(StateError) {
        switch try record.text("phase") {
        case "queued": self = .queued
        case "running": self = .running(since: try record.instant("since_ns"))
        case "completed": self = .completed(at: try record.instant("since_ns"))
        case "failed": self = .failed(at: try record.instant("since_ns"))
        case "cancelled":
            let charge = try record.optionalText("charge").map { BilledAmount(text: $0) }
            self = .cancelled(at: try record.instant("since_ns"), charge: charge)
        case let word: throw StateError(field: "phase \(word)")
        }
    }
}
