import Foundation

/// The limit of open files and connections of this process. The network library ends the program when it cannot open
/// one, so the limit is checked first.
enum OpenFiles {
    /// The store, its log and lock, clips and their part files, the terminal, and a margin.
    private static let fixed = 64
    /// The connections of the provider's settings, and the descriptors that each event loop keeps.
    private static let connections = 64
    private static let perEventLoop = 3

    /// - Parameter serving: the simulator runs in this process, so each connection uses two descriptors.
    static func needed(serving: Bool = false) -> Int {
        fixed + connections * (serving ? 2 : 1) + perEventLoop * ProcessInfo.processInfo.activeProcessorCount
    }

    /// Raises the soft limit to the hard limit, which needs no privileges.
    static func raiseLimit() {
        guard var now = limit(), now.rlim_cur < now.rlim_max else { return }
        now.rlim_cur = now.rlim_max
        // If that fails, the soft limit stays, and ``refuseIfTooFew(serving:)`` reports it.
        _ = setrlimit(resource, &now)
    }

    /// - Throws: ``Stop`` with 64 if the limit is lower than a command that uses the network needs.
    static func refuseIfTooFew(serving: Bool = false) throws {
        let needed = needed(serving: serving)
        guard let now = limit(), now.rlim_cur < rlim_t(needed) else { return }
        throw Stop(
            .usage,
            "this process may open only \(now.rlim_cur) files and connections but needs \(needed); raise the limit with "
                + "`ulimit -n \(needed)`")
    }

    private static func limit() -> rlimit? {
        var now = rlimit()
        return getrlimit(resource, &now) == 0 ? now : nil
    }

    #if os(Linux)
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let resource = RLIMIT_NOFILE
    #endif
}
