import DailiesCore
import DailiesStore
import ExactJSON
import Foundation
import Testing

@testable import TestSupport

/// Missing clips: detection and `dailies fetch`.
struct FetchTests {
    private static let options = ["--store", "project/dailies.sqlite"]

    /// A project of two rendered clips.
    private func scene(_ more: [String] = []) async throws -> Scene {
        let scene = try await Scene(simulator: ["--speed", "1000"] + more)
        try FileManager.default.createDirectory(atPath: scene.folder + "/project", withIntermediateDirectories: false)
        try scene.write(
            """
            batch: forest
            defaults: {model: sora-2-pro, duration_seconds: 4}
            tasks: [{id: dolly, prompt: "a pine forest"}, {id: crane, prompt: "a lake"}]

            """, to: "project/m.yaml")
        let run = try await scene.online(
            words: ["run", "project/m.yaml", "--output", "project/renders"] + Self.options)
        try #require(run.code == 0, "\(run.err)")
        return scene
    }

    private func clip(_ scene: Scene, _ key: String, in project: String = "project") -> String {
        "\(scene.folder)/\(project)/renders/forest/\(key).mp4"
    }

    private func bill(_ scene: Scene) throws -> JSONValue {
        try #require(scene.simulator).get("/simulator/bill")
    }

    private func expectNothingPaid(_ scene: Scene, by body: () async throws -> Void) async throws {
        let before = try bill(scene)
        try await body()
        #expect(try bill(scene).compactText == before.compactText, "it was not free")
    }

    // MARK: Detection

    @Test func `every command that lists clips reports missing, empty and changed ones`()
        async throws
    {
        let scene = try await scene()
        let (dolly, crane) = (clip(scene, "dolly"), clip(scene, "crane"))
        #expect(
            try await scene.dailies(words: ["status", "--check-files"] + Self.options).out
                .hasSuffix("\n2 saved clips checked; none missing or changed\n"))
        try FileManager.default.removeItem(atPath: dolly)
        #expect(FileManager.default.createFile(atPath: crane, contents: nil))

        let status = try await scene.dailies(words: ["status", "--check-files"] + Self.options)
        #expect(status.code == 9)
        let lines = [
            "forest/dolly: {FOLDER}/project/renders/forest/dolly.mp4 is missing\n",
            "forest/crane: {FOLDER}/project/renders/forest/crane.mp4: it has 0 bytes, but was saved with ",
            "2 of 2 saved clips are missing or changed; to download them again for free, run `dailies fetch --missing "
                + "--store project/dailies.sqlite`\n",
        ]
        for line in lines { #expect(status.out.contains(line), "\(status.out)") }
        let json = try await scene.dailies(words: ["status", "--check-files", "--json"] + Self.options)
        let losses = try JSONValue.parse(json.out.utf8)["files"]?["losses"]?.array
        #expect(json.code == 9 && losses?.map { $0["output_state"]?.string } == ["missing", "changed"])

        let doctor = try await scene.dailies(words: ["doctor", "--offline"] + Self.options)
        #expect(
            doctor.out.contains("2 of 2 saved clips are missing or changed; `dailies status --check-files` lists them"))

        let warning =
            "warning: 2 of 2 saved clips are missing or changed; to download them again for free, run `dailies fetch "
            + "--missing "
        let export = try await scene.dailies(words: ["export", "--format", "jsonl"] + Self.options)
        #expect(export.code == 0 && export.err.hasPrefix(warning), "\(export.err)")
        let states = try export.out.split(separator: "\n").map { try JSONValue.parse($0.utf8)["output_state"]?.string }
        #expect(states == ["missing", "changed"])
        let sheet = try await scene.dailies(words: ["sheet"] + Self.options)
        #expect(sheet.code == 0 && sheet.err.hasPrefix(warning), "\(sheet.err)")
        let page = try scene.read("sheet.html")
        #expect(page.components(separatedBy: #""clip":null"#).count == 3)
        #expect(page.contains("is missing; run dailies fetch --missing to download it again"))
        let explain = try await scene.dailies(words: ["explain", "dolly"] + Self.options)
        #expect(explain.out.contains("clip        {FOLDER}/project/renders/forest/dolly.mp4 is missing\n"))
    }

    @Test func `a changed clip of the same length is detected by its digest`() async throws {
        let scene = try await scene()
        var bytes = try #require(FileManager.default.contents(atPath: clip(scene, "dolly")))
        bytes[bytes.count - 1] ^= 0xFF
        try bytes.write(to: URL(fileURLWithPath: clip(scene, "dolly")))
        let status = try await scene.dailies(words: ["status", "--check-files"] + Self.options)
        #expect(status.code == 9)
        #expect(status.out.contains("forest/dolly.mp4: its content differs from the saved clip\n"), "\(status.out)")
    }

    // MARK: Fetch

    @Test func `missing clips are downloaded again free of charge`() async throws {
        let scene = try await scene()
        let whole = try #require(FileManager.default.contents(atPath: clip(scene, "dolly")))
        try FileManager.default.removeItem(atPath: clip(scene, "dolly"))
        #expect(FileManager.default.createFile(atPath: clip(scene, "crane"), contents: nil))
        try await expectNothingPaid(scene) {
            let fetch = try await scene.online(words: ["fetch", "--missing"] + Self.options)
            #expect(fetch.code == 0, "\(fetch.err)")
            #expect(fetch.err.hasSuffix("2 clips missing or changed, all saved\n"), "\(fetch.err)")
        }
        #expect(FileManager.default.contents(atPath: clip(scene, "dolly")) == whole)
        // The existing file is not overwritten.
        #expect(FileManager.default.contents(atPath: clip(scene, "crane")) == Data())
        let status = try await scene.dailies(words: ["status", "--check-files"] + Self.options)
        #expect(status.code == 0, "\(status.out)")
        let again = try await scene.online(words: ["fetch", "--missing"] + Self.options)
        #expect(again == Outcome(0, err: "nothing to fetch: all selected clips are present\n"))
        let explain = try await scene.dailies(words: ["explain", "dolly"] + Self.options)
        #expect(explain.out.contains("its clip was no longer at {FOLDER}/project/renders/forest/dolly.mp4"))
    }

    @Test func `a clip given by key is compared in full and left alone if it is unchanged`() async throws {
        let scene = try await scene()
        var bytes = try #require(FileManager.default.contents(atPath: clip(scene, "dolly")))
        bytes[bytes.count - 1] ^= 0xFF
        try bytes.write(to: URL(fileURLWithPath: clip(scene, "dolly")))
        try await expectNothingPaid(scene) {
            let fetch = try await scene.online(words: ["fetch", "dolly", "crane", "--json"] + Self.options)
            #expect(fetch.code == 0, "\(fetch)")
            let lines = try fetch.out.split(separator: "\n").map { try JSONValue.parse($0.utf8) }
            #expect(lines.first?["type"]?.string == "not_lost" && lines.first?["key"]?.string == "crane")
            #expect(lines.contains { $0["type"]?.string == "saved" && $0["key"]?.string == "dolly" })
            #expect(lines.last?["type"]?.string == "finished" && lines.last?["lost"]?.number == "1")
        }
        #expect(try await scene.online(words: ["fetch"] + Self.options).code == 64)
        #expect(try await scene.online(words: ["fetch", "nobody"] + Self.options).code == 64)
    }

    @Test func `the paid retry is suggested only if the provider no longer has the clip, and the record stays`()
        async throws
    {
        // At this speed, longer than a run takes.
        let scene = try await scene(["--fault", "dropTask=1", "--tasks-kept-for", "3h"])
        try FileManager.default.removeItem(atPath: clip(scene, "dolly"))
        let store = try Store.open(scene.folder + "/project/dailies.sqlite", for: .reading)
        let id = try #require(try store.savedClips(limit: 10).first { $0.key == TaskKey("dolly") }).remote.text
        try store.close()
        try await blocking { try scene.simulator?.wait(untilGone: id) }
        try await expectNothingPaid(scene) {
            let fetch = try await scene.online(words: ["fetch", "--missing"] + Self.options)
            #expect(fetch.code == 9, "\(fetch)")
            #expect(
                fetch.err.contains(
                    "forest/dolly: not fetched: no longer known to the provider (404 task_not_found"),
                "\(fetch.err)")
            #expect(
                fetch.err.contains(
                    "; to render it again (charged), run `dailies retry --again dolly --store project/dailies.sqlite`\n"
                ))
            #expect(fetch.err.hasSuffix("1 clip missing or changed, 1 no longer available\n"), "\(fetch.err)")
        }
        let status = try await scene.dailies(words: ["status", "--json"] + Self.options)
        #expect(try JSONValue.parse(status.out.utf8)["total"]?["paid_not_saved"]?.number == "0")
    }

    @Test func `an unusable output folder is refused before any request`() async throws {
        let scene = try await scene()
        try FileManager.default.removeItem(atPath: clip(scene, "dolly"))
        try scene.write("", to: "file")
        let refused = try await scene.online(words: ["fetch", "--missing", "--output", "file/clips"] + Self.options)
        #expect(refused.code == 64)
        #expect(
            refused.err.contains(
                "{FOLDER}/file is not a folder; move it away, or choose another folder (nothing was fetched)"))
        let other = try await scene.online(words: ["fetch", "--missing", "--output", "others"] + Self.options)
        #expect(other.code == 0, "\(other.err)")
        #expect(scene.exists("others/forest/dolly.mp4"))
    }

    // MARK: Moved projects

    @Test func `clips of a moved project are found next to the store, and new clips are saved there`()
        async throws
    {
        let scene = try await scene()
        try FileManager.default.moveItem(atPath: scene.folder + "/project", toPath: scene.folder + "/moved")
        let store = ["--store", "moved/dailies.sqlite"]
        let export = try await scene.dailies(words: ["export", "--format", "jsonl"] + store)
        #expect(export.err == "", "\(export.err)")
        let rows = try export.out.split(separator: "\n").map { try JSONValue.parse($0.utf8) }
        #expect(rows.map { $0["output_state"]?.string } == ["present", "present"])
        #expect(
            rows.map { $0["output_path"]?.string }
                == ["dolly", "crane"].map { "{FOLDER}/moved/renders/forest/\($0).mp4" })
        let sheet = try await scene.dailies(words: ["sheet", "--out", "moved/sheet.html"] + store)
        #expect(sheet.code == 0 && !sheet.err.contains("warning"), "\(sheet.err)")
        let page = try scene.read("moved/sheet.html")
        #expect(page.contains(#""clip":"renders/forest/dolly.mp4""#))
        let status = try await scene.dailies(words: ["status", "--check-files"] + store)
        #expect(status.code == 0)
        #expect(status.out.contains("2 saved clips were found next to the store, not at their original paths\n"))
        let doctor = try await scene.dailies(words: ["doctor", "--offline"] + store)
        #expect(doctor.out.contains("2 saved clips were found next to the store, not at their original paths"))

        // A missing clip is saved next to the others, not in the old folder.
        try FileManager.default.removeItem(atPath: clip(scene, "crane", in: "moved"))
        let fetch = try await scene.online(words: ["fetch", "--missing"] + store)
        #expect(fetch.code == 0, "\(fetch.err)")
        #expect(scene.exists("moved/renders/forest/crane.mp4") && !scene.exists("project"))
    }

    @Test func `unfinished clips of a moved project are saved next to its store`() async throws {
        let scene = try await scene()
        let retry = try await scene.dailies(words: ["retry", "dolly", "--again"] + Self.options)
        #expect(retry.code == 0, "\(retry.err)")
        try FileManager.default.moveItem(atPath: scene.folder + "/project", toPath: scene.folder + "/moved")
        let resume = try await scene.online(words: ["resume", "--store", "moved/dailies.sqlite"])
        #expect(resume.code == 0, "\(resume.err)")
        #expect(
            resume.err.contains(
                "clips of forest will now be saved in {FOLDER}/moved/renders because {FOLDER}/project/renders no longer exists\n"
            ))
        #expect(scene.exists("moved/renders/forest/dolly~take2.mp4") && !scene.exists("project"))
    }
}
