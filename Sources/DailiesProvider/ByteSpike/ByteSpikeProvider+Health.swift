import DailiesCore
import ProviderWire

/// What one free question says of the way to the provider and of the key that asked.
public struct ProviderProbe: Sendable {
    /// A task that nobody submitted: `notFound` shows that the key is accepted.
    public let answer: QueryResult
    /// The provider's time when it replied, to the second; nil where no reply came or none was stated.
    public let repliedAt: Instant?
}

extension ByteSpikeProvider {
    /// The name of a task that no provider has.
    private static let nonexistentTask = RemoteTaskID("dailies-doctor-asks-for-nothing")

    /// Asks for a task that does not exist, with one of the configured keys. Costs nothing and changes nothing.
    public func probe(_ key: ModelAPIKey) async -> ProviderProbe {
        let request = APIClient.Request(
            method: .GET, target: Endpoint.query(Self.nonexistentTask), body: nil, key: key.key,
            timeout: configuration.queryTimeout)
        do throws(APIClient.Failure) {
            let reply = try await api.send(request)
            let answer = ResponseClassifier.queryAnswer(
                status: reply.status, headers: reply.headers, body: reply.body,
                redaction: Redactor(secrets: configuration.keys.map(\.key.secret)))
            return ProviderProbe(answer: answer, repliedAt: reply.headers.date)
        } catch {
            return ProviderProbe(answer: .fault(error.fault), repliedAt: nil)
        }
    }
}
