import DailiesCore
import DailiesRunner
import DailiesStore

/// Checks that clips recorded as saved are on disk.
struct ClipCheck {
    struct Loss {
        let row: SavedClipRow
        let finding: ClipFinder.Finding
    }

    static let maximumListed = 20
    /// Maximum number of rows in memory.
    private static let pageSize = 500

    private(set) var checked = 0
    /// Clips found next to the store instead of at their recorded path.
    private(set) var moved = 0
    private(set) var losses: [Loss] = []

    /// - Parameters:
    ///   - checksContent: also compares digests, not only lengths.
    init(of store: Store, checksContent: Bool) throws(StoreError) {
        var finder = ClipFinder(store: store.path)
        var last: AttemptID?
        repeat {
            let page = try store.savedClips(after: last, limit: Self.pageSize)
            for row in page {
                checked += 1
                let finding = finder.find(row.clip, checksContent: checksContent)
                guard let path = finding.path else {
                    losses.append(Loss(row: row, finding: finding))
                    continue
                }
                if path != row.clip.path { moved += 1 }
            }
            last = page.count < Self.pageSize ? nil : page.last?.attempt
        } while last != nil
    }

    /// `2 of 30 saved clips are missing or changed`
    var summary: String {
        "\(losses.count) of \(TaskDescription.count(checked, "saved clip")) \(losses.count == 1 ? "is" : "are") missing or changed"
    }

    /// The first losses by name, and the command that fixes them.
    func text(_ hint: SuggestedCommand) -> String {
        var lines: [String] = []
        for loss in losses.prefix(Self.maximumListed) {
            let name = "\(SafeText.escaped(loss.row.batchName))/\(SafeText.escaped(loss.row.key.text))"
            lines.append("\(name): \(Self.description(of: loss.finding, savedAs: loss.row.clip.path) ?? "")")
        }
        if losses.count > Self.maximumListed { lines.append("and \(losses.count - Self.maximumListed) more") }
        if moved > 0 { lines.append(movedSummary) }
        guard !losses.isEmpty else {
            return (lines + ["\(TaskDescription.count(checked, "saved clip")) checked; none missing or changed"])
                .joined(separator: "\n")
        }
        return (lines + ["\(summary); to download them again for free, run `\(hint.online("fetch --missing"))`"])
            .joined(separator: "\n")
    }

    /// For a project that was moved.
    var movedSummary: String {
        "\(TaskDescription.count(moved, "saved clip")) \(moved == 1 ? "was" : "were") found next to the store, not at "
            + (moved == 1 ? "its original path" : "their original paths")
    }

    var json: JSONObject {
        let losses = losses.map { loss -> JSONObject in
            [
                "batch": loss.row.batchName,
                "key": loss.row.key.text,
                "attempt": loss.row.attempt.number,
                "output_path": loss.row.clip.path,
                "output_state": loss.finding.word,
            ]
        }
        return ["checked": checked, "moved": moved, "losses": losses]
    }

    /// The problem with a clip, escaped for output; nil if the clip is present.
    static func description(of finding: ClipFinder.Finding, savedAs path: String) -> String? {
        switch finding {
        case .present: nil
        case .missing: "\(SafeText.escaped(path)) is missing"
        case .changed(let path, let reason): "\(SafeText.escaped(path)): \(SafeText.escaped(reason))"
        }
    }
}

extension ClipFinder.Finding {
    /// The value of `output_state`.
    var word: String {
        switch self {
        case .present: "present"
        case .missing: "missing"
        case .changed: "changed"
        }
    }
}

/// Finds the clips of listed tasks, and counts those that are missing or changed.
struct ClipLookup {
    private var finder: ClipFinder
    private var count = 0
    private var lost = 0

    init(store path: String) { finder = ClipFinder(store: path) }

    /// - Returns: nil if the task has no saved clip.
    mutating func find(_ row: TaskRow) -> ClipFinder.Finding? {
        guard let clip = row.latest?.savedClip else { return nil }
        let finding = finder.find(clip)
        count += 1
        if finding.path == nil { lost += 1 }
        return finding
    }

    /// Prints a warning about missing and changed clips.
    func warn(_ hint: SuggestedCommand) {
        guard lost > 0 else { return }
        Console.error(
            "warning: \(lost) of \(TaskDescription.count(count, "saved clip")) \(lost == 1 ? "is" : "are") missing or changed; "
                + "to download them again for free, run `\(hint.online("fetch --missing"))`")
    }
}
