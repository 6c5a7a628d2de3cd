import DailiesCore

/// One download of an asset, as a state machine without I/O: the requests it needs, and the meaning of their responses.
///
/// Bytes are appended to existing ones only if the response itself states the version of the existing bytes. `If-Range`
/// asks for that; a service that ignores `If-Range` is detected by the validator and length in its response. Otherwise
/// the download restarts. After a body of unknown length, the length is requested.
///
/// One case cannot be detected: a service without versions, and a body cut exactly at the length of a new version that
/// appears just before that request.
///
/// Source: RFC 9110, sections 13.1.5 (If-Range), 14.2 (Range), 14.4 (Content-Range), 15.3.7.3 (combining parts).
package struct AssetTransfer: Sendable {
    /// The next step of the download.
    package enum Step: Hashable, Sendable {
        /// Send this, then call ``replied(status:headers:)``.
        case send(AssetRequest)
        /// Pass on the body of the last response, from this byte of the asset, then call ``bodyEnded(after:)``.
        ///
        /// `length`: bytes of the body; nil if not stated.
        case stream(from: Int64, length: Int64?, AssetVersion)
        /// The existing bytes are the whole asset.
        case confirm(AssetVersion)
        /// The download has ended.
        case end(End)
    }

    /// The outcome of a download.
    package enum End: Hashable, Sendable {
        /// The asset's length is known and reached.
        case whole
        /// The body ended, but the asset's length is unknown.
        case unverified
        /// May be retried from the end of the file.
        case interrupted(Reason)
        /// Needs a new URL.
        case refused(Reason)
    }

    /// The reason for an incomplete download.
    package enum Reason: Hashable, Sendable {
        /// The status of the last response.
        case status
        /// A partial response to a request for the whole asset.
        case noUsableRange
        /// Fewer bytes were received than announced.
        case cut(at: Int64, of: Int64)
        /// The service now has another version.
        case changed
    }

    private enum State: Hashable, Sendable {
        /// Requesting the length of an asset of which some bytes exist.
        case asksLength(AssetRequest.Method, ResumePoint)
        /// Requesting the bytes.
        case asksBytes(ResumePoint)
        /// Receiving the body, from this byte.
        case streams(from: Int64, length: Int64?, AssetVersion)
        /// Requesting the length after the body has ended.
        case asksLengthAfter(AssetRequest.Method, reached: Int64, AssetVersion)
        case isOver
    }
    private var state: State

    private init(state: State) { self.state = state }

    /// - Returns: the transfer and its first step.
    package static func begin(after resume: ResumePoint) -> (AssetTransfer, Step) {
        var exchange = AssetTransfer(state: .isOver)
        let step: Step
        if resume.offset == 0 || resume.version.validator == nil {
            // Without a validator it is unknown which version the bytes and the length belong to.
            step = exchange.askBytes(.start)
        } else {
            step = resume.version.length == nil ? exchange.askLength(.get, resume) : exchange.askBytes(resume)
        }
        return (exchange, step)
    }

    /// Call with the head of the response to the last request.
    package mutating func replied(status: Int, headers: HeaderFields) -> Step {
        switch state {
        case .asksLength(let method, let resume):
            let found = Self.version(inAnswer: status, headers)
            guard let length = found?.length else {
                return method == .get ? askLength(.head, resume) : askBytes(resume)
            }
            return lengthKnown(length, found?.validator, resume)
        case .asksBytes(let resume): return bytesReplied(status, headers, resume)
        case .asksLengthAfter(let method, let reached, let version):
            let found = Self.version(inAnswer: status, headers)
            guard let found, let length = found.length, version.validator == nil || found.validator != nil else {
                return method == .get ? askLengthAfter(.head, reached, version) : end(.unverified)
            }
            if let validator = version.validator, validator != found.validator { return end(.interrupted(.changed)) }
            if reached < length { return end(.interrupted(.cut(at: reached, of: length))) }
            return end(reached == length ? .whole : .interrupted(.changed))
        case .streams, .isOver: preconditionFailure("a response arrived in the state \(state)")
        }
    }

    /// Call when the body ended normally.
    ///
    /// - Parameter count: bytes in the body, at most as many as announced.
    package mutating func bodyEnded(after count: Int64) -> Step {
        guard case .streams(let first, let length, let version) = state else {
            preconditionFailure("a body ended in the state \(state)")
        }
        let reached = first + count
        if let length, count < length { return end(.interrupted(.cut(at: reached, of: first + length))) }
        guard let whole = version.length else { return askLengthAfter(.get, reached, version) }
        return end(reached < whole ? .interrupted(.cut(at: reached, of: whole)) : .whole)
    }

    // MARK: Requests

    private mutating func askBytes(_ resume: ResumePoint) -> Step {
        state = .asksBytes(resume)
        guard resume.offset > 0 else { return .send(AssetRequest()) }
        return .send(AssetRequest(range: "bytes=\(resume.offset)-", ifRange: resume.version.validator))
    }

    /// Signed URLs often allow only GET, so request the first byte before trying HEAD.
    private mutating func askLength(_ method: AssetRequest.Method, _ resume: ResumePoint) -> Step {
        state = .asksLength(method, resume)
        return .send(AssetRequest.length(method))
    }

    private mutating func askLengthAfter(
        _ method: AssetRequest.Method, _ reached: Int64, _ version: AssetVersion
    ) -> Step {
        state = .asksLengthAfter(method, reached: reached, version)
        return .send(AssetRequest.length(method))
    }

    private mutating func end(_ end: End) -> Step {
        state = .isOver
        return .end(end)
    }

    // MARK: Replies

    private mutating func lengthKnown(_ length: Int64, _ validator: String?, _ resume: ResumePoint) -> Step {
        guard validator == resume.version.validator, length >= resume.offset else { return askBytes(.start) }
        let version = AssetVersion(validator: validator, length: length)
        guard length == resume.offset else { return askBytes(ResumePoint(offset: resume.offset, version: version)) }
        state = .isOver
        return .confirm(version)
    }

    private mutating func bytesReplied(_ status: Int, _ headers: HeaderFields, _ resume: ResumePoint) -> Step {
        switch status {
        case 200:
            let length = headers.contentLength
            return stream(from: 0, length: length, AssetVersion(headers, length: length))
        case 206:
            guard let (length, version) = Self.rest(after: resume, headers) else {
                return resume.offset > 0 ? askBytes(.start) : end(.interrupted(.noUsableRange))
            }
            return stream(from: resume.offset, length: length, version)
        case 416 where resume.offset > 0: return askBytes(.start)
        default: return end(Self.isRefusal(status) ? .refused(.status) : .interrupted(.status))
        }
    }

    private mutating func stream(from first: Int64, length: Int64?, _ version: AssetVersion) -> Step {
        state = .streams(from: first, length: length, version)
        return .stream(from: first, length: length, version)
    }

    /// Length and version of a partial response that continues the existing bytes; nil for any other.
    private static func rest(after resume: ResumePoint, _ headers: HeaderFields) -> (Int64, AssetVersion)? {
        guard case .part(let first, let last, let total) = ContentRange(headers.only("content-range")),
            first == resume.offset
        else { return nil }
        let (known, length) = (resume.version, last - first + 1)
        var found = AssetVersion(headers, length: total)
        if let stated = headers.contentLength, stated != length { return nil }
        if resume.offset > 0 {
            guard let validator = known.validator, validator == found.validator else { return nil }
            if let total, let whole = known.length, total != whole { return nil }
            found.length = total ?? known.length
        }
        if let whole = found.length, last >= whole { return nil }
        return (length, found)
    }

    /// The version in the response to a request for the length; nil if it has none.
    private static func version(inAnswer status: Int, _ headers: HeaderFields) -> AssetVersion? {
        let length: Int64?
        switch (status, ContentRange(headers.only("content-range"))) {
        case (206, .part(_, _, let total)): length = total
        case (200, _): length = headers.contentLength
        case (_, _): return nil
        }
        // Frameworks that do not know the length return 0 for HEAD.
        return AssetVersion(headers, length: length == 0 ? nil : length)
    }

    /// A 4xx means that this URL no longer works, except for "later" and "too slow".
    private static func isRefusal(_ status: Int) -> Bool { 400..<500 ~= status && ![408, 425, 429].contains(status) }
}

/// A request for an asset, or for its length.
package struct AssetRequest: Hashable, Sendable {
    package enum Method: String, Hashable, Sendable {
        case get = "GET"
        case head = "HEAD"
    }
    package let method: Method
    /// The `Range` header; nil for the whole asset.
    package let range: String?
    /// The `If-Range` header.
    package let ifRange: String?

    package init(method: Method = .get, range: String? = nil, ifRange: String? = nil) {
        self.method = method
        self.range = range
        self.ifRange = ifRange
    }

    /// Requests the length, with the first byte or with HEAD.
    static func length(_ method: Method) -> AssetRequest {
        AssetRequest(method: method, range: method == .get ? "bytes=0-0" : nil)
    }

    /// The header fields to send. Disables content coding: lengths and ranges count the bytes of the asset.
    package var fields: [(name: String, value: String)] {
        [("accept-encoding", "identity")] + (range.map { [("range", $0)] } ?? [])
            + (ifRange.map { [("if-range", $0)] } ?? [])
    }
}
