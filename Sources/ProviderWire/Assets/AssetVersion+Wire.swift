import DailiesCore

/// Reads an asset's version from response headers.
extension AssetVersion {
    /// Maximum length of a validator that is kept.
    private static let maximumValidator = 256
    /// A Last-Modified date identifies a version only if it is older than this. Until then, the asset may change again
    /// within the same second, and the servers' clocks may differ.
    ///
    /// Source: RFC 9110, section 8.8.2.2, and for the minute RFC 7232, section 2.2.2.
    private static let ageOfStrongDate = Duration.seconds(60)

    /// - Parameter length: as stated by the response.
    init(_ headers: HeaderFields, length: Int64?) { self.init(validator: Self.validator(headers), length: length) }

    /// The validator for `If-Range`: a strong ETag or, if there is no ETag, a strong Last-Modified date.
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

    /// `"abc"`, but neither `W/"abc"` nor an empty tag, which identifies nothing.
    private static func isStrong(_ tag: String) -> Bool {
        let bytes = Array(tag.utf8)
        return 3...maximumValidator ~= bytes.count && bytes.first == 0x22 && bytes.last == 0x22
            && bytes.dropFirst().dropLast().allSatisfy { $0 == 0x21 || 0x23...0x7E ~= $0 }
    }
}

extension HeaderFields {
    /// The value of a field that appears exactly once.
    func only(_ name: String) -> String? {
        let found = fields.filter { HeaderFields([$0])[name] != nil }
        return found.count == 1 ? self[name] : nil
    }

    /// The body length in `Content-Length`; nil if missing or invalid.
    var contentLength: Int64? {
        guard let text = only("content-length"), text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        return Int64(text)
    }
}
