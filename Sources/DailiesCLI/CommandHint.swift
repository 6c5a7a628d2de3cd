import Foundation

/// A command for the user to type next, with the options that lead to the same store and provider as this one.
struct CommandHint: Sendable {
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

    /// For a store at a path, where no option named it.
    init(storePath: String) {
        storeWords = ["--store", storePath]
        providerWords = []
    }

    /// A command that speaks to the provider.
    func online(_ words: String...) -> String { line(words + storeWords + providerWords) }

    /// A command that needs the store only.
    func offline(_ words: String...) -> String { line(words + storeWords) }

    private func line(_ words: [String]) -> String {
        "dailies " + words.filter { !$0.isEmpty }.map(ShellWord.quoted).joined(separator: " ")
    }
}
