import DailiesCore
import DailiesManifest
import ExactJSON
import Foundation
import Testing

/// What a task without an `id` is known by. Every golden value here holds for ever: a change makes finished tasks look
/// new, and they are paid again.
struct TaskIdentityTests {
    // MARK: Golden

    /// Manifest (JSONL) and the keys of its tasks.
    static let golden: [(String, [String])] = [
        (#"{"model":"sora-2-pro","prompt":"p","duration_seconds":8}"#, ["xxhnrm5hvttvt4xv"]),
        (#"{"model":"sora-2-pro","prompt":"p","duration_seconds":8,"seed":9223372036854775807}"#, ["bgunybstpivsqo4i"]),
        (
            #"{"model":"seedance-fast","prompt":"雨","duration_seconds":4,"motion_intensity":"low"}"#,
            ["fpjdaj5lqnf7jr2l"]
        ),
        ("{\"model\":\"veo-3.1\",\"prompt\":\"caf\u{e9}\",\"duration_seconds\":8}", ["fajnykxmumu5guxg"]),
        ("{\"model\":\"veo-3.1\",\"prompt\":\"cafe\u{301}\",\"duration_seconds\":8}", ["4opf6ridleedz6ao"]),
        (
            #"{"model":"new","prompt":"a\n\"b\" \\ \u0009/\u2028","duration_seconds":1,"#
                + #""extra":{"z":[1.50,{"b":1,"a":null}]}}"#,
            ["xxjkxdhls5y4w5uo"]
        ),
        (
            #"{"model":"sora-2","prompt":"q","duration_seconds":1,"matrix":{"seed":[2,1]}}"#,
            ["zjiduhkjjfgrr53n", "aogbbvmpy4cmadrp"]
        ),
    ]

    @Test(arguments: golden)
    func `derived keys never change`(text: String, keys: [String]) throws {
        #expect(try read(text, .jsonl).tasks.map(\.key.text) == keys)
    }

    @Test func `a derived key is the start of the digest of the canonical request`() throws {
        let task = try read(#"{"model":"sora-2","prompt":"p","duration_seconds":1}"#, .jsonl).tasks[0]
        #expect(
            task.request.text
                == #"{"aspect_ratio":"16:9","duration_seconds":1,"model":"sora-2","prompt":"p","resolution":"720p"}"#)
        // printf %s '{"aspect_ratio":…}' | sha256sum | xxd -r -p | base32 | tr A-Z a-z | cut -c 1-16
        #expect(task.key.text == "iadyiuwvqw5onhcj")
    }

    @Test func `the defaults of edition 1 never change`() throws {
        let expected = [
            "seedance-1.5-pro 1080p 16:9", "seedance-2.0 1080p 16:9", "seedance-2.0-pro 1080p 16:9",
            "seedance-2.0-pro-fast 1080p 16:9", "seedance-fast 720p 16:9", "sora-2 720p 16:9", "sora-2-pro 1080p 16:9",
            "veo-3.1 1080p 16:9", "veo-3.1-fast 720p 16:9",
        ]
        let models = TestCatalog.published.models.keys.map(\.text).sorted()
        #expect(models.count == expected.count)
        let filled = try models.map { model in
            let task = try read("{\"model\":\"\(model)\",\"prompt\":\"p\",\"duration_seconds\":1}", .jsonl).tasks[0]
            let request = try JSONValue.parse(task.request.text.utf8)
            return "\(model) \(request["resolution"]?.string ?? "") \(request["aspect_ratio"]?.string ?? "")"
        }
        #expect(filled == expected)
    }

    @Test func `edition 1 matches the catalog where both have a value`() throws {
        for spec in TestCatalog.published.models.values {
            let text = "{\"model\":\"\(spec.id)\",\"prompt\":\"p\",\"duration_seconds\":1}"
            let request = try JSONValue.parse(try read(text, .jsonl).tasks[0].request.text.utf8)
            #expect(request["resolution"]?.string == spec.defaultResolution ?? "720p")
            #expect(request["aspect_ratio"]?.string == spec.defaultAspectRatio)
        }
    }

    @Test func `another catalog does not change keys`() throws {
        let text = #"{"model":"sora-2-pro","prompt":"p","duration_seconds":8}"#
        let later = ManifestReader(catalog: ModelCatalog(compiled: "2030-01-01", models: []), today: nil)
        #expect(
            identity(try later.read(path: "m.jsonl", bytes: Array(text.utf8)))
                == identity(try read(text, .jsonl)))
    }

    // MARK: Line ends

    /// One text with these line ends in every format: the keys and requests of its task.
    private static func forms(_ lineEnd: String) throws -> [TaskSpec] {
        let escaped = JSONText.quoted("one\(lineEnd)two\(lineEnd)")
        let json = "{\"model\":\"sora-2\",\"prompt\":\(escaped),\"duration_seconds\":1}"
        let extra =
            "{\"prompt\":\(escaped),\"extra\":{\"negative\":\(escaped)},\"model\":\"new\",\"duration_seconds\":1}"
        let csv = "model,prompt,duration_seconds\nsora-2,\"one\(lineEnd)two\(lineEnd)\",1\n"
        // The second line of JSONL is read on the fast path.
        return try [
            read(json, .jsonl).tasks[0], read("\(json)\n\(json)", .jsonl).tasks[1], read("[\(json)]", .json).tasks[0],
            read("[\(json)]", .yaml).tasks[0], read(csv, .csv).tasks[0],
            read(csv.replacing(",", with: "\t"), .tsv).tasks[0],
            read("[\(extra)]", .json).tasks[0],
            read(
                "[{\"vars\":{\"x\":\(escaped)},\"prompt\":\"{{x}}\",\"model\":\"sora-2\",\"duration_seconds\":1}]",
                .json
            )
            .tasks[0],
        ]
    }

    @Test func `line ends in texts do not change keys in any format, and are sent unchanged`() throws {
        let lines = try Self.forms("\n")
        #expect(lines.prefix(2).map(\.key.text) == ["2uf6wput3zqfusbk", "2uf6wput3zqfusbk-2"])
        #expect(lines.map(\.isKeyDerived) == lines.map { _ in true })
        for lineEnd in ["\r\n", "\r"] {
            let others = try Self.forms(lineEnd)
            #expect(others.map(\.key) == lines.map(\.key))
            for (line, other) in zip(lines, others) {
                #expect(line.request != other.request)
                #expect(line.request.isSame(as: other.request))
                let sent = try JSONValue.parse(other.request.text.utf8)
                let prompt = try #require(sent["prompt"]?.string)
                #expect(Array(prompt.utf8) == Array("one\(lineEnd)two\(lineEnd)".utf8))
            }
        }
    }

    @Test func `a backslash before an r is not a line end`() throws {
        let line = { (prompt: String) in
            "{\"model\":\"sora-2\",\"prompt\":\(JSONText.quoted(prompt)),\"duration_seconds\":1}"
        }
        let keys = try [#"a\r\nb"#, #"a\nb"#, "a\nb", #"a\"# + "\r\nb"].map { try read(line($0), .jsonl).tasks[0].key }
        #expect(Set(keys).count == 4)
    }

    // MARK: Equal requests

    @Test func `equal requests without id are numbered, in any order`() throws {
        let line = { (prompt: String) in "{\"model\":\"sora-2\",\"prompt\":\"\(prompt)\",\"duration_seconds\":1}" }
        let keys = try read([line("a"), line("b"), line("a"), line("a")].joined(separator: "\n"), .jsonl).tasks.map(
            \.key.text)
        #expect(keys[2] == keys[0] + "-2")
        #expect(keys[3] == keys[0] + "-3")
        #expect(keys[1] != keys[0])
        let reversed = try read([line("a"), line("a"), line("b"), line("a")].joined(separator: "\n"), .jsonl)
        #expect(Set(reversed.tasks.map(\.key.text)) == Set(keys))
    }

    @Test func `tasks with an id are not counted among equal requests`() throws {
        let line = #"{"model":"sora-2","prompt":"a","duration_seconds":1}"#
        let named = line.dropLast() + ",\"id\":\"x\"}"
        let alone = try read(line, .jsonl).tasks[0].key
        #expect(try read(named + "\n" + line, .jsonl).tasks.map(\.key) == [TaskKey("x"), alone])
    }

    @Test func `writing a default value changes nothing, writing another value does`() throws {
        let base = #""model":"sora-2-pro","prompt":"p","duration_seconds":8"#
        let key = { (more: String) in try read("{\(base)\(more)}", .jsonl).tasks[0].key }
        #expect(try key(#","resolution":"1080p""#) == key(""))
        #expect(try key(#","aspect_ratio":"16:9""#) == key(""))
        #expect(try key(#","tags":{"a":"b"},"priority":7,"output":"x.mp4""#) == key(""))
        #expect(try key(#","resolution":"720p""#) != key(""))
        #expect(try key(#","seed":1"#) != key(""))
        #expect(try key(#","style_preset":"none""#) != key(""))
    }

    // MARK: Metamorphic

    /// Tasks that all four formats can express.
    static func randomTasks(_ generator: inout SplitMix) -> [[(name: String, json: String, cell: String)]] {
        let prompts = [
            "a fox, running", "no", "16:9", "007", "say \"hi\"; then\nwait", "caf\u{e9}", "cafe\u{301}", "夜雨 😀",
            "- {a: b}", "#1 'q' \\ /",
        ]
        return (0..<Int.random(in: 1...8, using: &generator)).map { index in
            let text = { (name: String, value: String) in (name: name, json: JSONText.quoted(value), cell: value) }
            let number = { (name: String, value: Int) in (name: name, json: "\(value)", cell: "\(value)") }
            let model = ["sora-2-pro", "veo-3.1", "unheard-of"].randomElement(using: &generator) ?? ""
            var fields = [
                text("model", model), text("prompt", prompts.randomElement(using: &generator) ?? ""),
                number("duration_seconds", Int.random(in: 1...8, using: &generator)),
            ]
            if Bool.random(using: &generator) {
                fields.append(number("seed", Int.random(in: .min ... .max, using: &generator)))
            }
            if Bool.random(using: &generator) { fields.append(text("resolution", "1080p")) }
            if Bool.random(using: &generator) { fields.append(text("aspect_ratio", "9:16")) }
            if Int.random(in: 0..<4, using: &generator) == 0 { fields.append(text("id", "shot \(index)")) }
            return fields
        }
    }

    @Test func `order, format, white space, tags and notation do not change keys or requests`() throws {
        var generator = SplitMix(state: 7)
        for round in 0..<150 {
            let tasks = Self.randomTasks(&generator)
            let expected = identity(try read(Writing.jsonl(tasks), .jsonl))
            let shuffled = tasks.shuffled(using: &generator).map { $0.shuffled(using: &generator) }
            let variants: [(String, ManifestFormat)] = [
                (Writing.jsonl(shuffled), .jsonl), (Writing.json(shuffled), .json), (Writing.yaml(shuffled), .yaml),
                (Writing.json(shuffled), .yaml), (Writing.csv(shuffled, separator: ","), .csv),
                (Writing.csv(shuffled, separator: ";"), .csv), (Writing.csv(shuffled, separator: "\t"), .tsv),
            ]
            for (text, format) in variants {
                #expect(identity(try read(text, format)) == expected, "round \(round), \(format): \(text)")
            }
        }
    }
}

/// The same tasks, written as every format has it, with tags and priorities that must not matter.
enum Writing {
    typealias Task = [(name: String, json: String, cell: String)]

    static func jsonl(_ tasks: [Task]) -> String {
        tasks.map { task in "{" + task.map { "\"\($0.name)\":\($0.json)" }.joined(separator: ",") + "}" }
            .joined(separator: "\n")
    }

    static func json(_ tasks: [Task]) -> String {
        let objects = tasks.enumerated().map { index, task in
            "  {\n    \"tags\" : {\"n\": \"\(index)\"},\n"
                + task.map { "    \"\($0.name)\" : \($0.json)" }.joined(separator: ",\n") + " }"
        }
        return "{ \"batch\" : \"b\", \"tasks\" : [\n" + objects.joined(separator: ",\n") + "\n] }\n"
    }

    static func yaml(_ tasks: [Task]) -> String {
        "# a comment\ntasks:\n"
            + tasks.map { task in
                "- priority: 5\n"
                    + task.map { field in
                        let isText = field.json.hasPrefix("\"")
                        // Double-quoted YAML supports every escape of JSON; plain is for text that may be plain.
                        let plain = ["no", "16:9", "007", "a fox, running", "caf\u{e9}", "cafe\u{301}"].contains(
                            field.cell)
                        return "  \(field.name): \(isText && !plain ? field.json : field.cell)\n"
                    }.joined()
            }.joined()
    }

    static func csv(_ tasks: [Task], separator: String) -> String {
        let names = ["tags.n"] + Set(tasks.flatMap { $0.map(\.name) }).sorted()
        let quoted = { (cell: String) in "\"" + cell.replacing("\"", with: "\"\"") + "\"" }
        let rows = tasks.map { task in
            names.map { name in name == "tags.n" ? "x" : quoted(task.first { $0.name == name }?.cell ?? "") }
                .joined(separator: separator)
        }
        return ([names.joined(separator: separator)] + rows).joined(separator: "\r\n") + "\r\n"
    }
}
