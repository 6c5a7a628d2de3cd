import DailiesCore
import DailiesStore
import ExactJSON
import Foundation
import Testing

@testable import TestSupport

/// `dailies doctor`.
struct DoctorTests {
    @Test func `settings are shown with their source, and an accepted key is OK`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.importManifest([Scene.spec("dolly")])
        let outcome = try await scene.online("doctor")
        #expect(outcome.code == 0)
        #expect(outcome.err == "")
        #expect(!outcome.out.contains(Scene.keyText))
        let settings = Self.lines(outcome.out, from: "  setting", count: 11)
        #expect(
            settings == [
                "setting value from", "store dailies.sqlite default", "provider simulator --provider",
                "base URL {URL} --base-url", "API key fingerprint 62af8704764f $BYTESPIKE_API_KEY",
                "dialect flat default", "output renders default", "https proxy none default",
                "http proxy none default", "no proxy for - default", "certificates system default",
            ])
        let checks = Self.lines(outcome.out, from: "  check", count: 8)
        #expect(checks[1] == "sqlite ok SQLite \(Store.libraryVersion), schema \(Store.schemaVersion)")
        #expect(checks[2] == "store ok dailies.sqlite: no problems found, 1 task in 1 batch")
        #expect(checks[3] == "runner ok no active run")
        #expect(checks[4].hasPrefix("disk of the store "))
        #expect(checks[5].hasPrefix("disk of clips "))
        #expect(checks[6] == "key ok 62af8704764f is accepted by {URL}")
        #expect(checks[7] == "clock ok in sync with the provider's clock")
        // The check costs nothing and creates no task.
        #expect(try scene.simulator?.bill().total == "0")
    }

    @Test func `a refused or missing API key exits with 77`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.simulator?.control(#"{"reject_keys":true}"#)
        let refused = try await scene.online("doctor")
        #expect(refused.code == 77)
        #expect(refused.out.contains("62af8704764f is refused by {URL} (401 "))
        #expect(refused.out.hasSuffix("\n1 problem found\n"))
        let missing = try await scene.dailies("doctor", key: nil)
        #expect(missing.code == 77)
        #expect(missing.out.contains("no API key; set BYTESPIKE_API_KEY or use --api-key-file PATH"))
    }

    @Test func `--offline makes no requests`() async throws {
        let scene = try await Scene()
        let set = try await scene.online("doctor", "--offline")
        #expect(set.code == 0)
        #expect(Self.lines(set.out, from: "  key", count: 1) == ["key skipped set, not checked (--offline)"])
        #expect(set.out.contains("no store at dailies.sqlite yet; a run creates it"))
        #expect(!scene.exists("dailies.sqlite"))
        #expect(!scene.exists("dailies.sqlite-lock"))
        #expect(try await scene.dailies("doctor", "--offline", key: nil).code == 0)
    }

    @Test func `a provider that does not respond is a problem`() async throws {
        let scene = try await Scene(simulator: [])
        try scene.simulator?.control(#"{"outage":true}"#)
        let outcome = try await scene.online("doctor")
        #expect(outcome.code == 1)
        #expect(outcome.out.contains("cannot check the key: no usable response from {URL}"))
    }

    @Test func `a store whose last entry is in the future is a warning`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly")])
        let ahead = Date().timeIntervalSince1970 + 86_400
        try scene.sendUncertain("dolly", at: Instant(milliseconds: Int64(ahead * 1000)))
        let outcome = try await scene.dailies("doctor", "--offline")
        #expect(
            outcome.out.contains(
                "the last entry is in the future ({TIME}): the clock was ahead then, or is behind now"))
        #expect(outcome.code == 0)
    }

    @Test func `a damaged store is a problem and is not changed`() async throws {
        let scene = try await Scene()
        try scene.write("this is not a database, despite its name", to: "dailies.sqlite")
        let outcome = try await scene.dailies("doctor", "--offline")
        #expect(outcome.code == 1)
        #expect(Self.lines(outcome.out, from: "  store   ", count: 1).first?.hasPrefix("store ") == true)
        #expect(outcome.out.contains("  problem  "))
        #expect(try scene.read("dailies.sqlite") == "this is not a database, despite its name")
    }

    @Test func `an active run is shown and not disturbed`() async throws {
        let scene = try await Scene()
        try scene.importManifest([Scene.spec("dolly"), Scene.spec("crane")])
        try scene.sendUncertain("dolly")
        try scene.sendCompleted("crane", isSaved: false)
        let lock = try Store.lock(scene.path)
        let outcome = try await scene.dailies("doctor", "--offline")
        #expect(outcome.code == 0)
        #expect(outcome.out.contains("active run: {PROCESS}, since {TIME}\n"))
        #expect(outcome.out.contains("1 uncertain, 0 lost; run `dailies reconcile`\n"))
        #expect(outcome.out.contains("1 paid but not saved; run `dailies resume`\n"))
        #expect(outcome.out.hasSuffix("\nOK, with warnings\n"))
        withExtendedLifetime(lock) {}
    }

    @Test func `an output folder that is not a folder is a problem`() async throws {
        let scene = try await Scene()
        try scene.write("", to: "file")
        let outcome = try await scene.dailies("doctor", "--offline", "--output", "file/clips")
        #expect(outcome.code == 1)
        #expect(outcome.out.contains(" {FOLDER}/file is not a folder; move it away, or choose another folder\n"))
    }

    @Test func `JSON contains the same checks and settings`() async throws {
        let scene = try await Scene(simulator: [])
        let outcome = try await scene.online("doctor", "--json")
        let json = try JSONValue.parse(outcome.out.utf8)
        #expect(json["exit_code"]?.number == "0")
        #expect(json["settings"]?.array?.first?["from"]?.string == "default")
        let levels = json["checks"]?.array?.compactMap { $0["level"]?.string } ?? []
        #expect(!levels.isEmpty)
        #expect(Set(levels).isSubset(of: ["ok", "warning"]))
    }

    @Test func `a key file is shown as the source`() async throws {
        let scene = try await Scene()
        try scene.write("other-key\n", to: "key")
        let outcome = try await scene.dailies("doctor", "--offline", "--api-key-file", "sora:key")
        #expect(outcome.out.contains("fingerprint 580843d03d22 for models sora…"))
        #expect(outcome.out.contains("--api-key-file sora:key\n"))
        #expect(outcome.out.contains("fingerprint 62af8704764f "))
    }

    /// `count` lines from the first one with this prefix, with columns joined by one space.
    private static func lines(_ text: String, from start: String, count: Int) -> [String] {
        let lines = text.components(separatedBy: "\n")
        guard let first = lines.firstIndex(where: { $0.hasPrefix(start) }) else { return [] }
        return lines[first...].prefix(count).map {
            $0.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
        }
    }
}
