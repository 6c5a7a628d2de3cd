import DailiesCore

/// The wait that a response requests. All header fields are optional, and implausible values are ignored.
package enum RetryAfter {
    /// The minimum wait.
    package static let shortest = Duration.seconds(1)
    /// The maximum wait: spend limits last up to seven days, and a clock may be wrong.
    package static let longest = Duration.seconds(30 * 86_400)
    /// A reset further than this from the response's date is not a Unix time in seconds.
    private static let plausible = Duration.seconds(400 * 86_400)
    /// A reset that passed longer ago than this is implausible, and not a reason to retry at once.
    private static let stale = Duration.seconds(86_400)

    /// `Retry-After` (seconds, or a date minus the response's `Date`), which RFC 9110 allows with any status.
    package static func retryAfter(_ headers: HeaderFields) -> Duration? {
        guard let text = headers[HeaderName.retryAfter] else { return nil }
        if let seconds = seconds(text) { return clamped(.seconds(min(seconds, longest.inSeconds))) }
        return HTTPDate.parse(text).flatMap { wait(until: $0, headers) }
    }

    /// `X-RateLimit-Reset` (Unix seconds) minus the response's `Date`; nil without that date, since our clock may
    /// differ. Use only for a 429: the field is in every response.
    package static func rateReset(_ headers: HeaderFields) -> Duration? {
        guard let seconds = headers[HeaderName.rateReset].flatMap({ seconds($0) }), seconds <= 9e9 else { return nil }
        return wait(until: Instant(nanoseconds: Int64(seconds * 1e9)), headers)
    }

    private static func wait(until moment: Instant, _ headers: HeaderFields) -> Duration? {
        guard let date = headers.date else { return nil }
        let wait = moment - date
        return wait < .zero - stale || wait > plausible ? nil : clamped(wait)
    }

    private static func clamped(_ wait: Duration) -> Duration { min(max(wait, shortest), longest) }

    private static func seconds(_ text: String) -> Double? {
        guard let first = text.utf8.first, first >= 0x30, first <= 0x39, text.utf8.count <= 30,
            let value = Double(text), value.isFinite
        else { return nil }
        return value
    }
}
