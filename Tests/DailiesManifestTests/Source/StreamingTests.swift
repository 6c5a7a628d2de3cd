import DailiesCore
import Foundation
import Testing

@testable import DailiesManifest

/// A manifest that is checked from a file and handed out task by task is the same as one that is read at once.
struct StreamingTests {
    private let reader = ManifestReader(catalog: TestCatalog.published, today: nil)

    /// A file that is deleted after the test.
    private func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
        let path = FileManager.default.temporaryDirectory.appending(path: "m-\(UUID().uuidString).jsonl").path
        try Data(bytes).write(to: URL(filePath: path))
        defer { unlink(path) }
        return try body(path)
    }

    private func outcome(_ read: () throws -> Manifest) -> [String] {
        do {
            let manifest = try read()
            return manifest.tasks.map { "\($0)" } + manifest.warnings.map(\.description)
        } catch let failure as ManifestError {
            return failure.problems.map { "\($0.description) \($0.excerpt.map { "\($0)" } ?? "")" }
        } catch {
            return ["\(error)"]
        }
    }

    @Test func `a broken manifest has the same problems when streamed and when read whole`() {
        for broken in BrokenManifestTests.all where broken.format.isStreamed {
            let bytes = Array(broken.text.utf8)
            #expect(
                outcome { try reader.check(.bytes(bytes, path: "m"), format: broken.format).manifest() }
                    == outcome { try reader.read(path: "m", bytes: bytes, format: broken.format) }, "\(broken)")
        }
    }

    @Test func `an example has the same tasks when streamed, on every pass, and when read whole`() throws {
        for (name, batch, count) in StreamedManifestTests.examples {
            let url = TestCatalog.repository.appending(path: "jobs/" + name)
            let checked = try reader.check(.file(url.path))
            let whole = try reader.read(path: url.path, bytes: Array(try Data(contentsOf: url)))
            #expect(checked.batchName == batch)
            #expect(checked.count == count)
            #expect(try checked.manifest().tasks == whole.tasks)
            #expect(try checked.manifest().tasks == whole.tasks)
        }
    }

    @Test func `streaming gives equal and conflicting keys like reading whole`() {
        var generator = SplitMix(state: 11)
        let task = #""model":"sora-2","prompt":"p\#(0)","duration_seconds":1"#
        let derived = (try? read("{\(task)}", .jsonl).tasks[0].key.text) ?? ""  // The test fails below without it.
        #expect(derived.count == 16)
        let ids = ["a", "b", derived, derived + "-2", derived + "-3", derived + "-02", derived + "-1"]
        for round in 0..<60 {
            let lines = (0..<Int.random(in: 2...9, using: &generator)).map { _ in
                let id = Bool.random(using: &generator) ? ids.randomElement(using: &generator) : nil
                let output = Int.random(in: 0..<4, using: &generator) == 0 ? #","output":"x.mp4""# : ""
                let wrong = Int.random(in: 0..<6, using: &generator) == 0 ? #","seed":"x""# : ""
                return "{\(task)" + (id.map { #","id":"\#($0)""# } ?? "") + output + wrong + "}"
            }
            let bytes = Array(lines.joined(separator: "\n").utf8)
            #expect(
                outcome { try reader.check(.bytes(bytes, path: "m.jsonl")).manifest() }
                    == outcome { try reader.read(path: "m.jsonl", bytes: bytes) }, "round \(round): \(lines)")
        }
    }

    @Test func `claims beyond the memory limit go through a temporary file`() throws {
        var generator = SplitMix(state: 5)
        for inMemory in [1, 2, 7, 100, 5000] {
            let collector = SortedKeyRegistry(inMemory: inMemory)
            let ring = InMemoryKeyRegistry()
            var expected: [(ordinal: Int, earlier: KeyOwner?)] = []
            var claims: [(kind: Int, name: String)] = []
            for index in 0..<1500 {
                let kind = Int.random(in: 0..<3, using: &generator)
                let name = "name \(Int.random(in: 0..<900, using: &generator))"
                claims.append((kind, name))
                let place = SourcePosition(line: index + 1, column: 3)
                _ = Self.claim(kind, name, place, from: collector)
                expected.append(Self.claim(kind, name, place, from: ring))
            }
            let replay = KeyConflictReplay(try collector.verdicts())
            for (index, claim) in claims.enumerated() {
                let place = SourcePosition(line: index + 1, column: 3)
                let found = Self.claim(claim.kind, claim.name, place, from: replay)
                #expect(found.earlier == expected[index].earlier, "claim \(index) with \(inMemory) in memory")
                #expect(found.ordinal == expected[index].ordinal, "claim \(index) with \(inMemory) in memory")
            }
            #expect(replay.sourceError == nil)
        }
    }

    /// Kind 0 is a derived key, 1 an explicit one (sometimes like a derived one), 2 a file name.
    private static func claim(
        _ kind: Int, _ name: String, _ place: SourcePosition, from book: any KeyRegistry
    ) -> (ordinal: Int, earlier: KeyOwner?) {
        var text = name
        let digest = text.withUTF8 { RequestDigest(of: $0) }
        switch kind {
        case 0: return book.claimKey(derivedFrom: digest, at: place)
        case 1:
            var key = name.hasSuffix("7") ? digest.key(name.hasSuffix("77") ? 2 : 1).text : name
            return (1, key.withUTF8 { book.claimKey($0, at: place) })
        default: return (1, book.claimOutput(name, at: place).map { KeyOwner(place: $0, isDerived: false) })
        }
    }

    @Test func `a derived key reads back as its digest`() {
        for number in 0..<200 {
            var text = "request \(number)"
            let digest = text.withUTF8 { RequestDigest(of: $0) }
            for ordinal in [1, 2, 10, 12_345_678_901] {
                var key = digest.key(ordinal).text
                let reading = key.withUTF8 { RequestDigest.reading($0) }
                #expect(reading?.digest == digest)
                #expect(reading?.ordinal == ordinal)
            }
        }
        for text in [
            "", "xxhnrm5hvttvt4x", "xxhnrm5hvttvt4x1", "xxhnrm5hvttvt4xv-1", "xxhnrm5hvttvt4xv-02", "xxhnrm5hvttvt4xv-",
            "xxhnrm5hvttvt4xv-2x", "xxhnrm5hvttvt4xv2", "XXHNRM5HVTTVT4XV",
        ] {
            var text = text
            #expect(text.withUTF8 { RequestDigest.reading($0) } == nil)
        }
    }

    // MARK: Files

    private static let line = #"{"model":"sora-2","prompt":"p","duration_seconds":1,"seed":0}"# + "\n"

    @Test func `a manifest is read in chunks, wherever its lines are split`() throws {
        // Lines of all lengths around the chunk size, so that ends, quotes and characters are split in all ways.
        var text = ""
        for number in 0..<40 {
            let prompt = String(repeating: "é", count: 13_000 + number * 7)
            text += "{\"id\":\"t\(number)\",\"model\":\"sora-2\",\"prompt\":\"\(prompt)\",\"duration_seconds\":1}\r\n"
        }
        let checked = try reader.check(.bytes(Array(text.utf8), path: "m.jsonl"))
        var lengths: [Int] = []
        try checked.forEachTask { lengths.append($0.prompt.utf8.count) }
        #expect(lengths == (0..<40).map { 2 * (13_000 + $0 * 7) })
        let csv =
            "id,model,prompt,duration_seconds\n"
            + (0..<40).map { number in
                "t\(number),sora-2,\"\(String(repeating: "雾\"\"\n", count: 9_000 + number * 3))\",1\n"
            }.joined()
        lengths = []
        try reader.check(.bytes(Array(csv.utf8), path: "m.csv")).forEachTask { lengths.append($0.prompt.utf8.count) }
        #expect(lengths == (0..<40).map { 5 * (9_000 + $0 * 3) })
    }

    @Test func `a line of any length is skipped without being stored`() throws {
        let long = "{\"a\":\"" + String(repeating: "x", count: 9 << 20) + "\"}\n"
        let bytes = Array((Self.line + long + "{}\n").utf8)
        let failure = #expect(throws: ManifestError.self) {
            try reader.check(.bytes(bytes, path: "m.jsonl"))
        }
        #expect(
            failure?.problems.map { "\($0.line):\($0.column) \($0.message)" } == [
                "2:1 this line has 9437192 bytes, more than 2097152",
                "3:1 model is missing".replacing("model ", with: ""),
                "3:1 is missing", "3:1 is missing",
            ])
    }

    @Test func `a file that changes between checking and iterating is refused`() throws {
        let text = String(repeating: Self.line, count: 10)
        try withFile(Array(text.utf8)) { path in
            let checked = try reader.check(.file(path))
            #expect(checked.count == 10)
            let file = try #require(FileHandle(forWritingAtPath: path))
            try file.seek(toOffset: UInt64(text.utf8.count - 3))
            try file.write(contentsOf: Data("7".utf8))
            try file.close()
            var handedOut = 0
            let failure = #expect(throws: ManifestError.self) { try checked.forEachTask { _ in handedOut += 1 } }
            #expect(failure?.problems[0].message == "changed while it was being read")
            #expect(handedOut == 10)
        }
    }

    @Test func `an error of the closure ends the reading and is rethrown`() throws {
        struct Full: Error {}
        let checked = try reader.check(.bytes(Array(String(repeating: Self.line, count: 9).utf8), path: "m.jsonl"))
        var taken = 0
        #expect(throws: Full.self) {
            try checked.forEachTask { _ in
                taken += 1
                if taken == 3 { throw Full() }
            }
        }
        #expect(taken == 3)
    }

    @Test func `standard input is read once and iterated any number of times`() throws {
        let pipe = Pipe()
        pipe.fileHandleForWriting.write(Data((#"{"batch":"b"}"# + "\n" + Self.line).utf8))
        try pipe.fileHandleForWriting.close()
        let source = try ManifestSource.standardInput(descriptor: pipe.fileHandleForReading.fileDescriptor)
        let checked = try reader.check(source, format: .jsonl)
        #expect(checked.path == "<stdin>")
        #expect(checked.batchName == "b")
        #expect(try checked.manifest().tasks.count == 1)
        #expect(try checked.manifest().tasks.count == 1)
    }

    @Test func `standard input needs a format, and a name for its batch`() throws {
        let pipe = Pipe()
        pipe.fileHandleForWriting.write(Data(Self.line.utf8))
        try pipe.fileHandleForWriting.close()
        let source = try ManifestSource.standardInput(descriptor: pipe.fileHandleForReading.fileDescriptor)
        #expect(
            #expect(throws: ManifestError.self) { try reader.check(source) }?.description
                == "<stdin>:1:1: file: standard input has no file extension; use --format jsonl, json, yaml, csv or tsv"
        )
        #expect(
            #expect(throws: ManifestError.self) { try reader.check(source, format: .jsonl) }?.description
                == "<stdin>:1:1: batch: is missing, and standard input has no name; add batch, or use --batch")
        #expect(try reader.check(source, format: .jsonl, batchName: "mine").batchName == "mine")
    }

    @Test func `a missing file, a folder and an unreadable file are refused with clear messages`() throws {
        func words(_ path: String) -> String? {
            #expect(throws: ManifestError.self) { try ManifestSource.file(path) }?.description
        }
        let missing = "no such file; check the name, or create a manifest with `dailies init`"
        #expect(words("nope.yaml") == "nope.yaml: \(missing)")
        #expect(words("/dev/null/m.yaml") == "/dev/null/m.yaml: \(missing)")
        #expect(words("/") == "/: is a folder; specify the manifests in it, such as FOLDER/*.yaml")
        let long = String(repeating: "n", count: 300)
        #expect(words(long) == "\(long): the file name is too long; check it")
        #expect(
            ManifestError(OpenFile.sourceError(EACCES), in: "a.csv").description
                == "a.csv: permission denied; make it readable with chmod +r, or ask its owner")
        #expect(
            ManifestError(OpenFile.sourceError(EIO), in: "a.csv").description
                == "a.csv: cannot be read: input/output error; check the disk and try again")
    }

    @Test func `a file that cannot be read twice is refused by name`() {
        #expect(
            #expect(throws: ManifestError.self) { try ManifestSource.file("/dev/null") }?.description
                == "/dev/null:1:1: file: cannot be read twice; use - and pipe it to standard input")
    }
}
