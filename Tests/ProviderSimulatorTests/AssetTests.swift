import DailiesCore
import ProviderSimulator
import Testing

struct AssetTests {
    /// A completed task's URL, as path and query.
    private static func completed(_ harness: inout Harness) throws -> (id: String, path: String) {
        let id = try harness.accept()
        harness.wait(.seconds(110))
        return (id, try path(harness.query(id)))
    }

    private static func path(_ reply: SimulatedResponse) throws -> String {
        let url = try #require(reply.json?["result"]?["video_url"]?.string)
        try #require(url.hasPrefix("http://127.0.0.1/simulator/assets/"))
        return String(url.dropFirst("http://127.0.0.1".count))
    }

    private static func get(
        _ harness: inout Harness, _ path: String, range: String? = nil
    ) -> SimulatedResponse {
        harness.key = ""
        return harness.send("GET", path, headers: range.map { ["range": $0] } ?? [:])
    }

    @Test func `a clip is delivered without a key, whole and with its length`() throws {
        var harness = Harness()
        let (_, path) = try Self.completed(&harness)
        let reply = Self.get(&harness, path)
        #expect(reply.status == 200)
        #expect(reply.header("Content-Type") == "video/mp4")
        #expect(reply.header("Content-Length") == "\(reply.body.count)")
        #expect(reply.body == ClipMaker(resolution: "1080p", aspectRatio: "16:9", seconds: 8).file())
        #expect(harness.send("GET", "/simulator/state").json?["keys_sent_to_assets"]?.number == "0")
        harness.key = "leaked"
        _ = harness.send("GET", path)
        #expect(harness.send("GET", "/simulator/state").json?["keys_sent_to_assets"]?.number == "1")
    }

    @Test func `a range brings its part`() throws {
        var harness = Harness()
        let (_, path) = try Self.completed(&harness)
        let whole = Self.get(&harness, path).body
        let rows: [(String, Range<Int>)] = [
            ("bytes=0-0", 0..<1), ("bytes=10-19", 10..<20), ("bytes=100-", 100..<whole.count),
            ("bytes=-5", whole.count - 5..<whole.count), ("bytes=5-999999999", 5..<whole.count),
        ]
        for (field, bytes) in rows {
            let reply = Self.get(&harness, path, range: field)
            #expect(reply.status == 206)
            #expect(reply.body == Array(whole[bytes]))
            #expect(
                reply.header("Content-Range") == "bytes \(bytes.lowerBound)-\(bytes.upperBound - 1)/\(whole.count)")
        }
        #expect(Self.get(&harness, path, range: "bytes=\(whole.count)-").status == 416)
        for nonsense in ["bytes=9-3", "bytes=1-2,5-6", "lines=1-2", "bytes=x-y", "bytes=-"] {
            #expect(Self.get(&harness, path, range: nonsense).status == 200)
        }
    }

    @Test func `a URL dies a day after the query that gave it, and a new query gives a new one`() throws {
        var harness = Harness()
        let (id, path) = try Self.completed(&harness)
        harness.wait(.seconds(86_399))
        #expect(Self.get(&harness, path).status == 200)
        harness.wait(.seconds(1))
        #expect(Self.get(&harness, path).status == 403)
        harness.key = "sk-byts-one"
        let fresh = try Self.path(harness.query(id))
        #expect(fresh != path)
        #expect(Self.get(&harness, fresh).status == 200)
    }

    @Test func `counted from completion, every query gives the same URL and none after it died`() throws {
        var harness = Harness {
            $0.assets.countedFrom = .completion
            $0.assets.urlLifetime = .seconds(60)
        }
        let (id, path) = try Self.completed(&harness)
        harness.wait(.seconds(60))
        #expect(try Self.path(harness.query(id)) == path)
        #expect(Self.get(&harness, path).status == 403)
    }

    @Test func `a URL that was changed is refused`() throws {
        var harness = Harness()
        let (_, path) = try Self.completed(&harness)
        let expires = try #require(path.firstRange(of: "expires="))
        #expect(Self.get(&harness, path.replacingCharacters(in: expires, with: "expires=9")).status == 403)
        #expect(Self.get(&harness, path + "0").status == 403)
        #expect(Self.get(&harness, "/simulator/assets/task_none/clip.mp4?expires=1&sig=1").status == 404)
    }

    @Test func `a download is cut, or refused although its URL lives`() throws {
        var harness = Harness { $0.faults = FaultPlan([.cutDownload: 1]) }
        let (_, path) = try Self.completed(&harness)
        let reply = Self.get(&harness, path)
        guard case .truncate(let bytes) = reply.action else {
            Issue.record("\(reply.action)")
            return
        }
        #expect(bytes < reply.body.count)
        _ = harness.send("POST", "/simulator/control", "{\"fault\":{\"cutDownload\":0,\"expireURL\":1}}")
        #expect(Self.get(&harness, path).status == 403)
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
        var copy = self
        copy.replaceSubrange(range, with: text)
        return copy
    }
}
