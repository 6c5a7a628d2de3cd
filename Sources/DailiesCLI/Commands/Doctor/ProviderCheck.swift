import ArgumentParser
import DailiesCore
import DailiesProvider

/// Checks the API key, the connection to the provider, and the clock.
enum ProviderCheck {
    /// The clock decides the days of reports, for which a minute does not matter.
    private static let clockTolerance = Duration.seconds(60)

    static func run(_ options: ProviderOptions, isOffline: Bool, in report: inout DoctorReport) async {
        let configuration: ProviderConfiguration
        do {
            if !isOffline { try OpenFiles.refuseIfTooFew() }
            configuration = try options.configuration()
        } catch let stop as Stop where stop.code == .keyRefused {
            return isOffline
                ? report.add("key", .warning, stop.message) : report.addKeyProblem(stop.message)
        } catch {
            return report.add("provider", .problem, ProviderOptions.message(for: error))
        }
        guard !isOffline else {
            return report.add("key", .skipped, "set, not checked (--offline)")
        }
        let provider = Composition.provider(configuration)
        var repliedAt: Instant?
        for key in configuration.keys {
            let probe = await provider.probe(key)
            judge(probe.answer, key, at: configuration.baseURL, in: &report)
            repliedAt = repliedAt ?? probe.repliedAt
        }
        await provider.shutdown()
        if let repliedAt { compareClocks(repliedAt, in: &report) }
    }

    private static func judge(
        _ answer: QueryResult, _ key: ModelAPIKey, at baseURL: String, in report: inout DoctorReport
    ) {
        let place = SafeText.escaped(baseURL)
        let fingerprint = key.key.fingerprint
        switch answer {
        case .notFound, .found:
            report.add("key", .ok, "\(fingerprint) is accepted by \(place)")
        case .stopped(let fault, .keyRefused):
            report.addKeyProblem(
                "\(fingerprint) is refused by \(place) (\(fault.shown)); use another API key")
        case .stopped(let fault, _):
            report.add("account", .problem, "\(place) denies \(fingerprint) access (\(fault.shown))")
        case .fault(let fault):
            report.add("provider", .problem, "cannot check the key: no usable response from \(place) (\(fault.shown))")
        }
    }

    private static func compareClocks(_ providerTime: Instant, in report: inout DoctorReport) {
        let difference = Composition.timers().now - providerTime
        let seconds = Int64(difference.inSeconds.rounded())
        let isOff = difference > clockTolerance || difference < .zero - clockTolerance
        // The provider's time is rounded down to a second.
        let comparison =
            abs(seconds) <= 1
            ? "in sync with the provider's clock"
            : "\(abs(seconds)) s \(seconds > 0 ? "ahead of" : "behind") the provider's clock"
        let advice = isOff ? "; correct it, or reports will use the wrong day" : ""
        report.add("clock", isOff ? .warning : .ok, comparison + advice)
    }
}

extension ProviderOptions {
    /// The message of an error in the provider options.
    static func message(for error: any Error) -> String {
        if let stop = error as? Stop { return stop.message }
        if let refusal = error as? ValidationError { return refusal.message }
        return SafeText.escaped(ErrorFormatter.of(error))
    }
}
