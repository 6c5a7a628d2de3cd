import DailiesCore

/// The paths of the tasks API: building and parsing.
package enum Endpoint {
    /// Submits a task, with POST.
    package static let submit = "/v1/tasks/submit"
    /// Queries a task: with GET and `task_id` in the flat dialect, with POST in the other.
    package static let query = "/v1/tasks/query"
    /// Cancels a task, with POST: the id follows in the path, or is in the body.
    package static let cancel = "/v1/tasks/cancel"

    /// A query in the flat dialect: `/v1/tasks/query?task_id=…`.
    package static func query(_ remote: RemoteTaskID) -> String {
        "\(query)?\(FieldName.taskID)=\(percentEncoded(remote.text))"
    }

    /// The primary form of a cancellation: `/v1/tasks/cancel/{task_id}`, without a body.
    package static func cancel(_ remote: RemoteTaskID) -> String { "\(cancel)/\(percentEncoded(remote.text))" }

    /// The id in a cancellation's path; nil for another path, a missing id or an invalid escape.
    ///
    /// - Parameter path: without query string.
    package static func cancelledTask(path: some StringProtocol) -> RemoteTaskID? {
        guard path.hasPrefix(cancel + "/") else { return nil }
        return percentDecoded(path.utf8.dropFirst(cancel.utf8.count + 1)).flatMap {
            $0.isEmpty ? nil : RemoteTaskID($0)
        }
    }

    /// Splits a target at its first `?`.
    package static func split(_ target: String) -> (path: String, query: String) {
        guard let mark = target.firstIndex(of: "?") else { return (target, "") }
        return (String(target[..<mark]), String(target[target.index(after: mark)...]))
    }

    /// The pairs of a query string in order. Pairs with an invalid escape are skipped; `+` means a space.
    package static func items(ofQuery query: some StringProtocol) -> [(name: String, value: String)] {
        query.utf8.split(separator: UInt8(ascii: "&")).compactMap { pair in
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = percentDecoded(spaced(parts[0])),
                let value = parts.count > 1 ? percentDecoded(spaced(parts[1])) : ""
            else { return nil }
            return (name, value)
        }
    }

    /// Escapes everything but RFC 3986's unreserved characters as UTF-8 `%XX`: safe in a path and in a query.
    package static func percentEncoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if isUnreserved(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Decodes escapes; nil for an invalid escape or invalid UTF-8.
    package static func percentDecoded(_ text: some StringProtocol) -> String? { percentDecoded(text.utf8) }

    static func percentDecoded(_ text: some Collection<UInt8>) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static let hexDigits = Array("0123456789ABCDEF".utf8)

    private static func spaced(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        bytes.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }
}
