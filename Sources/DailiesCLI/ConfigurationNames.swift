/// What a configuration file may say: names of options, and what is no option.
enum ConfigurationNames {
    /// Where the service is and which key it gets: in the user's own file alone.
    static let own = ["api-key-command", "api-key-file", "base-url", "provider"]
    static let anywhere = [
        "accept-quote", "budget", "budget-mode", "cadence", "canary", "canary-max-credits", "canary-success-rate",
        "catalog",
        "concurrency", "dialect", "key-memory", "max-credits-per-task", "max-wait", "no-color", "no-download", "output",
        "pause-after-rejections", "poll-window", "quote-tolerance", "rate", "rates", "retries", "retry-rules", "store",
        "trust-5xx", "usd-per-credit",
    ]
    /// Options of `run` that are of one run only: what it is about, what it agrees to, how it speaks.
    static let ofOneRun = [
        "accept-changes", "batch", "format", "help", "json", "plan", "quiet", "same-batch", "speed", "verbose",
        "version",
        "yes",
    ]
    /// The only one that is no option: a key never stands on a command line, nor does what prints it.
    static let keyCommand = "api-key-command"

    /// Those that name a file or a folder.
    static let paths = ["api-key-file", "catalog", "output", "rates", "retry-rules", "store"]

    /// Of a rehearsal's own: it never touches what is real.
    static let notRehearsed = ["budget", "output", "store"]

    static let list = "It may set " + anywhere.joined(separator: ", ") + "."
    static let ownList = own.joined(separator: ", ")

    /// Variables of the environment that come before a file.
    static let variables = [
        "store": StoreOptions.environmentName, "base-url": ProviderOptions.baseURLName,
        "api-key-file": ProviderOptions.keyName, keyCommand: ProviderOptions.keyName,
    ]
}
