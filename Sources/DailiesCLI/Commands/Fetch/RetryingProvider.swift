import DailiesCore
import DailiesProvider
import DailiesRunner

/// Provider requests with a few short retries each, for commands that send a few requests and exit.
struct RetryingProvider: Sendable {
    private let provider: ByteSpikeProvider
    private let configuration: ProviderConfiguration
    private let policy: RetryPolicy

    /// - Parameter speed: the simulator's speed; waits between retries are divided by it.
    init(_ provider: ByteSpikeProvider, _ configuration: ProviderConfiguration, speed: Double) {
        self.provider = provider
        self.configuration = configuration
        policy = RetryPolicy().divided(bySpeed: speed)
    }

    var name: String { configuration.name }
    var baseURL: String { configuration.baseURL }

    var accounts: APIKeyRouting { APIKeyRouting(of: configuration) }

    /// Whether a configured key has this fingerprint: only the key that submitted a task can look it up.
    func holds(_ account: KeyFingerprint) -> Bool {
        accounts.contains(account)
    }

    func ask(_ question: TaskQuery) async -> QueryResult {
        await burst { [provider] reply in provider.query(question, reply: reply) }
    }

    private func burst(
        _ send: @Sendable (@escaping @Sendable (QueryResult) -> Void) -> Void
    ) async -> QueryResult {
        var failures = 0
        var jitter = SplitMix64(seed: UInt64(bitPattern: DispatchClock().now.nanoseconds))
        while true {
            let answer = await withCheckedContinuation { continuation in
                send { continuation.resume(returning: $0) }
            }
            guard case .fault(let fault) = answer else { return answer }
            failures += 1
            if failures >= policy.attempts || fault.code == ByteSpikeProvider.noKeyCode { return answer }
            let wait = fault.retryAfter ?? policy.wait(afterFailures: failures, using: &jitter)
            await Pause.now(for: min(wait, Self.maximumPause))
        }
    }

    /// Longer waits are too long for an interactive command.
    private static let maximumPause = Duration.seconds(10)
}

extension ProviderError {
    /// ``summary``, safe to show.
    var shown: String { SafeText.escaped(summary) }

    /// No response, a server error, or a response from a proxy before the service: the next request would fail too.
    var showsOutage: Bool {
        switch kind {
        case .unreachable, .timedOut, .broken: true
        case .status: (status ?? 0) >= 500 || (code == nil && status != 429)
        case .unreadable: false
        }
    }
}
