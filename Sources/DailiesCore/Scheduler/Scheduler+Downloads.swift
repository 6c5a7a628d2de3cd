extension Scheduler {
    /// Maximum consecutive refusals of new URLs before a clip is left for the next run.
    private static let refusalLimit = 3
    /// Maximum consecutive complete downloads that are not MP4 files.
    private static let malformedLimit = 2
    /// Maximum downloads without a length: a second one may be longer than the first, or come with a length.
    private static let unverifiedLimit = 2
    /// A download slower than the minimum speed divided by this for the maximum wait is given up for this run.
    private static let crawlingShare = 16.0
    /// Maximum doublings of the time after which a slow download yields; longer than any run.
    private static let maximumDoublings = 20

    mutating func queueDownload(_ attempt: ActiveAttempt, _ now: Instant) {
        guard var completion = attempt.completion, !completion.isClipSettled, !completion.isDownloading,
            completion.asset != nil
        else { return }
        var attempt = attempt
        completion.isDownloading = true
        attempt.completion = completion
        put(attempt)
        enqueue(attempt.id, completion)
    }

    /// Resumes a download after the wait for an interruption.
    mutating func downloadAgain(_ attempt: ActiveAttempt) {
        guard let completion = attempt.completion, completion.isDownloading, !completion.isClipSettled else { return }
        enqueue(attempt.id, completion)
    }

    private mutating func enqueue(_ id: AttemptID, _ completion: ActiveAttempt.Completion) {
        downloads.add(id, expiresAt: completion.expiresAt, timesStopped: completion.timesStopped)
    }

    mutating func startDownloads(_ now: Instant) {
        guard !run.isStopping, !run.isFinished else { return }
        if let until = downloads.pausedUntil, now < until { return }
        while let id = downloads.next() {
            guard var attempt = attempts[id], let asset = attempt.completion?.asset else {
                downloads.ended()
                continue
            }
            attempt.downloadSerial &+= 1
            attempt.completion?.refusalsAtStart = downloads.refusals
            attempt.completion?.measuredBytes = 0
            attempt.completion?.measurements = 0
            effects.append(.act(.download(id, attempt.submissionKey, asset, output: attempt.outputName)))
            measureLater(attempt, now)
            put(attempt)
        }
    }

    // MARK: Slow downloads

    private mutating func measureLater(_ attempt: ActiveAttempt, _ now: Instant) {
        guard settings.leastDownloadSpeed > 0 else { return }
        effects.append(
            .wake(
                .downloadSpeed(attempt.id, serial: attempt.downloadSerial), at: now + settings.downloadSpeedWindow))
    }

    /// Stops a slow download if others wait.
    mutating func measured(_ id: AttemptID, _ serial: UInt32, _ bytes: Int64, _ now: Instant) {
        guard var attempt = attempts[id], attempt.downloadSerial == serial, !run.isStopping,
            var completion = attempt.completion, completion.isDownloading
        else { return }
        let least = Double(settings.leastDownloadSpeed) * settings.downloadSpeedWindow.inSeconds
        let received = Double(bytes) - Double(completion.measuredBytes)
        completion.measuredBytes = bytes
        completion.measurements += 1
        completion.crawls = received < least / Self.crawlingShare ? completion.crawls + 1 : 0
        attempt.completion = completion
        put(attempt)
        if received < least, shouldYield(completion) || isTooSlow(completion) {
            return effects.append(.act(.stopDownload(id)))
        }
        measureLater(attempt, now)
    }

    private func isTooSlow(_ completion: ActiveAttempt.Completion) -> Bool {
        completion.crawls > 0 && settings.downloadSpeedWindow * completion.crawls >= settings.maximumWait
    }

    /// Whether a slow download should yield. Downloads that yielded less often go first, immediately. For the others
    /// each turn lasts twice as long as the last, so that a download that cannot be resumed ends too.
    private func shouldYield(_ completion: ActiveAttempt.Completion) -> Bool {
        guard let next = downloads.timesStoppedOfNext, downloads.pausedUntil == nil else { return false }
        return next < completion.timesStopped
            || completion.measurements >= 1 << min(completion.timesStopped, Self.maximumDoublings)
    }

    // MARK: The end of a download

    mutating func downloaded(_ id: AttemptID, _ result: DownloadResult, _ now: Instant) {
        downloads.ended()
        guard var attempt = attempts[id], var completion = attempt.completion else { return }
        completion.isDownloading = false
        attempt.completion = completion
        attempt.downloadSerial &+= 1
        switch result {
        case .saved(let clip): saved(attempt, clip, now)
        case .interrupted(let fault, let reached):
            let hasProgressed = reached > completion.furthest
            completion.interruptions = hasProgressed ? 0 : completion.interruptions + 1
            completion.furthest = max(completion.furthest, reached)
            if hasProgressed {
                downloads.diskWorked(begun: completion.refusalsAtStart, at: now)
                completion.refusals = 0
                completion.refusedSince = nil
            }
            attempt.completion = completion
            interrupted(attempt, fault, now)
        case .stopped:
            completion.timesStopped += 1
            attempt.completion = completion
            guard !isTooSlow(completion) else {
                return closeUnsaved(attempt, "its download is too slow", now)
            }
            put(attempt)
            queueDownload(attempt, now)
        case .refused(let fault):
            completion.refusals += 1
            completion.refusedSince = completion.refusedSince ?? now
            attempt.completion = completion
            refused(attempt, completion, fault, now)
        case .malformed(let message):
            completion.malformed += 1
            attempt.completion = completion
            askForFreshAsset(attempt, message, isOver: completion.malformed >= Self.malformedLimit, now)
        case .unverified(let path):
            completion.unverified += 1
            attempt.completion = completion
            unverified(attempt, path, now)
        case .blocked(let message): closeUnsaved(attempt, message, now)
        case .diskFailed(let message): diskFailed(attempt, message, now)
        }
        // Downloads that waited for the disk gave up for another reason; the next one tests the disk.
        if downloads.count == 0 { downloads.forgetDisk() }
    }

    private mutating func saved(_ attempt: ActiveAttempt, _ clip: SavedClip, _ now: Instant) {
        var attempt = attempt
        advance(&attempt, .saved)
        attempt.completion?.isSaved = true
        attempt.completion?.isClipSettled = true
        downloads.diskWorked(begun: attempt.completion?.refusalsAtStart ?? downloads.refusals, at: now)
        put(attempt)
        var steps: [Mutation.Kind] = [.saved(attempt.id, clip)]
        if let remark = clip.remark {
            steps.append(.note(attempt.id, kind: "odd_clip", text: remark))
            emit(.warning("\(attempt.key): \(remark); it is kept as \(clip.path)"))
        }
        commit(steps, now)
        emit(.saved(attempt.name, path: clip.path))
        closeIfDone(attempt.id)
    }

    /// An interrupted download: resumes the same URL, with increasing waits, until the maximum wait passes without a
    /// byte.
    private mutating func interrupted(_ attempt: ActiveAttempt, _ fault: ProviderError, _ now: Instant) {
        guard let completion = attempt.completion else { return }
        var attempt = attempt
        let tries = completion.interruptions
        // The number of probes that fit in the maximum wait.
        let probes = Int32(saturating: settings.maximumWait / settings.retry.maximumProbeInterval)
        let limit = settings.retry.attempts + Int(probes)
        guard tries < limit else {
            return closeUnsaved(attempt, "its download keeps breaking off: \(fault.message)", now)
        }
        downloadLater(&attempt, afterFailures: tries, now)
    }

    private mutating func downloadLater(_ attempt: inout ActiveAttempt, afterFailures failures: Int, _ now: Instant) {
        let wait = settings.retry.wait(afterFailures: max(failures, 1), using: &random)
        attempt.completion?.isDownloading = true
        put(attempt)
        effects.append(.wake(.download(attempt.id, serial: attempt.downloadSerial), at: now + wait))
    }

    /// The download ended without a stated length: the clip is downloaded once more and then kept as unverified.
    private mutating func unverified(_ attempt: ActiveAttempt, _ path: String, _ now: Instant) {
        var attempt = attempt
        guard let completion = attempt.completion else { return }
        guard completion.unverified >= Self.unverifiedLimit else {
            return downloadLater(&attempt, afterFailures: completion.unverified, now)
        }
        attempt.completion?.isUnverified = true
        commit([.unverified(attempt.id, path: path)], now)
        closeUnsaved(
            attempt,
            "the server does not state the clip's length, so it may be truncated; it is kept as \(path), and the next "
                + "run tries again", now)
    }

    /// A refused URL. A clip may not be available for a while after its task completes: a new URL is requested
    /// immediately, then with increasing waits. If the provider cannot be queried, the same URL is retried.
    private mutating func refused(
        _ attempt: ActiveAttempt, _ completion: ActiveAttempt.Completion, _ fault: ProviderError, _ now: Instant
    ) {
        var attempt = attempt
        let mayCome = fault.status.map(Self.refusalsThatMayEnd.contains) ?? false
        let since = completion.refusedSince ?? now
        let isOver =
            completion.refusals >= Self.refusalLimit && !(mayCome && now - since < settings.assetPatience)
        let canAsk = accounts.contains(attempt.account) && !run.areQueriesOver
        if isOver || !mayCome || (canAsk && completion.refusals == 1) {
            return askForFreshAsset(attempt, fault.message, isOver: isOver, now)
        }
        guard canAsk else { return downloadLater(&attempt, afterFailures: completion.refusals, now) }
        attempt.completion?.needsAsset = true
        attempt.completion?.queriesLeft = settings.completionQueries
        wake(&attempt, at: now + settings.retry.wait(afterFailures: completion.refusals - 1, using: &random))
        put(attempt)
    }
    private static let refusalsThatMayEnd: Set<Int> = [401, 403, 404, 410]

    /// No new URL came: retries the refused one while it may still become available.
    ///
    /// - Returns: false if the time for that is over.
    mutating func retryRefusedAsset(_ attempt: ActiveAttempt, _ now: Instant) -> Bool {
        guard let completion = attempt.completion, let since = completion.refusedSince, completion.asset != nil,
            now - since < settings.assetPatience, !run.isStopping
        else { return false }
        var attempt = attempt
        attempt.completion?.needsAsset = false
        downloadLater(&attempt, afterFailures: completion.refusals, now)
        return true
    }

    /// Requests a new URL, never a new render.
    private mutating func askForFreshAsset(_ attempt: ActiveAttempt, _ reason: String, isOver: Bool, _ now: Instant) {
        var attempt = attempt
        guard !isOver, accounts.contains(attempt.account), !run.areQueriesOver else {
            return closeUnsaved(attempt, reason, now)
        }
        attempt.completion?.needsAsset = true
        attempt.completion?.queriesLeft = settings.completionQueries
        put(attempt)
        askForCompletion(attempt.id, now)
    }

    /// The disk refuses writes: all downloads wait and retry until the maximum wait is over. Nothing new is submitted
    /// until then.
    private mutating func diskFailed(_ attempt: ActiveAttempt, _ message: String, _ now: Instant) {
        let (isNew, isOver) = downloads.diskRefused(at: now, tryingAfter: settings.retry.initialProbeInterval)
        if isNew {
            let warning = "cannot save clips: \(message); retrying; nothing new is submitted until then"
            emit(.warning(warning))
        }
        guard !isOver else {
            closeUnsaved(attempt, message, now)
            run.endSubmission("clips cannot be saved: \(message)")
            for id in downloads.abandon() {
                if var other = attempts[id] {
                    other.completion?.isDownloading = false
                    closeUnsaved(other, message, now)
                }
            }
            return
        }
        put(attempt)
        queueDownload(attempt, now)
    }
}
