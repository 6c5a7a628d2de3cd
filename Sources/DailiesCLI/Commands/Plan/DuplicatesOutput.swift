import DailiesCore
import DailiesStore

/// Notes, printed before money is spent, about clips that would be rendered again.
enum DuplicatesOutput {
    private static let maximumShown = 5

    /// One line per kind of duplicate; empty if there are none.
    static func lines(_ duplicates: Duplicates) -> [String] {
        var lines: [String] = []
        let total = duplicates.count
        if duplicates.equalCount > 0 {
            lines.append(
                "\(duplicates.equalCount) of \(total) \(duplicates.equalCount == 1 ? "is" : "are") identical to clips you have: "
                    + pairs(duplicates.equal, of: duplicates.equalCount))
        }
        if duplicates.nearCount > 0 {
            lines.append(
                "\(duplicates.nearCount) of \(total) \(duplicates.nearCount == 1 ? "is" : "are") nearly identical to a "
                    + "paid clip: \(pairs(duplicates.near, of: duplicates.nearCount)); they differ only in trailing "
                    + "blanks or Unicode normalization")
        }
        if duplicates.repeatedCount > 0 {
            let keys = duplicates.repeated.prefix(maximumShown).map { SafeText.cut($0.text) }.joined(separator: ", ")
            lines.append(
                "\(duplicates.repeatedCount) of \(total) \(duplicates.repeatedCount == 1 ? "repeats" : "repeat") the "
                    + "request of an earlier task; each is rendered and charged: \(keys)"
                    + more(duplicates.repeatedCount))
        }
        return lines
    }

    private static func pairs(_ pairs: [Duplicates.Pair], of count: Int) -> String {
        let words = pairs.prefix(maximumShown).map { pair in
            let clip = "\(SafeText.cut(pair.clip.key.text)) in \(SafeText.cut(pair.clip.batchName))"
            let notes =
                (pair.key == pair.clip.key ? [] : ["for \(SafeText.cut(pair.key.text))"])
                + (pair.clip.isPaid ? [] : ["being rendered"])
            return clip + (notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))")
        }
        return words.joined(separator: ", ") + more(count)
    }

    private static func more(_ count: Int) -> String { count > maximumShown ? " and \(count - maximumShown) more" : "" }

    static func json(_ duplicates: Duplicates) -> JSONObject {
        let pairs = (duplicates.equal + duplicates.near).map { pair -> JSONObject in
            [
                "key": pair.key.text,
                "clip_key": pair.clip.key.text,
                "clip_batch": pair.clip.batchName,
                "is_paid": pair.clip.isPaid,
                "is_nearly_equal": pair.clip.isNear,
            ]
        }
        return [
            "equal_to_clips": duplicates.equalCount,
            "nearly_equal_to_clips": duplicates.nearCount,
            "repeated": duplicates.repeatedCount,
            "like_clips": pairs,
            "repeated_keys": duplicates.repeated.map(\.text),
        ]
    }
}
