import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// Clips as the built program fetches them from a service that changes, cuts and hides them, into folders in which others
    /// are at work.
    struct ClipTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        /// Which version of its clip a file is, by its first box and its last; both must be of one version.
        private static func version(of bytes: [UInt8], padding: Int) throws -> Int {
            _ = try Clip(bytes)
            let mark = try #require(bytes.firstRange(of: Array("mvhd".utf8)))
            let version = Int(bytes[mark.upperBound + 7])
            let free = try #require(bytes.firstRange(of: Array("free".utf8)))
            let fill = bytes[free.upperBound...]
            #expect(fill.count == padding + (version == 0 ? 0 : 8 + version % 3 * 8))
            #expect(Set(fill) == [UInt8(version)], "bytes of several versions")
            return version
        }

        private func clips() throws -> [(key: String, path: String, digest: String)] {
            try StoreFile(test.store).rows("SELECT key, output_path, output_sha256 FROM task ORDER BY key").map {
                row in
                let columns = row.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
                return (columns[0], columns[1], columns[2])
            }
        }

        private func digest(of path: String) throws -> String {
            let sum = TestEnvironment.Finished(child: try test.start(program: "/usr/bin/sha256sum", [path]))
            return String(sum.out.prefix(64))
        }

        @Test func `a clip that changes while it is fetched is saved as one of its versions, and as nothing else`()
            throws
        {
            let faults = "changedAsset=0.2,cutDownload=0.6,wrongRange=0.3,ignoredRange=0.1,noLength=0.2"
            let simulator = try Simulator(test, speed: 500, ["--padding", "200000", "--fault", faults])
            let manifest = try test.manifest(clips: 24)
            var code = try test.finishRun([manifest], at: simulator, ["--concurrency", "24"]).code
            // A clip that always changes may be left for the next run.
            for _ in 0..<10 where code == 9 { code = try test.finishRun([manifest], at: simulator).code }
            #expect(code == 0)
            var versions: Set<Int> = []
            for clip in try clips() {
                versions.insert(try Self.version(of: test.bytes(of: clip.path), padding: 200_000))
                #expect(try digest(of: clip.path) == clip.digest)
            }
            #expect(versions.count > 1, "no clip changed")
            #expect(test.files(below: test.renders).count == 24)
        }

        @Test func `clips of another format are saved with the ending that their bytes call for, and flagged`() throws {
            let simulator = try Simulator(test, speed: 500, ["--fault", "otherFormat=0.7,bytesAfterEnd=0.5"])
            let manifest = try test.manifest(clips: 24)
            let run = try test.finishRun([manifest], at: simulator)
            #expect(run.code == 0, "\(run.err)")
            #expect(run.out.contains("the clip is not an MP4 but WebM; it is kept as "), "\(run.out)")
            #expect(run.out.contains("the clip is not an MP4 but QuickTime; it is kept as "))
            #expect(run.out.contains("102 bytes follow the end of the clip; it is kept as "))
            var beginnings: [String: [UInt8]] = ["mp4": [], "mov": [], "webm": []]
            for clip in try clips() {
                let bytes = try test.bytes(of: clip.path)
                let ending = String(clip.path.split(separator: ".").last ?? "")
                beginnings[ending] = Array(bytes[(ending == "webm" ? 0 : 8)..<(ending == "webm" ? 4 : 12)])
                #expect(try digest(of: clip.path) == clip.digest)
            }
            #expect(
                beginnings == ["mp4": Array("isom".utf8), "mov": Array("qt  ".utf8), "webm": [0x1A, 0x45, 0xDF, 0xA3]])
            #expect(test.files(below: test.renders).count == 24)
            let odd = try StoreFile(test.store).one(
                "SELECT key FROM task WHERE output_path LIKE '%.webm' ORDER BY key LIMIT 1")
            let explain = try test.finish(["explain", odd, "--store", test.store])
            #expect(explain.out.contains("  #1  the clip is not an MP4 but WebM\n"), "\(explain.out)")
            #expect(try simulator.bill().charges == 24)
        }

        @Test func `a damaged clip is kept beside the clips, and counts as not saved`() throws {
            let simulator = try Simulator(test, speed: 500, ["--fault", "damagedClip=1"])
            let manifest = try test.manifest(clips: 1)
            let run = try test.finish(test.runArguments([manifest], at: simulator).filter { $0 != "--json" })
            #expect(run.code == 9)
            let kept = test.renders + "/batch/clip-001.damaged"
            #expect(
                run.err.contains(
                    "not saved: clip-001: the clip is damaged: it has no moov box; the received bytes are kept as \(kept)\n"
                ))
            #expect(test.files(below: test.renders) == [kept])
            try simulator.control(#"{"faults": false}"#)
            #expect(try test.finishRun([manifest], at: simulator).code == 0)
            #expect(test.files(below: test.renders) == [kept, test.renders + "/batch/clip-001.mp4"])
            #expect(try simulator.bill().charges == 1)
        }

        @Test func `a clip whose length the service does not state is kept as unverified, and saved once it is stated`()
            throws
        {
            let faults = "noLength=1,ignoredRange=1"
            let simulator = try Simulator(test, speed: 500, ["--padding", "3000", "--fault", faults])
            let manifest = try test.manifest(clips: 8)
            let run = try test.finishRun([manifest], at: simulator, ["--max-wait", "60s"])
            #expect(run.code == 9, "\(run.err)")
            let store = try StoreFile(test.store)
            let kept = try store.rows("SELECT key FROM task WHERE failure_code = 'unverified' ORDER BY key")
            #expect(!kept.isEmpty)
            #expect(try store.one("SELECT count(*) FROM task WHERE output_path IS NOT NULL") == "0")
            #expect(try store.one("SELECT count(*) FROM attempt WHERE output_url IS NOT NULL") == "8")
            for key in kept {
                let path = "\(test.renders)/batch/\(key)~unverified.mp4"
                let reason =
                    "the server does not state the clip's length, so it may be truncated; it is kept as \(path), and the next run tries again"
                #expect(run.out.contains(reason))
                #expect(FileManager.default.fileExists(atPath: path))
            }
            let explained = try test.finish(["explain", kept[0], "--store", test.store])
            #expect(explained.out.contains("completed, paid, kept unverified because the clip may be incomplete"))
            try simulator.control(#"{"faults": false}"#)
            #expect(try test.finishRun([manifest], at: simulator).code == 0)
            try test.expectAllPaidOnce(simulator, tasks: 8)
        }

        @Test func `a clip whose name is taken gets another name, and other clips are not affected`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 6)
            let folder = test.renders + "/batch"
            try FileManager.default.createDirectory(atPath: folder + "/clip-001.mp4", withIntermediateDirectories: true)
            #expect(mkfifo(folder + "/clip-002.mp4", 0o644) == 0)
            #expect(symlink("nowhere", folder + "/clip-003.mp4") == 0)
            #expect(symlink("/dev/null", folder + "/clip-004.mp4") == 0)
            #expect(mknod(folder + "/clip-005.mp4", S_IFSOCK | 0o644, 0) == 0)
            let run = try test.finishRun([manifest], at: simulator)
            #expect(run.code == 0, "\(run.err)")
            #expect(!run.out.contains(#""type":"warning","at""#), "\(run.out)")
            for (index, clip) in try clips().enumerated() {
                _ = try Clip(test.bytes(of: clip.path))
                let isInTheWay = index < 5
                #expect(clip.path.hasPrefix("\(folder)/\(clip.key)\(isInTheWay ? "~" : ".mp4")"), "\(clip.path)")
            }
            #expect(try simulator.bill().accepted == 6)
        }

        @Test func `two stores that render into one folder at one time each save their own clips, whole`() throws {
            let faults = ["--fault", "cutDownload=0.5"]
            let simulators = try [100_000, 140_000].map {
                try Simulator(test, speed: 500, ["--padding", "\($0)"] + faults)
            }
            let manifest = try test.manifest(clips: 20)
            let stores = [test.store, test.path("other.sqlite")]
            let runs = try zip(simulators, stores).map { simulator, store in
                try test.start(test.runArguments([manifest], at: simulator, store: store) + ["--concurrency", "20"])
            }
            for run in runs { #expect(try run.ended() == .exited(0), "\(run.written.errText)") }
            var paths: Set<String> = []
            for (store, padding) in zip(stores, [100_000, 140_000]) {
                let rows = try StoreFile(store).rows("SELECT output_path, output_sha256 FROM task")
                #expect(rows.count == 20)
                for row in rows {
                    let columns = row.split(separator: "|").map(String.init)
                    #expect(paths.insert(columns[0]).inserted, "two stores call one file theirs")
                    #expect(try Self.version(of: test.bytes(of: columns[0]), padding: padding) == 0)
                    #expect(try digest(of: columns[0]) == columns[1])
                }
            }
            #expect(Set(test.files(below: test.renders)) == paths)
        }
    }
}
