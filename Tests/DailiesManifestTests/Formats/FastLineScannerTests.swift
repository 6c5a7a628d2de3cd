import DailiesCore
import DailiesManifest
import ExactJSON
import Testing

/// Plain lines of JSONL are read a short way, everything else and every other format the long way. Both make the same.
struct FastLineScannerTests {
    private static let seed: UInt64 = 61_123
    private static let rounds = 4_000

    private static let header = #"""
        {"batch":"b","defaults":{"model":"sora-2-pro","duration_seconds":8,"tags":{"client":"acme","b":"c"},"priority":3}}
        {"id":"first","prompt":"p"}
        {"id":"second","prompt":"p","model":"veo-3.1"}
        {"id":"third","prompt":"p","model":"seedance-fast","duration_seconds":2}

        """#

    /// Members, most of them valid.
    private static func member(_ generator: inout SplitMix) -> String {
        let prompts = [
            "a fox", "雾中的松林", "caf\u{e9}", "a \\u00e9 \\\"b\\\" \\n", "\\ud83d\\ude00", "{ { {", "{{x}}", "\\u007b{x",
            " ",
            "\u{3000}", "\u{7F}", "\u{85}", "\u{A0}", "\\u0085", "\\u0000", "a\\/b", "\\x", "\\ud800", "{{{{", "\t", "",
            "one\\r\\ntwo", "#REF!", "nan", "=A1", "\u{C3}\u{A9}t", " a boat \u{200B}", "a #7", "x\u{FFFD}",
        ]
        let numbers = [
            "1", "8", "20", "21", "0", "-0", "007", "1.0", "1e0", "9223372036854775807", "-9223372036854775808",
            "9223372036854775808", "-1", "\"8\"", "null", "true", "[]", "{}",
        ]
        let texts = [
            "\"1080p\"", "\"720p\"", "\"4k\"", "\"16:9\"", "\"cinematic\"", "\"low\"", "\"\"", "null", "3",
            "\"10\\u00380p\"", "\" 720p\"", "\"low\u{A0}\"",
        ]
        let number = numbers.randomElement(using: &generator) ?? ""
        let text = texts.randomElement(using: &generator) ?? ""
        switch Int.random(in: 0..<18, using: &generator) {
        case 0...4: return "\"prompt\":\"\(prompts.randomElement(using: &generator) ?? "")\""
        case 5: return "\"duration_seconds\" : \(number)"
        case 6: return "\"seed\":\(number)"
        case 7: return "\"priority\":\(number)"
        case 8: return "\"resolution\":\(text)"
        case 9: return "\"aspect_ratio\":\(text)"
        case 10: return "\"style_preset\":\(text)"
        case 11: return "\"motion_intensity\":\(text)"
        case 12:
            let models = ["sora-2-pro", "veo-3.1", "seedance-fast", "sora-2", "unheard-of", "", "veo-3.1 "]
            return "\"model\":\"\(models.randomElement(using: &generator) ?? "")\""
        case 13:
            let tags = [
                #"{"a":"b"}"#, #"{ "b" : "x" , "z" : "é" }"#, "{}", "null", #"{"a":1}"#, #"{"a":""}"#,
                #"{"a":"b","a":"c"}"#,
                #"{"a":"\n"}"#, "[]", #"{"a ":"b\u200b"}"#, "{\"a\":\"\u{201C}b\u{201D}\"}",
            ]
            return "\"tags\":\(tags.randomElement(using: &generator) ?? "")"
        case 14:
            let images = ["https://h/a.png", "file:///x", "https://u@h", "data:image/png;base64,AA==", "no such.png"]
            return "\"image_init\":\"\(images.randomElement(using: &generator) ?? "")\""
        case 15: return #""extra":{"a":1}"#
        case 16: return "\"output\":\"\(Int.random(in: 0..<999_999, using: &generator)).mp4\""
        default:
            return "\"\(["repeat", "vars", "matrix", "promt", "i\\u0064"].randomElement(using: &generator) ?? "")\":1"
        }
    }

    private static func line(_ number: Int, _ generator: inout SplitMix) -> String {
        var members = Bool.random(using: &generator) ? ["\"prompt\":\"a shot\""] : []
        let blank = Int.random(in: 0..<20, using: &generator) == 0 ? " " : ""
        if Bool.random(using: &generator) { members.append("\"id\":\"t\(number)\(blank)\"") }
        for _ in 0..<Int.random(in: 0..<4, using: &generator) { members.append(member(&generator)) }
        members.shuffle(using: &generator)
        let separators = [",", " , ", ",\t"]
        let start = ["", " ", "\t"].randomElement(using: &generator) ?? ""
        let ends = ["}", "}", "}", "}", "} ", "}x", ""]
        return start + "{" + start + members.joined(separator: separators.randomElement(using: &generator) ?? "")
            + (ends.randomElement(using: &generator) ?? "")
    }

    @Test func `a line is read the same way whether it is plain or not`() {
        var generator = SplitMix(state: Self.seed)
        var accepted = 0
        for round in 0..<Self.rounds {
            let line = Self.line(round, &generator)
            // A default for `extra` disables the fast path for the whole file.
            let plain = Self.outcome(Self.header + line, line)
            let long = Self.outcome(
                Self.header.replacing(#""priority":3}"#, with: #""priority":3,"extra":{"none":0}}"#) + line, line)
            if plain.hasPrefix("accepted") { accepted += 1 }
            #expect(
                plain == long.replacing(#""none":0,"#, with: ""), "seed \(Self.seed), round \(round): \(line)")
        }
        #expect(accepted > Self.rounds / 10)
        #expect(accepted < Self.rounds)
    }

    /// The result of the last line.
    private static func outcome(_ text: String, _ line: String) -> String {
        do throws(ManifestError) {
            let manifest = try read(text, .jsonl)
            let tasks = manifest.tasks.filter { !["first", "second", "third"].contains($0.key.text) }
            let warnings = manifest.warnings.filter { !$0.field.hasSuffix("extra.none") }
            return "accepted " + (tasks.map { Self.words($0) } + warnings.map(\.description)).joined(separator: "\n")
        } catch {
            return error.problems.map(\.description).joined(separator: "\n")
        }
    }

    /// A task without its derived key, which a field in `extra` changes.
    private static func words(_ task: TaskSpec) -> String {
        let key = task.key.text.hasPrefix("t") && task.key.text.count < 8 ? task.key.text : "derived"
        return [
            key, "\(task.shape)", task.prompt, task.request.text, "\(task.tags)", "\(task.priority)",
            task.output ?? "-",
        ].joined(separator: " ")
    }

    @Test func `the derived key of a plain line is that of its request`() throws {
        let tasks = try read(Self.header + #"{"prompt":"a \u00e9 fox","seed":5}"#, .jsonl).tasks
        let json = try read(
            #"[{"prompt":"a é fox","seed":5,"model":"sora-2-pro","duration_seconds":8}]"#, .json)
        #expect(tasks.last?.key == json.tasks[0].key)
        #expect(tasks.last?.request == json.tasks[0].request)
    }
}
