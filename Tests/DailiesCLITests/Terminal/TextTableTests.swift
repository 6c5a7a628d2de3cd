import Testing

@testable import DailiesCLI

struct TextTableTests {
    @Test func `columns align with keys in Chinese, Japanese and Korean, with emoji and with combining marks`() {
        var table = TextTable(["key", "credits", "state"], rightAligned: [1])
        for key in ["雾中森林", "ラーメン", "안개", "cafe\u{301}", "🎬 take"] { table.add([key, "0.4", "saved"]) }
        #expect(
            table.text == """
                key       credits  state
                雾中森林      0.4  saved
                ラーメン      0.4  saved
                안개          0.4  saved
                cafe\u{301}          0.4  saved
                🎬 take       0.4  saved
                """)
    }
}
