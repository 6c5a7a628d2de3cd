import ExactJSON
import Foundation
import Testing

@testable import TestSupport

/// Messages of the built program about manifests that people write.
@Suite(.serialized) struct ManifestWordsTests {
    private static let options = ["--provider", "simulator", "--base-url", "http://127.0.0.1:9"]

    private static func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }

    // MARK: Problems

    @Test func `equal problems are printed once with their count`() throws {
        let test = try TestEnvironment()
        let rows = (1...24).map { "A harbour,sora-2,\($0)" }.joined(separator: "\n")
        let manifest = try test.write("shots.csv", "Promt,model,duration_seconds\n\(rows)\n")
        let plan = try test.plan(manifest, Self.options)
        #expect(plan.code == 65)
        let found = Self.lines(plan.err).filter { $0.hasPrefix(test.folder) }.map {
            $0.dropFirst(test.folder.count + 1)
        }
        #expect(
            found == [
                "shots.csv:1:1: Promt: is not a known field; did you mean prompt? rename it, or use --map Promt=prompt",
                "shots.csv:2:1: prompt: is missing; set it on the task or in defaults (and 23 more rows)",
                "shots.csv:12:18: duration_seconds: 11 is not supported by sora-2; write 1 to 10",
            ]
                + (12...24).map {
                    "shots.csv:\($0 + 1):18: duration_seconds: \($0) is not supported by sora-2; write 1 to 10"
                })
        #expect(plan.err.contains("39 problems in the manifest; nothing was submitted"))
        #expect(
            try test.plan(manifest, Self.options + ["--map", "Promt=prompt", "--all-problems"]).err.contains(
                "14 problems"))
    }

    @Test func `a thousand problems are cut to one screen, and --all-problems prints all`() throws {
        let test = try TestEnvironment()
        let fields = (1...1000).map { "\"unknown\($0)\":1" }.joined(separator: ",")
        let manifest = try test.write(
            "shots.jsonl", "{\(fields),\"model\":\"sora-2\",\"prompt\":\"p\",\"duration_seconds\":4}\n")
        let plan = try test.plan(manifest, Self.options)
        #expect(plan.code == 65)
        #expect(Self.lines(plan.err).count { $0.contains("is not a known field") } == 20)
        #expect(plan.err.utf8.count < 12_000)
        #expect(
            plan.err.contains(
                "1000 problems in the manifest, of which 20 are shown; use --all-problems to show all; nothing was submitted"
            ))
        let all = try test.plan(manifest, Self.options + ["--all-problems"])
        #expect(Self.lines(all.err).count { $0.contains("is not a known field") } == 1000)
        let json = try test.plan(manifest, Self.options + ["--json"])
        #expect(Self.lines(json.out).count { $0.contains("\"type\":\"problem\"") } == 1000)
        #expect(json.out.contains("\"problems\":1000,\"shown\":1000,\"exit_code\":65"))
    }

    @Test func `plan and run warn of spreadsheet mistakes, and --strict refuses them`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let text = """
            id,prompt,model,duration_seconds
            a,#NAME?,seedance-2.0,4
            b,#REF!,seedance-2.0,4
            c,"=CONCATENATE(A1,"" at dawn"")",seedance-2.0,4
            d,nan,seedance-2.0,4
            e,None,seedance-2.0,4
            f,N/A,seedance-2.0,4
            g,[object Object],seedance-2.0,4
            h,caf\u{FFFD} noir,seedance-2.0,4
            i,\u{C3}\u{A9}t\u{C3}\u{A9},seedance-2.0,4

            """
        let manifest = try test.write("shots.csv", text)
        let strict = try test.run(manifest, at: url, ["--strict"])
        #expect(strict.code == 65)
        #expect(
            strict.err.contains("9 warnings in the manifest, which --strict treats as errors; nothing was submitted"))
        #expect(try test.bill(url).accepted == 0)
        let run = try test.run(manifest, at: url)
        #expect(run.code == 0)
        for outcome in [try test.plan(manifest, test.options(url)), run] {
            #expect(Self.lines(outcome.err).count { $0.hasPrefix("warning: ") && $0.contains(": prompt: ") } == 9)
        }
        let json = try test.run(manifest, at: url, ["--json"])
        #expect(Self.lines(json.out).count { $0.hasPrefix(#"{"type":"warning","file":"#) } == 9, "\(json.out)")
        // A thousand problems of one kind are one line.
        let many = try test.write(
            "many.csv",
            "prompt,model,duration_seconds,seed\n" + (1...1000).map { "#REF!,seedance-2.0,4,\($0)\n" }.joined())
        let warnings = Self.lines(try test.plan(many, test.options(url)).err)
        #expect(warnings.count == 1 && warnings[0].hasSuffix("(and 999 more rows)"), "\(warnings)")
    }

    @Test func `for a spreadsheet's native file, the error says how to export it`() throws {
        let test = try TestEnvironment()
        let plan = try test.plan(try test.write("shots.xlsx", "PK\u{3}\u{4}"), Self.options)
        #expect(plan.code == 65)
        #expect(plan.err.contains("is a spreadsheet, not text; export the sheet as CSV UTF-8 and use that file"))
    }

    @Test func `a plan keeps how its manifest is read`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let manifest = try test.write("shots.csv", "ID,Prompt,Model,Length\na,A harbour,seedance-2.0,4\n")
        #expect(try test.plan(manifest, test.options(url)).code == 65)
        let file = test.path("plan.json")
        let planned = try test.finish(
            ["plan", manifest, "--map", "Length=duration_seconds", "--out", file] + test.options(url))
        #expect(planned.code == 0, "\(planned.err)")
        let other = try test.finish(["run", "--plan", file, "--strict"] + test.options(url))
        #expect(other.code == 65 && other.err.contains("--strict is true, but not set in the plan"), "\(other.err)")
        let run = try test.finish(["run", "--plan", file, "--output", test.path("renders")] + test.options(url))
        #expect(run.code == 0, "\(run.err)")
        #expect(try test.bill(url).accepted == 1)
    }

    @Test func `the folder's file may map columns and be stricter, never less strict`() throws {
        let test = try TestEnvironment()
        try test.write("shots.csv", "ID,Prompt,Model,Length\na,A harbour,seedance-2.0 ,4\n")
        try test.write("dailies.yaml", "map: [Length=duration_seconds]\n")
        let plan = try test.finish(["plan", "shots.csv"] + Self.options)
        #expect(plan.code == 0, "\(plan.err)")
        #expect(
            plan.err.contains("settings from the project file: map Length=duration_seconds (dailies.yaml:1)"),
            "\(plan.err)")
        try test.write("dailies.yaml", "map: [Length=duration_seconds]\nstrict: true\n")
        #expect(try test.finish(["plan", "shots.csv"] + Self.options).code == 65)
        try FileManager.default.createDirectory(
            atPath: test.path("config/dailies"), withIntermediateDirectories: true)
        try test.write("config/dailies/config.yaml", "strict: true\n")
        try test.write("dailies.yaml", "strict: false\n")
        let looser = try test.finish(
            ["plan", "shots.csv"] + Self.options, environment: ["XDG_CONFIG_HOME": test.path("config")])
        #expect(looser.code == 64 && looser.err.contains("dailies.yaml:1:9: strict: false"), "\(looser.err)")
    }

    @Test func `a manifest with the name of the configuration file stops no command`() throws {
        let test = try TestEnvironment()
        try test.write(
            "dailies.yaml", "defaults: {model: seedance-2.0, duration_seconds: 4}\ntasks:\n  - prompt: A harbour\n")
        let other = try test.write(
            "other.jsonl", #"{"id":"a","prompt":"A boat","model":"seedance-2.0","duration_seconds":4}"#)
        let words =
            "dailies.yaml has the name of a configuration file but contains a manifest; no settings are read from it; "
            + "rename the manifest, for example to shots.yaml"
        for arguments in [["plan", other], ["plan", "other.jsonl"], ["plan", "dailies.yaml"]] {
            let plan = try test.finish(arguments + Self.options)
            #expect(plan.code == 0 && plan.err.contains(words), "\(arguments): \(plan.err)")
        }
        // A file that is both is refused, because one of its settings could be a budget.
        try test.write("dailies.yaml", "budget: 5\ntasks:\n  - prompt: A harbour\n")
        let both = try test.finish(["plan", "other.jsonl"] + Self.options)
        #expect(both.code == 64 && both.err.contains("this file name is reserved for the configuration"), "\(both.err)")
    }

    // MARK: Existing clips

    private static func jsonl(_ ids: [String], _ prompts: [String]) -> String {
        zip(ids, prompts).map { id, prompt in
            "{\"id\":\(JSONText.quoted(id)),\"prompt\":\(JSONText.quoted(prompt)),\"model\":\"seedance-2.0\",\"duration_seconds\":4}\n"
        }.joined()
    }

    @Test func `plan and run name identical clips and rows before money is spent`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        let prompts = (0..<4).map { "Harbour, view \($0)\nat dawn" }
        let first = try test.write("first.jsonl", Self.jsonl(["a", "b", "c", "d"], prompts))
        #expect(try test.run(first, at: url).code == 0)
        let second = try test.write(
            "second.jsonl",
            Self.jsonl(
                ["a", "x", "y", "z", "z2"],
                [prompts[0], prompts[1].replacing("\n", with: "\r\n"), prompts[2] + " ", "new", "new"]))
        let plan = try test.plan(second, test.options(url))
        let expected = [
            "2 of 5 are identical to clips you have: a in first, b in first (for x)",
            "1 of 5 is nearly identical to a paid clip: c in first (for y); they differ only in trailing blanks or "
                + "Unicode normalization",
            "1 of 5 repeats the request of an earlier task; each is rendered and charged: z2",
        ]
        for line in expected { #expect(Self.lines(plan.out).contains(line), "\(plan.out)") }
        let json = try test.plan(second, test.options(url) + ["--json"]).json()
        let batch = try #require(json["batches"]?.array?.first)
        #expect(batch["equal_to_clips"]?.number == "2" && batch["nearly_equal_to_clips"]?.number == "1")
        #expect(batch["repeated"]?.number == "1" && batch["repeated_keys"]?.array?.first?.string == "z2")
        #expect(batch["like_clips"]?.array?.first?["clip_batch"]?.string == "first")

        let lines = Self.lines(try test.finish(["rehearse", second, "--speed", "1000", "--json"]).out)
        #expect(
            lines.contains { $0.hasPrefix(#"{"type":"duplicates","batch":"second","equal_to_clips":0,"#) }, "\(lines)")
        let run = try test.run(second, at: url)
        for line in expected { #expect(Self.lines(run.err).contains("note: " + line), "\(run.err)") }
        // Once everything is paid, there are no notes.
        let again = try test.run(second, at: url)
        #expect(again.code == 0 && !again.err.contains("note: "), "\(again.err)")
        #expect(try test.bill(url).accepted == 9)
    }

    @Test func `equal rows without an id are reported, even with a new store`() throws {
        let test = try TestEnvironment()
        let manifest = try test.write(
            "same.csv", "prompt,model,duration_seconds\n" + String(repeating: "A harbour,seedance-2.0,4\n", count: 3))
        let plan = try test.plan(manifest, Self.options)
        #expect(
            plan.out.contains("2 of 3 repeat the request of an earlier task; each is rendered and charged: "))
        let rehearsal = try test.finish(["rehearse", manifest, "--speed", "1000"])
        #expect(rehearsal.err.contains("note: 2 of 3 repeat the request"), "\(rehearsal.err)")
    }

    // MARK: Images

    private static let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    @Test func `an image is read beside its manifest, kept once, and sent as a data URL`() throws {
        let test = try TestEnvironment(speed: 5000)
        let url = try test.simulator()
        try FileManager.default.createDirectory(atPath: test.path("job"), withIntermediateDirectories: true)
        let image = Self.png + [UInt8](repeating: 7, count: 30_000)
        try Data(image).write(to: URL(fileURLWithPath: test.path("job/hero.png")))
        let tasks = (1...20).map { "- {id: t\($0), prompt: shot \($0), image_init: ./hero.png}\n" }.joined()
        let manifest = try test.write(
            "job/shots.yaml",
            "defaults: {model: seedance-2.0, duration_seconds: 4}\ntasks:\n\(tasks)- {prompt: last, image_init: ./hero.png}\n"
        )
        #expect(try test.run(manifest, at: url).code == 0)
        #expect(try test.bill(url).accepted == 21)
        #expect(try test.rows("SELECT count(*), max(length(bytes)) FROM image") == "1|30008")
        let sent = "data:image/png;base64," + Data(image).base64EncodedString()
        #expect(
            try test.rows(
                "SELECT count(*) FROM attempt WHERE json_extract(CAST(body AS TEXT), '$.image_init') = '\(sent)'")
                == "21")
        #expect(try test.rows("SELECT count(DISTINCT json_extract(request, '$.image_init')) FROM task") == "1")
        #expect(try test.rows("SELECT max(length(request)) FROM task").count <= 3)

        // Identified by content, not by name or notation.
        try FileManager.default.moveItem(atPath: test.path("job/hero.png"), toPath: test.path("face.png"))
        let moved = try test.write(
            "job/shots.jsonl",
            #"{"batch":"shots"}"# + "\n"
                + (1...20).map {
                    "{\"id\":\"t\($0)\",\"prompt\":\"shot \($0)\",\"image_init\":\"../face.png\",\"model\":\"seedance-2.0\",\"duration_seconds\":4}\n"
                }.joined()
                + "{\"prompt\":\"last\",\"image_init\":\"\(test.path("face.png"))\",\"model\":\"seedance-2.0\",\"duration_seconds\":4}\n"
        )
        #expect(try test.run(moved, at: url, ["--same-batch"]).code == 0)
        #expect(try test.bill(url).accepted == 21)

        // The exported manifest has the same tasks.
        let exported = try test.finish(["export", "--format", "manifest", "--batch", "shots", "--store", test.store])
        let again = try test.write("again.jsonl", exported.out)
        let plan = try test.plan(again, test.options(url) + ["--json", "--batch", "shots"])
        #expect(try plan.json()["to_render"]?.number == "0", "\(exported.out)\(exported.err)\(plan.err)\(plan.out)")

        // Different content is a different request.
        try Data(image + [1]).write(to: URL(fileURLWithPath: test.path("face.png")))
        let changed = try test.run(moved, at: url, ["--same-batch"])
        #expect(changed.code == 65 && changed.err.contains("20 changed in \"shots\""), "\(changed.err)")
        #expect(try test.bill(url).accepted == 21)
    }

    @Test func `an image that cannot be sent is refused with its reason`() throws {
        let test = try TestEnvironment()
        try Data(Self.png + [UInt8](repeating: 0, count: 749_900)).write(
            to: URL(fileURLWithPath: test.path("large.png")))
        try Data(Self.png + [UInt8](repeating: 0, count: 800_000)).write(
            to: URL(fileURLWithPath: test.path("huge.png")))
        try test.write("text.png", "no image")
        #expect(mkfifo(test.path("pipe.png"), 0o600) == 0)
        let manifest = try test.write(
            "shots.yaml",
            "defaults: {model: seedance-2.0, duration_seconds: 4, prompt: p}\ntasks:\n"
                + ["large", "huge", "text", "pipe", "none"].map { "- {id: \($0), image_init: \($0).png}\n" }.joined())
        let plan = try test.plan(manifest, Self.options)
        #expect(plan.code == 65)
        let found = Self.lines(plan.err).filter { $0.contains("image_init: ") && $0.hasPrefix("/") }
            .map { $0.replacing(test.folder, with: "") }
        #expect(found.count == 5, "\(found)")
        let needed = [
            "large.png\" has 749908 bytes, which makes the request larger than the 1000000 bytes "
                + "that the API accepts; make it smaller than 749",
            "\"huge.png\" has 800008 bytes, which makes the request larger than the 1000000 bytes "
                + "that the API accepts; make it smaller than 750000 bytes, or give a URL",
            "\"text.png\" is not a PNG, JPEG or WebP image; convert it, or give a URL",
            "\"pipe.png\" is not a regular file; give an image path relative to",
            "\"none.png\" cannot be read: No such file or directory; give an image path relative to "
                + "the manifest's folder, an http",
        ]
        for (line, words) in zip(found, needed) { #expect(line.contains(words), "\(line)") }
    }
}
