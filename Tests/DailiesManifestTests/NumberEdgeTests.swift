import DailiesCore
import DailiesManifest
import ExactJSON
import Testing

/// Whole numbers at and beyond the edges of 64 bits, and values that are not whole numbers, in every field that takes one.
struct NumberEdgeTests {
    private static let numbers = [
        "0", "-0", "1", "-1", "8", "20", "21", "86400", "86401", "100000", "100001", "1000000", "1000001", "-1000001",
        "2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
        "-9223372036854775809", "18446744073709551616", "8.0", "8e0", "1e-9223372036854775808", "1e400", "1e-320",
        "007",
        "+8", "NaN", "0x8", "8_0", String(repeating: "9", count: 1000),
    ]
    private static let fields = ["duration_seconds", "seed", "priority", "repeat", "matrix.seed"]

    private static func outcome(_ text: String, _ format: ManifestFormat) throws -> [TaskSpec]? {
        let reader = ManifestReader(catalog: TestCatalog.published, today: nil)
        do throws(ManifestError) {
            let tasks = try reader.read(path: "m", bytes: Array(text.utf8), format: format).tasks
            let checked = try reader.check(.bytes(Array(text.utf8), path: "m"), format: format)
            var again: [TaskSpec] = []
            do { try checked.forEachTask { again.append($0) } } catch { Issue.record("\(error)") }
            #expect(again == tasks, "\(text.prefix(200))")
            return tasks
        } catch {
            #expect(error.problems.allSatisfy { $0.line >= 1 && $0.column >= 1 })
            return nil
        }
    }

    /// One task in every format, with one number in one field.
    private static func texts(_ field: String, _ number: String) -> [(ManifestFormat, String)] {
        var values = [("duration_seconds", "8"), ("seed", "1"), ("priority", "0")]
        if field == "matrix.seed" {
            values.removeAll { $0.0 == "seed" }
            values.append(("matrix", "{\"seed\": [\(number), 3]}"))
        } else {
            values.removeAll { $0.0 == field }
            values.append((field, number))
        }
        let json = values.map { ",\"\($0.0)\":\($0.1)" }.joined()
        let line = "{\"id\":\"a\",\"model\":\"sora-2-pro\",\"prompt\":\"p\"\(json)}"
        let yaml = values.map { "\n  \($0.0): \($0.1)" }.joined()
        var all: [(ManifestFormat, String)] = [
            (.jsonl, "{\"defaults\":{}}\n\(line)\n\(line.replacing("\"a\"", with: "\"b\""))"), (.json, "[\(line)]"),
            (.yaml, "- id: a\n  model: sora-2-pro\n  prompt: p\(yaml)\n"),
        ]
        if field != "matrix.seed" {
            let names = (["id", "model", "prompt"] + values.map(\.0)).joined(separator: ",")
            all.append((.csv, "\(names)\na,sora-2-pro,p,\(values.map(\.1).joined(separator: ","))\n"))
        }
        return all
    }

    @Test(arguments: fields)
    func `a whole number is read exactly, and any other is refused with its position`(field: String) throws {
        var taken: Set<String> = []
        for number in Self.numbers {
            // That many tasks would take minutes; the limit itself is tested elsewhere.
            if field == "repeat", let count = Int(number), 1000...100_000 ~= count { continue }
            for (format, text) in Self.texts(field, number) {
                guard let tasks = try Self.outcome(text, format) else { continue }
                taken.insert(number)
                // A zero after the point is ignored.
                let plain = number.hasSuffix(".0") ? String(number.dropLast(2)) : number
                let value = try #require(Int(plain), "\(format) \(field): \(number) is taken for a number")
                #expect(String(value) == plain, "\(format) \(field)")
                switch field {
                case "duration_seconds": #expect(tasks.allSatisfy { $0.shape.durationSeconds == value })
                case "priority": #expect(tasks.allSatisfy { $0.priority == value })
                case "repeat": #expect(tasks.count == value * (format == .jsonl ? 2 : 1))
                default:
                    #expect(
                        tasks.contains {
                            $0.request.text.contains("\"seed\":\(plain),")
                                || $0.request.text.contains("\"seed\":\(plain)}")
                        })
                }
            }
        }
        #expect(taken.contains(field == "duration_seconds" ? "8" : "1"), "\(taken)")
    }

    @Test func `seeds are counted up to the largest number, and not beyond`() throws {
        let line = { (seed: Int, count: Int) in
            #"{"id":"a","model":"sora-2-pro","prompt":"p","duration_seconds":8,"seed":\#(seed),"repeat":\#(count)}"#
        }
        let tasks = try #require(try Self.outcome(line(Int.max - 2, 3), .jsonl))
        #expect(tasks.map { $0.request.text.contains("\"seed\":9223372036854775807") } == [false, false, true])
        #expect(try Self.outcome(line(Int.max - 2, 4), .jsonl) == nil)
        #expect(try Self.outcome(line(Int.min, 2), .jsonl)?.count == 2)
    }

    @Test func `a megabyte of digits is not a number, in any format`() throws {
        let digits = String(repeating: "5", count: 1 << 20)
        for field in Self.fields {
            for (format, text) in Self.texts(field, digits) {
                #expect(try Self.outcome(text, format) == nil, "\(format) \(field)")
            }
        }
    }
}
