import DailiesCore
import DailiesManifest
import ExactJSON
import Testing

/// What is taken, and what is said of it.
struct WarningTests {
    private static func warnings(_ text: String, _ format: ManifestFormat) throws -> [String] {
        try read(text, format, path: "m").warnings.map { String($0.description.dropFirst(2)) }
    }

    /// The same prompt in every format, for JSONL also on the fast path.
    private static func prompts(_ prompt: String) throws -> [[String]] {
        let quoted = JSONText.quoted(prompt)
        let task = "{\"prompt\":\(quoted),\"model\":\"sora-2\",\"duration_seconds\":1}"
        let other = "{\"prompt\":\"p\",\"model\":\"sora-2\",\"duration_seconds\":1}"
        let cell = "\"\(prompt.replacing("\"", with: "\"\""))\""
        return try [
            warnings("\(other)\n\(other)\n\(task)\n", .jsonl), warnings("[\(task)]", .json),
            warnings("- \(task)", .yaml),
            warnings("model,prompt,duration_seconds\nsora-2,\(cell),1\n", .csv),
        ].map { $0.map { String($0.drop { $0 != " " }.dropFirst()) } }
    }

    static let accidents = [
        ("#NAME?", "contains the spreadsheet error #NAME?"),
        ("#REF!", "contains the spreadsheet error #REF!"),
        ("a #DIV/0! at dawn", "contains the spreadsheet error #DIV/0!"),
        ("########", "is what a spreadsheet shows when a column is too narrow"),
        ("Err:502", "contains the spreadsheet error Err:5…"),
        ("=CONCATENATE(A1,\" at dawn\")", "\"=CONCATENATE(A1,\" at dawn\")\" is a formula, not its result"),
        ("nan", "\"nan\" is a placeholder for missing text"),
        (" None ", "\"None\" is a placeholder for missing text"),
        ("N/A", "\"N/A\" is a placeholder for missing text"),
        ("[object Object]", "\"[object Object]\" is a placeholder for missing text"),
        ("a boat, [object Object]", "contains the spreadsheet error [object Object]"),
        ("caf\u{FFFD} noir", "contains U+FFFD, the replacement for a lost character"),
        (
            "\u{C3}\u{A9}t\u{C3}\u{A9}",
            "\"\u{C3}\u{A9}t\u{C3}\u{A9}\" was decoded with the wrong encoding and may mean \"été\""
        ),
        (
            "it\u{E2}\u{20AC}\u{2122}s",
            "\"it\u{E2}\u{20AC}\u{2122}s\" was decoded with the wrong encoding and may mean \"it\u{2019}s\""
        ),
        (
            "\u{E9}\u{203A}\u{A8}\u{E5}\u{A4}\u{153}",
            "\"\u{E9}\u{203A}\u{A8}\u{E5}\u{A4}\u{153}\" was decoded with the wrong encoding and may mean \"雨夜\""
        ),
    ]

    @Test(arguments: accidents)
    func `a prompt that looks like an accident is accepted with a warning, in every format`(
        prompt: String, message: String
    ) throws {
        for found in try Self.prompts(prompt) {
            #expect(found == ["prompt: \(message); correct it, or it is rendered unchanged"])
        }
    }

    @Test(arguments: [
        "A harbour", "take #7 at dawn", "= a title card =", "nancy", "no one", "none of them smile", "été", "São Paulo",
        "«déjà\u{A0}» dit-il", "un café\u{A0}»", "雨の夜", "Ärger über Öl", "Señor Ñandú", "[a door] opens", "#1", "x#",
        "=", "Erika",
        "naïve coöperation", "100\u{A0}°C", "ΑΒΓ", "Привет", "😀", "Ça va bien\u{2026}",
        "A title\n#### in small\nletters",
    ])
    func `any other prompt is accepted without a warning`(prompt: String) throws {
        #expect(try Self.prompts(prompt) == [[], [], [], []])
    }

    @Test func `variables and defaults are checked too, once each`() throws {
        let text = """
            {"defaults":{"model":"sora-2","duration_seconds":1,"prompt":"#REF!"},"tasks":[{},{"seed":2},
            {"prompt":"a {{x}}","vars":{"x":"None"}},{"prompt":"a {{x}} b","matrix":{"vars.x":["y","nan"]}}]}
            """
        let found = try Self.warnings(text, .json)
        #expect(
            found == [
                "1:61: defaults.prompt: contains the spreadsheet error #REF!; correct it, or it is rendered unchanged",
                "2:33: vars.x: \"None\" is a placeholder for missing text; correct it, or it is rendered unchanged",
                "2:88: matrix.vars.x: \"nan\" is a placeholder for missing text; correct it, or it is rendered unchanged",
            ])
        // A line without a prompt has that of the defaults.
        let lines = text.split(separator: "\n")[0].replacing(",\"tasks\":[{},{\"seed\":2},", with: "}")
        let other = #"{"prompt":"p"}"#
        #expect(try Self.warnings("\(lines)\n\(other)\n\(other)\n{\"seed\":3}\n{\"seed\":4}", .jsonl).count == 1)
    }

    // MARK: Invisible characters

    @Test func `invisible characters at the ends of a name are removed with a warning`() throws {
        let csv = """
            id,prompt,model,duration_seconds,tags.client
            a,A harbour,sora-2-pro ,8,acme
            b,A boat,sora-2-pro\u{a0},8,\u{201c}acme\u{201d}
            c\u{200b},A gull,sora-2-pro,8 ,acme
            """
        let manifest = try read(csv, .csv, path: "m")
        #expect(manifest.tasks.map(\.key.text) == ["a", "b", "c"])
        #expect(manifest.tasks.allSatisfy { $0.shape.model.text == "sora-2-pro" && $0.tags[0].value == "acme" })
        #expect(
            manifest.warnings.map(\.description) == [
                "m:2:13: model: ends with U+0020 (space), which is ignored; remove it",
                "m:3:10: model: ends with U+00A0 (no-break space), which is ignored; remove it",
                "m:3:24: tags.client: begins with U+201C (left double quotation mark), which is ignored; remove it",
                "m:4:1: id: ends with U+200B (zero width space), which is ignored; remove it",
                "m:4:22: duration_seconds: ends with U+0020 (space), which is ignored; remove it",
            ])
    }

    @Test func `every format removes the same characters`() throws {
        let expected = identity(
            try read(#"{"id":"a","prompt":"p","model":"sora-2","duration_seconds":1,"resolution":"720p"}"#, .jsonl))
        let task =
            #"{"id":"a\u200b","prompt":"p","model":"\u201csora-2\u201d","duration_seconds":1,"resolution":" 720p","tags":{"n ":"v"}}"#
        for (text, format) in [(task, ManifestFormat.jsonl), ("[\(task)]", .json), ("[\(task)]", .yaml)] {
            let manifest = try read(text, format)
            #expect(identity(manifest) == expected)
            #expect(manifest.warnings.map(\.field) == ["id", "model", "resolution", "tags.n "])
            #expect(manifest.tasks[0].tags.map(\.name) == ["n"])
        }
        let yaml =
            "defaults: {model: \u{201c}sora-2\u{201d}, duration_seconds: 1, resolution: 720p}\ntasks:\n  - id: a\n    prompt: p\n"
        #expect(identity(try read(yaml, .yaml)) == expected)
        // A line that is read on the fast path, if possible.
        let lines = #"{"id":"x","prompt":"p","model":"sora-2","duration_seconds":1}"# + "\n"
        #expect(
            try read(lines + lines.replacing("x", with: "y") + task, .jsonl).tasks.map(\.key.text) == ["x", "y", "a"])
        #expect(try read(lines + lines.replacing("x", with: "y") + task, .jsonl).warnings.count == 4)
    }

    @Test func `ids that differ only in invisible outer characters are equal`() {
        #expect(
            problems("id,prompt,model,duration_seconds\na,p,sora-2,1\na\u{a0},q,sora-2,1\n", .csv)
                == ["3:1: id: \"a\" is already the id of the task at 2:1; give each task a unique id"])
    }

    @Test func `a prompt keeps its quotation marks, and a batch its name`() throws {
        let text =
            "batch: \"shots \"\ntasks:\n  - {prompt: \"\u{201c}A harbour\u{201d} \", model: sora-2, duration_seconds: 1}\n"
        let manifest = try read(text, .yaml, path: "m")
        #expect(manifest.tasks[0].prompt == "\u{201c}A harbour\u{201d} ")
        #expect(manifest.batchName == "shots ")
        #expect(
            manifest.warnings.map(\.description) == [
                "m:1:8: batch: ends with U+0020 (space), which is part of the name; remove it unless tasks were already submitted "
                    + "under this name"
            ])
    }

    @Test(arguments: [
        (#"[{"model":"sora\u200b2","prompt":"p","duration_seconds":1}]"#, "did you mean sora-2?"),
        (#"[{"model":"soar-2\u00a0","prompt":"p","duration_seconds":1}]"#, "did you mean sora-2?"),
    ])
    func `suggestions ignore invisible characters`(text: String, advice: String) throws {
        #expect(try read(text, .json).warnings.contains { $0.fix == advice })
    }

    @Test func `suggestions for field names ignore invisible characters`() {
        #expect(
            problems(
                "[{\"prompt\u{a0}\":\"p\",\"\u{201c}seed\u{201d}\":1,\"model\":\"sora-2\",\"duration_seconds\":1}]",
                .json
            )
            .filter { $0.contains("did you mean") }.count == 2)
    }

    // MARK: YAML

    @Test(arguments: [
        "# a comment\n- prompt: a boat\n  # another\n  model: sora-2 # cheap\n  duration_seconds: 1 # short\n",
        "- prompt: \"a boat\" # quoted\n  model: sora-2\n  duration_seconds: 1\n",
        "- prompt: |- # a block\n    a boat\n  model: sora-2\n  duration_seconds: 1\n",
        "- prompt: # the first\n    a boat\n  model: sora-2\n  duration_seconds: 1\n  seed: # later\n",
        "- prompt: !!str a boat\n  model: sora-2\n  duration_seconds: 1\n  tags: # none\n",
        "- {prompt: &p a boat, model: sora-2, duration_seconds: 1, id: a}\n- {prompt: *p, model: sora-2, duration_seconds: 1, id: b}\n",
        "- {prompt: a boat, model: sora-2, duration_seconds: 1} # the end\n# of it\n",
        "batch: b    # optional\ntasks:\n- prompt: a boat\n  id: a  # a name\n  model: sora-2\n  duration_seconds: 1\n  tags:\n    client: acme  # theirs\n",
    ])
    func `a comment that is clearly separated from a text is a comment`(text: String) throws {
        #expect(try read(text, .yaml).tasks.allSatisfy { $0.prompt == "a boat" })
    }

    @Test(arguments: ["a boat#7", "C# minor", "R&D !now", "a*b", "#", "x # y", "!x", "&y z"])
    func `a text in quotes keeps its # and & characters`(prompt: String) throws {
        #expect(
            try read("- {prompt: '\(prompt)', model: sora-2, duration_seconds: 1}", .yaml).tasks[0].prompt == prompt)
        if prompt.contains(" #") || "#!&".contains(prompt.prefix(1)) { return }
        #expect(try read("- {prompt: \(prompt), model: sora-2, duration_seconds: 1}", .yaml).tasks[0].prompt == prompt)
    }
}
