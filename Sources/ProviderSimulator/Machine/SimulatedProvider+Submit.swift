import DailiesCore
import ExactJSON
import ProviderWire

// Submissions: validated, compared with earlier ones, priced, accepted.
extension SimulatedProvider {
    /// A submission that is valid for its model.
    private struct Order {
        let body: SubmitBody
        let spec: ModelSpec?
        let seconds: Int
        let resolution: String?
        let aspectRatio: String?
    }

    /// A refusal, thrown so that the checks read as a list.
    private struct Refusal: Error {
        let response: SimulatedResponse
        init(_ status: Int, _ code: String?, _ message: String) {
            response = SimulatedProvider.error(status, code, message)
        }
        init(_ response: SimulatedResponse) { self.response = response }
    }

    mutating func submit(_ bytes: [UInt8], owner: UInt64, style: ReplyStyle) -> SimulatedResponse {
        do throws(Refusal) {
            let body = try decode(bytes)
            if let key = body.outTaskID { bill.submitsByKey[key, default: 0] += 1 }
            let order = try check(body)
            let content = FNV1a(configuration.sameness == .bytes ? bytes : body.content).value
            if let original = try earlier(body, owner: owner, content: content) {
                return reply(to: original, dialect: body.dialect, style: style, isToSubmit: true)
            }
            if controls.drawsFaults, draw(.sameTaskID), let other = lastAskedByID[owner] {
                return Self.json(200, acceptance(of: tasks[other], .queued, body: body, style: style))
            }
            let startsAtOnce = controls.drawsFaults && draw(.startAtOnce)
            let task = try accepted(order, owner: owner, content: content, startsAtOnce: startsAtOnce)
            commit(.accept(task))
            return Self.json(200, acceptance(of: task, statedPhase(of: task, startsAtOnce), body: body, style: style))
        } catch {
            return error.response
        }
    }

    // MARK: Checks

    private func decode(_ bytes: [UInt8]) throws(Refusal) -> SubmitBody {
        let body: SubmitBody
        do {
            body = try SubmitBody.decode(bytes)
        } catch {
            throw Refusal(400, ErrorCode.invalidParam, "\(error)")
        }
        guard configuration.dialects.contains(body.dialect) else {
            let problem = body.dialect == .flat ? "params is missing" : "params is not a parameter of this model"
            throw Refusal(400, ErrorCode.invalidParam, problem)
        }
        return body
    }

    private func check(_ body: SubmitBody) throws(Refusal) -> Order {
        if configuration.modelsOutsideGroup.contains(body.model) {
            throw Refusal(403, ErrorCode.modelNotInGroup, "this key cannot reach \(body.model)")
        }
        guard let prompt = body.fields["prompt"]?.string, !prompt.isEmpty else {
            throw Refusal(400, ErrorCode.invalidParam, "prompt is missing")
        }
        let order = try shape(body)
        if let marker = configuration.blockedMarker, prompt.contains(marker) { throw Refusal(Self.blocked()) }
        return order
    }

    private func shape(_ body: SubmitBody) throws(Refusal) -> Order {
        let asked = body.fields["duration_seconds"]?.number.flatMap { Int($0) }
        let resolution = body.fields["resolution"]
        let aspectRatio = body.fields["aspect_ratio"]
        guard let spec = catalog[ModelID(body.model)] else {
            guard configuration.unknownModels == .accepted else {
                throw Refusal(400, ErrorCode.modelNotFound, "no such model: \(body.model)")
            }
            return Order(
                body: body, spec: nil, seconds: min(max(asked ?? 5, 1), ClipWriter.maximumSeconds),
                resolution: resolution?.string, aspectRatio: aspectRatio?.string)
        }
        guard let asked, spec.durationSeconds.contains(asked) else {
            let range = "\(spec.durationSeconds.lowerBound) to \(spec.durationSeconds.upperBound)"
            throw Refusal(400, ErrorCode.invalidParam, "duration_seconds must be a whole number of \(range)")
        }
        try Self.check(resolution, "resolution", isOneOf: spec.resolutions)
        try Self.check(aspectRatio, "aspect_ratio", isOneOf: spec.aspectRatios)
        if let image = body.fields["image_init"], image.string == nil || !spec.acceptsImageInit {
            throw Refusal(400, ErrorCode.invalidParam, "image_init cannot be used")
        }
        for (name, field) in spec.extraFields.sorted(by: { $0.key < $1.key }) {
            if let value = body.fields[name] { try Self.check(value, name, field) }
        }
        return Order(
            body: body, spec: spec, seconds: asked, resolution: resolution?.string ?? spec.defaultResolution,
            aspectRatio: aspectRatio?.string ?? spec.defaultAspectRatio)
    }

    private static func check(_ value: JSONValue?, _ name: String, isOneOf allowed: [String]) throws(Refusal) {
        guard let value else { return }
        guard let text = value.string, allowed.isEmpty || allowed.contains(text) else {
            throw Refusal(400, ErrorCode.invalidParam, "\(name) must be one of \(allowed.joined(separator: ", "))")
        }
    }

    private static func check(_ value: JSONValue, _ name: String, _ field: ExtraField) throws(Refusal) {
        switch field {
        case .integer:
            guard value.number.flatMap({ Int64($0) }) != nil else {
                throw Refusal(400, ErrorCode.invalidParam, "\(name) must be a whole number")
            }
        case .text(let allowed): try check(value, name, isOneOf: allowed ?? [])
        }
    }

    /// The earlier task with this key, if keys are honored; 409 if its content differs.
    private func earlier(_ body: SubmitBody, owner: UInt64, content: UInt64) throws(Refusal) -> Int? {
        switch configuration.submissionKeys {
        case .ignored: return nil
        case .honored: break
        }
        guard let key = body.outTaskID, let ordinal = activeTask(OwnedKey(owner: owner, key: key)) else { return nil }
        guard tasks[ordinal].content == content else {
            throw Refusal(409, ErrorCode.duplicateKey, "out_task_id was used for another request")
        }
        return ordinal
    }

    // MARK: Acceptance

    private mutating func accepted(
        _ order: Order, owner: UInt64, content: UInt64, startsAtOnce: Bool
    ) throws(Refusal) -> SimulatedTask {
        if let limit = controls.accountConcurrency, inFlight >= limit {
            throw Refusal(429, ErrorCode.concurrencyLimit, "\(inFlight) tasks are in flight")
        }
        let price = price(order.body.model, resolution: order.resolution, seconds: order.seconds)
        if let reset = spendLimitReset(for: price.estimate) { throw Refusal(throttled(until: reset)) }
        if let balance = controls.balance, balance - held < CreditTotal(price.estimate) {
            throw Refusal(402, ErrorCode.insufficientBalance, "the estimate is above the balance")
        }
        return task(order, owner: owner, content: content, price: price, startsAtOnce: startsAtOnce)
    }

    private func task(
        _ order: Order, owner: UInt64, content: UInt64, price: Price, startsAtOnce: Bool
    ) -> SimulatedTask {
        let ordinal = tasks.count
        let seedSuffix = order.body.outTaskID.map(Self.seedSuffix) ?? "n\(ordinal)"
        var outcomeDraws = outcomeGenerator(seed: configuration.seed, seedSuffix)
        let times = latency(order.spec, seconds: order.seconds, &outcomeDraws)
        let deviation = outcomeDraws.draw(configuration.money.deviation)
        var faultDraws = outcomeGenerator(seed: configuration.faults.seed, "f\(seedSuffix)")
        let drawnFaults = drawFaults(&faultDraws)
        // A separate generator, so that other draws for the task do not change.
        var billDraws = outcomeGenerator(seed: configuration.faults.seed, "b\(seedSuffix)")
        let isAbsurd = controls.drawsFaults && billDraws.chance(configuration.faults[.absurdBill])
        let quote = price.estimate.times(hundredths: drawnFaults.quoteHundredths)
        var bill =
            drawnFaults.billHundredths == 100
            ? quote.deviating(byHundredthsOfPercent: deviation) : quote.times(hundredths: drawnFaults.billHundredths)
        if isAbsurd { bill = bill.times(hundredths: 100 * FaultPlan.absurdFactor) }
        let style = configuration.money.amountStyle
        return SimulatedTask(
            ordinal: ordinal, id: identifier(ordinal), owner: owner, outTaskID: order.body.outTaskID, content: content,
            dialect: order.body.dialect, model: order.body.model, resolution: order.resolution,
            aspectRatio: order.aspectRatio, seconds: order.seconds, submittedAt: now,
            queuedFor: startsAtOnce ? .zero : times.queued, runsFor: times.running, outcome: drawnFaults.outcome,
            estimate: BilledAmount(drawnFaults.estimatesNothing ? .zero : quote, style: style),
            bill: BilledAmount(bill, style: style),
            perSecond: price.perSecond, forgottenUntil: drawnFaults.forgottenUntil,
            keyForgottenAt: drawnFaults.keyForgottenAt,
            repliesWithoutURL: drawnFaults.repliesWithoutURL, repliesWithoutCost: drawnFaults.repliesWithoutCost,
            isAssetLate: drawnFaults.isAssetLate,
            container: drawnFaults.container, droppedAt: drawnFaults.droppedAt)
    }

    /// `task_` and a ULID: 48 bits of time and 80 of a hash, in Crockford's base 32.
    private func identifier(_ ordinal: Int) -> String {
        let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
        var generator = outcomeGenerator(seed: configuration.seed, "i\(ordinal)")
        var characters: [UInt8] = []
        let time = UInt64(clamping: now.milliseconds) & 0xFFFF_FFFF_FFFF
        for place in (0..<10).reversed() { characters.append(alphabet[Int(time >> UInt64(5 * place) & 31)]) }
        for _ in 0..<16 { characters.append(alphabet[Int(generator.draw(0...31))]) }
        return "task_" + String(decoding: characters, as: UTF8.self)
    }

    private mutating func statedPhase(of task: SimulatedTask, _ startsAtOnce: Bool) -> RemoteTask.Phase {
        if controls.drawsFaults, draw(.unlistedSubmitState) { return .unknown("preparing") }
        guard startsAtOnce, case .running = tasks[task.ordinal].phase else { return .queued }
        return .running
    }

    private func acceptance(
        of task: SimulatedTask, _ phase: RemoteTask.Phase, body: SubmitBody, style: ReplyStyle
    ) -> [UInt8] {
        var reply = TaskResponse(
            taskID: task.id, outTaskID: echo(body.outTaskID, in: body.dialect),
            status: TaskResponse.word(for: phase, dialect: body.dialect), estimatedCredits: task.estimate.text,
            estimatedSeconds: "\(seconds(until: task.submittedAt + task.queuedFor + task.runsFor))",
            submittedAt: now.atMilliseconds, writesNumbersAsText: style.writesNumbersAsText)
        if var absurdity = style.absurdity { absurdity.replace(in: &reply) }
        return reply.encode(body.dialect)
    }
}
