import DailiesCore

/// What the head of a reply tells of an asset's version.
extension AssetVersion {
    /// Longer validators are not kept.
    private static let longestValidator = 256
    /// A Last-Modified date tells versions apart only once it is older than this: until then the asset may change once more
    /// within the second, and the clocks of those who answer may differ.
    ///
    /// Source: RFC 9110, section 8.8.2.2, and for the minute RFC 7232, section 2.2.2.
    private static let ageOfStrongDate = Duration.seconds(60)

    /// - Parameter length: as the reply states it.
    init(_ headers: HeaderFields, length: Int64?) { self.init(validator: Self.validator(headers), length: length) }

    /// As `If-Range` takes it: a strong ETag; where there is no ETag at all, a Last-Modified date that is strong.
    ///
    /// Source: RFC 9110, section 13.1.5.
    private static func validator(_ headers: HeaderFields) -> String? {
        if headers["etag"] != nil {
            guard let tag = headers.only("etag"), isStrong(tag) else { return nil }
            return tag
        }
        guard let text = headers.only("last-modified"), let modified = HTTPDate.parse(text), let date = headers.date,
            date - modified >= ageOfStrongDate
        else { return nil }
        return text
    }

    /// `"abc"`; neither `W/"abc"` nor an empty tag, which tells nothing.
    private static func isStrong(_ tag: String) -> Bool {
        let bytes = Array(tag.utf8)
        return 3...longestValidator ~= bytes.count && bytes.first == 0x22 && bytes.last == 0x22
            && bytes.dropFirst().dropLast().allSatisfy { $0 == 0x21 || 0x23...0x7E ~= $0 }
    }
}

extension HeaderFields {
    /// The value under a name that comes once.
    func only(_ name: String) -> String? {
        let found = fields.filter { HeaderFields([$0])[name] != nil }
        return found.count == 1 ? self[name] : nil
    }

    /// Bytes of the body as `Content-Length` states them; nil where it is missing or no number.
    var contentLength: Int64? {
        guard let text = only("content-length"), text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        return Int64(text)
    }
}
