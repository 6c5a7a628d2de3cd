import ExactJSON
import Testing

struct JSONWriterTests {
    @Test func `commas are written where needed`() {
        var writer = JSONWriter()
        writer.object {
            $0.member("text", "a\"b")
            $0.member("count", 3)
            $0.member("exact", number: "1.850")
            $0.member("flag", true)
            $0.nullMember("nothing")
            $0.name("list")
            $0.array { list in
                list.integer(Int64.min)
                list.array { _ in }
                list.object { _ in }
                list.null()
                list.string("é")
                list.bool(false)
            }
            $0.name("raw")
            $0.raw("{\"a\":[1]}")
            $0.member("value", JSONValue(kind: .array([JSONValue(kind: .number("1e3")), JSONValue(kind: .null)])))
        }
        #expect(writer.isComplete)
        #expect(
            writer.text
                == #"{"text":"a\"b","count":3,"exact":1.850,"flag":true,"nothing":null,"list":[-9223372036854775808,[],{},null,"é",false],"raw":{"a":[1]},"value":[1e3,null]}"#
        )
    }

    @Test(arguments: [
        "inf", "-inf", "nan", "NaN", "", "-", "1e", "1e+", ".5", "5.", "+1", "0x1", "01", "1 ", "1,5", "Infinity",
        "1e5e5",
    ])
    func `text that is not a JSON number is written as null`(text: String) throws {
        var writer = JSONWriter()
        writer.array {
            $0.number(text)
            $0.object { $0.member("a", number: text) }
        }
        #expect(writer.text == #"[null,{"a":null}]"#)
        _ = try JSONValue.parse(writer.bytes)
    }

    @Test func `every floating-point number is written exactly or as null`() throws {
        var values: [Double] = [
            .nan, .signalingNaN, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 0, -0.0,
            .leastNonzeroMagnitude * 2024,
            0x1p63, 1e16, 1e-5, 0.1,
        ]
        for seed in UInt64(0)..<20_000 {
            // The multiplication distributes the bits over all values.
            values.append(Double(bitPattern: seed &* 0x9E37_79B9_7F4A_7C15))
        }
        for value in values {
            var writer = JSONWriter()
            writer.array { $0.number("\(value)") }
            let written = try #require(try JSONValue.parse(writer.bytes).array?.first)
            #expect(written.isNull != value.isFinite, "\(value)")
            #expect(written.number.flatMap { Double($0) } ?? value == value || value.isNaN, "\(value)")
        }
    }

    @Test func `a writer is complete when everything started has ended`() {
        var writer = JSONWriter()
        #expect(!writer.isComplete)
        writer.beginArray()
        #expect(!writer.isComplete)
        writer.endArray()
        #expect(writer.isComplete)
        #expect(writer.bytes == Array("[]".utf8))
    }

    @Test func `a text may be taken in pieces`() throws {
        var writer = JSONWriter()
        var pieces: [[UInt8]] = []
        writer.object { writer in
            writer.name("tasks")
            writer.array { writer in
                for number in 1...5 {
                    writer.object { $0.member("n", number) }
                    pieces.append(writer.takeBytes())
                }
            }
            writer.member("end", "yes")
        }
        pieces.append(writer.bytes)
        #expect(writer.isComplete)
        let text = String(decoding: pieces.joined(), as: UTF8.self)
        #expect(text == #"{"tasks":[{"n":1},{"n":2},{"n":3},{"n":4},{"n":5}],"end":"yes"}"#)
    }

    @Test func `an error in a member is rethrown`() {
        struct Stop: Error, Equatable {}
        #expect(throws: Stop()) {
            var writer = JSONWriter()
            try writer.object { (_) throws(Stop) in throw Stop() }
        }
    }

    @Test func `incorrect use stops the program`() async {
        await #expect(processExitsWith: .failure) {
            var writer = JSONWriter()
            writer.beginObject()
            writer.string("a value without a name")
        }
        await #expect(processExitsWith: .failure) {
            var writer = JSONWriter()
            writer.null()
            writer.null()
        }
    }
}
