import Foundation

/// Error messages of this program or of the system. Messages of libraries are not shown, because they name types and
/// numbers that do not help users.
enum ErrorFormatter {
    /// Modules whose error descriptions are messages for users.
    private static let modules = ["Dailies", "Provider", "ExactJSON", "ArgumentParser"]

    static func of(_ error: any Error) -> String {
        let type = String(reflecting: type(of: error))
        if modules.contains(where: type.hasPrefix) { return "\(error)" }
        if let code = errorNumber(of: error as NSError) {
            let message = String(cString: strerror(code))
            return message.prefix(1).lowercased() + message.dropFirst()
        }
        return "unexpected error of type \(type)"
    }

    /// The `errno` in an error, or nil if it has none.
    private static func errorNumber(of error: NSError) -> Int32? {
        if error.domain == NSPOSIXErrorDomain { return Int32(exactly: error.code) }
        return (error.userInfo[NSUnderlyingErrorKey] as? NSError).flatMap(errorNumber)
    }
}
