import Testing

@testable import DailiesCore

@Suite struct BaseURLTests {
    @Test(arguments: [
        ("https://H.Example:443/v1//", "https://h.example/v1"), ("HTTP://h:80", "http://h"),
        ("http://h:080", "http://h"),
        ("http://h:443", "http://h:443"), ("http://LOCALHOST:8080/", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("https://h/V1", "https://h/V1"),
        ("http://[::1]:80/a", "http://[::1]/a"), ("http://[2001:DB8::1]", "http://[2001:db8::1]"),
        ("http://h:", "http://h"), ("http://h:99999999999999999999", "http://h:99999999999999999999"),
        ("tiny", "tiny"), ("tiny://X", "tiny://X"), ("http:/h", "http:/h"), ("", ""), ("http://", "http://"),
    ])
    func `two spellings of one URL are one service`(given: String, canonical: String) {
        #expect(BaseURL.canonical(given) == canonical)
        #expect(BaseURL.canonical(canonical) == canonical)
    }

    @Test(arguments: [
        ("https://h.example/v1", "; did you mean https://h.example, without /v1?"),
        ("http://h:81/api/v1/", "; did you mean http://h:81, without /api/v1?"), ("https://h", "; check the base URL"),
        ("tiny", "; check the base URL"),
    ])
    func `a base URL with a path gets a hint to remove it`(given: String, hint: String) {
        #expect(BaseURL.hint(for: given) == hint)
    }
}
