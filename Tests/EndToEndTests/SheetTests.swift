import DailiesCore
import DailiesStore
import ExactJSON
import Testing

@testable import TestSupport

/// `dailies sheet`.
struct SheetTests {
    private func tasks(on page: String) throws -> [JSONValue] {
        let start = try #require(page.range(of: "<script type=\"application/json\" id=\"tasks\">"))
        let rest = page[start.upperBound...]
        let end = try #require(rest.range(of: "</script>"))
        return try #require(try JSONValue.parse(rest[..<end.lowerBound].utf8).array)
    }

    @Test func `a sheet is one page with the saved clips, and its path is printed`() async throws {
        let scene = try await Scene()
        let acme = [TaskSpec.Tag(name: "client", value: "acme")]
        try scene.importManifest([Scene.spec("dolly", tags: acme), Scene.spec("crane"), Scene.spec("tilt")])
        try scene.sendCompleted("dolly")
        try scene.sendFailed("crane")
        let outcome = try await scene.dailies("sheet")
        #expect(outcome.code == 0)
        #expect(outcome.out == "")
        #expect(outcome.err.contains("wrote 1 task to ") && outcome.err.contains("sheet.html; open it in a browser"))
        let page = try scene.read("sheet.html")
        #expect(!page.contains("http://") && !page.contains("https://"), "the page loads external resources")
        let shown = try tasks(on: page)
        #expect(shown.map { $0["key"]?.string } == ["dolly"])
        #expect(shown[0]["credits"]?.string == "1.2")
        #expect(shown[0]["ratio"]?.string == "16:9" && shown[0]["state"]?.string == "completed")
        #expect(shown[0]["tags"]?["client"]?.string == "acme")
        #expect(shown[0]["clip"]?.string?.hasSuffix("clips/dolly.mp4") == true)
        #expect(!scene.exists("sheet.html.part"))

        let more = try await scene.dailies("sheet", "--state", "completed,failed", "--out", "all.html")
        #expect(more.code == 0)
        let all = try tasks(on: try scene.read("all.html"))
        #expect(all.map { $0["key"]?.string } == ["dolly", "crane"])
        #expect(all[1]["clip"]?.isNull == true)
        #expect(all[1]["failure"]?.string == "the render failed")
    }

    @Test func `no text of a prompt, key or tag can end the data of the page`() async throws {
        let scene = try await Scene()
        let evil = "</script><img src=x onerror=alert(1)>"
        try scene.importManifest([
            Scene.spec(
                "k<b>", prompt: evil, request: Scene.request(evil), tags: [TaskSpec.Tag(name: evil, value: evil)])
        ])
        try scene.sendCompleted("k<b>")
        #expect(try await scene.dailies("sheet").code == 0)
        let page = try scene.read("sheet.html")
        let shown = try tasks(on: page)
        #expect(shown[0]["prompt"]?.string == evil)
        #expect(page.components(separatedBy: "</script>").count == 3, "the data and the script end once each")
        #expect(!page.contains("<img"))
    }

    @Test func `marked clips are saved as a valid manifest, and a redo has no seed`() async throws {
        let scene = try await Scene()
        let request =
            #"{"duration_seconds":4,"model":"sora-2","prompt":"a pine forest","resolution":"720p","seed":9223372036854775807}"#
        try scene.importManifest([Scene.spec("dolly", request: request)])
        try scene.sendCompleted("dolly")
        #expect(try await scene.dailies("sheet").code == 0)
        let shown = try tasks(on: try scene.read("sheet.html"))[0]
        let keep = try #require(shown["line"]?.string)
        let redo = try #require(shown["redo"]?.string)
        #expect(keep.contains(#""seed":9223372036854775807"#))
        #expect(try JSONValue.parse(redo.utf8)["seed"] == nil)
        #expect(try JSONValue.parse(redo.utf8)["prompt"]?.string == "a pine forest")
        try scene.write("{\"batch\":\"forest-redo\"}\n\(redo)\n", to: "redo.jsonl")
        let plan = try await scene.dailies("plan", "redo.jsonl", "--json")
        #expect(plan.code == 0, "\(plan.err)")
    }

    @Test func `a missing folder is reported`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly")])
        let outcome = try await scene.dailies("sheet", "--out", "nowhere/sheet.html")
        #expect(outcome.code == 1)
        #expect(outcome.err.contains("cannot write") && outcome.err.contains("nowhere/sheet.html"))
    }
}
