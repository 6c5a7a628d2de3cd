import DailiesCore
import ProviderWire

/// The result of a free request that checks the connection and the key.
public struct ProviderProbe: Sendable {
    /// The answer for a task that does not exist: `notFound` means that the key is accepted.
    public let answer: QueryResult
    /// The time in the response, to the second; nil without a response or a time.
    public let repliedAt: Instant?
}

extension ByteSpikeProvider {
    /// The id of a task that does not exist.
    private static let nonexistentTask = RemoteTaskID("dailies-doctor-asks-for-nothing")

    /// Queries a task that does not exist, with one of the configured keys. Free and without side effects.
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
