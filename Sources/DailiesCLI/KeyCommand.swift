import DailiesCore
import Foundation

/// An API key that a command of the user's prints.
enum KeyCommand {
    /// A key store may ask its user for a password.
    private static let patience = 60.0
    private static let mostBytes = 65_536

    /// - Returns: nil where no command is configured.
    /// - Throws: ``Stop`` with 77 where it fails; what it printed is never repeated.
    static func key() throws -> String? {
        guard let configured = Configured.current.values[OptionRule.keyCommand] else { return nil }
        guard let command = configured.values.first, configured.values.count == 1 else {
            throw Stop(.usage, "\(configured.origin): api_key_command is one command")
        }
        let process = Process()
        let out = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        process.standardOutput = out
        let watchdog = DispatchSource.makeTimerSource(queue: .global(qos: .utility))
        watchdog.schedule(deadline: .now() + patience)
        do {
            try process.run()
        } catch {
            throw Stop(.keyRefused, "\(configured.origin): api_key_command cannot be started: \(error)")
        }
        watchdog.setEventHandler { @Sendable in process.terminate() }
        watchdog.activate()
        defer { watchdog.cancel() }
        let data: Data
        do {
            data = try out.fileHandleForReading.read(upToCount: mostBytes) ?? Data()
        } catch {
            throw Stop(.keyRefused, "\(configured.origin): what api_key_command prints cannot be read: \(error)")
        }
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            throw Stop(.keyRefused, "\(configured.origin): api_key_command failed (\(process.terminationStatus))")
        }
        let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
        guard !line.isEmpty else { throw Stop(.keyRefused, "\(configured.origin): api_key_command printed no key") }
        return line
    }
}
