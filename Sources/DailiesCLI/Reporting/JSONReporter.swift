import DailiesCore
import DailiesStore
import ExactJSON

/// Prints one JSON object per line to standard output, each with a `type`. The last one contains the exit code.
struct JSONReporter: RunReporter {
    private let progress = Locked(RunProgress())

    func began(_ overview: RunOverview) {
        progress.withLock { $0 = RunProgress(overview) }
        line("started") { writer in
            writer.name("batches")
            writer.array { array in
                for batch in overview.batches.ownNames { array.string(batch) }
            }
            writer.member("open", overview.open)
            writer.member("total", overview.total)
            writer.member("concurrency", overview.concurrency)
        }
    }

    func happened(_ event: RunEvent, at instant: Instant) {
        let batches = progress.withLock { progress in
            progress.apply(event, at: instant)
            return progress.batches
        }
        Self.write(event, at: instant, in: batches)
    }

    static func write(_ event: RunEvent, at instant: Instant, in batches: BatchNames) {
        JSONLine.write(type(of: event)) { writer in
            writer.member("at", Composition.Calendar.timestamp(instant))
            write(event, in: batches, to: &writer)
        }
    }

    func snapshot() {
        let now = progress.withLock { $0 }
        line("snapshot") { writer in
            writer.member("total", now.total)
            writer.member("completed", now.completed)
            writer.member("saved", now.saved)
            writer.member("failed", now.failed)
            writer.member("cancelled", now.cancelled)
            writer.member("uncertain", now.uncertain.count)
            writer.member("in_flight", now.inFlightCount)
            writer.member("waiting", now.waiting)
            writer.member("credits", number: now.charged.description)
        }
    }

    func ended(_ summary: RunSummary) {
        line("finished") { writer in
            for (state, count) in summary.counts { writer.member(state.rawValue, count) }
            StatusOutput.write(heldBack: summary.status.heldBack, to: &writer)
            writer.member("saved", summary.saved)
            writer.member("at_provider", summary.atProvider)
            writer.member("at_provider_credits", number: summary.status.reservedAtProvider.description)
            writer.member("uncertain", summary.uncertain)
            writer.member("lost", summary.lost)
            writer.member("unsaved", summary.unsaved)
            writer.member("unknown_costs", summary.unknownCosts)
            StatusOutput.write(summary.keyNeeds, to: &writer)
            writer.member("credits", number: summary.charged.description)
            writer.name("reasons")
            writer.array { array in
                for reason in summary.reasons { array.string(reason) }
            }
            writer.name("failures")
            writer.array { array in
                for group in summary.failures {
                    array.object { writer in
                        writer.member("batch", group.batchName)
                        writer.member("failure_code", group.code)
                        writer.member("count", group.count)
                        writer.member("example", group.example.text)
                        writer.member("failure_message", optional: group.message)
                    }
                }
            }
            writer.member("exit_code", Int(summary.code.rawValue))
        }
    }

    /// For a run that was refused or whose store failed. The output ends with the exit code, like that of any run.
    func refused(_ stop: Stop) {
        line("finished") { writer in
            writer.name("reasons")
            writer.array { array in array.string(stop.message) }
            writer.member("exit_code", Int(stop.code.rawValue))
        }
    }

    private func line(_ type: String, _ body: (inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("type", type)
            body(&writer)
        }
        Console.out(writer.text)
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

    private static func write(_ event: RunEvent, in batches: BatchNames, to writer: inout JSONWriter) {
        switch event {
        case .submitted(let key, let model):
            name(key, in: batches, to: &writer)
            writer.member("model", model.text)
        case .accepted(let key, let remote, let estimate):
            name(key, in: batches, to: &writer)
            writer.member("task_id", remote.text)
            credits("estimated_credits", estimate, to: &writer)
        case .running(let key), .lost(let key), .unresolved(let key), .withdrawn(let key), .retried(let key):
            name(key, in: batches, to: &writer)
        case .completed(let key, let charged), .cancelled(let key, let charged):
            name(key, in: batches, to: &writer)
            credits("credits", charged, to: &writer)
        case .waitsAgain(let key, let reason, let charged):
            name(key, in: batches, to: &writer)
            writer.member("reason", reason.rawValue)
            credits("credits", charged, to: &writer)
        case .failed(let key, let code, let message, let charged):
            name(key, in: batches, to: &writer)
            text("failure_code", code, to: &writer)
            text("failure_message", message, to: &writer)
            credits("credits", charged, to: &writer)
        case .saved(let key, let path):
            name(key, in: batches, to: &writer)
            writer.member("output_path", path)
        case .downloadFailed(let key, let reason), .uncertain(let key, let reason):
            name(key, in: batches, to: &writer)
            writer.member("reason", reason)
        case .paused(let reason, let detail, let until):
            writer.member("reason", PauseFormatter.words(for: reason))
            writer.member("detail", detail)
            text("until", until.map(Composition.Calendar.timestamp), to: &writer)
        case .resumed: break
        case .warning(let text): writer.member("message", text)
        }
    }

    private static func name(_ task: TaskName, in batches: BatchNames, to writer: inout JSONWriter) {
        if let batch = batches.name(of: task.batch) { writer.member("batch", batch) }
        writer.member("key", task.key.text)
    }

    private static func credits(_ name: String, _ credits: Credits?, to writer: inout JSONWriter) {
        if let credits { writer.member(name, number: credits.description) } else { writer.nullMember(name) }
    }

    private static func text(_ name: String, _ text: String?, to writer: inout JSONWriter) {
        if let text { writer.member(name, text) } else { writer.nullMember(name) }
    }
}
