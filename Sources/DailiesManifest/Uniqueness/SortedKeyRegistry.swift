import Crypto
import DailiesCore

/// The claims of the first pass over a manifest of any length: 32 bytes each, beyond a million in a temporary file.
/// Conflicts are known only after all claims, from ``verdicts()``.
///
/// An explicit key is identified by 120 bits of its SHA-256: the probability that two of a hundred million collide is
/// 10⁻²⁰. A derived key is stored exactly, and so is an explicit one that looks like it, so that they are compared.
final class SortedKeyRegistry: KeyRegistry {
    /// The highest byte of a record.
    private enum Kind {
        static let derived: UInt64 = 0
        static let given: UInt64 = 1
        static let output: UInt64 = 2
    }
    private static let ordinalBits: UInt64 = 40

    private let records: ExternalSorter
    private var count: UInt64 = 0
    /// Set if the temporary file could not be written; further claims are ignored.
    private(set) var sourceError: SourceError?

    /// - Parameter inMemory: maximum claims in memory.
    init(inMemory: Int = ExternalSorter.maximumInMemory) { records = ExternalSorter(inMemory: inMemory) }

    func claimKey(derivedFrom digest: RequestDigest, at place: SourcePosition) -> (ordinal: Int, earlier: KeyOwner?) {
        add(Kind.derived << 56 | digest.high, digest.low << Self.ordinalBits, place)
        return (1, nil)
    }

    func claimKey(_ text: UnsafeBufferPointer<UInt8>, at place: SourcePosition) -> KeyOwner? {
        if let (digest, ordinal) = RequestDigest.reading(text) {
            add(Kind.derived << 56 | digest.high, digest.low << Self.ordinalBits | UInt64(ordinal), place)
        } else {
            add(hashOf: UnsafeRawBufferPointer(text), kind: Kind.given, place)
        }
        return nil
    }

    func claimOutput(_ name: String, at place: SourcePosition) -> SourcePosition? {
        var name = name
        name.withUTF8 { add(hashOf: UnsafeRawBufferPointer($0), kind: Kind.output, place) }
        return nil
    }

    private func add(hashOf bytes: UnsafeRawBufferPointer, kind: UInt64, _ place: SourcePosition) {
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        let (first, second) = hash.finalize().withUnsafeBytes {
            (
                $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            )
        }
        add(kind << 56 | first >> 8, second, place)
    }

    private func add(_ high: UInt64, _ low: UInt64, _ place: SourcePosition) {
        guard sourceError == nil else { return }
        count += 1
        do throws(SourceError) {
            try records.add(Record(high, low, count, place.packed))
        } catch {
            sourceError = error
        }
    }

    // MARK: Verdicts

    /// The results for later passes: failed claims and the ordinals of equal requests. Usually few.
    func verdicts() throws(SourceError) -> SortedRecords {
        if let sourceError { throw sourceError }
        let sorted = try records.sorted()
        let verdicts = ExternalSorter()
        var cursor = sorted.makeCursor()
        var group: [Record] = []
        while let record = try cursor.next() {
            if let first = group.first, !Self.areOneGroup(first, record) {
                try Self.judge(group, into: verdicts)
                group.removeAll(keepingCapacity: true)
            }
            group.append(record)
        }
        try Self.judge(group, into: verdicts)
        return try verdicts.sorted()
    }

    private static func areOneGroup(_ a: Record, _ b: Record) -> Bool {
        guard a.first == b.first else { return false }
        if a.first >> 56 == Kind.derived { return a.second >> ordinalBits == b.second >> ordinalBits }
        return a.second == b.second
    }

    /// A group contains all claims on one name, or on one of the names made from one digest.
    private static func judge(_ group: [Record], into verdicts: ExternalSorter) throws(SourceError) {
        guard let first = group.first, group.count > 1 else { return }
        guard first.first >> 56 == Kind.derived else {
            for loser in group.dropFirst() {
                try verdicts.add(KeyConflict(ordinal: 1, earlier: claim(first)).record(loser.third))
            }
            return
        }
        // Derived claims come first, in manifest order: their index is their ordinal.
        let derived = group.prefix { isDerived($0) }
        var losers: [Int: KeyOwner] = [:]
        var rest = group[derived.endIndex...]
        while let next = rest.first {
            let same = rest.prefix { $0.second == next.second }
            rest = rest[same.endIndex...]
            let index = Int(next.second & (1 << ordinalBits - 1)) - 1
            var claimants = Array(same)
            if derived.indices ~= index { claimants.append(derived[index]) }
            guard let owner = claimants.min(by: { $0.third < $1.third }) else { continue }
            for loser in claimants where loser.third != owner.third {
                if isDerived(loser) {
                    losers[index] = claim(owner)
                } else {
                    try verdicts.add(KeyConflict(ordinal: 1, earlier: claim(owner)).record(loser.third))
                }
            }
        }
        for (index, record) in derived.enumerated() where index > 0 || losers[index] != nil {
            try verdicts.add(KeyConflict(ordinal: index + 1, earlier: losers[index]).record(record.third))
        }
    }

    private static func isDerived(_ record: Record) -> Bool {
        record.first >> 56 == Kind.derived && record.second & (1 << ordinalBits - 1) == 0
    }

    private static func claim(_ record: Record) -> KeyOwner {
        KeyOwner(place: SourcePosition(packed: record.fourth), isDerived: isDerived(record))
    }
}

/// The result of one claim, known from an earlier pass.
struct KeyConflict: Hashable {
    let ordinal: Int
    let earlier: KeyOwner?

    /// - Parameter claim: the 1-based number of the claim.
    func record(_ claim: UInt64) -> Record {
        var mark: UInt64 = 0
        if let earlier { mark = earlier.isDerived ? 2 : 1 }
        return Record(claim, UInt64(ordinal), mark, earlier?.place.packed ?? 0)
    }

    init(ordinal: Int, earlier: KeyOwner?) {
        self.ordinal = ordinal
        self.earlier = earlier
    }

    init(_ record: Record) {
        ordinal = Int(record.second)
        earlier =
            record.third == 0
            ? nil : KeyOwner(place: SourcePosition(packed: record.fourth), isDerived: record.third == 2)
    }
}

/// Answers the claims of a later pass over the same bytes with the results of the first.
final class KeyConflictReplay: KeyRegistry {
    private var cursor: SortedRecords.Cursor
    private var next: Record?
    private var count: UInt64 = 0
    private(set) var sourceError: SourceError?

    init(_ verdicts: SortedRecords) {
        cursor = verdicts.makeCursor()
        advance()
    }

    func claimKey(derivedFrom digest: RequestDigest, at place: SourcePosition) -> (ordinal: Int, earlier: KeyOwner?) {
        guard let verdict = verdict() else { return (1, nil) }
        return (verdict.ordinal, verdict.earlier)
    }

    func claimKey(_ text: UnsafeBufferPointer<UInt8>, at place: SourcePosition) -> KeyOwner? { verdict()?.earlier }

    func claimOutput(_ name: String, at place: SourcePosition) -> SourcePosition? { verdict()?.earlier?.place }

    private func verdict() -> KeyConflict? {
        count += 1
        guard let record = next, record.first == count else { return nil }
        advance()
        return KeyConflict(record)
    }

    private func advance() {
        do throws(SourceError) {
            next = try cursor.next()
        } catch {
            (next, sourceError) = (nil, error)
        }
    }
}

extension SourcePosition {
    private static let columnBits: UInt64 = 24

    /// Columns from 16,777,215 on are stored as that value.
    var packed: UInt64 { UInt64(line) << Self.columnBits | min(UInt64(column), 1 << Self.columnBits - 1) }

    init(packed: UInt64) {
        self.init(line: Int(packed >> Self.columnBits), column: Int(packed & (1 << Self.columnBits - 1)))
    }
}
