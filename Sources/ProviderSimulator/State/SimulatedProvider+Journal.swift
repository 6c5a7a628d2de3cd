import DailiesCore
import ExactJSON

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
        var writer = JSONWriter()
        writer.object { object in
            object.member("at_ns", now)
            object.member("generator", generator.state)
            object.member("submits", bill.submits)
            switch change {
            case .accept(let task):
                object.name("accept")
                task.write(to: &object)
            case .cancel(let ordinal, let charge, let isStated):
                object.member("cancel", ordinal)
                object.optional("charge", charge?.text)
                object.member("stated", isStated)
            case .control(let order):
                object.name("control")
                object.raw(order.text)
            }
        }
        return writer.bytes
    }

    /// Applies one line, on a simulator with the same configuration that has applied all earlier lines.
    mutating func replay(_ line: some Collection<UInt8>) throws {
        let record = try StateReader(line)
        advance(to: try record.instant("at_ns"))
        generator = SplitMix64(seed: try record.integer("generator"))
        bill.submits = try record.count("submits")
        let change = try change(record)
        apply(change)
        if case .accept(let task) = change, let key = task.outTaskID { bill.submitsByKey[key, default: 0] += 1 }
    }

    private func change(_ record: StateReader) throws -> JournalEntry {
        if record.has("accept") {
            let task = try SimulatedTask(try record.record("accept"))
            guard task.ordinal == tasks.count else { throw StateError(field: "ordinal \(task.ordinal)") }
            return .accept(task)
        }
        if record.has("cancel") {
            let ordinal: Int = try record.integer("cancel")
            guard tasks.indices.contains(ordinal), !tasks[ordinal].phase.isFinal else {
                throw StateError(field: "cancel \(ordinal)")
            }
            let charge = try record.optionalText("charge").map { BilledAmount(text: $0) }
            return .cancel(ordinal, charge: charge, isStated: try record.flag("stated"))
        }
        return .control(try ControlRequest(try record.record("control").value))
    }
}
