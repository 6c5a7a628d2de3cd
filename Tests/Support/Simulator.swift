import ExactJSON
import Foundation
import Testing

/// `dailies simulate` as a process, and requests that tests send to it directly.
final class Simulator: Service, Sendable {
    let speed: Int
    let url: String
    let port: Int
    let child: Child
    /// Ends the process when it is let go of.
    private let test: TestEnvironment

    /// Starts it and waits for its address.
    convenience init(_ test: TestEnvironment, speed: Int, port: Int = 0, _ more: [String] = []) throws {
        try self.init(test, arguments: ["--speed", "\(speed)", "--port", "\(port)"] + more, speed: speed)
    }

    /// - Parameter speed: of the runs against it.
    init(_ test: TestEnvironment, arguments: [String], speed: Int) throws {
        self.speed = speed
        self.test = test
        child = try test.start(["simulate"] + arguments)
        try child.wait(for: "the simulator's address") { !$0.lines.isEmpty }
        url = String(child.written.lines[0])
        self.port = try #require(Int(url.split(separator: ":").last ?? ""), "no port in \(url)")
    }

    struct Bill: Equatable, Sendable {
        /// As it is written.
        let total: String
        let submits: Int
        let accepted: Int
        let maximumInFlight: Int
        let charges: Int
        let rendersByKey: [String: Int]
        let submitsByKey: [String: Int]
    }

    func bill() throws -> Bill { try Self.bill(port) }

    static func bill(_ port: Int) throws -> Bill {
        let json = try get(port, "/simulator/bill")
        func number(_ name: String) throws -> Int { try #require(Int(json[name]?.number ?? "")) }
        func counts(_ name: String) throws -> [String: Int] {
            var counts: [String: Int] = [:]
            for member in json[name]?.members ?? [] { counts[member.name] = Int(member.value.number ?? "") ?? -1 }
            return counts
        }
        return Bill(
            total: try #require(json["total"]?.number), submits: try number("submits"),
            accepted: try number("accepted"), maximumInFlight: try number("max_in_flight"),
            charges: json["charges"]?.array?.count ?? 0, rendersByKey: try counts("renders_by_key"),
            submitsByKey: try counts("submits_by_key"))
    }

    func state() throws -> JSONValue { try get("/simulator/state") }

    /// Tasks that wait and render at this moment.
    func inFlight() throws -> Int {
        let state = try state()
        return try #require(Int(state["queued"]?.number ?? "")) + (try #require(Int(state["running"]?.number ?? "")))
    }

    /// Changes how it behaves; see its `POST /simulator/control`.
    func control(_ order: String) throws { try Self.control(port, order) }

    static func control(_ port: Int, _ order: String) throws {
        let reply = try HTTP.exchange(port, "POST", "/simulator/control", body: order)
        try #require(reply.status == 200, "the simulator refuses \(order): \(reply.text)")
    }

    // MARK: Requests of the program

    /// Submits like the program, with this submission key.
    ///
    /// - Returns: the task id.
    @discardableResult
    func submit(key: String, prompt: String = "a pine forest") throws -> String {
        let body =
            "{\"model\":\"sora-2\",\"prompt\":\"\(prompt)\",\"duration_seconds\":4,\"out_task_id\":\"\(key)\"}"
        let reply = try send("POST", "/v1/tasks/submit", body)
        return try #require(try JSONValue.parse(reply.body)["task_id"]?.string, "no task id in \(reply.text)")
    }

    /// Queries the task until it has this state.
    func wait(for id: String, toBe state: String) throws {
        try eventually("the task \(id) is \(state)") {
            try JSONValue.parse(try query(id).body)["status"]?.string == state
        }
    }

    /// Queries the task until the simulator does not know it.
    func wait(untilGone id: String) throws {
        try eventually("the task \(id) is gone") { try query(id).text.contains("task_not_found") }
    }

    private func query(_ id: String) throws -> HTTP.Reply { try send("GET", "/v1/tasks/query?task_id=\(id)") }

    private func send(_ method: String, _ target: String, _ body: String = "") throws -> HTTP.Reply {
        try HTTP.exchange(
            port, method, target, headers: ["X-API-Key: test-key", "Content-Type: application/json"], body: body)
    }

    /// What one of its pages contains.
    func get(_ path: String) throws -> JSONValue { try Self.get(port, path) }

    private static func get(_ port: Int, _ path: String) throws -> JSONValue {
        let reply = try HTTP.exchange(port, "GET", path)
        try #require(reply.status == 200, "\(path) answers \(reply.status): \(reply.text)")
        return try JSONValue.parse(reply.body)
    }
}
