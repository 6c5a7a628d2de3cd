/// The `Content-Range` header. Source: RFC 9110, section 14.4.
package enum ContentRange: Hashable {
    /// `bytes 5-9/10`; the total is nil for `*`.
    case part(first: Int64, last: Int64, total: Int64?)
    /// `bytes */10`, in a 416 response.
    case unsatisfied(total: Int64)

    /// nil for invalid text and contradictory numbers.
    package init?(_ text: String?) {
        guard let text, text.utf8.count <= 100, text.lowercased().hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let total = Self.number(parts[1])
        if parts[0] == "*" {
            guard let total else { return nil }
            self = .unsatisfied(total: total)
            return
        }
        let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false).map { Self.number($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last,
            total != nil || parts[1] == "*", last < total ?? .max
        else { return nil }
        self = .part(first: first, last: last, total: total)
    }

    private static func number(_ text: Substring) -> Int64? {
        text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? Int64(text) : nil
    }
}
