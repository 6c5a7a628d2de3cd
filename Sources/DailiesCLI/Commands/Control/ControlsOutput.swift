import DailiesCore
import DailiesStore
import ExactJSON

/// Pauses and limits that hold, for people and for programs.
struct ControlsOutput {
    let orders: RunControls
    let batches: [StoredBatch]
    let hasRunner: Bool
    /// Whether a runner has taken up what was just said; nil: nothing was said.
    let isTakenUp: Bool?
    /// What held before that.
    let before: RunControls

    var text: String {
        var lines = Self.pauses(orders, batches)
        let ended = before.pauses.subtracting(orders.pauses).map { "no longer paused: \(Self.name(of: $0, batches))" }
        lines += ended.sorted()
        if lines.isEmpty { lines.append("nothing is paused") }
        if let limit = orders.concurrency { lines.append("at most \(TaskDescription.count(limit, "task")) in flight") }
        for (model, limit) in orders.modelConcurrency.sorted(by: { $0.key < $1.key }) {
            lines.append("at most \(TaskDescription.count(limit, "task")) of \(SafeText.escaped(model.text)) in flight")
        }
        return (lines + [audience].compactMap { $0 }).joined(separator: "\n")
    }

    /// Who heard it.
    private var audience: String? {
        switch isTakenUp {
        case nil: nil
        case true?: "applied by the active run"
        case false?: hasRunner ? "the active run will apply it shortly" : "applies to the next run"
        }
    }

    static func pauses(_ orders: RunControls, _ batches: [StoredBatch]) -> [String] {
        orders.pauses.map { "paused: \(name(of: $0, batches))" }.sorted()
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
        orders.pauses.compactMap { if case .batch(let id) = $0 { Self.name(of: id, batches) } else { nil } }.sorted()
    }

    private var pausedModels: [String] {
        orders.pauses.compactMap { if case .model(let model) = $0 { model.text } else { nil } }.sorted()
    }

    var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("paused", orders.pauses.contains(.everything))
            writer.name("paused_batches")
            writer.array { array in
                for name in pausedBatches { array.string(name) }
            }
            writer.name("paused_models")
            writer.array { array in
                for model in pausedModels { array.string(model) }
            }
            writer.member("concurrency", optional: orders.concurrency)
            writer.name("model_concurrency")
            writer.object { writer in
                for (model, limit) in orders.modelConcurrency.sorted(by: { $0.key < $1.key }) {
                    writer.member(model.text, limit)
                }
            }
            writer.member("has_runner", hasRunner)
            if let isTakenUp { writer.member("taken_up", isTakenUp) }
        }
        return writer.text
    }
}
