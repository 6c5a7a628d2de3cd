import DailiesCore
import ExactJSON
import Foundation

/// A permanent change by a request. It is written to the journal before the response is sent.
///
/// Completions are not journaled: they follow from what was fixed at acceptance, and from time.
enum JournalEntry: Hashable, Sendable {
    case accept(SimulatedTask)
    case cancel(Int, charge: BilledAmount?, isStated: Bool)
    case control(ControlRequest)
}

/// A line of a journal that is incomplete or was not written by this program.
struct StateError: Error, Hashable, CustomStringConvertible {
    let field: String
    var description: String { "the simulator's state cannot be read: \(field)" }
}

/// One line of a journal. A ``ControlRequest`` is in the member `control`, as the client wrote it.
private struct JournalRecord: Codable {
    /// A task, complete, so that restoring draws nothing again.
    struct Acceptance: Codable {
        var task: SimulatedTask

        init(_ task: SimulatedTask) { self.task = task }

        init(from decoder: any Decoder) throws {
            task = try SimulatedTask(from: decoder)
            task.outcome = try SimulatedTask.Outcome(from: decoder)
        }

        func encode(to encoder: any Encoder) throws {
            try task.encode(to: encoder)
            try task.outcome.encode(to: encoder)
        }
    }

    let at: Instant
    let generator: UInt64
    let submits: Int
    var accept: Acceptance?
    var cancel: Int?
    var charge: BilledAmount?
    var stated: Bool?

    enum CodingKeys: String, CodingKey {
        case at = "at_ns"
        case generator, submits, accept, cancel, charge, stated
    }
}

// The journal: one JSON line per change, enough to restore the same tasks and the same bill.
//
// Not restored after a crash, as it changes nothing permanently: how often a finished task was queried, refused and
// repeated submissions since the last line, and an empty balance caused by a fault.
extension SimulatedProvider {
    /// The lines of all changes since the last call, without line ends. Only if ``recordsChanges`` is set.
    mutating func takeChanges() -> [[UInt8]] {
        defer { changes = [] }
        return changes
    }

    /// Called after the change was applied.
    func line(for change: JournalEntry) -> [UInt8] {
        var record = JournalRecord(at: now, generator: generator.state, submits: bill.submits)
        var control = ""
        switch change {
        case .accept(let task): record.accept = JournalRecord.Acceptance(task)
        case .cancel(let ordinal, let charge, let isStated):
            (record.cancel, record.charge, record.stated) = (ordinal, charge, isStated)
        case .control(let order): control = ",\"control\":\(order.text)"
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return try encoder.encode(record).dropLast() + Array("\(control)}".utf8)
        } catch {
            preconditionFailure("a change cannot be written: \(error)")
        }
    }

    /// Applies one line, on a simulator with the same configuration that has applied all earlier lines.
    mutating func replay(_ line: [UInt8]) throws {
        let record: JournalRecord
        do {
            record = try JSONDecoder().decode(JournalRecord.self, from: Data(line))
        } catch {
            throw StateError(field: "\(error)")
        }
        // The counter needs room to increase.
        guard Int32(exactly: record.submits) != nil else { throw StateError(field: "submits") }
        advance(to: record.at)
        generator = SplitMix64(seed: record.generator)
        bill.submits = record.submits
        let change = try change(record, line)
        apply(change)
        if case .accept(let task) = change, let key = task.outTaskID { bill.submitsByKey[key, default: 0] += 1 }
    }

    private func change(_ record: JournalRecord, _ line: [UInt8]) throws -> JournalEntry {
        if let task = record.accept?.task {
            guard task.ordinal == tasks.count else { throw StateError(field: "ordinal \(task.ordinal)") }
            return .accept(task)
        }
        if let ordinal = record.cancel {
            guard let isStated = record.stated, tasks.indices.contains(ordinal), !tasks[ordinal].phase.isFinal else {
                throw StateError(field: "cancel \(ordinal)")
            }
            return .cancel(ordinal, charge: record.charge, isStated: isStated)
        }
        guard let control = try JSONValue.parse(line)["control"] else { throw StateError(field: "control") }
        return .control(try ControlRequest(control))
    }
}
