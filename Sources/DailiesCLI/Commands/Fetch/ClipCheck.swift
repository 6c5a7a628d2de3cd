import DailiesCore
import DailiesRunner
import DailiesStore
import ExactJSON

/// Whether the clips that the store calls saved are on disk.
struct ClipCheck {
    struct Loss {
        let row: SavedClipRow
        let finding: ClipFinder.Finding
    }

    /// Losses that are named at most.
    static let mostNamed = 20
    /// Rows in memory at one time.
    private static let pageSize = 500

    private(set) var checked = 0
    /// Found beside the store, and not where they were saved.
    private(set) var moved = 0
    private(set) var losses: [Loss] = []

    /// - Parameters:
    ///   - checksContent: the digests too, not only the lengths.
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
    var words: String {
        "\(losses.count) of \(TaskDescription.count(checked, "saved clip")) \(losses.count == 1 ? "is" : "are") missing or changed"
    }

    /// The losses, some by name, and what to do about them.
    func text(_ hint: SuggestedCommand) -> String {
        var lines: [String] = []
        for loss in losses.prefix(Self.mostNamed) {
            let name = "\(SafeText.escaped(loss.row.batchName))/\(SafeText.escaped(loss.row.key.text))"
            lines.append("\(name): \(Self.words(for: loss.finding, savedAs: loss.row.clip.path) ?? "")")
        }
        if losses.count > Self.mostNamed { lines.append("and \(losses.count - Self.mostNamed) more") }
        if moved > 0 { lines.append(movedWords) }
        guard !losses.isEmpty else {
            return (lines + ["\(TaskDescription.count(checked, "saved clip")) checked: all are in place"]).joined(
                separator: "\n")
        }
        return (lines + ["\(words); `\(hint.online("fetch --missing"))` saves them again, free of charge"])
            .joined(separator: "\n")
    }

    /// Clips of a project that was moved.
    var movedWords: String {
        "\(TaskDescription.count(moved, "saved clip")) \(moved == 1 ? "is" : "are") beside the store, and not where "
            + (moved == 1 ? "it was saved" : "they were saved")
    }

    func write(to writer: inout JSONWriter) {
        writer.name("files")
        writer.object { writer in
            writer.member("checked", checked)
            writer.member("moved", moved)
            writer.name("losses")
            writer.array { array in
                for loss in losses {
                    array.object { writer in
                        writer.member("batch", loss.row.batchName)
                        writer.member("key", loss.row.key.text)
                        writer.member("attempt", loss.row.attempt.number)
                        writer.member("output_path", loss.row.clip.path)
                        writer.member("output_state", loss.finding.word)
                    }
                }
            }
        }
    }

    /// What is wrong with a clip, safe to show.
    static func words(for finding: ClipFinder.Finding, savedAs path: String) -> String? {
        switch finding {
        case .present: nil
        case .missing: "it is not at \(SafeText.escaped(path)) any more"
        case .changed(let path, let reason): "\(SafeText.escaped(path)): \(SafeText.escaped(reason))"
        }
    }
}

extension ClipFinder.Finding {
    /// In data.
    var word: String {
        switch self {
        case .present: "present"
        case .missing: "missing"
        case .changed: "changed"
        }
    }
}

/// The clips of tasks that are listed, and how many of them are not where the list points.
struct ClipLookup {
    private var finder: ClipFinder
    private var count = 0
    private var lost = 0

    init(store path: String) { finder = ClipFinder(store: path) }

    /// nil: none was saved.
    mutating func find(_ row: TaskRow) -> ClipFinder.Finding? {
        guard let clip = row.latest?.savedClip else { return nil }
        let finding = finder.find(clip)
        count += 1
        if finding.path == nil { lost += 1 }
        return finding
    }

    /// Says what the list cannot show.
    func warn(_ hint: SuggestedCommand) {
        guard lost > 0 else { return }
        Console.error(
            "warning: \(lost) of \(TaskDescription.count(count, "saved clip")) \(lost == 1 ? "is" : "are") missing or changed; "
                + "`\(hint.online("fetch --missing"))` saves them again, free of charge")
    }
}
