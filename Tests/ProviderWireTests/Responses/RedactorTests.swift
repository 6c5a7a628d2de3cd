import DailiesCore
import ProviderWire
import Testing

struct RedactorTests {
    @Test func `every occurrence is replaced, the longest secret first, and other text is unchanged`() {
        let redaction = Redactor(secrets: ["abcabcab", "", "abcabcabcdef"])
        #expect(redaction("abcabcab abcabcabcdef ab") == "[key] [key] ab")
        #expect(redaction("ababcabcab") == "ab[key]")
        #expect(redaction("é ok") == "é ok")
        #expect(Redactor.none("abcabcab") == "abcabcab")
    }

    @Test func `a short key does not redact a provider's text`() throws {
        let redaction = Redactor(secrets: ["k", "task"])
        let body = Array(#"{"task_id":"task_kk","status":"queued","error_message":"no task k"}"#.utf8)
        let report = try TaskResponseDecoder.report(body, date: nil, redaction: redaction)
        #expect(report.remoteID == RemoteTaskID("task_kk"))
        #expect(report.failureMessage == "no task k")
    }

    @Test func `a key of eight bytes is redacted in messages, but not in ids and URLs`() throws {
        let redaction = Redactor(secrets: ["sk-12345"])
        let body = Array(
            #"{"task_id":"t-sk-12345","status":"failed","error_message":"sk-12345 is wrong"}"#.utf8)
        let report = try TaskResponseDecoder.report(body, date: nil, redaction: redaction)
        #expect(report.remoteID == RemoteTaskID("t-sk-12345"))
        #expect(report.failureMessage == "[key] is wrong")
    }

    @Test func `a real key is redacted everywhere`() throws {
        let key = "sk-byts-0123456789abcdef"
        let redaction = Redactor(secrets: [key])
        let body = Array(
            #"{"task_id":"t","status":"completed","result":{"video_url":"https://a.example/\#(key)"}}"#.utf8)
        let report = try TaskResponseDecoder.report(body, date: nil, redaction: redaction)
        #expect(report.asset == AssetLocation(url: "https://a.example/[key]"))
    }
}
