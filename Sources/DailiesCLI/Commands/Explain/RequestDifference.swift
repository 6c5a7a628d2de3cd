import DailiesCore
import ExactJSON

/// A request field that differs between the store and the manifest.
struct RequestDifference {
    let field: String
    /// nil: the field is absent.
    let stored: JSONValue?
    let asked: JSONValue?

    /// The fields that differ, sorted by the bytes of their names. Numbers and texts are compared byte for byte, except
    /// for line endings in text.
    static func between(_ stored: CanonicalRequest, _ asked: CanonicalRequest) -> [RequestDifference] {
        let (stored, asked) = (stored.withLineFeeds, asked.withLineFeeds)
        let old = members(of: stored)
        let new = members(of: asked)
        return Set(old.keys).union(new.keys).sorted { $0 < $1 }.compactMap { name in
            let (before, after) = (old[name], new[name])
            let isSame = before.map { ByteKey($0.compactText) } == after.map { ByteKey($0.compactText) }
            return isSame ? nil : RequestDifference(field: name.text, stored: before, asked: after)
        }
    }

    static func memberCount(of request: CanonicalRequest) -> Int { members(of: request).count }

    private static func members(of request: CanonicalRequest) -> [ByteKey: JSONValue] {
        do {
            let value = try JSONValue.parse(request.text.utf8)
            return Dictionary(
                (value.members ?? []).map { (ByteKey($0.name), $0.value) }, uniquingKeysWith: { _, last in last })
        } catch {
            // The program wrote it; an unreadable request counts as different in full.
            return [ByteKey("request"): JSONValue(kind: .string(request.text))]
        }
    }

    // MARK: Text

    /// Scalars shown before the first difference of two long texts.
    private static let context = 20

    /// Both values, safe to show; long texts are cut to where they begin to differ.
    var shown: (stored: String, asked: String) {
        guard let stored, let asked else {
            return (self.stored.map { Self.text($0, from: 0) } ?? "-", self.asked.map { Self.text($0, from: 0) } ?? "-")
        }
        let common = zip(stored.compactText.unicodeScalars, asked.compactText.unicodeScalars).prefix { $0 == $1 }.count
        let start = common > 2 * Self.context ? common - Self.context : 0
        return (Self.text(stored, from: start), Self.text(asked, from: start))
    }

    private static func text(_ value: JSONValue, from start: Int) -> String {
        let rest = String(String.UnicodeScalarView(value.compactText.unicodeScalars.dropFirst(start)))
        return (start > 0 ? "…" : "") + SafeText.cut(rest)
    }
}
