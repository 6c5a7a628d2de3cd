import Crypto
import DailiesCore
import Foundation

/// The keys and file names that are taken, and the derivation of keys for tasks without an `id`.
struct KeyRing {
    private static let derivedLength = 16

    private var keys: [ExactName: (place: Place, isDerived: Bool)] = [:]
    private var outputs: [ExactName: Place] = [:]
    private var equals: [String: Int] = [:]

    /// The key of a task without an `id`: 16 lowercase base32 characters of SHA-256 over its request, and from the
    /// second of equal requests on its number. No place is in it, nor anything that stays here.
    mutating func derivedKey(of request: CanonicalRequest) -> TaskKey {
        let text = Base32.lowercase(SHA256.hash(data: Data(request.text.utf8)), length: Self.derivedLength)
        let count = equals[text, default: 0] + 1
        equals[text] = count
        return TaskKey(count == 1 ? text : "\(text)-\(count)")
    }

    /// Takes a key; where it is taken already, by whom.
    mutating func take(_ key: TaskKey, at place: Place, isDerived: Bool) -> (place: Place, isDerived: Bool)? {
        if let earlier = keys[ExactName(key.text)] { return earlier }
        keys[ExactName(key.text)] = (place, isDerived)
        return nil
    }

    /// Takes a file name; where it is taken already, by whom.
    mutating func takeOutput(_ name: String, at place: Place) -> Place? {
        if let earlier = outputs[ExactName(name)] { return earlier }
        outputs[ExactName(name)] = place
        return nil
    }
}
