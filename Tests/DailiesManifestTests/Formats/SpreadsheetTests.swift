import DailiesCore
import DailiesManifest
import Testing

/// CSV as spreadsheets and people write it.
struct SpreadsheetTests {
    private static func read(_ text: String, _ pairs: [(String, String)] = []) throws -> Manifest {
        let columns = ColumnNames(pairs.map { ColumnNames.Pair(head: $0.0, field: $0.1) })
        return try ManifestReader(catalog: TestCatalog.published, today: nil, columns: columns)
            .read(path: "m.csv", bytes: Array(text.utf8))
    }

    private static let plain = "id,prompt,model,duration_seconds\na,A harbour,sora-2,4\nb,A boat,sora-2,4\n"

    @Test(arguments: [
        "ID, Prompt ,MODEL,Duration Seconds\na,A harbour,sora-2,4\nb,A boat,sora-2,4\n",
        "id,prompt,model,duration_seconds,,\r\na,A harbour,sora-2,4,,\r\nb,A boat,sora-2,4,, \r\n,,,,,\r\n",
        "id,prompt,model,duration_seconds\na,A harbour,sora-2,4,,\nb,A boat,sora-2,4.0,\n",
        "sep=;\r\nid;prompt;model;duration_seconds\r\na;A harbour;sora-2;4\r\nb;A boat;sora-2;4\r\n",
        "\u{FEFF}SEP=|\nid|prompt|model|duration_seconds\na|A harbour|sora-2|4\nb|A boat|sora-2|4\n",
        "\"sep=;\"\rid;prompt;model;duration_seconds\ra;A harbour;sora-2;4\rb;A boat;sora-2;4\r",
        "#TYPE System.Management.Automation.PSCustomObject\r\n\"id\",\"prompt\",\"model\",\"duration_seconds\"\r\n"
            + "\"a\",\"A harbour\",\"sora-2\",\"4\"\r\n\"b\",\"A boat\",\"sora-2\",\"4\"\r\n",
        "id,prompt,model,duration-seconds\na,A harbour,sora-2 ,4\u{a0}\nb ,A boat,\u{201c}sora-2\u{201d}, 4\n",
    ])
    func `tables are read in the forms that spreadsheets write`(text: String) throws {
        #expect(identity(try Self.read(text)) == identity(try Self.read(Self.plain)))
    }

    @Test func `positions count the lines before the table`() {
        #expect(
            problems("sep=;\nid;prompt;model;duration_seconds\na;A boat;sora-2;x\n", .csv)
                == ["3:17: duration_seconds: \"x\" is not a whole number; write 1 to 10"])
    }

    @Test(arguments: ["sep=\n", "sep=;;\nid", "sep;=\n", "#TYPES a\n", "sep=\"\nid"])
    func `other first lines are headers`(text: String) {
        #expect(problems(text, .csv).first?.hasPrefix("1:") == true)
    }

    @Test func `columns with other names are mapped to their fields`() throws {
        let text = """
            ID,Prompt,Model,Duration,tag:client,My Notes
            a,"A courier cycles through neon rain,
            handheld",seedance-2.0-pro,5,acme,later
            b,A gull over the harbour,seedance-2.0-pro,5,acme,
            """
        let tasks = try Self.read(
            text, [("duration", "duration_seconds"), ("tag:client", "tags.client"), ("my notes", "")]
        ).tasks
        #expect(tasks.map(\.key.text) == ["a", "b"])
        #expect(tasks.map(\.shape.durationSeconds) == [5, 5])
        #expect(tasks.map { $0.tags.map { "\($0.name)=\($0.value)" } } == [["client=acme"], ["client=acme"]])
        #expect(tasks[0].prompt == "A courier cycles through neon rain,\nhandheld")
    }

    @Test func `a mapping for a missing column gives a warning, since it may be for another table`() throws {
        let warnings = try Self.read(Self.plain, [("Length", "duration_seconds")]).warnings
        #expect(
            warnings.map(\.description) == [
                "m.csv:1:1: Length: is mapped, but this table has no such column; its columns are id, prompt, model, duration_seconds"
            ])
    }

    @Test func `a mapping to an unknown field, or to one that already has a column, is refused`() {
        func words(_ pairs: [(String, String)]) -> [String] {
            do {
                _ = try Self.read(Self.plain, pairs)
                return []
            } catch {
                return "\(error)".split(separator: "\n").map(String.init)
            }
        }
        #expect(
            words([("id", "identifier")])
                == [
                    "m.csv:1:1: id: is mapped to \"identifier\", which is not a known field; call it tags.identifier "
                        + "for a tag or extra.identifier for a model field, or skip it with --map identifier="
                ])
        #expect(
            words([("id", "prompt")])
                == ["m.csv:1:4: prompt: is a duplicate column name, first used at 1:1; remove one of them"])
    }

    @Test(arguments: [
        ("[{\"model\":\"sora-2\",\"prompt\":\"p\",\"duration_seconds\":4.0,\"seed\":-7.00}]", ManifestFormat.json),
        ("- {model: sora-2, prompt: p, duration_seconds: 4.0, seed: -7.0}", .yaml),
        ("model,prompt,duration_seconds,seed\nsora-2,p,4.0,-7.000\n", .csv),
        ("{\"model\":\"sora-2\",\"prompt\":\"p\",\"duration_seconds\":4.0,\"seed\":-7.0}\n", .jsonl),
    ])
    func `a whole number may have zeros after its point`(text: String, format: ManifestFormat) throws {
        let plain = #"[{"model":"sora-2","prompt":"p","duration_seconds":4,"seed":-7}]"#
        #expect(
            identity(try DailiesManifestTests.read(text, format))
                == identity(try DailiesManifestTests.read(plain, .json)))
    }

    @Test(arguments: ["4.5", "4.", ".0", "-0.0", "04.0", "4.0e0", "4.0.0"])
    func `any other number with a point is refused`(number: String) {
        #expect(problems("model,prompt,duration_seconds\nsora-2,p,\(number)\n", .csv).count == 1)
    }
}
