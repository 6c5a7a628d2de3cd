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

    mutating func queueDownload(_ flight: ActiveAttempt, _ now: Instant) {
        guard var completion = flight.completion, !completion.isClipSettled, !completion.isDownloading,
            completion.asset != nil
        else { return }
        var flight = flight
        completion.isDownloading = true
        flight.completion = completion
        put(flight)
        enqueue(flight.attempt, completion)
    }

    /// Resumes a download after the wait for an interruption.
    mutating func downloadAgain(_ flight: ActiveAttempt) {
        guard let completion = flight.completion, completion.isDownloading, !completion.isClipSettled else { return }
        enqueue(flight.attempt, completion)
    }

    private mutating func enqueue(_ attempt: AttemptID, _ completion: ActiveAttempt.Completion) {
        downloads.add(attempt, expiresAt: completion.expiresAt, timesStopped: completion.timesStopped)
    }

    mutating func startDownloads(_ now: Instant) {
        guard !isStopping, !isFinished else { return }
        if let until = pause.diskUntil, now < until { return }
        while let attempt = downloads.next() {
            guard var flight = flight(attempt), let asset = flight.completion?.asset, let key = flight.submissionKey
            else {
                downloads.ended()
                continue
            }
            flight.downloadSerial &+= 1
            flight.completion?.refusalsAtStart = pause.diskRefusals
            flight.completion?.measuredBytes = 0
            flight.completion?.measurements = 0
            effects.append(.act(.download(attempt, key, asset, output: flight.outputName)))
            measureLater(flight, now)
            put(flight)
        }
    }

    // MARK: Slow downloads

    private mutating func measureLater(_ flight: ActiveAttempt, _ now: Instant) {
        guard settings.leastDownloadSpeed > 0 else { return }
        effects.append(
            .wake(
                .downloadSpeed(flight.attempt, serial: flight.downloadSerial), at: now + settings.downloadSpeedWindow))
    }

    /// Stops a slow download if others wait.
    mutating func measured(_ attempt: AttemptID, _ serial: UInt32, _ bytes: Int64, _ now: Instant) {
        guard var flight = flight(attempt), flight.downloadSerial == serial, !isStopping,
            var completion = flight.completion, completion.isDownloading
        else { return }
        let least = Double(settings.leastDownloadSpeed) * settings.downloadSpeedWindow.inSeconds
        let received = Double(bytes) - Double(completion.measuredBytes)
        completion.measuredBytes = bytes
        completion.measurements += 1
        completion.crawls = received < least / Self.crawlingShare ? completion.crawls + 1 : 0
        flight.completion = completion
        put(flight)
        if received < least, shouldYield(completion) || isTooSlow(completion) {
            return effects.append(.act(.stopDownload(attempt)))
        }
        measureLater(flight, now)
    }

    private func isTooSlow(_ completion: ActiveAttempt.Completion) -> Bool {
        completion.crawls > 0 && settings.downloadSpeedWindow * completion.crawls >= settings.maximumWait
    }

    /// Whether a slow download should yield. Downloads that yielded less often go first, immediately. For the others
    /// each turn lasts twice as long as the last, so that a download that cannot be resumed ends too.
    private func shouldYield(_ completion: ActiveAttempt.Completion) -> Bool {
        guard let next = downloads.timesStoppedOfNext, pause.diskUntil == nil else { return false }
        return next < completion.timesStopped
            || completion.measurements >= 1 << min(completion.timesStopped, Self.maximumDoublings)
    }

    // MARK: The end of a download

    mutating func downloaded(_ attempt: AttemptID, _ result: DownloadResult, _ now: Instant) {
        downloads.ended()
        guard var flight = flight(attempt), var completion = flight.completion else { return }
        completion.isDownloading = false
        flight.completion = completion
        flight.downloadSerial &+= 1
        switch result {
        case .saved(let clip): saved(flight, clip, now)
        case .interrupted(let fault, let reached):
            let hasProgressed = reached > completion.furthest
            completion.interruptions = hasProgressed ? 0 : completion.interruptions + 1
            completion.furthest = max(completion.furthest, reached)
            if hasProgressed {
                diskWorked(begun: completion.refusalsAtStart, now)
                completion.refusals = 0
                completion.refusedSince = nil
            }
            flight.completion = completion
            interrupted(flight, fault, now)
        case .stopped:
            completion.timesStopped += 1
            flight.completion = completion
            guard !isTooSlow(completion) else {
                return closeUnsaved(flight, "its download is too slow", now)
            }
            put(flight)
            queueDownload(flight, now)
        case .refused(let fault):
            completion.refusals += 1
            completion.refusedSince = completion.refusedSince ?? now
            flight.completion = completion
            refused(flight, completion, fault, now)
        case .malformed(let message):
            completion.malformed += 1
            flight.completion = completion
            askForFreshAsset(flight, message, isOver: completion.malformed >= Self.malformedLimit, now)
        case .unverified(let path):
            completion.unverified += 1
            flight.completion = completion
            unverified(flight, path, now)
        case .blocked(let message): closeUnsaved(flight, message, now)
        case .diskFailed(let message): diskFailed(flight, message, now)
        }
        // Downloads that waited for the disk gave up for another reason; the next one tests the disk.
        if downloads.count == 0 { pause.diskSince = nil }
    }

    /// The disk took data of a download. One that began before the last refusal does not resume submission, but while
    /// clips are saved the others are not given up.
    ///
    /// - Parameter begun: the number of refusals when the download began.
    private mutating func diskWorked(begun: Int, _ now: Instant) {
        guard pause.diskSince != nil else { return }
        pause.diskSince = begun == pause.diskRefusals ? nil : now
    }

    /// Whether the disk refused the latest download; rendering further clips would then be wasteful.
    var isDiskRefusing: Bool { pause.diskSince != nil && downloads.count > 0 }

    private mutating func saved(_ flight: ActiveAttempt, _ clip: SavedClip, _ now: Instant) {
        var flight = flight
        advance(&flight, .saved)
        flight.completion?.isSaved = true
        flight.completion?.isClipSettled = true
        diskWorked(begun: flight.completion?.refusalsAtStart ?? pause.diskRefusals, now)
        put(flight)
        var steps: [Mutation.Kind] = [.saved(flight.attempt, clip)]
        if let remark = clip.remark {
            steps.append(.note(flight.attempt, kind: "odd_clip", text: remark))
            effects.append(.tell(.warning("\(flight.key): \(remark); it is kept as \(clip.path)")))
        }
        commit(steps, now)
        effects.append(.tell(.saved(flight.name, path: clip.path)))
        closeIfDone(flight.attempt)
    }

    /// An interrupted download: resumes the same URL, with increasing waits, until the maximum wait passes without a
    /// byte.
    private mutating func interrupted(_ flight: ActiveAttempt, _ fault: ProviderError, _ now: Instant) {
        guard let completion = flight.completion else { return }
        var flight = flight
        let tries = completion.interruptions
        // The number of probes that fit in the maximum wait.
        let probes = Int32(saturating: settings.maximumWait / settings.retry.maximumProbeInterval)
        let limit = settings.retry.attempts + Int(probes)
        guard tries < limit else {
            return closeUnsaved(flight, "its download keeps breaking off: \(fault.message)", now)
        }
        downloadLater(&flight, afterFailures: tries, now)
    }

    private mutating func downloadLater(_ flight: inout ActiveAttempt, afterFailures failures: Int, _ now: Instant) {
        let wait = settings.retry.wait(afterFailures: max(failures, 1), using: &random)
        flight.completion?.isDownloading = true
        put(flight)
        effects.append(.wake(.download(flight.attempt, serial: flight.downloadSerial), at: now + wait))
    }

    /// The download ended without a stated length: the clip is downloaded once more and then kept as unverified.
    private mutating func unverified(_ flight: ActiveAttempt, _ path: String, _ now: Instant) {
        var flight = flight
        guard let completion = flight.completion else { return }
        guard completion.unverified >= Self.unverifiedLimit else {
            return downloadLater(&flight, afterFailures: completion.unverified, now)
        }
        flight.completion?.isUnverified = true
        commit([.unverified(flight.attempt, path: path)], now)
        closeUnsaved(
            flight,
            "the server does not state the clip's length, so it may be truncated; it is kept as \(path), and the next "
                + "run tries again", now)
    }

    /// A refused URL. A clip may not be available for a while after its task completes: a new URL is requested
    /// immediately, then with increasing waits. If the provider cannot be queried, the same URL is retried.
    private mutating func refused(
        _ flight: ActiveAttempt, _ completion: ActiveAttempt.Completion, _ fault: ProviderError, _ now: Instant
    ) {
        var flight = flight
        let mayCome = fault.status.map(Self.refusalsThatMayEnd.contains) ?? false
        let since = completion.refusedSince ?? now
        let isOver =
            completion.refusals >= Self.refusalLimit && !(mayCome && now - since < settings.assetPatience)
        let canAsk = accounts.contains(flight.account) && !areQueriesOver
        if isOver || !mayCome || (canAsk && completion.refusals == 1) {
            return askForFreshAsset(flight, fault.message, isOver: isOver, now)
        }
        guard canAsk else { return downloadLater(&flight, afterFailures: completion.refusals, now) }
        flight.completion?.needsAsset = true
        flight.completion?.queriesLeft = settings.completionQueries
        wake(&flight, at: now + settings.retry.wait(afterFailures: completion.refusals - 1, using: &random))
        put(flight)
    }
    private static let refusalsThatMayEnd: Set<Int> = [401, 403, 404, 410]

    /// No new URL came: retries the refused one while it may still become available.
    ///
    /// - Returns: false if the time for that is over.
    mutating func retryRefusedAsset(_ flight: ActiveAttempt, _ now: Instant) -> Bool {
        guard let completion = flight.completion, let since = completion.refusedSince, completion.asset != nil,
            now - since < settings.assetPatience, !isStopping
        else { return false }
        var flight = flight
        flight.completion?.needsAsset = false
        downloadLater(&flight, afterFailures: completion.refusals, now)
        return true
    }

    /// Requests a new URL, never a new render.
    private mutating func askForFreshAsset(_ flight: ActiveAttempt, _ reason: String, isOver: Bool, _ now: Instant) {
        var flight = flight
        guard !isOver, accounts.contains(flight.account), !areQueriesOver else {
            return closeUnsaved(flight, reason, now)
        }
        flight.completion?.needsAsset = true
        flight.completion?.queriesLeft = settings.completionQueries
        put(flight)
        askForCompletion(flight.attempt, now)
    }

    /// The disk refuses writes: all downloads wait and retry until the maximum wait is over. Nothing new is submitted
    /// until then.
    private mutating func diskFailed(_ flight: ActiveAttempt, _ message: String, _ now: Instant) {
        if pause.diskSince == nil {
            let warning = "cannot save clips: \(message); retrying; nothing new is submitted until then"
            effects.append(.tell(.warning(warning)))
        }
        let since = pause.diskSince ?? now
        pause.diskSince = since
        pause.diskRefusals += 1
        guard now - since < settings.maximumWait else {
            closeUnsaved(flight, message, now)
            endSubmission("clips cannot be saved: \(message)")
            for attempt in downloads.abandon() {
                if var other = self.flight(attempt) {
                    other.completion?.isDownloading = false
                    closeUnsaved(other, message, now)
                }
            }
            return
        }
        pause.diskUntil = now + settings.retry.initialProbeInterval
        put(flight)
        queueDownload(flight, now)
    }
}
