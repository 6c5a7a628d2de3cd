import DailiesCore
import DailiesRunner
import DailiesStore

/// Prints one JSON object per line to standard output, each with a `type`. The last one contains the exit code.
struct JSONReporter: RunReporter {
    func began(_ status: RunStatus) {
        JSONLine.write(
            "started",
            [
                "batches": status.batches.ownNames, "open": status.total - status.finished, "total": status.total,
                "concurrency": status.concurrency,
            ])
    }

    func happened(_ event: RunEvent, at instant: Instant, _ status: RunStatus) {
        Self.write(event, at: instant, in: status.batches)
    }

    static func write(_ event: RunEvent, at instant: Instant, in batches: BatchNames) {
        JSONLine.write(type(of: event), ["at": instant] + json(event, in: batches))
    }

    func snapshot(_ now: RunStatus) {
        JSONLine.write(
            "snapshot",
            [
                "total": now.total, "completed": now.completed, "saved": now.saved, "failed": now.failed,
                "cancelled": now.cancelled, "uncertain": now.uncertain.count, "in_flight": now.inFlightCount,
                "waiting": now.waiting, "credits": now.charged,
            ])
    }

    func ended(_ summary: RunSummary) {
        let failures = summary.failures.map { group -> JSONObject in
            [
                "batch": group.batchName, "failure_code": group.code, "count": group.count,
                "example": group.example.text, "failure_message": group.message,
            ]
        }
        JSONLine.write(
            "finished",
            JSONObject(summary.counts.map { ($0.state.rawValue, $0.count) }) + [
                "waits_again": StatusOutput.json(heldBack: summary.status.heldBack),
                "saved": summary.saved,
                "at_provider": summary.atProvider,
                "at_provider_credits": summary.status.reservedAtProvider,
                "uncertain": summary.uncertain,
                "lost": summary.lost,
                "unsaved": summary.unsaved,
                "unknown_costs": summary.unknownCosts,
                "needs_key": StatusOutput.json(summary.keyNeeds),
                "credits": summary.charged,
                "reasons": summary.reasons,
                "failures": failures,
                "exit_code": summary.code,
            ])
    }

    /// For a run that was refused or whose store failed. The output ends with the exit code, like that of any run.
    func refused(_ stop: Stop) {
        JSONLine.write("finished", ["reasons": [stop.message], "exit_code": stop.code])
    }

    private static func type(of event: RunEvent) -> String {
        switch event {
        case .submitted: "submitted"
        case .accepted: "accepted"
        case .running: "running"
        case .completed: "completed"
        case .failed: "failed"
        case .cancelled: "cancelled"
        case .waitsAgain: "waits_again"
        case .withdrawn: "withdrawn"
        case .retried: "retried"
        case .saved: "saved"
        case .downloadFailed: "not_saved"
        case .uncertain: "uncertain"
        case .lost: "lost"
        case .unresolved: "unresolved"
        case .paused: "paused"
        case .resumed: "resumed"
        case .warning: "warning"
        }
    }

    private static func json(_ event: RunEvent, in batches: BatchNames) -> JSONObject {
        func name(_ task: TaskName) -> JSONObject {
            (batches.name(of: task.batch).map { ["batch": $0] } ?? [:]) + ["key": task.key.text]
        }
        return switch event {
        case .submitted(let key, let model): name(key) + ["model": model.text]
        case .accepted(let key, let remote, let estimate):
            name(key) + ["task_id": remote.text, "estimated_credits": estimate]
        case .running(let key), .lost(let key), .unresolved(let key), .withdrawn(let key), .retried(let key): name(key)
        case .completed(let key, let charged), .cancelled(let key, let charged): name(key) + ["credits": charged]
        case .waitsAgain(let key, let reason, let charged):
            name(key) + ["reason": reason.rawValue, "credits": charged]
        case .failed(let key, let code, let message, let charged):
            name(key) + ["failure_code": code, "failure_message": message, "credits": charged]
        case .saved(let key, let path): name(key) + ["output_path": path]
        case .downloadFailed(let key, let reason), .uncertain(let key, let reason): name(key) + ["reason": reason]
        case .paused(let reason, let detail, let until):
            ["reason": PauseFormatter.description(of: reason), "detail": detail, "until": until]
        case .resumed: [:]
        case .warning(let text): ["message": text]
        }
    }
}
