import DailiesManifest
import Foundation
import Testing

struct ProbeTests {
    @Test func probe() throws {
        for name in ["t.jsonl", "s.jsonl", "s.json", "t.yaml", "s.yaml", "s.csv"] {
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: "/tmp/bench/" + name)))
            let start = ContinuousClock.now
            let manifest = try ManifestReader(catalogue: TestCatalogue.published, today: nil).read(path: name, bytes: bytes)
            print("PROBE", name, manifest.tasks.count, ContinuousClock.now - start)
        }
        var text = ""
        for i in 0..<3000 { text += "- {a: 1, a: 2, prompt: p\(i)}\n" }
        let start = ContinuousClock.now
        print("PROBE dup", problems(text, .yaml).count, ContinuousClock.now - start)
    }
}
