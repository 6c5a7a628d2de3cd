import DailiesManifest
import Testing

/// What is shown of the line of a problem.
struct SourceSnippetTests {
    /// The excerpts of all problems: each text with its caret below.
    private func excerpts(_ text: String, _ format: ManifestFormat) -> [String] {
        excerpts(Array(text.utf8), format)
    }

    private func excerpts(_ bytes: [UInt8], _ format: ManifestFormat) -> [String] {
        do throws(ManifestError) {
            _ = try ManifestReader(catalog: TestCatalog.published, today: nil).read(
                path: "m", bytes: bytes, format: format)
            return []
        } catch {
            return error.problems.map { problem in
                guard let excerpt = problem.excerpt else { return "nothing" }
                return excerpt.text + "\n" + String(repeating: " ", count: excerpt.caret) + "^"
            }
        }
    }

    @Test func `the caret is under the position`() {
        let text = "- model: sora-2\n  prompt: p\n  duration_seconds: eight\n"
        #expect(excerpts(text, .yaml) == ["  duration_seconds: eight\n                    ^"])
    }

    @Test func `wide characters, combining marks and escapes before the position count by their width`() {
        let text = "model,prompt,duration_seconds\nsora-2,雾e\u{301}\u{202E},8s\n"
        #expect(excerpts(text, .csv) == ["sora-2,雾e\u{301}\\u{202e},8s\n                   ^"])
    }

    @Test(arguments: ["\n", "\r\n", "\r"])
    func `lines end as the format has it`(end: String) {
        let text = ["model,prompt,duration_seconds", "sora-2,p,1", "sora-2,p,x", "sora-2,p,1"].joined(separator: end)
        #expect(excerpts(text, .csv) == ["sora-2,p,x\n         ^"])
    }

    @Test func `a long line is truncated around the position`() {
        let long = String(repeating: "a", count: 500)
        let text = #"{"model":"sora-2","prompt":"\#(long)","duration_seconds":"1","tags":{"a":"\#(long)"}}"#
        #expect(
            excerpts(text, .jsonl).first
                == "…" + String(repeating: "a", count: 29) + #"","duration_seconds":"1","tags":{"a":""#
                + String(repeating: "a", count: 11) + "…\n" + String(repeating: " ", count: 51) + "^")
    }

    @Test func `an excerpt contains no terminal escapes`() {
        let text = "{\"model\":\"sora-2\",\"prompt\":\"\u{1B}[2J\u{7F}\u{85}\",\"duration_seconds\":1}"
        for excerpt in excerpts(text, .jsonl) {
            let shown = excerpt.split(separator: "\n")[0]
            #expect(shown.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
            #expect(shown.contains("\\u{1b}[2J\\u{7f}\\u{85}"))
        }
    }

    @Test func `credentials in a URL are masked`() {
        let text = #"[{"model":"sora-2","prompt":"p","duration_seconds":1,"image_init":"https://me:hunter2@host/a"}]"#
        #expect(excerpts(text, .json).joined().contains(#""https://**********@host/a""#))
    }

    @Test func `an invalid byte ends the line that is shown`() {
        let bytes = Array("model,prompt\nsora-2,a".utf8) + [0xE9, 0x62, 0x0A]
        #expect(excerpts(bytes, .csv) == ["sora-2,a\n        ^"])
    }

    @Test func `the first hundred problems have excerpts`() {
        let found = excerpts(String(repeating: "{}\n", count: 60), .jsonl)
        #expect(found.count == 180)
        #expect(found[..<100].allSatisfy { $0 == "{}\n^" })
        #expect(found[100...].allSatisfy { $0 == "nothing" })
    }

    @Test func `a problem of an unreadable file has no excerpt`() {
        let failure = #expect(throws: ManifestError.self) { try ManifestSource.file("/nowhere/m.yaml") }
        #expect(
            failure?.description
                == "/nowhere/m.yaml: no such file; check the name, or create a manifest with `dailies init`")
        #expect(failure?.problems[0].excerpt == nil)
    }
}
