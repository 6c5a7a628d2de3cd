import DailiesCore
import ProviderWire

// Queries, cancellations, and the task object in their responses and those to repeated submissions.
extension SimulatedProvider {
    mutating func query(
        owner: UInt64, dialect: Dialect, style: ReplyStyle, subject: () throws(WireError) -> TaskQuery.Subject
    ) -> SimulatedResponse {
        var ordinal: Int?
        var style = style
        do throws(WireError) {
            let subject = try subject()
            ordinal = find(subject, owner: owner)
            switch subject {
            case .remote: noteAskedByID(ordinal)
            case .key(let key):
                if controls.drawsFaults, draw(.wrongTaskByKey), let other = lastAskedByID[owner],
                    tasks[other].outTaskID != key.text
                {
                    ordinal = other
                    style.hidesKey = true
                }
            }
        } catch {
            return Self.error(400, ErrorCode.invalidParam, "\(error)")
        }
        guard let ordinal else { return Self.notFound() }
        if controls.drawsFaults {
            style.goesBackwards = draw(.goBackwards)
            style.saysUnknownWord = draw(.unknownState)
        }
        return reply(to: ordinal, dialect: dialect, style: style)
    }

    mutating func cancel(path: String, body: [UInt8], owner: UInt64, style: ReplyStyle) -> SimulatedResponse {
        let ordinal: Int?
        do throws(WireError) {
            // An id in the path takes precedence over one in the body.
            if let remote = Endpoint.cancelledTask(path: path) {
                ordinal = find(.remote(remote), owner: owner)
            } else {
                ordinal = find(try QueryBody.decode(body), owner: owner)
            }
        } catch {
            return Self.error(400, ErrorCode.invalidParam, "\(error)")
        }
        guard let ordinal else { return Self.notFound() }
        let task = tasks[ordinal]
        var isSilent = false
        switch task.phase {
        case .queued:
            let isTooLate = controls.drawsFaults && draw(.rendersBeforeCancel)
            if isTooLate {
                isSilent = cancel(ordinal, rendered: task.perSecond)
            } else {
                commit(.cancel(ordinal, charge: nil, isStated: true))
            }
        case .running(let since): isSilent = cancel(ordinal, rendered: partialBill(task, since: since))
        case .completed, .failed, .cancelled: break
        }
        return reply(to: ordinal, dialect: task.dialect, style: style, isSilentAboutCost: isSilent)
    }

    /// Cancels a partly rendered task.
    ///
    /// - Returns: whether the response omits the cost.
    private mutating func cancel(_ ordinal: Int, rendered: Credits) -> Bool {
        let charge = BilledAmount(rendered, style: configuration.money.amountStyle)
        switch configuration.money.cancellation {
        case .free: commit(.cancel(ordinal, charge: nil, isStated: true))
        case .billed(let isStated):
            commit(.cancel(ordinal, charge: charge, isStated: isStated))
            return controls.drawsFaults && draw(.silentCancelCost)
        case .billedLater:
            commit(.cancel(ordinal, charge: charge, isStated: true))
            return true
        }
        return false
    }

    /// The cost of the whole seconds rendered so far.
    private func partialBill(_ task: SimulatedTask, since: Instant) -> Credits {
        let whole = max(1, task.runsFor.nanoseconds)
        let share = Double((now - since).nanoseconds) / Double(whole)
        let seconds = min(task.seconds, Int(saturating: Double(task.seconds) * share))
        return task.perSecond.times(seconds)
    }

    private static func notFound() -> SimulatedResponse {
        error(404, ErrorCode.taskNotFound, "no such task for this key")
    }

    /// The owner's task for a query; nil if it does not exist, was deleted or is currently forgotten.
    private func find(_ subject: TaskQuery.Subject, owner: UInt64) -> Int? {
        let ordinal: Int?
        switch (subject, configuration.submissionKeys) {
        case (.remote(let remote), _): ordinal = ordinalByID[remote.text]
        case (.key(let key), .honored): ordinal = activeTask(OwnedKey(owner: owner, key: key.text))
        case (.key, .ignored): ordinal = nil
        }
        guard let ordinal, tasks[ordinal].owner == owner || configuration.isOneAccount else { return nil }
        if let until = tasks[ordinal].forgottenUntil, now < until { return nil }
        return isDropped(tasks[ordinal]) ? nil : ordinal
    }

    func isDropped(_ task: SimulatedTask) -> Bool { task.droppedAt.map { now >= $0 } ?? false }

    /// The task for a key that is not forgotten.
    func activeTask(_ key: OwnedKey) -> Int? {
        guard let ordinal = ordinalByKey[key] else { return nil }
        if let forgotten = tasks[ordinal].keyForgottenAt, now >= forgotten { return nil }
        return ordinal
    }

    private mutating func noteAskedByID(_ ordinal: Int?) {
        guard let ordinal else { return }
        let owner = tasks[ordinal].owner
        tasks[ordinal].isAskedByID = true
        lastAskedByID[owner] = max(lastAskedByID[owner] ?? 0, ordinal)
    }

    // MARK: Replies

    /// - Parameter isToSubmit: the response is for a repeated submission, and states when the task was created.
    mutating func reply(
        to ordinal: Int, dialect: Dialect, style: ReplyStyle, isSilentAboutCost: Bool = false, isToSubmit: Bool = false
    ) -> SimulatedResponse {
        let task = tasks[ordinal]
        var reply = TaskResponse(
            taskID: task.id, outTaskID: style.hidesKey ? nil : echo(task.outTaskID, in: dialect), status: nil,
            submittedAt: isToSubmit ? task.submittedAt.atMilliseconds : nil,
            writesNumbersAsText: style.writesNumbersAsText)
        var phase: RemoteTask.Phase
        switch task.phase {
        case .queued:
            phase = .queued
            fillPending(&reply, task, dialect)
        case .running:
            phase = style.goesBackwards ? .queued : .running
            fillPending(&reply, task, dialect)
        case .completed(let time):
            phase = .completed
            fillCompleted(&reply, task, at: time)
            tasks[ordinal].completedReplies += 1
        case .failed:
            phase = .failed
            fillFailed(&reply, task)
        case .cancelled(_, let charge):
            phase = .cancelled
            reply.cost = task.statesCancelCharge && !isSilentAboutCost ? charge?.text : nil
        }
        if style.saysUnknownWord { phase = .unknown("finalizing") }
        reply.status = TaskResponse.word(for: phase, dialect: dialect)
        if var absurdity = style.absurdity { absurdity.replace(in: &reply) }
        return Self.json(200, reply.encode(dialect))
    }

    private func fillPending(_ reply: inout TaskResponse, _ task: SimulatedTask, _ dialect: Dialect) {
        // The flat dialect's query responses have neither.
        guard dialect == .params else { return }
        reply.estimatedCredits = task.estimate.text
        switch task.phase {
        case .running(let since): reply.estimatedSeconds = "\(seconds(until: since + task.runsFor))"
        case .queued, .completed, .failed, .cancelled:
            reply.estimatedSeconds = "\(seconds(until: task.submittedAt + task.queuedFor + task.runsFor))"
        }
    }

    private func fillCompleted(_ reply: inout TaskResponse, _ task: SimulatedTask, at time: Instant) {
        if task.completedReplies >= task.repliesWithoutURL {
            let clip = ClipWriter(resolution: task.resolution, aspectRatio: task.aspectRatio, seconds: task.seconds)
            reply.asset = TaskResponse.Asset(
                url: assetURL(of: task, completedAt: time), durationSeconds: "\(task.seconds)",
                resolution: task.resolution, aspectRatio: task.aspectRatio, width: clip.width, height: clip.height)
        }
        if task.completedReplies >= task.repliesWithoutCost { reply.cost = task.bill.text }
        reply.completedAt = time.atMilliseconds
    }

    private func fillFailed(_ reply: inout TaskResponse, _ task: SimulatedTask) {
        switch task.outcome {
        case .completes: preconditionFailure("task \(task.id) failed although it completes")
        case .fails(let code, let message):
            reply.errorCode = code
            reply.errorMessage = message
        }
    }

    func echo(_ key: String?, in dialect: Dialect) -> String? {
        switch (configuration.submissionKeys, dialect) {
        case (.honored(.always), _), (.honored(.paramsOnly), .params): key
        case (.honored(.paramsOnly), .flat), (.honored(.never), _), (.ignored, _): nil
        }
    }

    /// Whole seconds at speed 1, at least 1: durations in responses are the provider's own, as documented.
    func seconds(until moment: Instant) -> Int {
        let remaining = Double((moment - now).nanoseconds) / 1e9 * configuration.speed
        return min(max(1, Int(saturating: remaining.rounded(.up))), 1_000_000_000)
    }
}
