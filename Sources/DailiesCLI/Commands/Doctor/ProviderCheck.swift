import ArgumentParser
import DailiesCore
import DailiesProvider

/// The key, the way to the provider, and its clock beside ours.
enum ProviderCheck {
    /// Days of reports are days of this clock; a minute is no matter.
    private static let clockTolerance = Duration.seconds(60)

    static func run(_ options: ProviderOptions, isOffline: Bool, in examination: inout DoctorReport) async {
        let configuration: ProviderConfiguration
        do {
            if !isOffline { try OpenFiles.refuseIfTooFew() }
            configuration = try options.configuration()
        } catch let stop as Stop where stop.code == .keyRefused {
            return isOffline
                ? examination.add("key", .warning, stop.message) : examination.keyIsMissingOrRefused(stop.message)
        } catch {
            return examination.add("provider", .problem, ProviderOptions.message(for: error))
        }
        guard !isOffline else {
            return examination.add("key", .skipped, "set, not tried (--offline)")
        }
        let provider = Composition.provider(configuration)
        var repliedAt: Instant?
        for key in configuration.keys {
            let probe = await provider.probe(key)
            judge(probe.answer, key, at: configuration.baseURL, in: &examination)
            repliedAt = repliedAt ?? probe.repliedAt
        }
        await provider.shutdown()
        if let repliedAt { compareClocks(repliedAt, in: &examination) }
    }

    private static func judge(
        _ answer: QueryResult, _ key: ModelAPIKey, at baseURL: String, in examination: inout DoctorReport
    ) {
        let place = SafeText.escaped(baseURL)
        let fingerprint = key.key.fingerprint
        switch answer {
        case .notFound, .found:
            examination.add("key", .ok, "\(fingerprint) is accepted by \(place)")
        case .stopped(let fault, .keyRefused):
            examination.keyIsMissingOrRefused(
                "\(fingerprint) is refused by \(place) (\(fault.shown)); give another one")
        case .stopped(let fault, _):
            examination.add("account", .problem, "\(place) denies \(fingerprint) access (\(fault.shown))")
        case .fault(let fault):
            examination.add("provider", .problem, "no answer from \(place) that tells of the key (\(fault.shown))")
        }
    }

    private static func compareClocks(_ theirs: Instant, in examination: inout DoctorReport) {
        let difference = Composition.timers().now - theirs
        let seconds = Int64(difference.inSeconds.rounded())
        let isFar = difference > clockTolerance || difference < .zero - clockTolerance
        // Theirs is rounded down to a second.
        let words =
            abs(seconds) <= 1
            ? "the same as the provider's"
            : "\(abs(seconds)) s \(seconds > 0 ? "ahead of" : "behind") the provider's"
        examination.add("clock", isFar ? .warning : .ok, words + (isFar ? "; set it, for the days of reports" : ""))
    }
}

extension ProviderOptions {
    /// A refused option in words.
    static func message(for error: any Error) -> String {
        if let stop = error as? Stop { return stop.message }
        if let refusal = error as? ValidationError { return refusal.message }
        return SafeText.escaped(ErrorFormatter.of(error))
    }
}
