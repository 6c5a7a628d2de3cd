import DailiesCore

/// One download of an asset, as the requests that it takes and what their replies mean: a machine without input or output.
///
/// Bytes are added to what is there already only when the reply itself states the version of what is there: `If-Range` asks
/// for that, and a service that does not know `If-Range` is found out by the validator and the length in its reply.
/// Everything else begins anew. A body whose length nobody stated is followed by a question for it.
///
/// What cannot be known: where a service names no versions, a body that is cut exactly at the length of the version which takes
/// its place in the moment before that question.
///
/// Source: RFC 9110, sections 13.1.5 (If-Range), 14.2 (Range), 14.4 (Content-Range), 15.3.7.3 (combining parts).
package struct AssetTransfer: Sendable {
    /// What is to be done next.
    package enum Step: Hashable, Sendable {
        /// Send this; then ``replied(status:headers:)``.
        case send(AssetRequest)
        /// Hand the body of the last reply on, from this byte of the asset; then ``bodyEnded(after:)``.
        ///
        /// `length`: bytes of the body; nil: not stated.
        case stream(from: Int64, length: Int64?, AssetVersion)
        /// What is there already is all of the asset.
        case confirm(AssetVersion)
        /// It is over.
        case end(End)
    }

    /// How it ended.
    package enum End: Hashable, Sendable {
        /// The asset's length is known and reached.
        case whole
        /// The body ended, and nobody says how long the asset is.
        case unverified
        /// May be tried again from where the file ends.
        case interrupted(Reason)
        /// A fresh address is needed.
        case refused(Reason)
    }

    /// Why it ended without all bytes.
    package enum Reason: Hashable, Sendable {
        /// The last reply's own.
        case status
        /// A reply to a request for the whole asset that brings a part of it.
        case noUsableRange
        /// Fewer bytes came than were announced.
        case cut(at: Int64, of: Int64)
        /// The service has another version now.
        case changed
    }

    private enum State: Hashable, Sendable {
        /// How long is the asset of which some bytes are there?
        case asksLength(AssetRequest.Method, ResumePoint)
        /// The bytes are asked for.
        case asksBytes(ResumePoint)
        /// The body comes, from this byte on.
        case streams(from: Int64, length: Int64?, AssetVersion)
        /// The body has ended: how long was it to be?
        case asksLengthAfter(AssetRequest.Method, reached: Int64, AssetVersion)
        case isOver
    }
    private var state: State

    private init(state: State) { self.state = state }

    /// - Returns: the exchange and its first step.
    package static func begin(after resume: ResumePoint) -> (AssetTransfer, Step) {
        var exchange = AssetTransfer(state: .isOver)
        let step: Step
        if resume.offset == 0 || resume.version.validator == nil {
            // Without a validator nobody could tell whose bytes would be joined, or whose length it would be.
            step = exchange.askBytes(.start)
        } else {
            step = resume.version.length == nil ? exchange.askLength(.get, resume) : exchange.askBytes(resume)
        }
        return (exchange, step)
    }

    /// The head of the reply to the last request.
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
        case .streams, .isOver: preconditionFailure("a reply comes in the state \(state)")
        }
    }

    /// The body has ended as if it were all of it.
    ///
    /// - Parameter count: bytes of it, at most as many as were announced.
    package mutating func bodyEnded(after count: Int64) -> Step {
        guard case .streams(let first, let length, let version) = state else {
            preconditionFailure("a body ends in the state \(state)")
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

    /// Addresses are often signed for GET alone, so that its first byte is asked for before the head is.
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

    /// Length and version of a part that fits to what is there; nil for any other part.
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

    /// What the answer to a question for the length says; nil: nothing of it.
    private static func version(inAnswer status: Int, _ headers: HeaderFields) -> AssetVersion? {
        let length: Int64?
        switch (status, ContentRange(headers.only("content-range"))) {
        case (206, .part(_, _, let total)): length = total
        case (200, _): length = headers.contentLength
        case (_, _): return nil
        }
        // Frameworks that do not know it say 0 to a HEAD.
        return AssetVersion(headers, length: length == 0 ? nil : length)
    }

    /// 4xx says that this address will not do any more, whatever the wording; but for "later" and "too slow".
    private static func isRefusal(_ status: Int) -> Bool { 400..<500 ~= status && ![408, 425, 429].contains(status) }
}

/// A request for an asset, or for a word about it.
package struct AssetRequest: Hashable, Sendable {
    package enum Method: String, Hashable, Sendable {
        case get = "GET"
        case head = "HEAD"
    }
    package let method: Method
    /// Of `Range`; nil: everything.
    package let range: String?
    /// Of `If-Range`.
    package let ifRange: String?

    package init(method: Method = .get, range: String? = nil, ifRange: String? = nil) {
        self.method = method
        self.range = range
        self.ifRange = ifRange
    }

    /// Asks for the length: by the first byte, or by the head.
    static func length(_ method: Method) -> AssetRequest {
        AssetRequest(method: method, range: method == .get ? "bytes=0-0" : nil)
    }

    /// The fields that it goes out with. No coding in between: lengths and ranges count the bytes as they are sent.
    package var fields: [(name: String, value: String)] {
        [("accept-encoding", "identity")] + (range.map { [("range", $0)] } ?? [])
            + (ifRange.map { [("if-range", $0)] } ?? [])
    }
}
