import DailiesCore
import ExactJSON

// The whole state as a JSON object, and back.
extension SimulatedProvider {
    private static let version = 1

    /// Everything that affects later responses, except configuration and catalog. A simulator restored from it
    /// behaves the same from here on; equal states have equal bytes.
    public func snapshot() -> [UInt8] {
        var writer = JSONWriter()
        writer.object { object in
            object.member("version", Self.version)
            object.member("now_ns", now)
            object.member("generator", generator.state)
            object.member("keys_sent_to_assets", keysSentToAssets)
            object.member("wallet_empty_until_ns", walletEmptyUntil)
            object.member("bucket_window", bucket.window)
            object.member("bucket_spent", bucket.spent)
            object.name("controls")
            write(controls, to: &object)
            object.name("tasks")
            object.array { array in for task in tasks { task.write(to: &array) } }
            object.name("waiting")
            object.array { array in writeWaiting(to: &array) }
            object.name("bill")
            bill.writeState(to: &object)
        }
        return writer.bytes
    }

    /// - Parameters:
    ///   - bytes: from ``snapshot()``.
    ///   - configuration: the one of the simulator that wrote it. Changes by controls are in the snapshot.
    /// - Throws: an error that names the invalid field.
    public init(
        restoring bytes: [UInt8], configuration: SimulatorConfiguration, catalogue: ModelCatalogue
    ) throws {
        self.init(configuration: configuration, catalogue: catalogue)
        let state = try StateReader(bytes)
        guard try state.integer("version") == Self.version else { throw StateError(field: "version") }
        now = try state.instant("now_ns")
        generator = SplitMix64(seed: try state.integer("generator"))
        keysSentToAssets = try state.count("keys_sent_to_assets")
        walletEmptyUntil = try state.instant("wallet_empty_until_ns")
        bucket = SpendWindow(window: try state.integer("bucket_window"), spent: try state.total("bucket_spent"))
        try restoreControls(try state.record("controls"))
        for record in try state.records("tasks") { try restore(try SimulatedTask(record)) }
        for record in try state.records("waiting") { try restoreWaiting(record) }
        bill = try Bill(state: try state.record("bill"))
    }

    /// Adds a task to all tables and counts.
    private mutating func restore(_ task: SimulatedTask) throws(StateError) {
        guard task.ordinal == tasks.count else { throw StateError(field: "ordinal \(task.ordinal)") }
        tasks.append(task)
        ordinalByID[task.id] = task.ordinal
        if let key = task.outTaskID { ordinalByKey[OwnedKey(owner: task.owner, key: key)] = task.ordinal }
        if task.isAskedByID { lastAskedByID[task.owner] = task.ordinal }
        if task.phase.isFinal { return }
        inFlight += 1
        held += CreditTotal(task.estimate.credits)
        if case .running(let since) = task.phase {
            running += 1
            runningByModel[task.model, default: 0] += 1
            events.insert(.init(at: since + task.runsFor, ordinal: task.ordinal))
        } else {
            let start = task.submittedAt + task.queuedFor
            // Tasks whose wait is over are in a queue instead.
            if start > now { events.insert(.init(at: start, ordinal: task.ordinal)) }
        }
    }

    // MARK: Queues

    private func writeWaiting(to array: inout JSONWriter) {
        for (model, line) in waiting.sorted(by: { $0.key < $1.key }) where !line.rest.isEmpty {
            array.object { object in
                object.member("model", model)
                object.name("ordinals")
                object.array { for ordinal in line.rest { $0.integer(ordinal) } }
            }
        }
    }

    private mutating func restoreWaiting(_ record: StateReader) throws(StateError) {
        var ordinals: [Int] = []
        for value in record.value["ordinals"]?.array ?? [] {
            guard let ordinal = value.number.flatMap({ Int($0) }), tasks.indices.contains(ordinal) else {
                throw StateError(field: "ordinals")
            }
            ordinals.append(ordinal)
        }
        waiting[try record.text("model")] = WaitingQueue(ordinals)
    }

    // MARK: Controls

    private func write(_ controls: RuntimeControls, to writer: inout JSONWriter) {
        writer.object { object in
            if let balance = controls.balance { object.member("balance", balance) }
            object.member("factor_hundredths", controls.factorHundredths)
            object.member("outage", controls.isOut)
            object.member("faults", controls.drawsFaults)
            object.member("reject_keys", controls.rejectsKeys)
            if let limit = controls.accountConcurrency { object.member("account_concurrency", limit) }
            if let slots = controls.modelSlots { object.member("model_slots", slots) }
            object.name("probabilities")
            object.object { object in
                for kind in FaultKind.allCases where configuration.faults[kind] > 0 {
                    object.member(kind.rawValue, number: "\(configuration.faults[kind])")
                }
            }
        }
    }

    private mutating func restoreControls(_ record: StateReader) throws(StateError) {
        controls.balance = record.has("balance") ? try record.total("balance") : nil
        controls.factorHundredths = try record.integer("factor_hundredths")
        controls.isOut = try record.flag("outage")
        controls.drawsFaults = try record.flag("faults")
        controls.rejectsKeys = try record.flag("reject_keys")
        controls.accountConcurrency = try record.optionalInteger("account_concurrency")
        controls.modelSlots = try record.optionalInteger("model_slots")
        let probabilities = try record.record("probabilities")
        for kind in FaultKind.allCases {
            let text = probabilities.value[kind.rawValue]?.number ?? "0"
            guard let probability = Double(text), (0...1).contains(probability) else {
                throw StateError(field: kind.rawValue)
            }
            configuration.faults[kind] = probability
        }
    }
}

extension Bill {
    fileprivate func writeState(to writer: inout JSONWriter) {
        writer.object { object in
            object.member("submits", submits)
            object.member("accepted", accepted)
            object.member("max_in_flight", maximumInFlight)
            object.counts("submits_by_key", submitsByKey)
            object.counts("renders_by_key", rendersByKey)
            object.name("charges")
            object.array { array in for charge in charges { charge.writeState(to: &array) } }
        }
    }

    fileprivate init(state: StateReader) throws(StateError) {
        self.init()
        submits = try state.count("submits")
        accepted = try state.count("accepted")
        maximumInFlight = try state.count("max_in_flight")
        submitsByKey = try state.counts("submits_by_key")
        rendersByKey = try state.counts("renders_by_key")
        for record in try state.records("charges") { add(try Charge(state: record)) }
    }
}

extension Bill.Charge {
    fileprivate func writeState(to array: inout JSONWriter) {
        array.object { object in
            object.member("task_id", taskID)
            object.optional("out_task_id", outTaskID)
            object.member("model", model)
            object.member("text", text)
            object.member("at_ns", at)
        }
    }

    fileprivate init(state: StateReader) throws(StateError) {
        let amount = BilledAmount(text: try state.text("text"))
        self.init(
            taskID: try state.text("task_id"), outTaskID: try state.optionalText("out_task_id"),
            model: try state.text("model"), text: amount.text, credits: amount.credits, at: try state.instant("at_ns"))
    }
}
