import DailiesCore
import ExactJSON
import Testing

@testable import ProviderWire

@Suite struct SubmitBodyTests {
    @Test func `the flat body has the model first, the fields in canonical order and the key last`() {
        #expect(
            text(SubmitBody.encode(pageRequest, key: pageKey, dialect: .flat)) == """
                {"model":"sora-2-pro","duration_seconds":8,"prompt":"Dolly shot","resolution":"1080p",\
                "out_task_id":"abcdefghijklmnopqrstuvwx"}
                """)
    }

    @Test func `the params body is as documented for the dispatcher`() throws {
        let body = text(SubmitBody.encode(pageRequest, key: pageKey, dialect: .params))
        #expect(body == (try PageFixtures.compact(PageFixtures.paramsSubmit)))
    }

    @Test(arguments: [PageFixtures.submit, PageFixtures.shortSubmit])
    func `the documented submits are read`(page: String) throws {
        let body = try SubmitBody.decode(Array(page.utf8))
        #expect(body.model == "sora-2-pro")
        #expect(body.dialect == .flat)
        #expect(body.outTaskID == nil)
        #expect(body.fields["duration_seconds"]?.number == "8")
        #expect(body.fields["resolution"]?.string == "1080p")
        #expect(Set(body.fields.keys) == ["prompt", "duration_seconds", "resolution"])
    }

    @Test func `our flat body has the content of the documented submit`() throws {
        let canonical = CanonicalRequest(
            text: """
                {"duration_seconds":8,"model":"sora-2-pro","prompt":"Dolly shot through pine forest at dawn",\
                "resolution":"1080p"}
                """)
        let ours = try SubmitBody.decode(SubmitBody.encode(canonical, key: pageKey, dialect: .flat))
        let pages = try SubmitBody.decode(Array(PageFixtures.shortSubmit.utf8))
        #expect(ours.content == pages.content)
    }

    @Test(arguments: Dialect.allCases)
    func `numbers and text are sent byte for byte`(dialect: Dialect) throws {
        let canonical = CanonicalRequest(
            text: #"{"a":9223372036854775807,"b":1.0,"c":1e5,"d":0.10,"model":"m","prompt":"é é \"\\\n\u0001 😀"}"#)
        let body = SubmitBody.encode(canonical, key: pageKey, dialect: dialect)
        for raw in [
            #""a":9223372036854775807"#, #""b":1.0"#, #""c":1e5"#, #""d":0.10"#,
            #""prompt":"é é \"\\\n\u0001 😀""#,
        ] {
            #expect(contains(body, Array(raw.utf8)), "\(raw) in \(text(body))")
        }
        let decoded = try SubmitBody.decode(body)
        #expect(decoded.outTaskID == pageKey.text)
        #expect(decoded.dialect == dialect)
        #expect(decoded.fields["a"]?.number == "9223372036854775807")
    }

    @Test func `dialect, order and call fields do not change the content, but the text of a number does`() throws {
        let bodies = [
            #"{"model":"m","prompt":"p","x":{"b":1,"a":2},"out_task_id":"k"}"#,
            #"{"x":{"a":2,"b":1},"callback_url":"https://x","prompt":"p","stream":false,"model":"m"}"#,
            #"{"params":{"x":{"a":2,"b":1},"prompt":"p"},"model":"m"}"#,
        ]
        let contents = try bodies.map { try SubmitBody.decode(Array($0.utf8)).content }
        #expect(Set(contents).count == 1)
        #expect(text(contents[0]) == #"{"model":"m","params":{"prompt":"p","x":{"a":2,"b":1}}}"#)
        let other = try SubmitBody.decode(Array(#"{"model":"m","prompt":"p","x":{"b":1.0,"a":2}}"#.utf8))
        #expect(other.content != contents[0])
    }

    @Test func `two normal forms of one prompt are different content`() throws {
        let composed = try SubmitBody.decode(Array("{\"model\":\"m\",\"prompt\":\"\u{E9}\"}".utf8))
        let decomposed = try SubmitBody.decode(Array("{\"model\":\"m\",\"prompt\":\"e\u{301}\"}".utf8))
        #expect(composed.content != decomposed.content)
    }

    @Test(arguments: [
        ("[]", WireError.Reason.notAnObject), ("{", .notAnObject), ("", .notAnObject),
        (#"{"prompt":"p"}"#, .missing("model")), (#"{"model":null}"#, .missing("model")),
        (#"{"model":7}"#, .unusable("model")), (#"{"model":""}"#, .unusable("model")),
        (#"{"model":"m","params":[]}"#, .unusable("params")),
        (#"{"model":"m","out_task_id":7}"#, .unusable("out_task_id")),
        (#"{"model":"m","seed":1,"seed":2}"#, .duplicate("seed")),
    ])
    func `an invalid submit is refused with its reason`(body: String, reason: WireError.Reason) {
        #expect {
            try SubmitBody.decode(Array(body.utf8))
        } throws: {
            ($0 as? WireError)?.reason == reason
        }
    }

    private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        bytes.indices.contains { bytes[$0...].starts(with: part) }
    }
}

@Suite struct SubjectBodyTests {
    @Test func `queries by id and by key survive encoding`() throws {
        for subject in [TaskQuery.Subject.remote(RemoteTaskID("task_\"ü")), .key(pageKey)] {
            #expect(try QueryBody.decode(QueryBody.encode(subject)) == subject)
        }
        #expect(text(QueryBody.encode(.remote(RemoteTaskID("task_1")))) == #"{"task_id":"task_1"}"#)
        #expect(text(QueryBody.encode(.key(pageKey))) == #"{"out_task_id":"abcdefghijklmnopqrstuvwx"}"#)
    }

    @Test func `the flat query has the documented path`() throws {
        let target = Endpoint.query(RemoteTaskID("task_1"))
        #expect(target == "/v1/tasks/query?task_id=task_1")
        let (path, query) = Endpoint.split(target)
        #expect(path == Endpoint.query)
        #expect(try QueryBody.decode(query: query) == .remote(RemoteTaskID("task_1")))
    }

    @Test func `a query with both ids or neither is refused`() {
        for (body, reason) in [
            (#"{"task_id":"a","out_task_id":"b"}"#, WireError.Reason.bothIDs), ("{}", .neitherID),
            (#"{"task_id":"","out_task_id":null}"#, .neitherID), (#"{"task_id":1}"#, .unusable("task_id")),
        ] {
            #expect(throws: WireError.self) { try QueryBody.decode(Array(body.utf8)) }
            do throws(WireError) {
                _ = try QueryBody.decode(Array(body.utf8))
            } catch {
                #expect(error.reason == reason)
            }
        }
        #expect(throws: WireError(.bothIDs)) { try QueryBody.decode(query: "task_id=a&out_task_id=b") }
        #expect(throws: WireError(.neitherID)) { try QueryBody.decode(query: "x=y&task_id=") }
    }
}

@Suite struct WirePathTests {
    @Test func `any id survives the path and the query string`() throws {
        for id in ["task_01HZX", "a b+c/d?e&f=g%h#i", "ü…😀", "..", "\u{1}\n"] {
            let remote = RemoteTaskID(id)
            let cancel = Endpoint.cancel(remote)
            #expect(cancel.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") })
            #expect(Endpoint.cancelledTask(path: cancel) == remote)
            #expect(try QueryBody.decode(query: Endpoint.split(Endpoint.query(remote)).query) == .remote(remote))
        }
    }

    @Test func `a path that is not a cancellation has no id`() {
        for path in ["/v1/tasks/cancel", "/v1/tasks/cancel/", "/v1/tasks/cancelled/x", "/v1/tasks/cancel/%G0", "/"] {
            #expect(Endpoint.cancelledTask(path: path) == nil)
        }
    }

    @Test func `pairs with invalid escapes are skipped`() {
        let items = Endpoint.items(ofQuery: "a=1&b=%zz&c=%C3%BC&d&e=x+y&&f=1=2&%FF=1&g=%4")
        #expect(items.map(\.name) == ["a", "c", "d", "e", "f"])
        #expect(items.map(\.value) == ["1", "ü", "", "x y", "1=2"])
    }
}
