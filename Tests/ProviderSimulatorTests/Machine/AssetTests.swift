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
        _ harness: inout Harness, _ path: String, range: String? = nil, ifRange: String? = nil
    ) -> SimulatedResponse {
        harness.key = ""
        var headers = range.map { ["range": $0] } ?? [:]
        headers["if-range"] = ifRange
        return harness.send("GET", path, headers: headers)
    }

    @Test func `a clip is delivered without a key, whole and with its length`() throws {
        var harness = Harness()
        let (_, path) = try Self.completed(&harness)
        let reply = Self.get(&harness, path)
        #expect(reply.status == 200)
        #expect(reply.header("Content-Type") == "video/mp4")
        #expect(reply.header("Content-Length") == "\(reply.body.count)")
        #expect(reply.body == ClipWriter(resolution: "1080p", aspectRatio: "16:9", seconds: 8).file())
        #expect(harness.send("GET", "/simulator/state").json?["keys_sent_to_assets"]?.number == "0")
        harness.key = "leaked"
        _ = harness.send("GET", path)
        #expect(harness.send("GET", "/simulator/state").json?["keys_sent_to_assets"]?.number == "1")
    }

    @Test func `a range request returns its part`() throws {
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

    @Test func `a URL expires a day after its query, and a new query returns a new one`() throws {
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

    @Test func `if counted from completion, every query returns the same URL, and none after it expired`() throws {
        var harness = Harness {
            $0.assets.countedFrom = .completion
            $0.assets.urlLifetime = .seconds(60)
        }
        let (id, path) = try Self.completed(&harness)
        harness.wait(.seconds(60))
        #expect(try Self.path(harness.query(id)) == path)
        #expect(Self.get(&harness, path).status == 403)
    }

    @Test func `a modified URL is refused`() throws {
        var harness = Harness()
        let (_, path) = try Self.completed(&harness)
        let expires = try #require(path.firstRange(of: "expires="))
        #expect(Self.get(&harness, path.replacingCharacters(in: expires, with: "expires=9")).status == 403)
        #expect(Self.get(&harness, path + "0").status == 403)
        #expect(Self.get(&harness, "/simulator/assets/task_none/clip.mp4?expires=1&sig=1").status == 404)
    }

    @Test func `a HEAD response states a clip's length and version, and has no body`() throws {
        var harness = Harness()
        let (_, path) = try Self.completed(&harness)
        let whole = Self.get(&harness, path)
        let head = harness.send("HEAD", path)
        #expect(head.status == 200 && head.body.isEmpty)
        for name in ["Content-Length", "ETag"] { #expect(head.header(name) == whole.header(name)) }
        #expect(head.header("Content-Length") == "\(whole.body.count)")
    }

    @Test(arguments: SimulatorConfiguration.Validators.allCases)
    func `a range is returned only for the version that it asks for`(validators: SimulatorConfiguration.Validators)
        throws
    {
        var harness = Harness { $0.assets.validators = validators }
        let (_, path) = try Self.completed(&harness)
        let whole = Self.get(&harness, path)
        let validator = whole.header("ETag") ?? whole.header("Last-Modified")
        #expect((validator == nil) == (validators == .none))
        #expect(Self.get(&harness, path, range: "bytes=9-", ifRange: validator).status == 206)
        #expect(Self.get(&harness, path, range: "bytes=9-", ifRange: "\"other\"").status == 200)
    }

    @Test func `a changed clip has other bytes and another validator`() throws {
        var harness = Harness { $0.faults = FaultPlan([.changedAsset: 1]) }
        let (_, path) = try Self.completed(&harness)
        let versions = (1...6).map { _ in Self.get(&harness, path) }
        #expect(Set(versions.map(\.body)).count == 6)
        #expect(Set(versions.map { $0.header("ETag") }).count == 6)
        #expect(Set(versions.map(\.body.count)).count == 3)
        #expect(versions[0].body == ClipWriter(resolution: "1080p", aspectRatio: "16:9", seconds: 8, version: 1).file())
    }

    @Test func `a clip without a length ends anywhere, often between two boxes`() throws {
        var harness = Harness { $0.faults = FaultPlan([.noLength: 1]) }
        let (_, path) = try Self.completed(&harness)
        var places: Set<Int> = []
        for _ in 0..<60 {
            let reply = Self.get(&harness, path)
            guard case .endUnannounced(let bytes) = reply.action else { return #expect(Bool(false), "\(reply.action)") }
            #expect(reply.header("Content-Length") == nil && bytes <= reply.body.count)
            places.insert(bytes)
        }
        let whole = Self.get(&harness, path).body.count
        #expect(places.contains(whole) && places.count > 5)
        #expect(Self.get(&harness, path, range: "bytes=0-0").header("Content-Range") == "bytes 0-0/*")
        #expect(harness.send("HEAD", path).header("Content-Length") == nil)
    }

    @Test func `a clip is dripped`() throws {
        var harness = Harness { $0.faults = FaultPlan([.dripDownload: 1]) }
        let (_, path) = try Self.completed(&harness)
        #expect(Self.get(&harness, path).action == .drip(bytes: 1, pause: .seconds(10)))
    }

    @Test func `a range is ignored, or returns a part that does not match`() throws {
        var harness = Harness { $0.faults = FaultPlan([.ignoredRange: 1]) }
        let (_, path) = try Self.completed(&harness)
        #expect(Self.get(&harness, path, range: "bytes=9-").status == 200)
        _ = harness.send("POST", "/simulator/control", "{\"fault\":{\"ignoredRange\":0,\"wrongRange\":1}}")
        let whole = Self.get(&harness, path)
        let fitting = "bytes 9-\(whole.body.count - 1)/\(whole.body.count)"
        var kinds: Set<String> = []
        for _ in 0..<60 {
            let part = Self.get(&harness, path, range: "bytes=9-", ifRange: "\"other\"")
            if part.status == 206 {
                let range = part.header("Content-Range")
                kinds.insert(range == fitting ? "version \(part.header("ETag") ?? "none")" : range ?? "none")
            }
        }
        #expect(kinds.contains("version none") && kinds.count == 2)
        for _ in 0..<60 {
            let part = Self.get(&harness, path, range: "bytes=9-")
            #expect(part.status == 206)
            kinds.insert(part.header("Content-Range") ?? "none")
        }
        #expect(kinds.count >= 5, "\(kinds)")
    }

    @Test func `a download is truncated, or refused although its URL is valid`() throws {
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
