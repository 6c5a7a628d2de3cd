import DailiesCore
import DailiesStore
import ExactJSON

/// What is said, before money is spent, of clips that would be rendered once more.
enum DuplicatesOutput {
    private static let mostShown = 5

    /// A sentence each, without its end; none where there is nothing to say.
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
            let keys = duplicates.repeated.prefix(mostShown).map { SafeText.cut($0.text) }.joined(separator: ", ")
            lines.append(
                "\(duplicates.repeatedCount) of \(total) \(duplicates.repeatedCount == 1 ? "repeats" : "repeat") the "
                    + "request of an earlier task; each is rendered and charged: \(keys)"
                    + more(duplicates.repeatedCount))
        }
        return lines
    }

    private static func pairs(_ pairs: [Duplicates.Pair], of count: Int) -> String {
        let words = pairs.prefix(mostShown).map { pair in
            let clip = "\(SafeText.cut(pair.clip.key.text)) in \(SafeText.cut(pair.clip.batchName))"
            let notes =
                (pair.key == pair.clip.key ? [] : ["for \(SafeText.cut(pair.key.text))"])
                + (pair.clip.isPaid ? [] : ["being rendered"])
            return clip + (notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))")
        }
        return words.joined(separator: ", ") + more(count)
    }

    private static func more(_ count: Int) -> String { count > mostShown ? " and \(count - mostShown) more" : "" }

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
