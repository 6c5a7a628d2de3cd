import DailiesCore
import Testing

@testable import DailiesManifest

/// Every bound has an error that names it.
struct LimitTests {
    private static let task = #"{"model":"sora-2","prompt":"p","duration_seconds":1}"#

    @Test func `formats that are read whole have a size limit`() {
        let blanks = { (count: Int) in [UInt8](repeating: 0x20, count: count) }
        #expect(
            problems(blanks(ManifestLimits.maximumYAMLBytes + 1), .yaml) == [
                "1:1: file: has more than 16777216 bytes, the limit for this format; use JSONL or CSV, or split it"
            ])
        #expect(
            problems(blanks(ManifestLimits.maximumJSONBytes + 1), .json) == [
                "1:1: file: has more than 67108864 bytes, the limit for this format; use JSONL or CSV, or split it"
            ])
    }

    @Test(arguments: [ManifestFormat.json, .jsonl, .yaml])
    func `nesting has a limit`(format: ManifestFormat) {
        let deep = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
        #expect(problems(deep, format).first?.contains("65: syntax: nested deeper than 64 levels") == true)
    }

    @Test func `the number of tasks is limited, and in memory also the size of their requests`() throws {
        let lines = String(repeating: Self.task + "\n", count: 5)
        let found = { (bounds: TaskBounds) in
            var taken = 0
            let rules = RequestValidator(catalog: TestCatalog.published, identity: .edition1, today: nil)
            var builder = ManifestBuilder(
                path: "m", rules: rules, claims: InMemoryKeyRegistry(),
                purpose: .emit { _ in
                    taken += 1
                    return true
                }, bounds: bounds)
            let source = ManifestSource.bytes(Array(lines.utf8), path: "m")
            _ = StreamedManifest(source, .jsonl, rules: rules).read(into: &builder)
            return "\(taken) \(builder.log.problems.map(\.description))"
        }
        #expect(found(TaskBounds(maximumTasks: 5, maximumBytes: .max)) == "5 []")
        #expect(
            found(TaskBounds(maximumTasks: 4, maximumBytes: .max))
                == #"4 ["m:5:1: file: contains more than 4 tasks; split it"]"#)
        let size = try read(Self.task, .jsonl).tasks[0].request.text.utf8.count
        #expect(
            found(TaskBounds(maximumTasks: 5, maximumBytes: 3 * size))
                == #"3 ["m:4:1: file: contains more than 0 GiB of requests, the limit for a manifest in memory; split it"]"#
        )
    }

    @Test func `a task has at most sixty-four variables`() throws {
        let variables = { (count: Int) in (0..<count).map { "\"v\($0)\":\"x\"" }.joined(separator: ",") }
        let text = { (count: Int) in "[\(Self.task.dropLast()),\"vars\":{\(variables(count))}}]" }
        #expect(try read(text(64), .json).tasks.count == 1)
        #expect(problems(text(65), .json) == ["1:61: vars: has 65 variables; write at most 64"])
    }
}
