import Foundation

/// What went wrong, in words of this program or of the system. The text of a library is not shown: it names types and
/// numbers, and nobody who reads it knows what to do.
enum ErrorFormatter {
    /// Modules whose errors are worded for people.
    private static let ours = ["Dailies", "Provider", "ExactJSON", "ArgumentParser"]

    static func of(_ error: any Error) -> String {
        let type = String(reflecting: type(of: error))
        if ours.contains(where: type.hasPrefix) { return "\(error)" }
        if let code = systemCode(of: error as NSError) {
            let words = String(cString: strerror(code))
            return words.prefix(1).lowercased() + words.dropFirst()
        }
        return "unexpected error of the type \(type)"
    }

    /// The system's own number, where an error holds one.
    private static func systemCode(of error: NSError) -> Int32? {
        if error.domain == NSPOSIXErrorDomain { return Int32(exactly: error.code) }
        return (error.userInfo[NSUnderlyingErrorKey] as? NSError).flatMap(systemCode)
    }
}
