import DailiesCore
import DailiesManifest
import Foundation
import Testing

struct BrokenManifestTests {
    struct Case: CustomTestStringConvertible {
        let format: ManifestFormat
        let text: String
        var problems: [String] = []
        var testDescription: String { "\(format.rawValue) \(text)" }
    }

    static func cases(_ table: String) -> [Case] {
        var cases: [Case] = []
        for line in table.split(separator: "\n") {
            if line.hasPrefix("- ") {
                cases[cases.count - 1].problems.append(String(line.dropFirst(2)))
            } else if let space = line.firstIndex(of: " "),
                let format = ManifestFormat(rawValue: String(line[..<space]))
            {
                cases.append(Case(format: format, text: text(line[line.index(after: space)...], format)))
            } else {
                preconditionFailure("no case: \(line)")
            }
        }
        return cases
    }

    private static func text(_ written: Substring, _ format: ManifestFormat) -> String {
        let whole =
            switch format {
            case .json, .jsonl: #""model":"sora-2","prompt":"p","duration_seconds":1"#
            case .yaml: "model: sora-2, prompt: p, duration_seconds: 1"
            case .csv, .tsv: "model,prompt,duration_seconds"
            }
        return String(written).replacing("§", with: whole).replacing("⏎", with: "\n").replacing("␉", with: "\t")
            .replacing("␇", with: "\u{7}")
    }

    static let all = [
        BrokenManifests.syntax, BrokenManifests.shape, BrokenManifests.fields, BrokenManifests.mergeKeys,
        BrokenManifests.images,
        BrokenManifests.runnerFields, BrokenManifests.matrix, BrokenManifests.jsonSlips, BrokenManifests.yamlSlips,
        BrokenManifests.csvSlips, BrokenManifests.variables, BrokenManifests.models,
    ].flatMap(cases)

    @Test(arguments: all)
    func `a broken manifest is refused with all its errors`(broken: Case) {
        let clock = ContinuousClock()
        var found: [String] = []
        let took = clock.measure { found = problems(broken.text, broken.format) }
        #expect(found == broken.problems)
        #expect(took < .seconds(2))
        for text in found + excerpts(broken) {
            #expect(
                !text.unicodeScalars.contains { $0.properties.generalCategory == .control }, "\(text.debugDescription)")
        }
    }

    private func excerpts(_ broken: Case) -> [String] {
        let reader = ManifestReader(catalog: TestCatalog.published, today: nil)
        do throws(ManifestError) {
            _ = try reader.read(path: "m", bytes: Array(broken.text.utf8), format: broken.format)
            return []
        } catch {
            return error.problems.compactMap { $0.excerpt?.text }
        }
    }

    @Test func `the tables hold at least two hundred broken manifests, each with a problem`() {
        #expect(Self.all.count >= 200)
        #expect(Self.all.allSatisfy { !$0.problems.isEmpty })
    }

    // MARK: Encodings

    static let encodings: [([UInt8], String)] = [
        ([0xFE, 0xFF, 0x00, 0x41, 0xD8, 0x00], "1:2: file: byte 0xED here is not UTF-8; save the file as UTF-8"),
        ([0xFF, 0xFE, 0x41, 0x00, 0x0A], "1:2: file: byte 0xFF here is not UTF-8; save the file as UTF-8"),
        (
            Array("PK\u{3}\u{4}\u{14}".utf8),
            "1:1: file: is a spreadsheet file or another archive, not text; export the sheet as CSV UTF-8 and "
                + "use that file"
        ),
        ([0x00, 0x00, 0xFE, 0xFF], "1:1: file: is encoded in UTF-32, big-endian; save it as UTF-8"),
        ([0xFF, 0xFE, 0x00, 0x00], "1:1: file: is encoded in UTF-32, little-endian; save it as UTF-8"),
        ([0x00, 0x5B, 0x00, 0x0A], "1:1: file: is encoded in UTF-16, big-endian; save it as UTF-8"),
        ([0x5B, 0x00, 0x7B, 0x00, 0xE9, 0x00], "1:1: file: is encoded in UTF-16, little-endian; save it as UTF-8"),
        ([0x00, 0x00, 0x00, 0x5B], "1:1: file: is encoded in UTF-32, big-endian; save it as UTF-8"),
        ([0x5B, 0x00, 0x00, 0x00], "1:1: file: is encoded in UTF-32, little-endian; save it as UTF-8"),
        (Array("a,é\r\nb,".utf8) + [0xE9, 0x2C], "2:3: file: byte 0xE9 here is not UTF-8; save the file as UTF-8"),
        (Array("\u{FEFF}é".utf8) + [0xC3], "1:2: file: byte 0xC3 here is not UTF-8; save the file as UTF-8"),
    ]

    @Test(arguments: encodings)
    func `an encoding other than UTF-8 is refused by name or by position`(bytes: [UInt8], problem: String) {
        for format in ManifestFormat.allCases { #expect(problems(bytes, format) == [problem]) }
    }

    @Test func `a UTF-8 byte order mark is ignored in every format`() throws {
        let task = #"{"model":"sora-2","prompt":"p","duration_seconds":1}"#
        for (text, format) in [("[\(task)]", ManifestFormat.json), (task, .jsonl), ("- \(task)", .yaml)] {
            #expect(try read("\u{FEFF}" + text, format).tasks.count == 1)
        }
    }

    @Test(arguments: ManifestFormat.allCases)
    func `UTF-16 with a byte order mark is read in every format and from every source`(format: ManifestFormat) throws {
        let task = "{\"model\":\"sora-2\",\"prompt\":\"雨 \u{1F600} é\",\"duration_seconds\":1}"
        let text =
            switch format {
            case .json: "[\(task)]"
            case .jsonl: task
            case .yaml: "- \(task)\r\n"
            case .csv: "model,prompt,duration_seconds\r\nsora-2,雨 \u{1F600} é,1\r\n"
            case .tsv: "model\tprompt\tduration_seconds\nsora-2\t雨 \u{1F600} é\t1"
            }
        let expected = identity(try read(text, format))
        let folder = FileManager.default.temporaryDirectory.path + "/dailies-utf16-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(atPath: folder) } catch { Issue.record("\(error)") }
        }
        for isBigEndian in [true, false] {
            let bytes = ("\u{FEFF}" + text).utf16.flatMap { unit in
                isBigEndian ? [UInt8(unit >> 8), UInt8(unit & 0xFF)] : [UInt8(unit & 0xFF), UInt8(unit >> 8)]
            }
            let reader = ManifestReader(catalog: TestCatalog.published, today: nil)
            let path = folder + "/m.\(format.rawValue)"
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            #expect(identity(try reader.check(.file(path)).manifest()) == expected)
            #expect(identity(try reader.check(.bytes(bytes, path: "m"), format: format).manifest()) == expected)
            let descriptor = open(path, O_RDONLY)
            defer { close(descriptor) }
            let input = try ManifestSource.standardInput(descriptor: descriptor)
            #expect(identity(try reader.check(input, format: format, batchName: "b").manifest()) == expected)
        }
    }

    // MARK: Names and keys

    @Test(arguments: ["clips.xlsx", "clips.XLS", "a.b/clips.ods"])
    func `a spreadsheet file is reported as a spreadsheet`(path: String) {
        #expect(
            problems([], nil, path: path)
                == ["1:1: file: is a spreadsheet, not text; export the sheet as CSV UTF-8 and use that file"])
    }

    @Test func `a path without a known ending needs a format`() {
        #expect(
            problems(Array("[]".utf8), nil, path: "reel.txt")
                == [
                    "1:1: file: the file extension does not identify the format; "
                        + "name it .jsonl, .json, .yaml, .csv or .tsv, or use --format"
                ])
    }

    @Test func `a file whose name is not a valid batch name needs a batch name`() {
        let failure = #expect(throws: ManifestError.self) { try read("[]", .json, path: "a\nb.json") }
        #expect(
            failure?.description == #"""
                a\u{a}b.json:1:1: file: contains no tasks; write at least one
                a\u{a}b.json:1:1: batch: the file's name contains the control character \u{a}; add batch, or rename the file
                """#)
    }

    @Test func `an id that is another task's derived key is refused, in either order`() throws {
        let task = #""model":"sora-2","prompt":"p","duration_seconds":1"#
        let key = try read("[{\(task)}]", .json).tasks[0].key
        #expect(
            problems("[{\(task)},\n{\(task),\"id\":\"\(key)\"}]", .json)
                == [
                    "2:58: id: \"\(key)\" is already the derived key of the task at 1:2; give each task a unique id"
                ])
        #expect(
            problems("[{\(task),\"id\":\"\(key)\"},\n{\(task)}]", .json)
                == [
                    "2:1: id: the derived key \(key) of this task is already the id of the task at 1:59; "
                        + "give this task an id"
                ])
    }

    // MARK: Output

    @Test func `values are shown truncated and without terminal escapes`() {
        let text =
            "- {model: sora-2, prompt: p, duration_seconds: 1, resolution: \"a\u{202E}b\u{2066}\u{200B}\(String(repeating: "é", count: 80))\"}"
        #expect(
            problems(text, .yaml) == [
                #"1:63: resolution: "a\u{202e}b\u{2066}\u{200b}"# + String(repeating: "é", count: 55)
                    + #"…" is not supported by sora-2; write 720p or 1080p"#
            ])
        let field = problems(
            "[{\"model\":\"\u{202E}m\",\"prompt\":\"p\",\"duration_seconds\":0,\"\u{1B}[2J\u{202E}\(String(repeating: "x", count: 99))\":1}]"
                .replacingOccurrences(of: "\u{1B}", with: "\\u001b"), .json)
        #expect(
            field == [
                "1:48: duration_seconds: 0 is not supported by m; write 1 to 86400",
                #"1:50: \u{1b}[2J\u{202e}"# + String(repeating: "x", count: 55)
                    + "…: is not a known field; remove it, or move it to extra if the model accepts it",
            ])
    }

    @Test func `credentials in a URL are not repeated`() {
        let text = #"[{"model":"sora-2","prompt":"p","duration_seconds":1,"image_init":"https://me:hunter2@host/a"}]"#
        #expect(!problems(text, .json).joined().contains("hunter2"))
    }

    @Test func `an error in defaults is reported once, whether or not a task uses it`() {
        let task = #"{"model":"sora-2","prompt":"p","duration_seconds":1"#
        #expect(
            problems(#"{"defaults":{"seed":"x"},"tasks":[\#(task)},\#(task)}]}"#, .json)
                == [#"1:21: defaults.seed: is the text "x"; write a whole number without quotes"#])
        #expect(
            problems(#"{"defaults":{"seed":"x"},"tasks":[\#(task),"seed":1}]}"#, .json)
                == [#"1:21: defaults.seed: is the text "x"; write a whole number without quotes"#])
    }

    // MARK: Limits

    @Test func `a request larger than the API accepts is refused`() throws {
        let fits = String(repeating: "x", count: 999_907)
        let task = { (prompt: String) in "{\"model\":\"sora-2\",\"prompt\":\"\(prompt)\",\"duration_seconds\":1}" }
        #expect(try read(task(fits), .jsonl).tasks[0].request.text.utf8.count == 1_000_000)
        #expect(
            problems(task(fits + "x"), .jsonl)
                == [
                    "1:28: prompt: makes a request of 1000001 bytes, more than 1000000; shorten it, and give image_init as a URL"
                ])
    }

    @Test func `names may have 200 bytes and tasks 64 tags`() throws {
        let task = #""model":"sora-2","prompt":"p","duration_seconds":1"#
        let id = String(repeating: "é", count: 100)
        let tags = { (count: Int) in (0..<count).map { "\"t\($0)\":\"x\"" }.joined(separator: ",") }
        #expect(try read("[{\(task),\"id\":\"\(id)\",\"tags\":{\(tags(64))}}]", .json).tasks[0].tags.count == 64)
        #expect(
            problems("[{\(task),\"id\":\"\(id)x\",\"tags\":{\(tags(65))}}]", .json) == [
                "1:59: id: has 201 bytes, more than 200; shorten it", "1:170: tags: has 65 tags; write at most 64",
            ])
    }

    @Test func `a matrix of more than a hundred thousand tasks is refused before it is expanded`() {
        let numbers = { (count: Int) in (0..<count).map(String.init).joined(separator: ", ") }
        let text = { (a: Int, b: Int) in
            "- {model: sora-2, prompt: p, matrix: {seed: [\(numbers(a))], duration_seconds: [\(numbers(b))]}}"
        }
        #expect(
            problems(text(1001, 100), .yaml).first
                == "1:38: matrix: makes 100100 tasks; split it, since one matrix makes at most 100000")
        let axes =
            ["seed", "duration_seconds"].map { "\"\($0)\":[\(numbers(3000))]" }
            + ["model", "prompt", "resolution", "aspect_ratio", "image_init", "style_preset"].map { name in
                "\"\(name)\":[\((0..<3000).map { "\"\($0)\"" }.joined(separator: ","))]"
            }
        #expect(
            problems("{\"matrix\":{\(axes.joined(separator: ","))}}", .jsonl)
                == ["1:11: matrix: makes too many tasks; split it, since one matrix makes at most 100000"])
    }

    @Test func `lines and records have at most two mebibytes`() {
        let long = String(repeating: "x", count: 2 << 20)
        #expect(
            problems("{}\n{\"a\":\"\(long)\"}", .jsonl).last
                == "2:1: file: this line has 2097160 bytes, more than 2097152; write one task per line, "
                + "and give images as URLs"
        )
        #expect(
            problems("a\n\"\(long)\"", .csv).last
                == "2:1: file: this line is longer than 2097152 bytes; look for an unclosed quote, "
                + "and give images as URLs"
        )
    }

    @Test func `reading stops after ten thousand problems`() {
        let found = problems(String(repeating: "x\n", count: 20_000), .jsonl)
        #expect(found.count == 10_001)
        #expect(found.last == "10000:1: file: reading stopped after 10000 problems; fix those first")
    }

    @Test func `nested aliases are refused, as values and as keys`() {
        var laughs = "a0: &a0 [x, x, x]\n"
        for level in 1..<30 { laughs += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1), *a\(level - 1)]\n" }
        #expect(
            problems(laughs, .yaml).first?.hasSuffix(
                "file: aliases copy more than 1000000 nodes; use defaults and matrix instead of aliases") == true)
        #expect(
            problems(laughs + "? *a29\n: x", .yaml) == [
                "1:1: syntax: an alias, list or mapping is not allowed as a key in a file with many aliases; "
                    + "use plain words as keys, and defaults and matrix instead of aliases"
            ])
    }
}
