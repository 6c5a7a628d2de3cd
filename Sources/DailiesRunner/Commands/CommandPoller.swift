import Dispatch

/// Lets a runner look for commands twice a second, so that each is taken up within one.
public final class CommandPoller: @unchecked Sendable {
    // Unchecked because of `timer`: Dispatch's sources may be used from any thread, but do not say so.

    private static let interval = DispatchTimeInterval.milliseconds(500)
    /// Lets the system wake for other work at the same moment.
    private static let leeway = DispatchTimeInterval.milliseconds(100)

    private let timer: any DispatchSourceTimer

    /// Starts watching for `runner`, which it does not keep alive.
    public init(_ runner: Runner) {
        timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "dailies.commands", qos: .utility))
        timer.schedule(deadline: .now() + Self.interval, repeating: Self.interval, leeway: Self.leeway)
        timer.setEventHandler { @Sendable [weak runner] in runner?.pollCommands() }
        timer.activate()
    }

    deinit { timer.cancel() }

    /// No further look.
    public func stop() { timer.cancel() }
}
