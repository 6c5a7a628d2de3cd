import DailiesCore

/// Finds the known name that a misspelled one probably means.
package enum SpellingSuggestion {
    /// Maximum edit distance (insertions, deletions, substitutions and transpositions).
    private static let maximumDistance = 2

    /// The best match, or nil. Ignores ASCII case. A match is within two edits and fewer than half the letters, or is
    /// the only candidate that starts with `name` (`duration`). Ties go to the first by name.
    package static func nearest(to name: String, in candidates: some Sequence<String>) -> String? {
        let name = letters(of: OuterCharacters.visible(in: name).utf8.prefix(100))
        guard !name.isEmpty else { return nil }
        var best: (name: String, distance: Int)?
        var started: [String] = []
        for candidate in candidates {
            // A much shorter candidate can neither be close nor start with the name.
            guard candidate.utf8.count + maximumDistance >= name.count else { continue }
            let letters = letters(of: candidate.utf8)
            if name.count >= 3, letters.starts(with: name) { started.append(candidate) }
            guard abs(letters.count - name.count) <= maximumDistance else { continue }
            let distance = edits(from: name, to: letters)
            guard distance <= maximumDistance, distance * 2 < max(name.count, letters.count) else { continue }
            guard let other = best else {
                best = (candidate, distance)
                continue
            }
            let isFirst = candidate.precedesInUTF8(other.name)
            if distance < other.distance || distance == other.distance && isFirst { best = (candidate, distance) }
        }
        return best?.name ?? (started.count == 1 ? started[0] : nil)
    }

    private static func letters(of bytes: some Sequence<UInt8>) -> [UInt8] {
        bytes.map { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 ? $0 | 0x20 : $0 }
    }

    private static func edits(from a: [UInt8], to b: [UInt8]) -> Int {
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        var row = beforeLast
        for i in a.indices {
            row[0] = i + 1
            for j in b.indices {
                var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
                row[j + 1] = cost
            }
            (beforeLast, last, row) = (last, row, beforeLast)
        }
        return last[b.count]
    }
}
