import DailiesCore
import ProviderSimulator
import Testing

struct WireTests {
    @Test func `a flat submission and its completion match the model's documentation`() throws {
        var harness = Harness { $0.money.perSecond = ["sora-2-pro": Credits(nano: 231_250_000)] }
        let accepted = harness.submit(
            """
            {
                "model": "sora-2-pro",
                "prompt": "A cinematic dolly shot through a misty pine forest at dawn, golden light filtering through.",
                "duration_seconds": 8,
                "resolution": "1080p"
              }
            """)
        let id = try #require(accepted.json?["task_id"]?.string)
        #expect(id.hasPrefix("task_"))
        #expect(
            accepted.text == """
                {"task_id":"\(id)","status":"queued","estimated_credits":1.85,"submitted_at":"2026-05-08T13:00:00Z"}
                """)
        harness.wait(.seconds(134))
        let done = harness.query(id)
        let url = try #require(done.json?["result"]?["video_url"]?.string)
        #expect(
            done.text == """
                {"task_id":"\(id)","status":"completed","result":{"video_url":"\(url)","duration_seconds":8,\
                "resolution":"1080p","aspect_ratio":"16:9"},"credits":1.85,"completed_at":"2026-05-08T13:01:50Z"}
                """)
        #expect(done.header("Date") == "Fri, 08 May 2026 13:02:14 GMT")
    }

    @Test func `a params submission and its responses have the documented fields`() throws {
        var harness = Harness()
        let accepted = harness.submit(Harness.params(key: "job-1"))
        let id = try #require(accepted.json?["task_id"]?.string)
        #expect(
            accepted.text == """
                {"task_id":"\(id)","out_task_id":"job-1","status":"pending","estimated_credits":3.6,\
                "estimated_seconds":110}
                """)
        harness.wait(.seconds(30))
        let running = harness.send("POST", "/v1/tasks/query", "{\"task_id\":\"\(id)\"}")
        #expect(
            running.text == """
                {"task_id":"\(id)","out_task_id":"job-1","status":"running","estimated_credits":3.6,\
                "estimated_seconds":80}
                """)
        harness.wait(.seconds(80))
        let done = harness.send("POST", "/v1/tasks/query", "{\"out_task_id\":\"job-1\"}")
        let url = try #require(done.json?["output"]?.array?.first?["url"]?.string)
        #expect(
            done.text == """
                {"task_id":"\(id)","out_task_id":"job-1","status":"completed","output":[{"type":"video",\
                "url":"\(url)","duration_seconds":8,"width":1920,"height":1080}],"credits_used":3.6}
                """)
    }

    @Test(arguments: [
        (Harness.flat(model: "nonesuch"), 400, "model_not_found"),
        (Harness.flat(seconds: "21"), 400, "invalid_param"),
        (Harness.flat(seconds: "8.5"), 400, "invalid_param"),
        (Harness.flat(seconds: "\"8\""), 400, "invalid_param"),
        (Harness.flat(prompt: ""), 400, "invalid_param"),
        (Harness.flat(more: ",\"aspect_ratio\":\"4:3\""), 400, "invalid_param"),
        (Harness.flat(more: ",\"seed\":\"x\""), 400, "invalid_param"),
        (Harness.flat(more: ",\"style_preset\":\"noir\""), 400, "invalid_param"),
        (Harness.flat(prompt: "a [blocked] scene"), 451, nil),
        ("{\"model\":\"sora-2-pro\"", 400, "invalid_param"),
        ("[]", 400, "invalid_param"),
    ])
    func `an invalid submission is refused free of charge`(body: String, status: Int, code: String?) {
        var harness = Harness()
        let reply = harness.submit(body)
        #expect(reply.status == status)
        #expect(reply.errorCode == code)
        #expect(reply.json?["error"]?["message"]?.string != nil)
        #expect(harness.machine.bill.accepted == 0)
    }

    @Test func `an accepted API key is required`() {
        var harness = Harness { $0.apiKeys = .only(["right"]) }
        for key in ["", "wrong"] {
            harness.key = key
            #expect(harness.submit().status == 401)
            #expect(harness.submit().errorCode == "invalid_api_key")
        }
        harness.key = "right"
        #expect(harness.submit().status == 200)
        harness.key = ""
        let bearer = harness.send(
            "POST", "/v1/tasks/submit", Harness.flat(), headers: ["authorization": "Bearer right"])
        #expect(bearer.status == 200)
        let both = harness.send(
            "POST", "/v1/tasks/submit", Harness.flat(),
            headers: ["authorization": "Bearer right", "x-api-key": "wrong"])
        #expect(both.status == 401)
    }

    @Test func `a body of more than one mebibyte is too large, one of exactly that is not`() {
        var harness = Harness()
        let frame = Harness.flat(prompt: "").utf8.count
        let limit = SimulatedProvider.maximumBodyBytes
        #expect(harness.submit(Harness.flat(prompt: String(repeating: "x", count: limit - frame))).status == 200)
        #expect(harness.submit(Harness.flat(prompt: String(repeating: "x", count: limit - frame + 1))).status == 413)
    }

    @Test func `a service with one dialect refuses the other`() {
        var params = Harness { $0.dialects = [.params] }
        #expect(params.submit().errorCode == "invalid_param")
        #expect(params.submit().text.contains("params"))
        #expect(params.query("task_x").errorCode == "not_found")
        var flat = Harness { $0.dialects = [.flat] }
        #expect(flat.submit(Harness.params()).errorCode == "invalid_param")
    }

    @Test(arguments: ["{}", "{\"task_id\":\"a\",\"out_task_id\":\"b\"}", "nonsense"])
    func `a query names exactly one task`(body: String) {
        var harness = Harness()
        #expect(harness.send("POST", "/v1/tasks/query", body).errorCode == "invalid_param")
        #expect(harness.send("POST", "/v1/tasks/cancel", body).errorCode == "invalid_param")
        #expect(harness.send("GET", "/v1/tasks/query").errorCode == "invalid_param")
    }

    @Test func `an unknown route is not found`() {
        var harness = Harness()
        #expect(harness.send("GET", "/v1/videos/tasks/1").errorCode == "not_found")
        #expect(harness.send("GET", "/v1/tasks/submit").errorCode == "not_found")
    }

    @Test func `a model outside the key's group is refused, and an unknown one is rendered if configured`() throws {
        var harness = Harness {
            $0.modelsOutsideGroup = ["sora-2-pro"]
            $0.unknownModels = .accepted
        }
        #expect(harness.submit().errorCode == "model_not_in_group")
        let reply = harness.submit(Harness.flat(model: "new-model", seconds: "3"))
        #expect(reply.json?["estimated_credits"]?.number == "0.3")
    }
}
