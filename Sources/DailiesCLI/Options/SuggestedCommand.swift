import Foundation

/// Builds commands for the user to run next, with the options for the same store and provider.
struct SuggestedCommand: Sendable {
    private let storeWords: [String]
    private let providerWords: [String]

    init(store: StoreOptions, provider: ProviderOptions? = nil) {
        storeWords = store.store.map { ["--store", $0] } ?? []
        var words: [String] = []
        if let provider {
            if provider.provider != .bytespike { words += ["--provider", provider.provider.rawValue] }
            if let url = provider.baseURL { words += ["--base-url", url] }
            for file in provider.apiKeyFile { words += ["--api-key-file", file] }
            if provider.dialect != .flat { words += ["--dialect", provider.dialect.rawValue] }
            if provider.speed != 1 { words += ["--speed", provider.speed.formatted(.number.grouping(.never))] }
        }
        providerWords = words
    }

    /// For a store that no option named.
    init(storePath: String) {
        storeWords = ["--store", storePath]
        providerWords = []
    }

    /// A command that connects to the provider.
    ///
    /// - Parameters:
    ///   - options: option names with their values, in order.
    ///   - flags: follow the options.
    ///   - keys: task keys.
    func online(
        _ command: String, _ options: [(name: String, value: String)] = [], flags: [String] = [], keys: [String] = []
    ) -> String {
        line(command, options, flags + storeWords + providerWords, keys)
    }

    /// A command that needs only the store.
    func offline(_ command: String, _ options: [(name: String, value: String)] = [], keys: [String] = []) -> String {
        line(command, options, storeWords, keys)
    }

    private func line(
        _ command: String, _ options: [(name: String, value: String)], _ more: [String], _ keys: [String]
    ) -> String {
        // A value or key that begins with a dash would be parsed as an option.
        let words = options.flatMap { Self.isDashed($0.value) ? ["\($0.name)=\($0.value)"] : [$0.name, $0.value] }
        let ends = keys.contains(where: Self.isDashed)
        let command = command.split(separator: " ").map(String.init)
        return ShellWord.line(["dailies"] + command + words + (ends ? more + ["--"] + keys : keys + more))
    }

    private static func isDashed(_ word: String) -> Bool { word.utf8.first == UInt8(ascii: "-") }
}
