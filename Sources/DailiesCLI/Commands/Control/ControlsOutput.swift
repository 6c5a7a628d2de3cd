import DailiesCore
import DailiesStore

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

    var json: JSONObject {
        let models = controls.modelConcurrency.sorted { $0.key < $1.key }
        let state: JSONObject = [
            "paused": controls.pauses.contains(.everything), "paused_batches": pausedBatches,
            "paused_models": pausedModels, "concurrency": controls.concurrency,
            "model_concurrency": JSONObject(models.map { ($0.key.text, $0.value) }), "has_runner": hasRunner,
        ]
        return state + (isApplied.map { ["taken_up": $0] } ?? [:])
    }
}
