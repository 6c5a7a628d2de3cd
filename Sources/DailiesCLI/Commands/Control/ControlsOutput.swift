import DailiesCore
import DailiesStore
import ExactJSON

/// Current pauses and limits as text and as JSON.
struct ControlsOutput {
    let controls: RunControls
    let batches: [StoredBatch]
    let hasRunner: Bool
    /// Whether an active run has applied the change; nil: there was no change.
    let isApplied: Bool?
    /// The controls before the change.
    let before: RunControls

    var text: String {
        var lines = Self.pauses(controls, batches)
        let ended = before.pauses.subtracting(controls.pauses).map { "no longer paused: \(Self.name(of: $0, batches))" }
        lines += ended.sorted()
        if lines.isEmpty { lines.append("nothing is paused") }
        if let limit = controls.concurrency {
            lines.append("at most \(TaskDescription.count(limit, "task")) in flight")
        }
        for (model, limit) in controls.modelConcurrency.sorted(by: { $0.key < $1.key }) {
            lines.append("at most \(TaskDescription.count(limit, "task")) of \(SafeText.escaped(model.text)) in flight")
        }
        return (lines + [runNote].compactMap { $0 }).joined(separator: "\n")
    }

    /// Which run applies the change.
    private var runNote: String? {
        switch isApplied {
        case nil: nil
        case true?: "applied by the active run"
        case false?: hasRunner ? "the active run will apply it shortly" : "applies to the next run"
        }
    }

    static func pauses(_ controls: RunControls, _ batches: [StoredBatch]) -> [String] {
        controls.pauses.map { "paused: \(name(of: $0, batches))" }.sorted()
    }

    private static func name(of scope: PauseScope, _ batches: [StoredBatch]) -> String {
        switch scope {
        case .everything: "everything"
        case .batch(let id): "the batch \(SafeText.escaped(name(of: id, batches)))"
        case .model(let model): "the model \(SafeText.escaped(model.text))"
        }
    }

    private static func name(of batch: BatchID, _ batches: [StoredBatch]) -> String {
        batches.first { $0.id == batch }?.name ?? "\(batch)"
    }

    private var pausedBatches: [String] {
        controls.pauses.compactMap { if case .batch(let id) = $0 { Self.name(of: id, batches) } else { nil } }.sorted()
    }

    private var pausedModels: [String] {
        controls.pauses.compactMap { if case .model(let model) = $0 { model.text } else { nil } }.sorted()
    }

    var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("paused", controls.pauses.contains(.everything))
            writer.name("paused_batches")
            writer.array { array in
                for name in pausedBatches { array.string(name) }
            }
            writer.name("paused_models")
            writer.array { array in
                for model in pausedModels { array.string(model) }
            }
            writer.member("concurrency", optional: controls.concurrency)
            writer.name("model_concurrency")
            writer.object { writer in
                for (model, limit) in controls.modelConcurrency.sorted(by: { $0.key < $1.key }) {
                    writer.member(model.text, limit)
                }
            }
            writer.member("has_runner", hasRunner)
            if let isApplied { writer.member("taken_up", isApplied) }
        }
        return writer.text
    }
}
