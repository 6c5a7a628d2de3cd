import DailiesCore
import DailiesManifest
import Foundation
import Testing

struct MutationTests {
    private static let seed: UInt64 = 20_261_123
    private static let rounds = 2_000

    private static let samples: [(ManifestFormat, String)] = [
        (
            .yaml,
            """
            batch: b
            defaults: {model: sora-2-pro, duration_seconds: 8, tags: {client: &c acme}}
            tasks:
              - id: dolly
                prompt: "A \\u00e9 \\"shot\\""
                extra: {a: [1, {b: ~}]}
              - prompt: |
                  two lines
                  of it
                tags: {x: *c}
                matrix: {seed: [1, 2], aspect_ratio: [16:9, 9:16]}
            """
        ),
        (
            .json,
            #"{"batch":"b","defaults":{"model":"sora-2","seed":1},"tasks":[{"id":"é","prompt":"\ud83d\ude00","duration_seconds":2,"matrix":{"seed":[1,2]}},{"prompt":"q","duration_seconds":1,"tags":{"a":"b"},"extra":{"x":[1.5,null]}}]}"#
        ),
        (
            .jsonl,
            "{\"defaults\":{\"model\":\"sora-2\"}}\n{\"prompt\":\"p\",\"duration_seconds\":1}\r\n\n{\"prompt\":\"q\",\"duration_seconds\":3,\"image_init\":\"https://a/b\"}"
        ),
        (
            .csv,
            "id,model,prompt,duration_seconds,tags.a,extra.b\r\n1,sora-2,\"a, \"\"b\"\"\nc\",1,x,true\r\n2,new,漢,5,,007\r\n"
        ),
    ]

    /// Bytes with a meaning in one of the formats.
    private static let significant = Array(
        "{}[]:,;\"'\\\n\r\t #&*?|>-!%@`~=0123456789eE.uxn\u{0}\u{85}\u{2028}\u{FEFF}é".utf8)

    /// A time limit trait would include the time that the test waits for its turn.
    private static let limit = Duration.seconds(60)

    @Test func `a mutated file is quickly read, or refused with positions`() {
        var generator = SplitMix(state: Self.seed)
        var accepted = 0
        let began = ContinuousClock.now
        for round in 0..<Self.rounds {
            guard ContinuousClock.now - began < Self.limit else {
                Issue.record("it takes too long: seed \(Self.seed), round \(round)")
                return
            }
            let (format, text) = Self.samples[round % Self.samples.count]
            let bytes = Self.mutated(Array(text.utf8), &generator)
            do throws(ManifestError) {
                let reader = ManifestReader(catalog: TestCatalog.published, today: "2026-11-23")
                let manifest = try reader.read(path: "m", bytes: bytes, format: format)
                accepted += 1
                #expect(!manifest.tasks.isEmpty, "seed \(Self.seed), round \(round)")
                let keys = Set(manifest.tasks.map { Array($0.key.text.utf8) })
                #expect(keys.count == manifest.tasks.count, "seed \(Self.seed), round \(round)")
            } catch {
                Self.check(error.problems, against: bytes, "seed \(Self.seed), round \(round)")
            }
        }
        #expect(accepted > Self.rounds / 20)
        #expect(accepted < Self.rounds)
    }

    private static func mutated(_ original: [UInt8], _ generator: inout SplitMix) -> [UInt8] {
        var bytes = original
        for _ in 0...Int.random(in: 0..<2, using: &generator) {
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            let end = min(bytes.count, index + Int.random(in: 1...12, using: &generator))
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[index] = significant.randomElement(using: &generator) ?? 0
            case 2: bytes.insert(significant.randomElement(using: &generator) ?? 0, at: index)
            case 3 where bytes.count > 20: bytes.removeSubrange(index..<end)
            case 4: bytes.insert(contentsOf: bytes[index..<end], at: Int.random(in: 0...bytes.count, using: &generator))
            default: bytes.replaceSubrange(index..<end, with: bytes.prefix(end - index))
            }
        }
        return bytes
    }

    private static func check(_ problems: [ManifestDiagnostic], against bytes: [UInt8], _ round: String) {
        #expect(!problems.isEmpty, "\(round)")
        let lines = bytes.count { $0 == 0x0A || $0 == 0x0D || $0 == 0x85 || $0 == 0xA8 || $0 == 0xA9 } + 2
        for (problem, next) in zip(problems, problems.dropFirst()) {
            #expect((problem.line, problem.column) <= (next.line, next.column), "\(round)")
        }
        for problem in problems {
            #expect(1...lines ~= problem.line, "\(round): \(problem)")
            #expect(1...bytes.count + 1 ~= problem.column, "\(round): \(problem)")
            #expect(!problem.field.isEmpty && !problem.message.isEmpty && !problem.fix.isEmpty, "\(round)")
            let hasControl = problem.description.unicodeScalars.contains { $0.properties.generalCategory == .control }
            #expect(!hasControl, "\(round)")
        }
    }
}
