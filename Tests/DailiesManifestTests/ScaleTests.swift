import DailiesCore
import DailiesManifest
import Testing

/// A hundred thousand tasks: what changes nothing submits nothing, what changes one task submits one.
@Suite(.serialized) struct ScaleTests {
    private static let count = 100_000

    /// How one manifest is written.
    private struct Form {
        var changed: Int?
        var isRetagged = false
        var isReformatted = false
        var isReversed = false
    }

    private static func jsonl(_ form: Form) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * 130)
        for place in 0..<count {
            let index = form.isReversed ? count - 1 - place : place
            let seed = index == form.changed ? 987_654_321 : index
            let tag = form.isRetagged ? ",\"tags\":{\"round\":\"two\"},\"priority\":5" : ""
            let line =
                form.isReformatted
                ? "{ \"seed\" : \(seed)\(tag), \"duration_seconds\" : 4,\t\"prompt\":\"shot\", \"model\" : \"sora-2\" }\r\n"
                : "{\"model\":\"sora-2\",\"prompt\":\"shot\",\"duration_seconds\":4,\"seed\":\(seed)\(tag)}\n"
            bytes.append(contentsOf: line.utf8)
        }
        return bytes
    }

    private static func csv(_ range: Range<Int>) -> [UInt8] {
        var bytes = Array("seed;prompt;model;duration_seconds\r\n".utf8)
        for index in range { bytes.append(contentsOf: "\(index);shot;sora-2;4\r\n".utf8) }
        return bytes
    }

    private static let base = read(jsonl(Form()), "m.jsonl")

    /// Requests by key.
    private static func read(_ bytes: [UInt8], _ path: String) -> [String: String] {
        var requests: [String: String] = [:]
        requests.reserveCapacity(count)
        do {
            let reader = ManifestReader(catalogue: TestCatalogue.published, today: nil)
            try reader.check(.bytes(bytes, path: path)).forEachTask { requests[$0.key.text] = $0.request.text }
        } catch {
            Issue.record("\(path): \(error)")
        }
        return requests
    }

    @Test func `order, writing and tags change no task`() {
        #expect(Self.base.count == Self.count)
        #expect(
            Self.read(Self.jsonl(Form(isRetagged: true, isReformatted: true, isReversed: true)), "m.jsonl") == Self.base
        )
    }

    @Test func `one changed seed changes one task`() {
        let changed = Self.read(Self.jsonl(Form(changed: 61_803)), "m.jsonl")
        #expect(changed.count == Self.count)
        #expect(changed.keys.count { Self.base[$0] == nil } == 1)
        #expect(Self.base.keys.count { changed[$0] == nil } == 1)
        #expect(changed.values.count { $0.hasSuffix("\"seed\":987654321}") } == 1)
    }

    @Test func `another format changes no task`() {
        let table = Self.read(Self.csv(40_000..<44_000), "m.csv")
        #expect(table.count == 4_000)
        #expect(table.allSatisfy { Self.base[$0.key] == $0.value })
    }
}
