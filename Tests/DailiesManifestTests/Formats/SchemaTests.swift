import DailiesCore
import ExactJSON
import Foundation
import Testing

@testable import DailiesManifest

/// The published schema says of manifests what reading them says, as far as a schema can.
struct SchemaTests {
    private static let schema = ManifestSchema(catalog: TestCatalog.published)
    private static let document = SchemaValidator(root: schema.document)
    private static let line = SchemaValidator(root: schema.line)

    /// A manifest as an editor reads it: YAML scalars by the core schema of YAML 1.2.
    private static func value(_ text: String, _ format: ManifestFormat) throws -> JSONValue {
        guard format == .yaml else { return try JSONValue.parse(text.utf8) }
        return value(try YAMLSource.node(Array(text.utf8)[...]))
    }

    private static func value(_ node: SourceNode) -> JSONValue {
        switch node.content {
        case .nothing: return JSONValue(kind: .null)
        case .list(let nodes): return JSONValue(kind: .array(nodes.map(value)))
        case .map(let fields):
            return JSONValue(kind: .object(fields.map { JSONMember(name: $0.name, value: value($0.value)) }))
        case .scalar(let scalar):
            if scalar.form == .bare, ["true", "false"].contains(scalar.text) {
                return JSONValue(kind: .bool(scalar.text == "true"))
            }
            guard scalar.form == .bare, let number = Double(scalar.text), number.isFinite else {
                return JSONValue(kind: .string(scalar.text))
            }
            return JSONValue(kind: .number(Int(scalar.text).map(String.init) ?? "\(number)"))
        }
    }

    private static func accepts(_ text: String, _ format: ManifestFormat) throws -> Bool {
        guard format == .jsonl else { return document.accepts(try value(text, format)) }
        return try text.split(whereSeparator: \.isNewline).allSatisfy { line.accepts(try value(String($0), .json)) }
    }

    @Test(arguments: ["draft-and-final.yaml", "first.yaml", "models.jsonl", "variations.yaml"])
    func `every example fits the schema`(name: String) throws {
        let text = try String(contentsOf: TestCatalog.repository.appending(path: "jobs/" + name), encoding: .utf8)
        #expect(try Self.accepts(text, try #require(ManifestFormat(path: name))))
    }

    static let valid: [(ManifestFormat, String)] = [
        (.json, #"[{"model":"sora-2","prompt":"p","duration_seconds":1}]"#),
        (.json, #"[{"model":"unheard-of","prompt":"p","duration_seconds":900,"resolution":"8k"}]"#),
        (.json, #"{"batch":"b","tasks":[{"model":"sora-2","prompt":"p","duration_seconds":1}]}"#),
        (.json, #"{"defaults":{"model":"sora-2","duration_seconds":3},"tasks":[{"prompt":"p"},{"prompt":"q"}]}"#),
        (
            .json,
            #"{"batch":null,"defaults":null,"tasks":[{"model":"veo-3.1","prompt":"p","duration_seconds":8,"id":null}]}"#
        ),
        (.yaml, "- {model: sora-2-pro, prompt: p, duration_seconds: 8, id: 007, tags: {a: 1.5, b: true}}"),
        (.yaml, "- {model: sora-2-pro, prompt: p, matrix: {duration_seconds: [1, 2], aspect_ratio: [16:9, 1:1]}}"),
        (.yaml, "- {model: sora-2-pro, prompt: 'a {{x}}', duration_seconds: 1, vars: {x: fox}, seed: 1, repeat: 3}"),
        (.yaml, "- {model: sora-2-pro, prompt: 'a {{x}}', duration_seconds: 1, matrix: {vars.x: [fox, owl]}}"),
        (.yaml, "- {prompt: p, duration_seconds: 4, matrix: {model: [sora-2, veo-3.1]}, priority: -3, output: ~}"),
        (.yaml, "- {model: new, prompt: p, duration_seconds: 4, extra: {fps: 24, a: [1, {b: ~}]}, output: a.mp4}"),
        (.json, #"[{"model":"sora-2","prompt":"p","duration_seconds":1,"image_init":"HTTPS://h/a.png"}]"#),
        (.json, #"[{"model":"sora-2","prompt":"p","duration_seconds":1.0,"seed":7.00}]"#),
        (.json, #"[{"model":"sora-2","prompt":"p","duration_seconds":1,"image_init":"data:image/png;base64,AA=="}]"#),
        (
            .json,
            #"[{"model":"sora-2-pro","prompt":"p","duration_seconds":20,"style_preset":"anime","seed":9223372036854775807}]"#
        ),
        (.jsonl, #"{"batch":"b","defaults":{"model":"sora-2"}}"# + "\n" + #"{"prompt":"p","duration_seconds":1}"#),
    ]

    @Test(arguments: valid)
    func `accepted manifests fit the schema`(format: ManifestFormat, text: String) throws {
        #expect(try !read(text, format).tasks.isEmpty)
        #expect(try Self.accepts(text, format))
    }

    private static let whole = #""model":"sora-2","prompt":"p","duration_seconds":1"#
    static let broken: [(ManifestFormat, String)] = [
        (.json, "[]"), (.json, "{}"), (.json, #"{"tasks":{}}"#), (.json, "3"), (.json, "[3]"),
        (.json, #"[{"model":"sora-2","prompt":"p"}]"#), (.json, #"[{"prompt":"p","duration_seconds":1}]"#),
        (.json, #"{"tasks":[{"prompt":"p","duration_seconds":1}]}"#),
        (.json, #"[{"model":"sora-2","prompt":"  ","duration_seconds":1}]"#),
        (.json, #"[{"model":"sora-2","prompt":7,"duration_seconds":1}]"#),
        (.json, #"[{"model":"sora-2","prompt":"p","duration_seconds":"1"}]"#),
        (.json, #"[{"model":"sora-2","prompt":"p","duration_seconds":11}]"#),
        (.json, #"[{"model":"sora-2","prompt":"p","matrix":{"duration_seconds":[1,11]}}]"#),
        (.json, #"[{"model":"new","prompt":"p","duration_seconds":0}]"#),
        (.json, "[{\(whole),\"promt\":\"x\"}]"), (.json, "[{\(whole),\"seed\":1.5}]"),
        (.json, "[{\(whole),\"seed\":9223372036854775808}]"), (.json, "[{\(whole),\"resolution\":\"4k\"}]"),
        (.json, "[{\(whole),\"aspect_ratio\":\"4:3\"}]"), (.json, "[{\(whole),\"style_preset\":\"anime\"}]"),
        (.json, "[{\(whole),\"image_init\":\"file:a.png\"}]"), (.json, "[{\(whole),\"priority\":1000001}]"),
        (.json, "[{\(whole),\"tags\":[\"a\"]}]"), (.json, "[{\(whole),\"tags\":{\"a\":{}}}]"),
        (.json, "[{\(whole),\"tags\":{\"\":\"x\"}}]"), (.json, "[{\(whole),\"output\":\"a/b\"}]"),
        (.json, "[{\(whole),\"output\":\"..\"}]"), (.json, "[{\(whole),\"id\":\"\"}]"),
        (.json, "[{\(whole),\"extra\":{\"seed\":1}}]"), (.json, "[{\(whole),\"extra\":[]}]"),
        (.json, "[{\(whole),\"vars\":{\"a b\":\"x\"}}]"), (.json, "[{\(whole),\"repeat\":0}]"),
        (.json, "[{\(whole),\"matrix\":{}}]"), (.json, "[{\(whole),\"matrix\":{\"id\":[\"a\"]}}]"),
        (.json, "[{\(whole),\"matrix\":{\"seed\":[]}}]"), (.json, "[{\(whole),\"matrix\":{\"seed\":[1,1]}}]"),
        (.json, "[{\(whole),\"matrix\":{\"seed\":[1]},\"output\":\"a\"}]"), (.json, "[{\(whole),\"batch\":\"b\"}]"),
        (.json, "{\"tasks\":[{\(whole)}],\"name\":\"x\"}"), (.json, "{\"tasks\":[{\(whole)}],\"batch\":\"\"}"),
        (.json, "{\"tasks\":[{\(whole)}],\"defaults\":{\"id\":\"a\"}}"),
        (.json, "{\"tasks\":[{\(whole)}],\"defaults\":{\"matrix\":{}}}"),
        (.jsonl, "{\"batch\":\"b\",\"tasks\":[]}\n{\(whole)}"), (.jsonl, "{\(whole)}\n[]"),
        (.yaml, "- {model: sora-2, prompt: p, duration_seconds: 8s}"),
        (.yaml, "tasks:\n- {model: veo-3.1-fast, prompt: p, duration_seconds: 5, resolution: 1080p}"),
    ]

    @Test(arguments: broken)
    func `refused manifests do not fit the schema`(format: ManifestFormat, text: String) throws {
        #expect(throws: ManifestError.self) { try read(text, format) }
        #expect(try !Self.accepts(text, format))
    }

    @Test func `another validator gives the same results`() throws {
        let cases = Self.valid + Self.broken
        var writer = JSONWriter()
        try writer.object { writer throws in
            writer.member("document", Self.schema.document)
            writer.member("line", Self.schema.line)
            writer.name("cases")
            try writer.array { writer throws in
                for (format, text) in cases where format != .jsonl {
                    writer.value(try Self.value(text, format))
                }
            }
        }
        guard let answers = try PythonSchema.answers(to: writer.text) else { return }
        let expected =
            Self.valid.filter { $0.0 != .jsonl }.map { _ in true }
            + Self.broken.filter { $0.0 != .jsonl }.map { _ in false }
        #expect(answers == expected)
    }

    @Test func `the indented text is the same schema`() throws {
        let text = Self.schema.document.prettyText
        #expect(try JSONValue.parse(text.utf8).compactText == Self.schema.document.compactText)
        #expect(text.split(separator: "\n").allSatisfy { $0.utf8.count <= 400 })
    }
}

/// The `jsonschema` package of Python, where it is installed.
private enum PythonSchema {
    private static let script = """
        import json, sys
        try:
            from jsonschema import Draft202012Validator as V
        except ImportError:
            print("absent"); sys.exit()
        d = json.load(sys.stdin)
        V.check_schema(d["document"]); V.check_schema(d["line"])
        print("".join("1" if V(d["document"]).is_valid(c) else "0" for c in d["cases"]))
        """

    /// nil if there is no Python, or it does not have the package.
    static func answers(to question: String) throws -> [Bool]? {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(question.utf8))
        try input.fileHandleForWriting.close()
        let answer = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let text = String(decoding: answer, as: UTF8.self).filter { !$0.isNewline }
        guard process.terminationStatus != 127, text != "absent" else { return nil }
        return text.map { $0 == "1" }
    }
}
