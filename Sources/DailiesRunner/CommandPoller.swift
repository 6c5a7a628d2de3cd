import Dispatch

/// Polls for commands twice a second, so that a runner picks up each within a second.
package final class CommandPoller: @unchecked Sendable {
    // Unchecked because of `timer`: Dispatch sources are thread-safe, but not marked `Sendable`.

    private static let interval = DispatchTimeInterval.milliseconds(500)
    /// Lets the system combine wake-ups.
    private static let leeway = DispatchTimeInterval.milliseconds(100)

    private let timer: any DispatchSourceTimer

    /// Starts polling for `runner`. Does not keep it alive.
    package init(_ runner: Runner) {
        timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "dailies.commands", qos: .utility))
        timer.schedule(deadline: .now() + Self.interval, repeating: Self.interval, leeway: Self.leeway)
        timer.setEventHandler { @Sendable [weak runner] in runner?.pollCommands() }
        timer.activate()
    }

    deinit { timer.cancel() }

    /// Stops polling.
    package func stop() { timer.cancel() }
}
