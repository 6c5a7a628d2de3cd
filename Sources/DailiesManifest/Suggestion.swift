import DailiesCore

/// Which known name a mistyped one may have meant.
enum Suggestion {
    /// Edits (a letter more, less, other, or two swapped) that still count as a slip.
    private static let farthest = 2

    /// The nearest of the candidates, or nil: without regard to case, by at most two edits and fewer than half the
    /// letters, or as the start of exactly one of them (`duration`).
    static func nearest(to name: String, in candidates: some Sequence<String>) -> String? {
        let name = Array(name.lowercased().utf8.prefix(100))
        guard !name.isEmpty else { return nil }
        var best: (name: String, distance: Int)?
        var started: [String] = []
        for candidate in candidates.sorted(by: { $0.precedesInUTF8($1) }) {
            // What is far from it in length is neither near nor, being shorter, begun by it.
            guard candidate.utf8.count + farthest >= name.count else { continue }
            let letters = Array(candidate.lowercased().utf8)
            if name.count >= 3, letters.starts(with: name) { started.append(candidate) }
            guard abs(letters.count - name.count) <= farthest else { continue }
            let distance = edits(from: name, to: letters)
            if distance <= farthest, distance * 2 < max(name.count, letters.count), distance < best?.distance ?? .max {
                best = (candidate, distance)
            }
        }
        return best?.name ?? (started.count == 1 ? started[0] : nil)
    }

    /// The optimal string alignment distance.
    private static func edits(from a: [UInt8], to b: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
                row.append(cost)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
