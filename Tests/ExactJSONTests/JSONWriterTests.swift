import ExactJSON
import Testing

struct JSONWriterTests {
    @Test func `commas stand where they belong`() {
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

    @Test func `a writer is complete when all that was begun has ended`() {
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

    @Test func `an error in a member comes out as it is`() {
        struct Stop: Error, Equatable {}
        #expect(throws: Stop()) {
            var writer = JSONWriter()
            try writer.object { (_) throws(Stop) in throw Stop() }
        }
    }

    @Test func `misuse stops the program`() async {
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
        await #expect(processExitsWith: .failure) {
            var writer = JSONWriter()
            writer.number("007")
        }
    }
}
