import DailiesCore
import ExactJSON
import ProviderSimulator
import Testing

/// A machine with a clock that only tests move.
struct Harness {
    static let start = Instant(milliseconds: 1_778_245_200_000)  // 2026-05-08T13:00:00Z

    var machine: SimulatedProvider
    var now = Harness.start
    var key = "sk-byts-one"

    init(_ configure: (inout SimulatorConfiguration) -> Void = { _ in }) {
        machine = SimulatedProvider(configuration: Self.configuration(configure), catalog: Self.catalog)
    }

    /// Default: ten seconds queued, a hundred running.
    static func configuration(
        _ configure: (inout SimulatorConfiguration) -> Void = { _ in }
    ) -> SimulatorConfiguration {
        var configuration = SimulatorConfiguration()
        configuration.latency = .fixed(queued: .seconds(10), running: .seconds(100))
        configure(&configuration)
        return configuration
    }

    static let catalog = ModelCatalog(
        compiled: "2026-11-23",
        models: [
            ModelSpec(
                id: ModelID("sora-2-pro"), vendor: "OpenAI", durationSeconds: 1...20, resolutions: ["720p", "1080p"],
                defaultResolution: "1080p", aspectRatios: ["16:9", "9:16", "1:1"], defaultAspectRatio: "16:9",
                extraFields: ["seed": .integer, "style_preset": .text(allowed: ["cinematic", "none"])],
                acceptsImageInit: true, cadence: .fallback, typicalLatency: .seconds(120) ... .seconds(180),
                typicalLatencyForSeconds: 8,
                prices: [
                    PublishedPrice(
                        figure: .rate(perSecond: Credits(nano: 450_000_000), fee: Credits(nano: 50_000_000)),
                        resolution: "1080p", source: "pricing page")
                ], urlLifetime: .seconds(86_400), withdrawn: nil)
        ])

    mutating func wait(_ duration: Duration) { now = now + duration }

    mutating func send(
        _ method: String, _ path: String, _ body: String = "", headers: [String: String] = [:]
    ) -> SimulatedResponse {
        var all = headers
        if !key.isEmpty { all["x-api-key"] = key }
        return machine.handle(
            SimulatedRequest(method: method, path: path, headers: all, body: Array(body.utf8)), at: now)
    }

    mutating func submit(_ body: String = Harness.flat()) -> SimulatedResponse {
        send("POST", "/v1/tasks/submit", body)
    }

    /// The id of a task that was just accepted.
    mutating func accept(_ body: String = Harness.flat()) throws -> String {
        let response = submit(body)
        try #require(response.status == 200, "\(response.text)")
        return try #require(response.json?["task_id"]?.string)
    }

    mutating func query(_ id: String) -> SimulatedResponse { send("GET", "/v1/tasks/query?task_id=\(id)") }

    mutating func status(_ id: String) -> String? { query(id).json?["status"]?.string }

    static func flat(
        model: String = "sora-2-pro", prompt: String = "dawn", seconds: String = "8", key: String? = nil,
        more: String = ""
    ) -> String {
        let echo = key.map { ",\"out_task_id\":\"\($0)\"" } ?? ""
        return """
            {"model":"\(model)","prompt":"\(prompt)","duration_seconds":\(seconds),"resolution":"1080p"\(more)\(echo)}
            """
    }

    static func params(prompt: String = "dawn", key: String? = nil) -> String {
        let echo = key.map { ",\"out_task_id\":\"\($0)\"" } ?? ""
        return """
            {"model":"sora-2-pro","params":{"resolution":"1080p","duration_seconds":8,"prompt":"\(prompt)"}\(echo)}
            """
    }
}

extension SimulatedResponse {
    var text: String { String(decoding: body, as: UTF8.self) }

    /// nil if the body is not JSON, which the test then checks.
    var json: JSONValue? {
        do {
            return try JSONValue.parse(body)
        } catch {
            return nil
        }
    }

    var errorCode: String? { json?["error"]?["code"]?.string }
}
