import ArgumentParser
import DailiesCore
import DailiesManifest
import DailiesRunner
import DailiesStore
import Foundation

struct ExplainCommand: PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Explain whether a task would be submitted, and show its history.",
        discussion: """
            With a manifest, shows what a run of it would do with the task and which request fields decide that. Two \
            requests are the same only if all fields are byte-for-byte equal, except for line endings in text. Tags, \
            priority and file name do not matter. Without a manifest, shows the task's state in the store.

            Reads the store only; safe during a run. Makes no requests and changes nothing.

            Examples:
              dailies explain dolly
              dailies explain jobs/forest.yaml dolly
              dailies explain dolly --batch misty-forest --json
            """)

    @Argument(
        help: ArgumentHelp(
            "Task key, optionally preceded by the manifest to compare with.", valueName: "[manifest] key"))
    var words: [String]
    @Option(help: ArgumentHelp("The task's batch; with a manifest, overrides its batch name.", valueName: "name"))
    var batch: String?
    @Flag(help: "Write JSON.")
    var json = false
    @OptionGroup var store: StoreOptions
    @OptionGroup(title: "Manifest") var manifest: ManifestOptions

    mutating func validate() throws {
        guard (1...2).contains(words.count) else {
            throw ValidationError("specify a key, or a manifest and a key")
        }
    }

    func run() throws {
        var explanation: Explanation
        if words.count == 1 {
            let reader = try store.openForReading()
            let row = try TaskLookup.task(words[0], batch: try TaskLookup.batch(batch, in: reader), in: reader)
            explanation = Explanation(of: row, try commands(for: row.key, row, in: row.batchName, of: reader))
            try addHistory(to: &explanation, from: reader)
            try reader.close()
        } else {
            explanation = try explain(TaskKey(words[1]), in: words[0])
        }
        Console.out(json ? ExplainOutput.json(explanation).text : ExplainOutput.text(explanation))
    }

    private func addHistory(to explanation: inout Explanation, from reader: Store) throws {
        guard let row = explanation.row else { return }
        explanation.attempts = try reader.attempts(of: row.id)
        explanation.events = try reader.events(of: row.id)
        var finder = ClipFinder(store: reader.path)
        explanation.clip = row.latest?.savedClip.map { finder.find($0) }
    }

    // MARK: Against a manifest

    private func explain(_ key: TaskKey, in path: String) throws -> Explanation {
        let checked = try ManifestLoading.check(
            [path], batchName: batch, form: manifest.form, catalog: manifest.catalog(), json: json)[0]
        var spec: TaskSpec?
        guard FileManager.default.fileExists(atPath: store.path) else {
            try checked.forEachTask { if $0.key == key { spec = $0 } }
            guard let spec else { throw Self.unknown(key, path) }
            return Explanation(
                spec, in: checked.batchName, stored: nil, try commands(for: key, nil, in: checked.batchName, of: nil))
        }
        let reader = try store.openForReading()
        // The store may have the task under a different name than the manifest; accept either.
        var name: TaskKey?
        let known = try reader.compare(
            batchName: checked.batchName, provider: "",
            forEachTask: { body in
                try checked.forEachTask {
                    name = $0.key
                    try body($0)
                }
            },
            { finding in
                guard case .named(let task, _, _) = finding, task.key == key || name == key else { return }
                spec = task
            })
        let row = try known.flatMap { try reader.tasks(called: spec?.key ?? key, in: $0.id).first }
        guard spec != nil || row != nil else { throw Self.unknown(key, path) }
        var explanation = Explanation(
            spec, in: checked.batchName, stored: row, try commands(for: key, row, in: checked.batchName, of: reader))
        try addHistory(to: &explanation, from: reader)
        if let spec, row == nil, let known {
            explanation.nearest = try SimilarTask.find(
                to: spec, in: known.id, except: SimilarTask.keyHashes(of: checked), of: reader)
        }
        try reader.close()
        return explanation
    }

    private func commands(
        for key: TaskKey, _ row: TaskRow?, in batchName: String, of reader: Store?
    ) throws -> Explanation.Commands {
        let needs = try row.flatMap { row in
            try reader?.keyNeeds(
                present: ProviderOptions.accountAtHand.map { [$0] }, in: [row.batch], of: row.id)
        }
        return Explanation.Commands(
            SuggestedCommand(store: store), key, in: batchName,
            isAmbiguous: try reader?.tasks(called: key, in: nil).count ?? 0 > 1,
            keyNeed: needs?.first { $0.account == row?.latest?.account })
    }

    private static func unknown(_ key: TaskKey, _ path: String) -> Stop {
        Stop(
            .usage,
            "no task \(SafeText.quoted(key.text)) in \(SafeText.quoted(path)) or in its batch in the store")
    }
}

/// Finds the old version of a changed task. A task without an `id` is identified by its content, so a changed one is
/// new.
enum SimilarTask {
    /// A larger batch is not searched completely.
    private static let maximumCompared = 10_000

    /// Hashes of the keys in a manifest. A collision only hides a task from the search.
    static func keyHashes(of manifest: ValidatedManifest) throws -> Set<Int> {
        var hashes: Set<Int> = []
        try manifest.forEachTask { hashes.insert($0.key.hashValue) }
        return hashes
    }

    /// The task with the fewest different fields; nil if none has at least half of its fields in common.
    static func find(
        to spec: TaskSpec, in batch: BatchID, except present: Set<Int>, of store: Store
    ) throws -> (row: TaskRow, differences: [RequestDifference])? {
        var best: (row: TaskRow, differences: [RequestDifference])?
        var pages = TaskPages(store: store, source: .filter(TaskFilter(batches: [batch]), alsoTagged: []))
        var compared = 0
        while compared < maximumCompared, let page = try pages.next() {
            for row in page where !present.contains(row.key.hashValue) {
                compared += 1
                let differences = RequestDifference.between(row.listedRequest, spec.request)
                if differences.count < best?.differences.count ?? .max { best = (row, differences) }
            }
        }
        guard let best, best.differences.count * 2 <= RequestDifference.memberCount(of: spec.request) else {
            return nil
        }
        return best
    }
}
