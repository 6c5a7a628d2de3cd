import DailiesCore

/// How long a reply asks to wait. Every head field is optional, and nonsense counts as absent.
public enum RetryAfter {
    /// The shortest wait that is passed on.
    public static let shortest = Duration.seconds(1)
    /// The longest wait that is passed on: spend buckets last seven days at most, and a clock may be off.
    public static let longest = Duration.seconds(30 * 86_400)
    /// A reset that lies further from the reply's own date than this is no Unix time in seconds.
    private static let plausible = Duration.seconds(400 * 86_400)
    /// A reset that was over before the reply was made by more than this is nonsense and not a reason to hurry.
    private static let stale = Duration.seconds(86_400)

    /// `Retry-After` (seconds, or a date less the reply's own `Date`), which RFC 9110 allows with any status.
    public static func retryAfter(_ headers: HeaderFields) -> Duration? {
        guard let text = headers[HeaderName.retryAfter] else { return nil }
        if let seconds = seconds(text) { return clamped(.seconds(min(seconds, longest.inSeconds))) }
        return HTTPDate.parse(text).flatMap { wait(until: $0, headers) }
    }

    /// `X-RateLimit-Reset` (Unix seconds) less the reply's own `Date`; nil without that date, since our clock is not
    /// the provider's. Only for a 429: the field comes with every reply.
    public static func rateReset(_ headers: HeaderFields) -> Duration? {
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
