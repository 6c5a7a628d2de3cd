import DailiesCore

/// Answers each claim immediately, for manifests kept in memory.
final class InMemoryKeyRegistry: KeyRegistry {
    private var keys: [ByteKey: KeyOwner] = [:]
    private var outputs: [ByteKey: SourcePosition] = [:]
    private var equals: [RequestDigest: Int] = [:]

    func claimKey(derivedFrom digest: RequestDigest, at place: SourcePosition) -> (ordinal: Int, earlier: KeyOwner?) {
        let ordinal = equals[digest, default: 0] + 1
        equals[digest] = ordinal
        return (ordinal, take(digest.key(ordinal).text, KeyOwner(place: place, isDerived: true)))
    }

    func claimKey(_ text: UnsafeBufferPointer<UInt8>, at place: SourcePosition) -> KeyOwner? {
        take(String(decoding: text, as: UTF8.self), KeyOwner(place: place, isDerived: false))
    }

    private func take(_ text: String, _ claim: KeyOwner) -> KeyOwner? {
        let name = ByteKey(text)
        if let earlier = keys[name] { return earlier }
        keys[name] = claim
        return nil
    }

    func claimOutput(_ name: String, at place: SourcePosition) -> SourcePosition? {
        if let earlier = outputs[ByteKey(name)] { return earlier }
        outputs[ByteKey(name)] = place
        return nil
    }
}
