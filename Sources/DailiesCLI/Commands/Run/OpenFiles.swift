import Foundation

/// How many files and connections this process may have open at a time. The network library stops the program where it
/// is refused one, so that the limit is looked at before.
enum OpenFiles {
    /// The store, its log and its lock, clips with their parts, the terminal, and some to spare.
    private static let fixed = 64
    /// As the provider's settings have them, and the descriptors that each loop of the network library keeps.
    private static let connections = 64
    private static let ofEachLoop = 3

    /// With the simulator in the same process, each connection has two ends.
    static func needed(serving: Bool = false) -> Int {
        fixed + connections * (serving ? 2 : 1) + ofEachLoop * ProcessInfo.processInfo.activeProcessorCount
    }

    /// Takes all that the system grants without asking anybody: the soft limit becomes the hard one.
    static func raiseLimit() {
        guard var now = limit(), now.rlim_cur < now.rlim_max else { return }
        now.rlim_cur = now.rlim_max
        // Where that is refused, the soft limit stays, and what needs more says so.
        _ = setrlimit(resource, &now)
    }

    /// - Throws: ``Stop`` with 64 where fewer may be open than a command needs that uses the network.
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
