import ExactJSON
import Testing

struct JSONValueTests {
    private func parse(_ text: String, limits: JSONLimits = .default) throws(JSONError) -> JSONValue {
        try JSONValue.parse(Array(text.utf8), limits: limits)
    }

    // MARK: Positions

    @Test func `positions count lines, scalars and bytes`() throws {
        let value = try parse("{\n  \"é\": 1,\r\n\t\"b\": [true,\r \"漢😀\", null]\n}")
        let members = try #require(value.members)
        #expect(value.position == JSONPosition(offset: 0, line: 1, column: 1))
        #expect(members[0].position == JSONPosition(offset: 4, line: 2, column: 3))
        #expect(members[0].value.position == JSONPosition(offset: 10, line: 2, column: 8))
        #expect(members[1].position == JSONPosition(offset: 15, line: 3, column: 2))
        let elements = try #require(members[1].value.array)
        #expect(elements[0].position == JSONPosition(offset: 21, line: 3, column: 8))
        #expect(elements[1].position == JSONPosition(offset: 28, line: 4, column: 2))
        #expect(elements[2].position == JSONPosition(offset: 39, line: 4, column: 8))
    }

    @Test func `a part of a larger text has the positions of the larger text`() throws {
        let start = JSONPosition(offset: 100, line: 7, column: 5)
        let value = try JSONValue.parse(Array("[1,\n2]".utf8)[...], startingAt: start)
        #expect(value.position == start)
        #expect(
            value.array?.map(\.position) == [
                JSONPosition(offset: 101, line: 7, column: 6), JSONPosition(offset: 104, line: 8, column: 1),
            ])
        #expect(
            throws: JSONError(
                position: JSONPosition(offset: 102, line: 7, column: 7), message: "expected , or ] after an element")
        ) {
            try JSONValue.parse(Array("[1".utf8), startingAt: start)
        }
    }

    // MARK: Content

    @Test func `numbers keep their text`() throws {
        for text in ["9223372036854775807", "18446744073709551616", "0.10", "1e3", "-0", "1.0000000000000000001"] {
            #expect(try parse(text).number == text)
        }
    }

    @Test func `duplicate members are all kept, and the subscript returns the last`() throws {
        let value = try parse(#"{"a":1,"b":2,"a":3}"#)
        #expect(value.members?.map(\.name) == ["a", "b", "a"])
        #expect(value.members?.map(\.position.column) == [2, 8, 14])
        #expect(value["a"]?.number == "3")
        #expect(value["c"] == nil)
        #expect(try parse("[1]")["a"] == nil)
    }

    @Test func `names and texts are compared by their bytes`() throws {
        let value = try parse("{\"e\u{301}\":1,\"\u{e9}\":2}")
        #expect(value["e\u{301}"]?.number == "1")
        #expect(value["\u{e9}"]?.number == "2")
        #expect(try parse("\"e\u{301}\"") != parse("\"\u{e9}\""))
        #expect(try parse("{\"e\u{301}\":1}") != parse("{\"\u{e9}\":1}"))
        #expect(try parse("\"e\u{301}\"").compactText.utf8.elementsEqual("\"e\u{301}\"".utf8))
    }

    @Test func `a value has one kind`() throws {
        let values = try #require(try parse(#"["t",1,true,null,[],{}]"#).array)
        #expect(values.map { $0.string } == ["t", nil, nil, nil, nil, nil])
        #expect(values.map { $0.number } == [nil, "1", nil, nil, nil, nil])
        #expect(values.map { $0.bool } == [nil, nil, true, nil, nil, nil])
        #expect(values.map { $0.isNull } == [false, false, false, true, false, false])
        #expect(values.map { $0.array != nil } == [false, false, false, false, true, false])
        #expect(values.map { $0.members != nil } == [false, false, false, false, false, true])
    }

    @Test func `any collection of bytes is read`() throws {
        #expect(try JSONValue.parse("[1]".utf8).compactText == "[1]")
        #expect(try JSONValue.parse(Array("[1]".utf8).lazy.map { $0 }).compactText == "[1]")
    }

    @Test func `quoting escapes what must be escaped and nothing else`() {
        #expect(
            JSONText.quoted("a\"b\\c/d\n\r\t\u{8}\u{c}\u{0}\u{1f}\u{7f}é\u{2028}😀")
                == "\"a\\\"b\\\\c/d\\n\\r\\t\\b\\f\\u0000\\u001f\u{7f}é\u{2028}😀\"")
    }

    @Test func `every scalar survives writing and reading`() throws {
        for first in stride(from: UInt32(0), to: 0x11_0000, by: 0x400) {
            var scalars = String.UnicodeScalarView()
            for value in first..<first + 0x400 { if let scalar = UnicodeScalar(value) { scalars.append(scalar) } }
            let text = String(scalars)
            let read = try #require(try parse(JSONText.quoted(text)).string)
            #expect(read.utf8.elementsEqual(text.utf8), "U+\(String(first, radix: 16))")
        }
    }

    // MARK: Limits

    @Test func `nesting is accepted up to the limit`() throws {
        let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(try parse(deepest).compactText == deepest)
        let error = #expect(throws: JSONError.self) { try parse("[" + deepest + "]") }
        #expect(error?.message == "nested deeper than 64 levels")
        #expect(error?.position.offset == 64)
        let objects = String(repeating: "{\"a\":", count: 65)
        #expect(throws: JSONError.self) { try parse(objects) }
        #expect(try parse("[[]]", limits: JSONLimits(maximumDepth: 2)).compactText == "[[]]")
        #expect(throws: JSONError.self) { try parse("[[]]", limits: JSONLimits(maximumDepth: 1)) }
    }

    @Test func `a million brackets are refused, whatever the depth limit`() {
        let error = #expect(throws: JSONError.self) {
            try parse(String(repeating: "[", count: 1_000_000), limits: JSONLimits(maximumDepth: .max))
        }
        #expect(error?.message == "nested deeper than 512 levels")
    }

    @Test func `a text beyond the byte limit is refused`() {
        let error = #expect(throws: JSONError.self) { try parse("[1,2]", limits: JSONLimits(maximumBytes: 4)) }
        #expect(error?.message == "the text has 5 bytes, more than the 4 allowed")
    }

    @Test func `an error states its position`() {
        let error = #expect(throws: JSONError.self) { try parse("{\"a\":1\n \"b\"") }
        #expect(error?.description == "line 2, column 2: expected , or } after a member")
    }

    @Test func `any bytes are read or refused, without a crash`() {
        var generator = SplitMix(state: 20_261_123)
        let seeds = [
            #"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00",null,true],"b":{"c":"é漢"}}"#, "[[],{},\"\",0]", "\"\\n\\t\"",
        ].map { Array($0.utf8) }
        for round in 0..<20_000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0...Int.random(in: 0..<4, using: &generator) {
                let index = Int.random(in: 0..<max(bytes.count, 1), using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0 where !bytes.isEmpty: bytes.remove(at: index)
                case 1 where !bytes.isEmpty: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                default: bytes.insert(UInt8.random(in: 0...127, using: &generator), at: min(index, bytes.count))
                }
            }
            do throws(JSONError) {
                let text = try JSONValue.parse(bytes).compactText
                #expect(try JSONValue.parse(text.utf8).compactText.utf8.elementsEqual(text.utf8), "round \(round)")
            } catch {
                #expect(error.position.offset <= bytes.count, "round \(round)")
            }
        }
    }
}

/// A small generator with a seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
