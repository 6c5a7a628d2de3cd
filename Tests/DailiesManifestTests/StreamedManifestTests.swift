import DailiesCore
import DailiesManifest
import Foundation
import Testing

/// What valid manifests become.
struct StreamedManifestTests {
    // MARK: The examples

    static let examples = [
        ("first.yaml", "misty-forest", 6), ("models.jsonl", "model-tour", 40), ("spreadsheet.csv", "spreadsheet", 10),
        ("variations.yaml", "night-market", 18), ("draft-and-final.yaml", "trailer", 4),
    ]

    @Test(arguments: examples)
    func `an example manifest is valid and without warnings`(name: String, batch: String, count: Int) throws {
        let path = "jobs/" + name
        let bytes = try Data(contentsOf: TestCatalog.repository.appending(path: path))
        let manifest = try ManifestReader(catalog: TestCatalog.published, today: nil)
            .read(path: path, bytes: Array(bytes))
        #expect(manifest.batchName == batch)
        #expect(manifest.tasks.count == count)
        #expect(manifest.warnings.isEmpty)
        #expect(manifest.path == path)
    }

    @Test func `every file in jobs is one of the examples`() throws {
        let names = try FileManager.default.contentsOfDirectory(
            atPath: TestCatalog.repository.appending(path: "jobs").path)
        #expect(Set(names) == Set(Self.examples.map(\.0)))
    }

    // MARK: A complete task

    @Test func `a task has all fields of its manifest`() throws {
        let manifest = try read(
            """
            batch: misty-forest
            defaults: {model: sora-2-pro, duration_seconds: 8, tags: {client: acme, reel: a}, priority: 3}
            tasks:
              - id: dolly
                prompt: "A dolly shot"
                resolution: 720p
                seed: 9223372036854775807
                tags: {reel: b}
                output: dolly.mp4
              - {id: still, prompt: A still, priority: -2, model: veo-3.1}
            """, .yaml)
        #expect(manifest.batchName == "misty-forest")
        #expect(
            manifest.tasks == [
                TaskSpec(
                    key: TaskKey("dolly"),
                    shape: RequestShape(model: ModelID("sora-2-pro"), durationSeconds: 8, resolution: "720p"),
                    prompt: "A dolly shot",
                    request: CanonicalRequest(
                        text:
                            #"{"aspect_ratio":"16:9","duration_seconds":8,"model":"sora-2-pro","prompt":"A dolly shot","resolution":"720p","seed":9223372036854775807}"#
                    ),
                    tags: [TaskSpec.Tag(name: "client", value: "acme"), TaskSpec.Tag(name: "reel", value: "b")],
                    priority: 3, output: "dolly.mp4"),
                TaskSpec(
                    key: TaskKey("still"),
                    shape: RequestShape(model: ModelID("veo-3.1"), durationSeconds: 8, resolution: "1080p"),
                    prompt: "A still",
                    request: CanonicalRequest(
                        text:
                            #"{"aspect_ratio":"16:9","duration_seconds":8,"model":"veo-3.1","prompt":"A still","resolution":"1080p"}"#
                    ),
                    tags: [TaskSpec.Tag(name: "client", value: "acme"), TaskSpec.Tag(name: "reel", value: "a")],
                    priority: -2, output: nil),
            ])
    }

    @Test func `a bare list of tasks is a manifest`() throws {
        let json = try read(#"[{"model":"sora-2","prompt":"a","duration_seconds":1}]"#, .json, path: "x/reel.one.json")
        let yaml = try read("- {model: sora-2, prompt: a, duration_seconds: 1}", .yaml, path: "reel.one.yml")
        #expect(json.batchName == "reel.one")
        #expect(yaml.batchName == "reel.one")
        #expect(identity(json) == identity(yaml))
    }

    // MARK: Matrix

    @Test func `a matrix is expanded with axes in alphabetical order and values in the given order`() throws {
        let manifest = try read(
            """
            - id: takes
              model: sora-2-pro
              prompt: p
              duration_seconds: 4
              matrix: {seed: [3, 1], aspect_ratio: [16:9, 9:16]}
            """, .yaml)
        #expect(
            manifest.tasks.map(\.key.text) == [
                "takes/aspect_ratio=16:9,seed=3", "takes/aspect_ratio=16:9,seed=1",
                "takes/aspect_ratio=9:16,seed=3", "takes/aspect_ratio=9:16,seed=1",
            ])
        #expect(
            manifest.tasks[2].request.text
                == #"{"aspect_ratio":"9:16","duration_seconds":4,"model":"sora-2-pro","prompt":"p","resolution":"1080p","seed":3}"#
        )
    }

    @Test func `an axis overrides a default, and a matrix without id has derived keys`() throws {
        let matrix = try read(
            #"{"defaults":{"model":"sora-2","duration_seconds":3},"tasks":[{"prompt":"p","matrix":{"duration_seconds":[1,2]}}]}"#,
            .json)
        let written = try read(
            #"[{"model":"sora-2","prompt":"p","duration_seconds":1},{"model":"sora-2","prompt":"p","duration_seconds":2}]"#,
            .json)
        #expect(matrix.tasks == written.tasks)
    }

    @Test func `a matrix may range over models, each with its own defaults`() throws {
        let manifest = try read(
            "- {id: m, prompt: p, duration_seconds: 4, matrix: {model: [sora-2, veo-3.1, seedance-fast]}}", .yaml)
        #expect(manifest.tasks.map(\.shape.resolution) == ["720p", "1080p", "720p"])
        #expect(manifest.tasks.map(\.key.text) == ["m/model=sora-2", "m/model=veo-3.1", "m/model=seedance-fast"])
    }

    // MARK: Text

    @Test func `YAML scalars are text where the field is text`() throws {
        let manifest = try read(
            """
            - {id: 007, model: sora-2, prompt: no, duration_seconds: 1, aspect_ratio: 16:9, tags: {a: yes, b: 1.50, c: 2026-11-23}}
            - {id: 0o17, model: sora-2, prompt: 1e3, duration_seconds: 1, tags: {a: ~, b: null, c: "null", d: ''}}
            """.replacingOccurrences(of: ", d: ''", with: ""), .yaml)
        #expect(manifest.tasks.map(\.key.text) == ["007", "0o17"])
        #expect(manifest.tasks.map(\.prompt) == ["no", "1e3"])
        #expect(manifest.tasks[0].tags.map(\.value) == ["yes", "1.50", "2026-11-23"])
        #expect(manifest.tasks[1].tags.map { "\($0.name)=\($0.value)" } == ["c=null"])
    }

    @Test func `NFC and NFD are distinct in prompts, ids and tags`() throws {
        let nfc = "caf\u{e9}"
        let nfd = "cafe\u{301}"
        for format in [ManifestFormat.jsonl, .csv] {
            let text =
                format == .csv
                ? "id,model,prompt,duration_seconds,tags.\(nfc),tags.\(nfd)\n\(nfc),sora-2,\(nfc),1,x,y\n\(nfd),sora-2,\(nfd),1,x,y\n"
                : [nfc, nfd].map {
                    "{\"id\":\"\($0)\",\"model\":\"sora-2\",\"prompt\":\"\($0)\",\"duration_seconds\":1,\"tags\":{\"\(nfc)\":\"x\",\"\(nfd)\":\"y\"}}"
                }.joined(separator: "\n")
            let tasks = try read(text, format).tasks
            #expect(tasks.map { Array($0.key.text.utf8) } == [Array(nfc.utf8), Array(nfd.utf8)])
            #expect(tasks.map { Array($0.prompt.utf8) } == [Array(nfc.utf8), Array(nfd.utf8)])
            // Sorted by bytes: e + combining accent comes before é.
            #expect(tasks[0].tags.map(\.value) == ["y", "x"])
        }
    }

    @Test func `null and empty values count as omitted`() throws {
        let plain = identity(try read(#"[{"model":"sora-2","prompt":"p","duration_seconds":1}]"#, .json))
        let texts: [(String, ManifestFormat)] = [
            (
                #"[{"id":null,"model":"sora-2","prompt":"p","duration_seconds":1,"seed":null,"tags":null,"priority":null,"output":null,"matrix":null,"extra":null}]"#,
                .json
            ),
            ("- {id: ~, model: sora-2, prompt: p, duration_seconds: 1, seed: , tags: null, extra: {x: ~}}", .yaml),
            ("id,model,prompt,duration_seconds,seed,tags.a,extra.x,output\n,sora-2,p,1,,\"\",,\n", .csv),
            (
                "{\"batch\":null,\"defaults\":null}\n{\"model\":\"sora-2\",\"prompt\":\"p\",\"duration_seconds\":1}",
                .jsonl
            ),
        ]
        for (text, format) in texts { #expect(identity(try read(text, format)) == plain, "\(text)") }
    }

    @Test func `a null in a task leaves the default`() throws {
        let manifest = try read(
            #"{"defaults":{"model":"sora-2","duration_seconds":3},"tasks":[{"prompt":"p","model":null,"duration_seconds":null}]}"#,
            .json)
        #expect(
            manifest.tasks[0].shape == RequestShape(model: ModelID("sora-2"), durationSeconds: 3, resolution: "720p"))
    }

    @Test func `YAML aliases are copied`() throws {
        let manifest = try read(
            """
            defaults: {model: sora-2, duration_seconds: 1}
            tasks:
              - {id: a, prompt: &p "the same prompt", tags: &t {client: acme}}
              - {id: b, prompt: *p, tags: *t}
            """, .yaml)
        #expect(manifest.tasks[1].prompt == "the same prompt")
        #expect(manifest.tasks[1].tags == manifest.tasks[0].tags)
    }

    // MARK: Extra fields

    @Test func `extra fields go into the request as JSON, the same from every format`() throws {
        let expected =
            #"{"audio":true,"duration_seconds":5,"fps":24.0,"mode":"no","model":"new-model","prompt":"p","ratio2":"16:9","take":"007"}"#
        let texts: [(String, ManifestFormat)] = [
            (
                #"[{"model":"new-model","prompt":"p","duration_seconds":5,"extra":{"take":"007","audio":true,"fps":24.0,"mode":"no","ratio2":"16:9"}}]"#,
                .json
            ),
            (
                "- {model: new-model, prompt: p, duration_seconds: 5, extra: {audio: true, fps: 24.0, mode: no, ratio2: 16:9, take: 007}}",
                .yaml
            ),
            (
                "model,prompt,duration_seconds,extra.take,extra.fps,extra.audio,extra.mode,extra.ratio2\nnew-model,p,5,007,24.0,true,no,16:9\n",
                .csv
            ),
        ]
        for (text, format) in texts { #expect(try read(text, format).tasks.map(\.request.text) == [expected]) }
    }

    @Test func `objects in extra are sorted, lists are not`() throws {
        let manifest = try read(
            #"[{"model":"new","prompt":"p","duration_seconds":5,"extra":{"z":{"b":[2,1,null],"a":{}}}}]"#, .json)
        #expect(
            manifest.tasks[0].request.text
                == #"{"duration_seconds":5,"model":"new","prompt":"p","z":{"a":{},"b":[2,1,null]}}"#)
    }

    // MARK: Warnings

    @Test func `an unknown model warns once, with a suggestion`() throws {
        let manifest = try read(
            """
            - {model: sora2-pro, prompt: p, duration_seconds: 30}
            - {model: sora-3-pro, prompt: p, duration_seconds: 900, resolution: 8k, seed: 1}
            - {model: sora-3-pro, prompt: q, duration_seconds: 900}
            - {model: other, prompt: p, duration_seconds: 1}
            """, .yaml, path: "m.yaml")
        #expect(
            manifest.warnings.map(\.description) == [
                #"m.yaml:1:11: model: "sora2-pro" is not a known model; this is its id elsewhere; did you mean sora-2-pro?"#,
                #"m.yaml:2:11: model: "sora-3-pro" is not a known model (2 times); did you mean sora-2-pro?"#,
                #"m.yaml:4:11: model: "other" is not a known model; it is sent unchanged and unchecked"#,
            ])
        #expect(
            manifest.tasks[1].request.text
                == #"{"duration_seconds":900,"model":"sora-3-pro","prompt":"p","resolution":"8k","seed":1}"#)
    }

    @Test(arguments: [("2026-09-23", 0), ("2026-09-24", 1), ("2026-11-23", 1)])
    func `a withdrawn model warns from the day of its withdrawal`(today: String, count: Int) throws {
        let text =
            "- {model: sora-2, prompt: p, duration_seconds: 1}\n- {model: sora-2, prompt: q, duration_seconds: 1}"
        let warnings = try read(text, .yaml, path: "m.yaml", today: today).warnings.map(\.description)
        #expect(
            warnings
                == Array(
                    repeating:
                        "m.yaml:1:11: model: sora-2 was withdrawn by OpenAI on 2026-09-24 (2 times); choose another model, or expect the task to fail",
                    count: count))
    }

    @Test func `extra fields of a known model warn`() throws {
        let manifest = try read(
            "- {model: sora-2, prompt: p, duration_seconds: 1, extra: {audio: true}}", .yaml, path: "m")
        #expect(
            manifest.warnings.map(\.description)
                == ["m:1:66: extra.audio: is not a published field of sora-2; it is sent unchanged"])
    }

    // MARK: CSV and JSONL

    @Test func `CSV is read with any separator, line end and quoting`() throws {
        let expected = identity(
            try read(
                #"[{"id":"a","model":"sora-2","prompt":"one, \"two\"; three\nfour","duration_seconds":1,"tags":{"client":"x"}}]"#,
                .json))
        for separator in [",", ";", "\t"] {
            for end in ["\n", "\r\n", "\r"] {
                for mark in ["", "\u{FEFF}"] {
                    let header = ["id", "\"model\"", "prompt", "duration_seconds", "tags.client"].joined(
                        separator: separator)
                    let row = ["a", "sora-2", "\"one, \"\"two\"\"; three\nfour\"", "1", "\"x\""].joined(
                        separator: separator)
                    let text =
                        mark + header + end + end + row + end + ["", "", "", "", ""].joined(separator: separator) + end
                    #expect(identity(try read(text, .csv)) == expected, "\(separator) \(end) \(mark)")
                    #expect(identity(try read(mark + header + end + row, .csv)) == expected)
                }
            }
        }
    }

    @Test func `TSV keeps commas and semicolons as text`() throws {
        let manifest = try read("model\tprompt\tduration_seconds\nsora-2\ta, b; c\t1", .tsv)
        #expect(manifest.tasks.map(\.prompt) == ["a, b; c"])
    }

    @Test func `JSONL skips blank lines and may start with batch and defaults`() throws {
        let manifest = try read(
            "\u{FEFF}\n{\"batch\":\"b\",\"defaults\":{\"model\":\"sora-2\",\"duration_seconds\":1}}\r\n \t\r\n{\"prompt\":\"p\"}\r\n\r\n{\"prompt\":\"q\"}",
            .jsonl)
        #expect(manifest.batchName == "b")
        #expect(manifest.tasks.map(\.prompt) == ["p", "q"])
    }

    // MARK: Names

    @Test(arguments: [
        ("a/b/reel.jsonl", ManifestFormat.jsonl), ("reel.NDJSON", .jsonl), ("r.json", .json), ("r.yaml", .yaml),
        ("r.YML", .yaml), ("r.csv", .csv), ("r.tsv", .tsv), ("r.txt", nil), ("yaml", nil), ("a.json/b", nil), ("", nil),
    ])
    func `the format follows from the file extension`(path: String, format: ManifestFormat?) {
        #expect(ManifestFormat(path: path) == format)
    }

    @Test(arguments: [
        ("reel.yaml", "reel"), ("a/b/day.one.yaml", "day.one"), (".yaml", ".yaml"), ("reel", "reel"),
        ("a.b/reel", "reel"),
    ])
    func `a batch without a name is named after its file`(path: String, name: String) throws {
        #expect(try read("- {model: sora-2, prompt: p, duration_seconds: 1}", .yaml, path: path).batchName == name)
    }
}
