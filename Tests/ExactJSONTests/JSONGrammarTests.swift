import ExactJSON
import Testing

/// The grammar of RFC 8259: what is accepted and what it becomes, what is refused, where and in which words.
struct JSONGrammarTests {
    /// Text and its canonical form.
    static let valid: [(String, String)] = [
        ("null", "null"), ("true", "true"), ("false", "false"), (" \t\r\n null \n", "null"),
        ("0", "0"), ("-0", "-0"), ("-1", "-1"), ("10", "10"), ("123456789", "123456789"), ("0.0", "0.0"),
        ("-0.0", "-0.0"), ("1.50", "1.50"), ("1e3", "1e3"), ("1E3", "1E3"), ("1e+3", "1e+3"), ("1e-3", "1e-3"),
        ("0e0", "0e0"), ("1.5E+10", "1.5E+10"), ("0.1e-0007", "0.1e-0007"), ("-123.456e-789", "-123.456e-789"),
        ("9223372036854775807", "9223372036854775807"), ("9223372036854775808", "9223372036854775808"),
        ("1e999999", "1e999999"), ("0.30000000000000004440892098500626", "0.30000000000000004440892098500626"),
        (#""""#, #""""#), (#""a""#, #""a""#), (#"" ""#, #"" ""#), (#""a\"b""#, #""a\"b""#), (#""\\""#, #""\\""#),
        (#""\/""#, #""/""#), (#""\b\f\n\r\t""#, #""\b\f\n\r\t""#), (#""\u0041""#, #""A""#), (#""\u00e9""#, "\"é\""),
        (#""\u00E9""#, "\"é\""), (#""\uD83D\uDE00""#, "\"😀\""), (#""\ud834\udd1e""#, "\"𝄞\""),
        (#""\u0000""#, #""\u0000""#), (#""\u001f""#, #""\u001f""#), (#""\u007f""#, "\"\u{7f}\""),
        (#""\uffff""#, "\"\u{ffff}\""), (#""\u2028""#, "\"\u{2028}\""), ("\"😀 é ü 漢\"", "\"😀 é ü 漢\""),
        ("\"\u{7f}\u{80}\u{10ffff}\"", "\"\u{7f}\u{80}\u{10ffff}\""), (#""a\\\"b""#, #""a\\\"b""#),
        (#""\\u0041""#, #""\\u0041""#), ("[]", "[]"), ("[ ]", "[]"), ("[1]", "[1]"), ("[1 , 2]", "[1,2]"),
        ("[[[]]]", "[[[]]]"), ("[null,true,\"\",{},[]]", "[null,true,\"\",{},[]]"), ("{}", "{}"), ("{ }", "{}"),
        (#"{"a":1}"#, #"{"a":1}"#), (#"{ "a" : 1 , "b" : [ ] }"#, #"{"a":1,"b":[]}"#), (#"{"":""}"#, #"{"":""}"#),
        (#"{"b":1,"a":2}"#, #"{"b":1,"a":2}"#), (#"{"a":1,"a":2}"#, #"{"a":1,"a":2}"#),
        (#"{"\u0061":{"b":{"c":null}}}"#, #"{"a":{"b":{"c":null}}}"#), ("[1,\r\n2,\r3]", "[1,2,3]"),
    ]

    @Test(arguments: valid)
    func `a valid text is read and written again in canonical form`(text: String, canonical: String) throws {
        #expect(try JSONValue.parse(Array(text.utf8)).compactText == canonical)
        #expect(try JSONValue.parse(Array(canonical.utf8)).compactText == canonical)
    }

    /// Text, and the error as `line:column message`.
    static let invalid: [(String, String)] = [
        ("", "1:1 the text is empty: expected a value"), (" \n ", "2:2 the text is empty: expected a value"),
        ("nul", "1:1 expected null"), ("nulll", "1:5 expected null, found a longer word"), ("tru", "1:1 expected true"),
        ("True", "1:1 expected a value; true, false and null are in lower case"), ("falſe", "1:1 expected false"),
        ("true1", "1:5 expected true, found a longer word"),
        ("NaN", "1:1 expected a value; JSON does not support NaN or Infinity"),
        ("Infinity", "1:1 expected a value; JSON does not support NaN or Infinity"),
        ("-Infinity", "1:2 expected a digit after -"),
        ("-", "1:2 expected a digit after -"), ("- 1", "1:2 expected a digit after -"),
        ("+1", "1:1 expected a value; a number starts with a digit or -"),
        (".5", "1:1 expected a value; a number starts with a digit or -"), ("-.5", "1:2 expected a digit after -"),
        ("01", "1:2 a number does not start with 0"), ("-01", "1:3 a number does not start with 0"),
        ("007", "1:2 a number does not start with 0"), ("1.", "1:3 expected a digit after the decimal point"),
        ("1.e5", "1:3 expected a digit after the decimal point"), ("1e", "1:3 expected a digit in the exponent"),
        ("1e+", "1:4 expected a digit in the exponent"), ("1eE2", "1:3 expected a digit in the exponent"),
        ("1.2.3", "1:4 expected the end of a number"), ("0x10", "1:2 expected the end of a number"),
        ("1_000", "1:2 expected the end of a number"), ("1a", "1:2 expected the end of a number"),
        ("1-2", "1:2 expected the end of a number"), ("１", "1:1 expected a value"),
        ("1 2", "1:3 expected the end of the text after its value"),
        ("{} {}", "1:4 expected the end of the text after its value"),
        ("[] x", "1:4 expected the end of the text after its value"),
        ("null\u{0}", "1:5 expected the end of the text after its value"),
        ("]", "1:1 expected a value"), ("}", "1:1 expected a value"), (",", "1:1 expected a value"),
        (":", "1:1 expected a value"),
        ("[", "1:2 expected a value, found the end of the text"), ("[1", "1:3 expected , or ] after an element"),
        ("[1,", "1:4 expected a value, found the end of the text"), ("[1,]", "1:4 expected a value"),
        ("[,1]", "1:2 expected a value"),
        ("[1 2]", "1:4 expected , or ] after an element"), ("[1;2]", "1:3 expected , or ] after an element"),
        ("[1}", "1:3 expected , or ] after an element"), ("[1:2]", "1:3 expected , or ] after an element"),
        ("{", "1:2 expected a member name in double quotes or }"), (#"{"a""#, "1:5 expected : after a member name"),
        (#"{"a" 1}"#, "1:6 expected : after a member name"),
        (#"{"a":"#, "1:6 expected a value, found the end of the text"),
        (#"{"a":}"#, "1:6 expected a value"), (#"{"a":1"#, "1:7 expected , or } after a member"),
        (#"{"a":1,}"#, "1:8 expected a member name in double quotes after ,"),
        (#"{,"a":1}"#, "1:2 expected a member name in double quotes or }"),
        (#"{"a":1 "b":2}"#, "1:8 expected , or } after a member"),
        (#"{"a":1]"#, "1:7 expected , or } after a member"), (#"{"a":1,"b"}"#, "1:11 expected : after a member name"),
        ("{a:1}", "1:2 expected a member name in double quotes or }"),
        ("{1:1}", "1:2 expected a member name in double quotes or }"),
        ("{'a':1}", "1:2 expected a member name in double quotes or }"), (#"{"a"::1}"#, "1:6 expected a value"),
        ("'a'", "1:1 expected a value; strings need double quotes"),
        ("// x\n1", "1:1 expected a value; JSON has no comments"),
        ("# x\n1", "1:1 expected a value; JSON has no comments"),
        ("[1,\n /* x */ 2]", "2:2 expected a value; JSON has no comments"),
        (#"""#, "1:1 this string has no closing quote"), (#"["abc"#, "1:2 this string has no closing quote"),
        (#""abc\""#, "1:1 this string has no closing quote"), (#""\"#, "1:2 expected a character after \\"),
        ("\"a\nb\"", "1:3 a control character in a string must be written as \\n"),
        ("\"a\tb\"", "1:3 a control character in a string must be written as \\t"),
        ("\"\u{0}\"", "1:2 a control character in a string must be written as \\u0000"),
        ("\"\u{1f}\"", "1:2 a control character in a string must be written as \\u001f"),
        ("\"é\u{1}\"", "1:3 a control character in a string must be written as \\u0001"),
        (#""\a""#, "1:2 invalid escape; use \\ with one of \" \\ / b f n r t u"),
        (#""\'""#, "1:2 invalid escape; use \\ with one of \" \\ / b f n r t u"),
        (#""\x41""#, "1:2 invalid escape; use \\ with one of \" \\ / b f n r t u"),
        (#""\U0041""#, "1:2 invalid escape; use \\ with one of \" \\ / b f n r t u"),
        (#""\u""#, "1:2 expected four hexadecimal digits after \\u"),
        (#""\u12""#, "1:2 expected four hexadecimal digits after \\u"),
        (#""\u00g0""#, "1:2 expected four hexadecimal digits after \\u"),
        (#""\u+041""#, "1:2 expected four hexadecimal digits after \\u"),
        (#""\ud800""#, "1:2 unpaired half of a surrogate pair"),
        (#""\udc00""#, "1:2 unpaired half of a surrogate pair"),
        (#""\ud800\ud800""#, "1:2 unpaired half of a surrogate pair"),
        (#""\ud800x""#, "1:2 unpaired half of a surrogate pair"),
        (#""\ud800\n""#, "1:2 unpaired half of a surrogate pair"),
        (#""\udc00\ud800""#, "1:2 unpaired half of a surrogate pair"),
        (#""\ud800\u0041""#, "1:2 unpaired half of a surrogate pair"),
        (#""\ud800\u12""#, "1:2 unpaired half of a surrogate pair"),
        ("\u{FEFF}null", "1:1 JSON must not start with a byte order mark"), ("\u{a0}1", "1:1 expected a value"),
        ("[1,\u{2028}2]", "1:4 expected a value"), ("\u{c}1", "1:1 expected a value"),
        ("undefined", "1:1 expected a value"),
        ("[\"é\", x]", "1:7 expected a value"), ("{\"漢😀\": x}", "1:8 expected a value"),
    ]

    @Test(arguments: invalid)
    func `an invalid text is refused with its position and a message`(text: String, expected: String) {
        #expect(failure(Array(text.utf8)) == expected)
    }

    static let brokenUTF8: [([UInt8], String)] = [
        ([0x22, 0x80, 0x22], "1:2"), ([0x22, 0xC0, 0x80, 0x22], "1:2"), ([0x22, 0xC1, 0xBF, 0x22], "1:2"),
        ([0x22, 0xC3, 0x22], "1:2"), ([0x22, 0xE0, 0x80, 0x80, 0x22], "1:2"), ([0x22, 0xE0, 0x9F, 0xBF, 0x22], "1:2"),
        ([0x22, 0xED, 0xA0, 0x80, 0x22], "1:2"), ([0x22, 0xF0, 0x8F, 0xBF, 0xBF, 0x22], "1:2"),
        ([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], "1:2"), ([0x22, 0xF5, 0x80, 0x80, 0x80, 0x22], "1:2"),
        ([0x22, 0xFF, 0x22], "1:2"), ([0x22, 0xE2, 0x82], "1:2"), ([0x0A, 0x22, 0xC3, 0xA9, 0xFF], "2:3"),
        ([0x0D, 0x0A, 0x0D, 0xFE], "3:1"), ([0x22, 0xF0, 0x9F, 0x98, 0x80, 0xF0, 0x9F], "1:3"),
        ([0x22, 0xE1, 0x80, 0xC0], "1:2"),
    ]

    @Test(arguments: brokenUTF8)
    func `invalid UTF-8 is refused at its first byte`(bytes: [UInt8], place: String) {
        #expect(failure(bytes) == "\(place) invalid UTF-8")
    }

    @Test func `the grammar of numbers can be checked separately`() {
        for text in ["0", "-0", "-0.5e3", "10", "1E+2", "1e-2", "0.0"] { #expect(JSONText.isNumber(text), "\(text)") }
        for text in ["", "-", "+1", "007", "1.", ".5", "NaN", "1e", "1e+", "0x1", " 1", "1 ", "१", "1,5", "--1"] {
            #expect(!JSONText.isNumber(text), "\(text)")
        }
    }

    private func failure(_ bytes: [UInt8]) -> String {
        do throws(JSONError) {
            return "accepted as " + (try JSONValue.parse(bytes).compactText)
        } catch {
            return "\(error.position.line):\(error.position.column) \(error.message)"
        }
    }
}
