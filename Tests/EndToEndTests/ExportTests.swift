import DailiesCore
import DailiesStore
import ExactJSON
import Testing

@testable import TestSupport

/// `dailies export`.
struct ExportTests {
    private static let acme = [TaskSpec.Tag(name: "client", value: "acme")]

    /// One task in each of a few states.
    private func scene() async throws -> Scene {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly", tags: Self.acme), Scene.spec("crane"), Scene.spec("tilt")])
        try scene.sendCompleted("dolly")
        try scene.sendFailed("crane")
        return scene
    }

    @Test func `CSV has one line per task and leaves unknown amounts empty`() async throws {
        let outcome = try await scene().dailies("export", "--format", "csv")
        let zeros = String(repeating: "0", count: 64)
        let day = "2025-06-01T00:00:00Z"
        #expect(
            outcome
                == Outcome(
                    0,
                    out: [
                        "batch,key,state,model,prompt,attempt,task_id,estimated_credits,credits,submitted_at,completed_at,"
                            + "settled_at,output_path,output_state,output_sha256,failure_code,failure_message,tags.client",
                        "forest,dolly,completed,sora-2,a pine forest,1,vt_dolly,,1.2,\(day),,\(day),"
                            + "{FOLDER}/clips/dolly.mp4,present,\(zeros),,,acme",
                        "forest,crane,failed,sora-2,a pine forest,1,vt_crane,,0,\(day),,\(day),,,,render_failed,the render failed,",
                        "forest,tilt,queued,sora-2,a pine forest,1,,,,,,,,,,,,", "",
                    ].joined(separator: "\r\n")))
    }

    @Test func `CSV keeps text unchanged, and no text that starts like a formula is read as one`() async throws {
        let scene = try await Scene()
        let prompts = [
            "=1+1", "'=1+1", "''=1+1", "+1", "-1", "@SUM(A1)", " =1+1", " '=1", "\u{FF1D}1+1", "it's", "'quoted'",
            "a, \"b\"",
            "two\nlines\ttab", "a\r\nb\rc", " blank ", "\u{202E}turned", "\"\u{301}", "=\u{301}",
        ]
        try scene.importManifest(
            prompts.enumerated().map { index, prompt in
                Scene.spec("k\(index)", prompt: prompt, request: Scene.request(Self.quoted(prompt)))
            })
        let outcome = try await scene.dailies("export", "--format", "csv")
        #expect(outcome.code == 0 && outcome.err == "")
        let records = Self.records(outcome.out)
        #expect(records.count == prompts.count + 1)
        let column = try #require(records[0].firstIndex(of: "prompt"))
        for (record, prompt) in zip(records.dropFirst(), prompts) {
            let cell = record[column]
            let first = cell.unicodeScalars.first { !$0.properties.isWhitespace }
            #expect(first.map { !"=+-@\u{FF1D}".unicodeScalars.contains($0) } ?? true, "\(cell)")
            // As documented in `export --help`.
            let start = prompt.unicodeScalars.first { !$0.properties.isWhitespace && $0 != "'" }
            let isMarked = start.map { "=+-@\u{FF1D}".unicodeScalars.contains($0) } ?? false
            #expect(Array(cell.unicodeScalars) == Array(((isMarked ? "'" : "") + prompt).unicodeScalars))
        }
        // All cells are distinct.
        #expect(Set(records.map { Array($0[column].unicodeScalars) }).count == prompts.count + 1)
    }

    @Test func `an exported manifest keeps text unchanged`() async throws {
        let scene = try await Scene()
        let prompts = ["=1+1", "'=1+1", "two\nlines\ttab", "a\r\nb", " blank ", "\u{202E}turned"]
        try scene.importManifest(
            prompts.enumerated().map { index, prompt in
                Scene.spec("k\(index)", prompt: prompt, request: Scene.request(Self.quoted(prompt)))
            })
        let lines = try await scene.dailies("export", "--format", "manifest").out.split(separator: "\n").dropFirst()
        let read = try lines.map { try JSONValue.parse($0.utf8)["prompt"]?.string }
        #expect(read == prompts)
    }

    /// Escaped for a JSON string.
    private static func quoted(_ text: String) -> String {
        var writer = JSONWriter()
        writer.string(text)
        return String(writer.text.dropFirst().dropLast())
    }

    /// Parses RFC 4180: quoted cells may contain separators, line breaks and doubled quotes.
    private static func records(_ text: String) -> [[String]] {
        let scalars = Array(text.unicodeScalars)
        var records: [[String]] = [[]]
        var cell = String.UnicodeScalarView()
        var isQuoted = false
        var index = 0
        func next(_ scalar: Unicode.Scalar) -> Bool { index + 1 < scalars.count && scalars[index + 1] == scalar }
        while index < scalars.count {
            let scalar = scalars[index]
            if scalar == "\"" {
                if isQuoted, next("\"") {
                    cell.append(scalar)
                    index += 1
                } else {
                    isQuoted.toggle()
                }
            } else if !isQuoted, scalar == "," || (scalar == "\r" && next("\n")) {
                records[records.count - 1].append(String(cell))
                cell = String.UnicodeScalarView()
                if scalar == "\r" {
                    records.append([])
                    index += 1
                }
            } else {
                cell.append(scalar)
            }
            index += 1
        }
        return records.filter { !$0.isEmpty }
    }

    @Test func `JSONL and JSON contain the same rows, with exact amounts and null for unknown ones`() async throws {
        let scene = try await scene()
        let lines = try await scene.dailies("export", "--format", "jsonl").out.split(separator: "\n").map(String.init)
        #expect(lines.count == 3)
        #expect(
            lines[0] == """
                {"batch":"forest","key":"dolly","state":"completed","is_uncertain":false,"is_lost":false,"model":"sora-2",\
                "prompt":"a pine forest","tags":{"client":"acme"},"priority":0,"attempt":1,\
                "submission_key":"dollyaaaaaaaaaaaaaaaaaaa","task_id":"vt_dolly","estimated_credits":null,"credits":1.2,\
                "submitted_at":"2025-06-01T00:00:00Z","completed_at":null,"settled_at":"2025-06-01T00:00:00Z",\
                "output_path":"{FOLDER}/clips/dolly.mp4","output_state":"present",\
                "output_sha256":"0000000000000000000000000000000000000000000000000000000000000000","output_bytes":4096,\
                "failure_code":null,"failure_message":null,"request":{"aspect_ratio":"16:9","duration_seconds":4,\
                "model":"sora-2","prompt":"a pine forest","resolution":"720p"}}
                """)
        #expect(try JSONValue.parse(lines[2].utf8)["credits"]?.isNull == true)
        let array = try await scene.dailies("export").out
        #expect(array == "[\n" + lines.joined(separator: ",\n") + "\n]\n")
        #expect(try await scene.dailies("export", "--json").out == array)
        #expect(try await scene.dailies("export", "--state", "running").out == "[]\n")
    }

    @Test func `tasks are selected by key, state and tag`() async throws {
        let scene = try await scene()
        func keys(_ words: String...) async throws -> [String] {
            let outcome = try await scene.dailies(words: ["export", "--format", "jsonl"] + words)
            #expect(outcome.code == 0)
            return try outcome.out.split(separator: "\n").compactMap { try JSONValue.parse($0.utf8)["key"]?.string }
        }
        #expect(try await keys("--state", "failed,queued") == ["crane", "tilt"])
        #expect(try await keys("--tag", "client=acme") == ["dolly"])
        #expect(try await keys("--tag", "client=acme", "--tag", "client=other") == [])
        #expect(try await keys("tilt", "dolly") == ["tilt", "dolly"])
        #expect(try await scene.dailies("export", "--state", "done").code == 64)
    }

    @Test func `more tasks than fit a page are all exported once`() async throws {
        let scene = try await Scene()
        try scene.importManifest((1...1203).map { Scene.spec("k\($0)") })
        let outcome = try await scene.dailies("export", "--format", "csv")
        let keys = outcome.out.components(separatedBy: "\r\n").dropFirst().dropLast().map {
            $0.split(separator: ",")[1]
        }
        #expect(keys.count == 1203)
        #expect(Set(keys).count == 1203)
        let array = try JSONValue.parse(try await scene.dailies("export").out.utf8)
        #expect(array.array?.count == 1203)
    }

    @Test func `an exported manifest is read as the same tasks`() async throws {
        let scene = try await Scene(simulator: ["--speed", "1000"])
        try scene.write(
            """
            batch: forest
            defaults: {model: sora-2-pro, duration_seconds: 4, tags: {client: acme}}
            tasks:
              - {id: dolly, prompt: "a \\"dolly\\" shot\\n= in two lines", priority: 5, output: first.mp4, seed: 9223372036854775807}
              - {prompt: "no id, {{{{braces}}, {one} and {{{{{three, {{{{\u{301}", style_preset: anime}
              - {id: takes, prompt: "takes", matrix: {seed: [1, 2], aspect_ratio: [16:9, 9:16]}}
              - {id: unknown, model: sora-9, prompt: "e\u{301}", extra: {depth: {b: 1.50, a: [true, null]}}}

            """, to: "m.yaml")
        // No price limit is needed, because nothing is submitted while the provider refuses the key.
        try scene.simulator?.control(#"{"reject_keys":true}"#)
        #expect(try await scene.online("run", "m.yaml").code == 77)
        let exported = try await scene.dailies("export", "--format", "manifest")
        #expect(exported.code == 0)
        #expect(exported.out.hasPrefix("{\"batch\":\"forest\"}\n{\"id\":\"dolly\","))
        try scene.write(exported.out, to: "again.jsonl")
        for row in try scene.store({ try $0.tasks(limit: 100) }) {
            let outcome = try await scene.dailies("explain", "again.jsonl", row.key.text)
            #expect(
                outcome.out.hasPrefix("forest/\(row.key.text): the next run would submit it: it has not been sent\n"),
                "\(outcome)")
        }
        let before = try scene.store { try $0.tasks(limit: 100) }
        #expect(before.count == 7)
        // Importing it again changes nothing, not even tags, priority and file name.
        #expect(try await scene.online("run", "again.jsonl", "--same-batch").code == 77)
        #expect(try scene.store { try $0.tasks(limit: 100) } == before)
    }

    @Test func `a manifest has one batch`() async throws {
        let scene = try await scene()
        try scene.importManifest([Scene.spec("dolly")], batch: "hills")
        let unclear = try await scene.dailies("export", "--format", "manifest")
        #expect(
            unclear
                == Outcome(
                    64,
                    err:
                        "dailies: a manifest has one batch, but the store has 2: \"forest\", \"hills\"; select one with "
                        + "--batch NAME\n"))
        let clear = try await scene.dailies("export", "--format", "manifest", "--batch", "hills")
        #expect(
            clear
                == Outcome(
                    0,
                    out: """
                        {"batch":"hills"}
                        {"id":"dolly","aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2","prompt":"a pine forest",\
                        "resolution":"720p"}

                        """))
    }
}
