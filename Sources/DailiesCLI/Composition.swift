import DailiesCore
import DailiesManifest
import DailiesProvider
import DailiesRunner
import DailiesStore
import Foundation
import Logging
import ProviderSimulator

/// Creates the concrete types: clock, HTTP provider, simulator, logger and runner.
enum Composition {
    static let catalog = EmbeddedCatalog.catalog

    static func timers() -> any RunnerClock { DispatchClock() }

    static func provider(_ configuration: ProviderConfiguration) -> ByteSpikeProvider {
        ByteSpikeProvider(configuration)
    }

    static func simulator(
        _ configuration: SimulatorConfiguration, _ catalog: ModelCatalog = Self.catalog, port: Int,
        stateFile: String?
    ) -> SimulatorServer {
        let timers = DispatchClock()
        return SimulatorServer(
            configuration: configuration, catalog: catalog, port: port, stateFile: stateFile,
            clock: { timers.now })
    }

    static func logger(isQuiet: Bool) -> Logger {
        var logger = Logger(label: "dailies") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = isQuiet ? .error : .warning
        return logger
    }

    static func runner(
        store: Store, lock: RunnerLock, provider: any RenderProvider, configuration: Runner.Configuration,
        isQuiet: Bool,
        monitor: RunMonitor? = nil
    ) -> Runner {
        Runner(
            store: store, lock: lock, provider: provider, timers: timers(), configuration: configuration,
            logger: logger(isQuiet: isQuiet),
            observer: { event, instant in monitor?.happened(event, at: instant) })
    }

    enum Calendar {
        /// `2026-11-23`, in UTC.
        static func day(of instant: Instant) -> String { String(timestamp(instant).prefix(10)) }

        /// `2026-11-23T06:00:00Z`.
        static func timestamp(_ instant: Instant) -> String {
            let date = Date(timeIntervalSince1970: Double(instant.milliseconds / 1000))
            return date.formatted(.iso8601)
        }
    }
}
