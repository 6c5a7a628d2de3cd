extension Scheduler {
    /// Refusals of fresh URLs in a row after which a clip is left for the next run.
    private static let refusalLimit = 3
    /// Whole downloads in a row that were no MP4.
    private static let malformedLimit = 2

    mutating func queueDownload(_ flight: Flight, _ now: Instant) {
        guard var completion = flight.completion, !completion.isClipSettled, !completion.isDownloading,
            completion.asset != nil
        else { return }
        var flight = flight
        completion.isDownloading = true
        flight.completion = completion
        put(flight)
        downloads.add(flight.attempt, expiresAt: completion.expiresAt)
    }

    /// The wait after an interruption is over.
    mutating func downloadAgain(_ flight: Flight) {
        guard let completion = flight.completion, completion.isDownloading, !completion.isClipSettled else { return }
        downloads.add(flight.attempt, expiresAt: completion.expiresAt)
    }

    mutating func startDownloads(_ now: Instant) {
        guard !isStopping, !isFinished else { return }
        if let until = pause.diskUntil, now < until { return }
        while let attempt = downloads.next() {
            guard let flight = flight(attempt), let asset = flight.completion?.asset, let key = flight.submissionKey
            else {
                downloads.ended()
                continue
            }
            effects.append(.act(.download(attempt, key, asset, output: flight.outputName)))
        }
    }

    mutating func downloaded(_ attempt: AttemptID, _ result: DownloadResult, _ now: Instant) {
        downloads.ended()
        guard var flight = flight(attempt), var completion = flight.completion else { return }
        completion.isDownloading = false
        flight.completion = completion
        switch result {
        case .saved(let clip): saved(flight, clip, now)
        case .interrupted(let fault, let progressed):
            completion.interruptions = progressed ? 0 : completion.interruptions + 1
            if progressed { pause.diskSince = nil }
            flight.completion = completion
            interrupted(flight, fault, now)
        case .refused(let fault):
            completion.refusals += 1
            flight.completion = completion
            askForFreshAsset(flight, fault.message, isOver: completion.refusals >= Self.refusalLimit, now)
        case .malformed(let message):
            completion.malformed += 1
            flight.completion = completion
            askForFreshAsset(flight, message, isOver: completion.malformed >= Self.malformedLimit, now)
        case .diskFailed(let message): diskFailed(flight, message, now)
        }
    }

    private mutating func saved(_ flight: Flight, _ clip: SavedClip, _ now: Instant) {
        var flight = flight
        advance(&flight, .saved)
        flight.completion?.isSaved = true
        flight.completion?.isClipSettled = true
        pause.diskSince = nil
        put(flight)
        commit([.saved(flight.attempt, clip)], now)
        effects.append(.tell(.saved(flight.key, path: clip.path)))
        closeIfDone(flight.attempt)
    }

    /// Cut: the same URL from where the file ends, sooner or later, until the maximum wait without a byte is over.
    private mutating func interrupted(_ flight: Flight, _ fault: Fault, _ now: Instant) {
        var flight = flight
        guard let completion = flight.completion else { return }
        let tries = completion.interruptions
        // As many probes as fit in the maximum wait.
        let probes = Int32(saturating: settings.maximumWait / settings.retry.longestProbe)
        let limit = settings.retry.attempts + Int(probes)
        guard tries < limit else { return closeUnsaved(flight, "its download keeps being cut: \(fault.message)", now) }
        let wait = settings.retry.wait(afterFailures: max(tries, 1), using: &random)
        flight.completion?.isDownloading = true
        flight.downloadSerial &+= 1
        put(flight)
        effects.append(.wake(.download(flight.attempt, serial: flight.downloadSerial), at: now + wait))
    }

    /// A fresh URL is asked for, never a new render.
    private mutating func askForFreshAsset(_ flight: Flight, _ reason: String, isOver: Bool, _ now: Instant) {
        var flight = flight
        guard !isOver, accounts.contains(flight.account), !areQuestionsOver else {
            return closeUnsaved(flight, reason, now)
        }
        flight.completion?.needsAsset = true
        flight.completion?.questionsLeft = settings.completionQuestions
        put(flight)
        askForCompletion(flight.attempt, now)
    }

    /// The disk refuses: all downloads wait a little, then again, until the maximum wait is over.
    private mutating func diskFailed(_ flight: Flight, _ message: String, _ now: Instant) {
        let since = pause.diskSince ?? now
        pause.diskSince = since
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
        if pause.diskUntil == nil { effects.append(.tell(.warning("cannot save clips: \(message); trying again"))) }
        pause.diskUntil = now + settings.retry.firstProbe
        put(flight)
        queueDownload(flight, now)
    }
}
