import DailiesCore
import DailiesManifest
import DailiesProvider
import DailiesStore
import Foundation
import Testing

/// A hundred thousand tasks from the bytes of a manifest into a store: what changes nothing submits nothing, what
/// changes one task submits one.
@Suite(.serialized) struct MetamorphicTests {
    private static let count = 100_000
    private static let changed = 61_803
    /// Those that are written in the other formats too, whose reading is the slow one in a debug build.
    private static let rewritten = 40_000..<41_000

    /// How one manifest is written.
    private struct Form {
        var isChanged = false
        var isRewritten = false
    }

    private static func jsonl(_ form: Form) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * 130)
        for place in 0..<count {
            let index = form.isRewritten ? count - 1 - place : place
            let seed = form.isChanged && index == changed ? 987_654_321 : index
            let line =
                form.isRewritten
                ? "{ \"seed\" : \(seed),\"tags\":{\"round\":\"two\"},\"priority\":5, \"duration_seconds\" : 4,\t"
                    + "\"prompt\":\"shot\", \"model\" : \"sora-2\" }\r\n"
                : "{\"model\":\"sora-2\",\"prompt\":\"shot\",\"duration_seconds\":4,\"seed\":\(seed)}\n"
            bytes.append(contentsOf: line.utf8)
        }
        return bytes
    }

    private static func csv() -> [UInt8] {
        var bytes = Array("seed;prompt;model;duration_seconds\r\n".utf8)
        for index in rewritten { bytes.append(contentsOf: "\(index);shot;sora-2;4\r\n".utf8) }
        return bytes
    }

    private static func yaml() -> [UInt8] {
        let seeds = rewritten.map(String.init).joined(separator: ", ")
        return Array(
            """
            defaults: {model: sora-2, duration_seconds: 4}
            tasks: [{prompt: shot, matrix: {seed: [\(seeds)]}}]
            """.utf8)
    }

    private static func check(_ bytes: [UInt8], _ path: String) throws -> ValidatedManifest {
        try ManifestReader(catalog: EmbeddedCatalog.catalog, today: nil)
            .check(.bytes(bytes, path: path), batchName: "shots")
    }

    private static func importManifest(_ manifest: ValidatedManifest, in store: Store) throws -> ImportResult {
        try store.importManifest(
            BatchDefinition(
                name: manifest.batchName, manifestPath: "/shots", provider: "simulator", baseURL: "http://[::1]",
                outputDirectory: "/renders", budget: .unchanged),
            at: Instant(milliseconds: 1_748_736_000_000), forEachTask: manifest.forEachTask)
    }

    /// Tasks that wait already, that a run would have to submit beside them, and that it would take back.
    private static func compare(
        _ manifest: ValidatedManifest, in store: Store
    ) throws -> (known: Int, new: Int, removed: Int) {
        var found = (known: 0, new: 0, removed: 0)
        try store.compare(
            batchName: manifest.batchName, provider: "simulator", forEachTask: manifest.forEachTask
        ) { finding in
            switch finding {
            case .named(_, .waiting, _): found.known += 1
            case .named: found.new += 1
            case .removed: found.removed += 1
            }
        }
        return found
    }

    @Test func `order, writing, tags and format submit nothing, and one changed seed submits one`() throws {
        let folder = NSTemporaryDirectory() + "/dailies-kit-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(atPath: folder) } catch { Issue.record("\(error)") }
        }
        let store = try Store.open(folder + "/dailies.sqlite", for: .running)
        let first = try Self.importManifest(try Self.check(Self.jsonl(Form()), "shots.jsonl"), in: store)
        #expect(first.new == Self.count)

        for (bytes, path) in [(Self.csv(), "shots.csv"), (Self.yaml(), "shots.yaml")] {
            let found = try Self.compare(try Self.check(bytes, path), in: store)
            #expect(found == (Self.rewritten.count, 0, Self.count - Self.rewritten.count), "\(path)")
        }
        let rewritten = try Self.importManifest(
            try Self.check(Self.jsonl(Form(isRewritten: true)), "m.jsonl"), in: store)
        #expect(rewritten.unchanged == Self.count)
        #expect(rewritten.new + rewritten.changed + rewritten.removed + rewritten.restored == 0)

        let other = try Self.importManifest(try Self.check(Self.jsonl(Form(isChanged: true)), "shots.jsonl"), in: store)
        #expect(other.new == 1 && other.removed == 1 && other.unchanged == Self.count - 1)
        #expect(try store.summary([other.batch]).total.waiting == Self.count)
        try store.close()
    }
}
