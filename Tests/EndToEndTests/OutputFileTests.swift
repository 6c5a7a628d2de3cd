import Foundation
import Testing

@testable import TestSupport

/// Output files of commands replace only earlier output of the same command.
struct OutputFileTests {
    private static let words = "so it will not be replaced; choose another file or move this one"

    /// Names in a scene's folder that are used by Dailies or by other files.
    private static let foreign = [
        "dailies.sqlite", "dailies.sqlite-lock", "clip.mp4", "shots.yaml", "report.html", "notes.txt", "empty",
        "folder",
        "pipe", "link-to-sheet.html", "link-to-plan.json", "dangling",
    ]

    private func scene() async throws -> Scene {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly")])
        try scene.sendCompleted("dolly")
        try scene.write("[{id: dolly, model: sora-2, prompt: a pine forest, duration_seconds: 4}]", to: "shots.yaml")
        try scene.write("process 1, since then\n", to: "dailies.sqlite-lock")
        try scene.write("\u{0}\u{0}\u{0}\u{8}ftypmdat", to: "clip.mp4")
        try scene.write("<!doctype html>\n<html><head><title>Mine</title></head></html>", to: "report.html")
        try scene.write("dailies-plan Contact sheet", to: "notes.txt")
        try scene.write("", to: "empty")
        let path = { scene.folder + "/" + $0 }
        #expect(mkdir(path("folder"), 0o755) == 0 && mkfifo(path("pipe"), 0o644) == 0)
        #expect(try await scene.dailies("sheet", "--out", "sheet.html").code == 0)
        #expect(try await scene.dailies("plan", "shots.yaml", "--out", "plan.json").code == 0)
        #expect(symlink("sheet.html", path("link-to-sheet.html")) == 0)
        #expect(symlink("plan.json", path("link-to-plan.json")) == 0)
        #expect(symlink("nowhere", path("dangling")) == 0)
        return scene
    }

    /// All files in the folder with their content, except files that would block.
    private func state(of scene: Scene) throws -> [String: String] {
        var state: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: scene.folder) {
            var status = stat()
            #expect(lstat(scene.folder + "/" + name, &status) == 0)
            let isFile = status.st_mode & S_IFMT == S_IFREG
            let content = isFile ? FileManager.default.contents(atPath: scene.folder + "/" + name) : nil
            // SQLite writes its index of the log even when reading.
            guard !name.hasSuffix("-shm"), !name.hasSuffix(".out"), !name.hasSuffix(".err") else { continue }
            state[name] = "\(status.st_mode) \(status.st_ino) \(content?.base64EncodedString() ?? "")"
        }
        return state
    }

    @Test(arguments: foreign + ["plan.json"])
    func `a sheet replaces no other file`(name: String) async throws {
        let scene = try await scene()
        let before = try state(of: scene)
        let outcome = try await scene.dailies("sheet", "--out", name)
        #expect(outcome.code == 64, "\(outcome)")
        let own = "{FOLDER}/\(name) was not written by `dailies sheet`, \(Self.words)"
        let store = "\(name) belongs to the store dailies.sqlite; choose another file"
        #expect(outcome.err.contains(name.hasPrefix("dailies.sqlite") ? store : own), "\(outcome.err)")
        #expect(try state(of: scene) == before)
    }

    @Test(arguments: foreign + ["sheet.html"])
    func `a plan replaces no other file`(name: String) async throws {
        let scene = try await scene()
        let before = try state(of: scene)
        let outcome = try await scene.dailies("plan", "shots.yaml", "--out", name)
        #expect(outcome.code == 64, "\(outcome)")
        let own = "{FOLDER}/\(name) was not written by `dailies plan`, \(Self.words)"
        #expect(outcome.err.contains(name.hasPrefix("dailies.sqlite") ? "belongs to the store" : own), "\(outcome.err)")
        #expect(try state(of: scene) == before)
    }

    @Test(arguments: [
        "dailies.sqlite-wal", "dailies.sqlite-shm", "dailies.sqlite-journal", "./x/../dailies.sqlite-wal",
        "other.sqlite-wal", "other.sqlite-lock",
    ])
    func `no output is written to a path of a store's own files`(name: String) async throws {
        let scene = try await scene()
        #expect(mkdir(scene.folder + "/x", 0o755) == 0)
        try scene.write("another store", to: "other.sqlite")
        for command in [["sheet", "--out"], ["plan", "shots.yaml", "--out"], ["store", "backup"]] {
            let outcome = try await scene.dailies(words: command + [name])
            #expect(outcome.code == 64 && outcome.err.contains("belongs to the store"), "\(outcome)")
        }
        let planned = try await scene.dailies("plan", "shots.yaml", "--store", "new.sqlite", "--out", "new.sqlite")
        #expect(planned.code == 64 && !scene.exists("new.sqlite"))
    }

    @Test func `a sheet and a plan replace an earlier one with its permissions, and leave no other files`()
        async throws
    {
        let scene = try await scene()
        try scene.importManifest([Scene.spec("crane")], batch: "meadow", manifest: scene.folder + "/n.yaml")
        try scene.sendCompleted("crane")
        #expect(chmod(scene.folder + "/sheet.html", 0o600) == 0)
        let old = try scene.read("plan.json")
        #expect(try await scene.dailies("sheet").code == 0)
        #expect(try scene.read("sheet.html").contains("crane"))
        var status = stat()
        #expect(stat(scene.folder + "/sheet.html", &status) == 0 && status.st_mode & 0o777 == 0o600)
        let plan = try await scene.dailies("plan", "shots.yaml", "--accept-changes", "--out", "plan.json")
        #expect(plan.code == 0, "\(plan)")
        #expect(try scene.read("plan.json") != old)
        let names = try FileManager.default.contentsOfDirectory(atPath: scene.folder)
        #expect(names.filter { $0.hasSuffix(".part") } == [])
    }

    @Test(arguments: [
        ("dailies.sqlite", 1), ("notes", 1), ("dailies.sqlite-wal", 64), ("pipe", 1), ("link", 1),
    ])
    func `a simulator refuses to keep its state in another program's file`(name: String, code: Int32) async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly")])
        // The last line has no line end and must not be cut off.
        try scene.write("line\nlast", to: "notes")
        #expect(mkfifo(scene.folder + "/pipe", 0o644) == 0)
        #expect(symlink("notes", scene.folder + "/link") == 0)
        let before = try state(of: scene)
        let outcome = try await scene.dailies("simulate", "--state", name)
        let words = code == 1 ? "the simulator cannot start: " : "belongs to the store dailies.sqlite"
        #expect(outcome.code == code && outcome.err.contains(words), "\(outcome)")
        #expect(try state(of: scene) == before)
    }
}
