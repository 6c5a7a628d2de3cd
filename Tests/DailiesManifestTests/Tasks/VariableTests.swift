import DailiesCore
import DailiesManifest
import Testing

/// `vars` and `{{name}}`.
struct VariableTests {
    private func prompts(_ text: String, _ format: ManifestFormat = .yaml) throws -> [String] {
        try read(text, format).tasks.map(\.prompt)
    }

    @Test func `variables of a task override those of defaults in its prompt`() throws {
        let text = """
            defaults:
              model: sora-2
              duration_seconds: 3
              prompt: "A {{size}} {{animal}} at {{ time }}"
              vars: {time: dawn, size: small}
            tasks:
              - vars: {animal: stag}
              - vars: {animal: fox, size: "large"}
              - {prompt: "{{animal}}{{animal}}", vars: {animal: owl}}
            """
        #expect(try prompts(text) == ["A small stag at dawn", "A large fox at dawn", "owlowl"])
    }

    @Test func `a task is identified by its prompt with variables filled in`() throws {
        let filled = #"{"model":"sora-2","prompt":"a {{x}}","duration_seconds":1,"vars":{"x":"fox"}}"#
        let plain = #"{"model":"sora-2","prompt":"a fox","duration_seconds":1}"#
        #expect(try identity(read(filled, .jsonl)) == identity(read(plain, .jsonl)))
    }

    @Test func `four braces are two, and single braces are kept`() throws {
        let text =
            #"[{"model":"sora-2","prompt":"{{{{x}} { } }} {a} {{{{{{x}}","duration_seconds":1,"vars":{"x":"1"}}]"#
        #expect(try prompts(text, .json) == ["{{x}} { } }} {a} {{1"])
    }

    @Test func `variables in the value of a variable are not replaced`() throws {
        let text = #"[{"model":"sora-2","prompt":"{{a}}","duration_seconds":1,"vars":{"a":"{{b}}{{{{"}}]"#
        #expect(try prompts(text, .json) == ["{{b}}{{{{"])
    }

    @Test func `columns of a spreadsheet are variables, and an axis of a matrix may be one`() throws {
        let csv = "model,prompt,duration_seconds,vars.who\nsora-2,\"{{who}}, running\",1,a fox\n"
        #expect(try prompts(csv, .csv) == ["a fox, running"])
        let yaml = "- {id: a, model: sora-2, prompt: 'a {{who}}', duration_seconds: 1, matrix: {vars.who: [fox, owl]}}"
        let manifest = try read(yaml, .yaml)
        #expect(manifest.tasks.map(\.prompt) == ["a fox", "a owl"])
        #expect(manifest.tasks.map(\.key.text) == ["a/vars.who=fox", "a/vars.who=owl"])
    }

    @Test func `a variable that is not used in any prompt gives a warning, once`() throws {
        let text = """
            defaults: {model: sora-2, duration_seconds: 1, vars: {a: x, b: y}}
            tasks:
              - {prompt: "{{a}}", vars: {c: z}}
              - {prompt: "p", vars: {c: z, a: w}}
            """
        #expect(
            try read(text, .yaml, path: "m").warnings.map(\.description) == [
                "m:1:64: defaults.vars.b: is not used in any prompt; write {{b}} in the prompt, or remove it",
                "m:3:33: vars.c: is not used in any prompt (2 times); write {{c}} in the prompt, or remove it",
                "m:4:35: vars.a: is not used in any prompt; write {{a}} in the prompt, or remove it",
            ])
    }

    @Test func `a prompt that is too long with its variables is refused before it is built`() {
        let long = String(repeating: "x", count: 30_000)
        let prompt = String(repeating: "{{v}}", count: 100_000)
        let text = "{\"model\":\"sora-2\",\"prompt\":\"\(prompt)\",\"duration_seconds\":1,\"vars\":{\"v\":\"\(long)\"}}"
        #expect(
            problems(text, .jsonl) == ["1:28: prompt: has more than 1000000 bytes with its variables; shorten it"])
    }
}

/// `repeat`.
struct RepeatTests {
    @Test func `repeats count their seeds from the given one`() throws {
        let manifest = try read(
            "- {id: a, model: sora-2, prompt: p, duration_seconds: 1, seed: 40, repeat: 3}", .yaml)
        #expect(manifest.tasks.map(\.key.text) == ["a/repeat=1", "a/repeat=2", "a/repeat=3"])
        #expect(manifest.tasks.map { $0.request.text.contains("\"seed\":40}") } == [true, false, false])
        #expect(manifest.tasks[2].request.text.hasSuffix("\"seed\":42}"))
    }

    @Test func `the first seed may be a default, and the last the largest number`() throws {
        let manifest = try read(
            #"{"defaults":{"seed":9223372036854775806},"tasks":[{"model":"sora-2","prompt":"p","duration_seconds":1,"repeat":2}]}"#,
            .json)
        #expect(manifest.tasks.count == 2)
        #expect(manifest.tasks[1].request.text.hasSuffix("\"seed\":9223372036854775807}"))
    }

    @Test func `repeat is one more axis of a matrix, sorted by its name`() throws {
        let manifest = try read(
            """
            - {id: a, model: sora-2, prompt: p, duration_seconds: 1, seed: 1, repeat: 2,
               matrix: {resolution: [720p, 1080p], aspect_ratio: [1:1]}}
            """, .yaml)
        #expect(
            manifest.tasks.map(\.key.text) == [
                "a/aspect_ratio=1:1,repeat=1,resolution=720p", "a/aspect_ratio=1:1,repeat=1,resolution=1080p",
                "a/aspect_ratio=1:1,repeat=2,resolution=720p", "a/aspect_ratio=1:1,repeat=2,resolution=1080p",
            ])
    }

    @Test func `a repeat without id has the keys of the tasks written out`() throws {
        let repeated = "model,prompt,duration_seconds,seed,repeat\nsora-2,p,1,7,2\n"
        let written = "model,prompt,duration_seconds,seed\nsora-2,p,1,7\nsora-2,p,1,8\n"
        #expect(try read(repeated, .csv).tasks == read(written, .csv).tasks)
    }
}
