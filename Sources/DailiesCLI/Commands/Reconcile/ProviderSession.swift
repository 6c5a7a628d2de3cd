import DailiesCore
import DailiesProvider

/// A provider connection for the duration of one command.
enum ProviderSession {
    /// - Throws: 64 or 77 for unusable options, and errors of `body`.
    static func with(_ options: ProviderOptions, _ body: (RetryingProvider) async throws -> Void) async throws {
        try OpenFiles.refuseIfTooFew()
        let configuration = try options.configuration()
        let provider = Composition.provider(configuration)
        do {
            try await body(RetryingProvider(provider, configuration, speed: options.speed))
        } catch {
            await provider.shutdown()
            throw error
        }
        await provider.shutdown()
    }
}
