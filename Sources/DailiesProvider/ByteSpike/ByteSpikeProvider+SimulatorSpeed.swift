import DailiesCore
import ExactJSON

extension ByteSpikeProvider {
    private static let statePath = "/simulator/state"
    private static let stateTimeout = Duration.seconds(5)

    /// The speed reported by a simulator on this machine, as a multiple of real time.
    ///
    /// - Returns: nil for a remote service, which is not asked, and if the service does not report a speed.
    public func statedSpeed() async -> Double? {
        guard configuration.isLoopback, let key = configuration.keys.first?.key else { return nil }
        let request = APIClient.Request(
            method: .GET, target: Self.statePath, body: nil, key: key, timeout: Self.stateTimeout)
        do {
            let reply = try await api.send(request)
            guard reply.status == 200 else { return nil }
            let speed = try JSONValue.parse(reply.body)["speed"]
            return (speed?.number ?? speed?.string).flatMap { Double($0) }
        } catch {
            // Not a simulator, or one that is not running: the run itself will report that.
            return nil
        }
    }
}
