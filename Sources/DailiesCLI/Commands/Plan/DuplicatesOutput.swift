import DailiesCore
import DailiesStore
import ExactJSON

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

    static func write(_ duplicates: Duplicates, to writer: inout JSONWriter) {
        writer.member("equal_to_clips", duplicates.equalCount)
        writer.member("nearly_equal_to_clips", duplicates.nearCount)
        writer.member("repeated", duplicates.repeatedCount)
        writer.name("like_clips")
        writer.array { array in
            for pair in duplicates.equal + duplicates.near {
                array.object { writer in
                    writer.member("key", pair.key.text)
                    writer.member("clip_key", pair.clip.key.text)
                    writer.member("clip_batch", pair.clip.batchName)
                    writer.member("is_paid", pair.clip.isPaid)
                    writer.member("is_nearly_equal", pair.clip.isNear)
                }
            }
        }
        writer.name("repeated_keys")
        writer.array { array in for key in duplicates.repeated { array.string(key.text) } }
    }
}
