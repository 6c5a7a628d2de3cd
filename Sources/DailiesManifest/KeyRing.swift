import DailiesCore

/// The claims of a manifest that is kept in memory: each is answered at once.
final class KeyRing: ClaimBook {
    private var keys: [ExactName: Claim] = [:]
    private var outputs: [ExactName: Place] = [:]
    private var equals: [RequestDigest: Int] = [:]

    func takeKey(derivedFrom digest: RequestDigest, at place: Place) -> (ordinal: Int, earlier: Claim?) {
        let ordinal = equals[digest, default: 0] + 1
        equals[digest] = ordinal
        return (ordinal, take(digest.key(ordinal).text, Claim(place: place, isDerived: true)))
    }

    func takeKey(_ text: UnsafeBufferPointer<UInt8>, at place: Place) -> Claim? {
        take(String(decoding: text, as: UTF8.self), Claim(place: place, isDerived: false))
    }

    private func take(_ text: String, _ claim: Claim) -> Claim? {
        let name = ExactName(text)
        if let earlier = keys[name] { return earlier }
        keys[name] = claim
        return nil
    }

    func takeOutput(_ name: String, at place: Place) -> Place? {
        if let earlier = outputs[ExactName(name)] { return earlier }
        outputs[ExactName(name)] = place
        return nil
    }
}
