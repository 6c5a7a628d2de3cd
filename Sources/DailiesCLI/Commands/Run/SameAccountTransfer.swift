import DailiesCore
import DailiesProvider
import DailiesStore

/// `--same-account`: transfers unfinished tasks from earlier API keys to those of this command.
enum SameAccountTransfer {
    /// Reports each transfer on standard error.
    static func perform(in store: Store, _ accounts: APIKeyRouting, _ configuration: ProviderConfiguration) throws {
        let transfers = try store.transferAttempts(
            to: accounts, provider: configuration.name, baseURL: configuration.baseURL, at: Composition.timers().now)
        for transfer in transfers {
            Console.error(
                "\(TaskDescription.count(transfer.clips, "clip")) transferred from the API key \(transfer.from) "
                    + "to the API key \(transfer.to)")
        }
        if transfers.isEmpty { Console.error("--same-account: no clip needs another API key") }
    }
}

extension APIKeyRouting {
    /// The keys of a configuration.
    init(of configuration: ProviderConfiguration) {
        var accounts: [String: KeyFingerprint] = [:]
        for key in configuration.keys { accounts[key.modelPrefix] = key.key.fingerprint }
        self.init(byPrefix: accounts)
    }
}
