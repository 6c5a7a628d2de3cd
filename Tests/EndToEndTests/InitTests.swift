import ExactJSON
import Foundation
import Testing

@testable import TestSupport

/// First steps: `init`, `models` and the examples.
struct InitTests {
    private static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    @Test func `init writes a working manifest and configuration and replaces no file`() throws {
        let test = try TestEnvironment()
        let made = try test.finish(["init"])
        #expect(made.code == 0 && made.out.hasPrefix("wrote first.yaml\nwrote dailies.yaml\n"), "\(made)")
        let rehearsal = try test.finish(["rehearse", "first.yaml", "--speed", "1000"])
        #expect(rehearsal.code == 0 && rehearsal.err.contains("4 completed; 4 clips saved"), "\(rehearsal)")
        #expect(!rehearsal.err.contains("warning"), "\(rehearsal.err)")
        let manifest = try test.bytes(of: test.path("first.yaml"))
        // Each setting of the configuration is valid without its `#`.
        let text = String(decoding: try test.bytes(of: test.path("dailies.yaml")), as: UTF8.self)
        let options = text.split(separator: "\n").filter { $0.starts(with: #/# [a-z-]+: /#) }
        #expect(options.count > 4)
        for option in options {
            try test.write("dailies.yaml", String(option.dropFirst(2)) + "\n")
            let plan = try test.finish(["plan", "first.yaml"])
            #expect(plan.code == 0, "\(option): \(plan.err)")
        }
        let again = try test.finish(["init"])
        #expect(again.code == 64 && again.err == "dailies: first.yaml already exists; nothing was written\n")
        #expect(try test.bytes(of: test.path("first.yaml")) == manifest)
        let elsewhere = try test.finish(["init", "new/campaign"])
        #expect(elsewhere.code == 0 && FileManager.default.fileExists(atPath: test.path("new/campaign/dailies.yaml")))
    }

    @Test func `every example plans without warnings, except for withdrawn models`() throws {
        let test = try TestEnvironment()
        let jobs = try FileManager.default.contentsOfDirectory(atPath: Self.repository + "/jobs")
        #expect(jobs.count >= 5)
        for job in jobs {
            let plan = try test.finish(["plan", Self.repository + "/jobs/" + job])
            #expect(plan.code == 0, "\(plan.err)")
            let warnings = plan.err.split(separator: "\n").filter { $0.hasPrefix("warning") }
            if job == "draft-and-final.yaml" {
                #expect(warnings.count == 1 && plan.err.contains("sora-2-pro was withdrawn"), "\(plan.err)")
            } else {
                #expect(warnings == [], "\(job)")
            }
        }
    }

    @Test func `models lists the catalog, available models first`() throws {
        let test = try TestEnvironment()
        let table = try test.finish(["models"]).out.split(separator: "\n")
        let withdrawn = try #require(table.firstIndex { $0.contains("since 2026-09-24") })
        #expect(table[1...].prefix { !$0.contains("since") }.count == withdrawn - 1)
        let json = try test.finish(["models", "--json"]).json()
        let models = try #require(json["models"]?.array)
        #expect(models.count == table.count - 1)
        let sora = try #require(models.first { $0["model"]?.string == "sora-2-pro" })
        #expect(sora["withdrawn"]?.string == "2026-09-24" && sora["longest_seconds"]?.number == "20")
        #expect(sora["polls"]?.array?.first?["every_seconds"]?.number == "2")
        #expect(models.first?["withdrawn"]?.isNull == true && models.first?["lowest_credits"]?.number != nil)
    }

    @Test func `the user file sets the output of a run, but not that of a report`() throws {
        let test = try TestEnvironment()
        let url = try test.simulator()
        try FileManager.default.createDirectory(
            atPath: test.path(".config/dailies"), withIntermediateDirectories: true)
        try test.write(
            ".config/dailies/config.yaml",
            "json: true\nformat: jsonl\nspeed: 1000\nyes: true\nprovider: simulator\nbase_url: \(url)\n")
        try test.write("shots", #"{"id": "a", "model": "seedance-fast", "prompt": "p", "duration_seconds": 3}"# + "\n")
        let run = try test.finish(["run", "shots"])
        #expect(run.code == 0 && run.out.contains("\"exit_code\":0"), "\(run)")
        let report = try test.finish(["report"])
        #expect(report.code == 0 && !report.out.hasPrefix("{"), "\(report)")
    }
}
