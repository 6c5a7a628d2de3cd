import DailiesCore
import ExactJSON

extension ByteSpikeProvider {
    private static let statePath = "/simulator/state"
    private static let stateTimeout = Duration.seconds(5)

    /// How much faster than real time the service on this machine says it runs.
    ///
    /// - Returns: nil for a service elsewhere, which is never asked, and for one that does not say.
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
            // No simulator, or one that is not up yet: the run itself will meet that and say so.
            return nil
        }
    }
}
