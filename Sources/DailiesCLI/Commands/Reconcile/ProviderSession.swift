import DailiesCore
import DailiesProvider

/// The provider for the length of one command.
enum ProviderSession {
    /// - Throws: what the options are refused with (64, 77), and what `body` throws.
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
