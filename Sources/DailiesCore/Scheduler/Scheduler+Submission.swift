extension Scheduler {
    /// HTTP status of a service that cannot serve a model.
    private static let unavailable = 503

    /// Fills the free slots.
    mutating func submitWaiting(_ now: Instant) {
        guard recovery.isWhole, !run.isStopping, !run.isFinished, !run.isSubmissionOver else { return }
        resumeDeferred()
        loadPages()
        // A queue that ran empty blocks all others until its next page is requested.
        defer { loadPages() }
        // Queues whose next task must wait for reservations to be released; they do not block other batches.
        var short: Set<TaskQueueID> = []
        var shortBatches: Set<BatchID> = []
        func isShort(_ queue: TaskQueueID) -> Bool { shortBatches.contains(queue.batch) || short.contains(queue) }
        while maySubmit(now), let task = queues.next(where: { !isShort($0) && mayBegin($0) }) {
            guard slots.paceAllows(at: now) else { break }
            switch begin(task, now) {
            case .done: break
            case .queueWaits: short.insert(TaskQueueID(batch: task.batch, model: task.shape.model))
            case .batchWaits: shortBatches.insert(task.batch)
            }
        }
    }

    private mutating func loadPages() {
        for page in queues.pagesToLoad() {
            effects.append(.load(page.queue, after: page.after, limit: page.limit))
        }
    }

    /// Whether the account as a whole may send another submit, new or repeated.
    func maySend(_ now: Instant) -> Bool {
        // Commands come before submissions: they may concern the very task that is next.
        guard commandsBeingRead == 0 else { return false }
        guard tally.inFlight < slots.concurrency, outage.allowsSubmit else { return false }
        return pauses.allowsSubmit(
            at: now, isIdle: tally.active == tally.idleUnresolved + tally.waitingForTurn)
    }

    /// Whether a queue may submit: its model and batch are neither paused nor full.
    func hasRoom(in queue: TaskQueueID) -> Bool {
        if models.isPaused(queue.model) || pauses.isPaused(queue) { return false }
        return slots.hasRoom(for: queue.model, inFlight: attempts.inFlight(of: queue.model))
    }

    /// Counts an outgoing submit.
    mutating func recordSubmit(_ model: ModelID, for account: KeyFingerprint, _ now: Instant) {
        slots.submitSent(at: now)
        models.sent(model)
        accounts.submitSent(with: account)
        pauses.submitSent()
        outage.submitSent()
    }

    /// Whether the account as a whole may submit a new task.
    private mutating func maySubmit(_ now: Instant) -> Bool {
        guard maySend(now), !downloads.isDiskRefusing else { return false }
        if tally.uncertain >= settings.uncertainLimit {
            announce(.uncertainTasks, "\(tally.uncertain) tasks are uncertain")
            return false
        }
        if tally.awaitingDownload >= settings.unsavedLimit {
            announce(.unsavedClips, "\(tally.awaitingDownload) paid clips are waiting to be downloaded")
            return false
        }
        pauses.withdraw(.unsavedClips)
        return canaryAllows()
    }

    mutating func announce(_ reason: PauseReason, _ detail: String) {
        guard pauses.announce(reason) else { return }
        emit(.paused(reason, detail: detail, until: nil))
    }

    private func mayBegin(_ queue: TaskQueueID) -> Bool {
        guard hasRoom(in: queue), let account = accounts.account(for: queue.model) else { return false }
        // Without proven key support, attempts being resolved may stay uncertain, so they count as uncertain.
        let mayStay = accounts.isHonoring(account) ? 0 : tally.settling
        return tally.uncertain + mayStay < settings.uncertainLimit && accounts.maySubmit(with: account)
    }

    enum StartResult {
        /// It was begun or deferred, or will not be sent in this run.
        case done
        /// It and its queue must wait for reservations to be released.
        case queueWaits
        /// The batch's budget is fully reserved.
        case batchWaits
    }

    /// Begins a task if the budgets allow it.
    private mutating func begin(_ task: WaitingTask, _ now: Instant) -> StartResult {
        guard let account = accounts.account(for: task.shape.model) else { return .queueWaits }
        let (isAllowed, bound, otherwise) = admit(task)
        guard isAllowed else { return otherwise }
        guard let submission = makeSubmission(task, account) else { return .queueWaits }
        queues.remove(task)
        budgets.reserve(bound, for: task)
        var attempt = ActiveAttempt(
            id: submission.attempt,
            kind: attempts.kind(batch: task.batch, shape: task.shape, account: account, tagBudgets: task.tagBudgets),
            key: task.key, submissionKey: submission.key, sentAt: now, output: task.output, state: .waiting,
            reserved: bound, holdsSlot: true)
        attempt.pending = ActiveAttempt.PendingSubmission(
            submission: submission, task: task, sends: 1, isSubmitInFlight: true)
        advance(&attempt, .sent)
        put(attempt)
        recordSubmit(task.shape.model, for: account, now)
        earlyStop.began(attempt.id)
        // A crash before the commit leaves a waiting task; a crash after it leaves an unknown outcome, which the next
        // run resolves by querying.
        commit([.intent(Intent(submission: submission, reserved: bound))], then: [.submit(submission)], now)
        emit(.submitted(task.name, task.shape.model))
        return .done
    }

    // MARK: Outcome of a submit

    mutating func submitted(_ submission: Submission, _ outcome: SubmitResult, _ now: Instant) {
        accounts.submitEnded(with: submission.account)
        guard var attempt = attempts[submission.attempt], attempt.pending != nil else {
            preconditionFailure("a submit of attempt \(submission.attempt) ended that was not in flight")
        }
        models.submitEnded(attempt.shape.model)
        queues.settledDuringLoad(attempt.id.task, in: TaskQueueID(batch: attempt.batch, model: attempt.shape.model))
        attempt.pending?.isSubmitInFlight = false
        let wasTryingFunds = pauses.submitEnded()
        let outcome = Self.checked(outcome, submission)
        defer { noteRoute(outcome) }
        switch outcome {
        case .accepted(let report):
            providerAnswered(now)
            modelAnswered(attempt.shape.model)
            pauses.submitSettled()
            slots.accepted(inFlight: tally.inFlight - accounts.totalSubmitsInFlight, sentAt: attempt.sentAt)
            if wasTryingFunds {
                pauses.fundsFound()
                emit(.resumed)
            }
            accept(attempt, report, as: report.remoteID, from: .reply, now)
        case .notAccepted(let fault):
            failedToAnswer(fault, now)
            returnToQueue(attempt, fault, now)
            if isNotTheAPI(fault) {
                stop(fault, .noRoute, model: nil, wasTryingFunds: false)
            } else {
                handleSendFailure(fault, now)
            }
        case .refused(let fault):
            providerAnswered(now)
            pauses.submitSettled()
            refuse(attempt, fault, now)
        case .throttled(let fault, let throttle):
            providerAnswered(now)
            self.throttle(attempt, fault, throttle, now)
        case .stopped(let fault, let stop):
            providerAnswered(now)
            if stop == .modelNotInGroup { attempt.pending?.modelForbidden = true }
            returnToQueue(attempt, fault, now)
            self.stop(fault, stop, model: attempt.shape.model, wasTryingFunds: wasTryingFunds)
        case .unknown(let fault, _) where isNotTheAPI(fault):
            leaveToAnotherBaseURL(attempt, fault, now)
        case .unknown(let fault, let isFree):
            if !isFree { attempt.pending?.unansweredSends += 1 }
            if fault.status == 409 || fault.code == "duplicate_out_task_id" {
                providerAnswered(now)
                attempt.pending?.isConflict = true
            } else if isFree, fault.status == Self.unavailable {
                // The service answers but cannot serve this model.
                providerAnswered(now)
                modelForbidden(attempt.shape.model, fault, now)
            } else {
                failedToAnswer(fault, now)
            }
            attempt.pending?.mayResubmit = isFree && settings.trustsServerErrors
            becomeUncertain(attempt, fault, now)
        }
    }

    /// Records whether the API itself has answered, which proves the route for submits.
    private mutating func noteRoute(_ outcome: SubmitResult) {
        switch outcome {
        case .accepted, .refused, .throttled, .unknown(_, isFreeByContract: true): accounts.proveRoute()
        case .notAccepted, .stopped, .unknown: break
        }
    }

    /// This send was certainly not accepted. That settles the attempt only if it was the first send.
    mutating func returnToQueue(_ attempt: ActiveAttempt, _ fault: ProviderError, _ now: Instant) {
        var attempt = attempt
        guard let pending = attempt.pending, pending.sends == 1 else { return becomeUncertain(attempt, fault, now) }
        advance(&attempt, .notAccepted)
        budgets.release(attempt)
        earlyStop.didNotStart(attempt.id)
        remove(attempt)
        if let command = attempt.command, command.isCancel {
            let withdrawal = Mutation.Kind.withdrawnByCommand(command.id, attempt.id)
            return commit([.notAccepted(attempt.id, fault), withdrawal], now)
        }
        commit([.notAccepted(attempt.id, fault)] + endCommand(of: &attempt, .alreadyOver), now)
        if let task = pending.task {
            queues.putBack(task)
        } else {
            reopen(TaskQueueID(batch: attempt.batch, model: attempt.shape.model))
        }
    }

    /// A task of this queue waits again in the store. Only queues of this run's batches are read.
    mutating func reopen(_ queue: TaskQueueID) {
        guard isInScope(queue) else { return }
        queues.restart(queue)
        if models.isStopped(queue.model) { queues.block { $0 == queue } }
    }

    /// Whether this run may submit tasks of a queue.
    func isInScope(_ queue: TaskQueueID) -> Bool {
        (queues.scope?.contains(queue.batch) ?? true) && accounts.account(for: queue.model) != nil
    }

    /// A permanent 4xx. A refused resubmission proves nothing about the send before it: the key is queried first.
    private mutating func refuse(_ attempt: ActiveAttempt, _ fault: ProviderError, _ now: Instant) {
        var attempt = attempt
        let action = settings.retryRules.action(for: fault.asFailure)
        if action == .pause {
            pauseModel(attempt.shape.model, fault.message, now)
            if attempt.pending?.sends == 1 { return returnToQueue(attempt, fault, now) }
        } else {
            modelAnswered(attempt.shape.model)
        }
        guard let sends = attempt.pending?.sends, sends == 1 else {
            attempt.pending?.refusal = fault
            if attempt.pending?.refusedAt == nil { attempt.pending?.refusedAt = now }
            return becomeUncertain(attempt, fault, now)
        }
        settleRefused(attempt, fault, now)
    }

    mutating func settleRefused(_ attempt: ActiveAttempt, _ fault: ProviderError, _ now: Instant) {
        var attempt = attempt
        advance(&attempt, .failed)
        let code = fault.code ?? fault.status.map { "http_\($0)" } ?? fault.kind.rawValue
        let settlement = Settlement(
            end: .failed, charges: [.notBilled], failureCode: code, failureMessage: fault.message)
        budgets.release(attempt)
        remove(attempt)
        let steps = retrySteps(attempt, settlement, fault.asFailure)
        commit([.settled(attempt.id, settlement)] + endCommand(of: &attempt, .failed) + steps, now)
        emit(.failed(attempt.name, code: code, message: fault.message, charged: .zero))
        recordCanary(attempt, isCompleted: false)
        recordRejection(fault.asFailure.isPolicyRejection)
        if !steps.isEmpty { requeue(attempt) }
    }

    /// 401, 402, 403, and a missing route.
    mutating func stop(_ fault: ProviderError, _ stop: AccessDenial, model: ModelID?, wasTryingFunds: Bool) {
        switch stop {
        case .keyRefused:
            run.endSubmission("the provider refused the API key: \(fault.message)", for: stop)
        case .accessDenied:
            run.endSubmission("the provider denied access: \(fault.message)", for: stop)
        case .modelNotInGroup:
            run.deny(stop)
            guard let model else { return }
            queues.block { $0.model == model }
            run.addReason("the API key cannot reach \(model): \(fault.message)")
            emit(.paused(.modelForbidden(model), detail: fault.message, until: nil))
        case .noRoute:
            run.endSubmission(
                "the API does not answer at \(accounts.baseURL)\(BaseURL.hint(for: accounts.baseURL)) (\(fault.message))",
                for: stop)
        case .noFunds:
            if wasTryingFunds {
                run.endSubmission("out of credits: \(fault.message)", for: stop)
            } else if pauses.fundsMissing() {
                emit(.paused(.noFunds, detail: fault.message, until: nil))
            }
        }
    }
}
