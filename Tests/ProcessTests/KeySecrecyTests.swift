import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// The API key goes to the provider's own host and nowhere else.
    struct KeySecrecyTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private static let key = "sk-live-Dq7zX0vJ2mKt9RwB4nYc8LhE1sPf6GuA"
        private static let variables = ["BYTESPIKE_API_KEY": key]

        /// Looks for the key and for its inner half in every file of the test and in what was printed.
        private func expectNoTrace(of runs: [Child], sourceLocation: SourceLocation = #_sourceLocation) throws {
            let needles = [Self.key, String(Self.key.dropFirst(12).prefix(16))].map { Data($0.utf8) }
            var texts: [(name: String, bytes: Data)] = []
            for path in test.files() { texts.append((path, Data(try test.bytes(of: path)))) }
            for run in runs {
                texts.append(("standard output", Data(run.written.out)))
                texts.append(("standard error", Data(run.written.err)))
            }
            let hits = texts.filter { text in needles.contains { text.bytes.range(of: $0) != nil } }.map(\.name)
            #expect(hits == [], sourceLocation: sourceLocation)
        }

        @Test func `after kills, failures and downloads no byte of the key is anywhere`() throws {
            let simulator = try Simulator(
                test, speed: 500, ["--fault", "failRender=0.2,serverErrorBefore=0.1,expireURL=0.2"])
            let proxy = try test.startProxy(before: simulator)
            let manifest = try test.manifest(clips: 20)
            let first = try test.startRun([manifest], at: proxy, environment: Self.variables)
            try first.wait(for: "some clips") { $0.count("saved") >= 5 }
            // The write-ahead log is there now, and stays when its writer is killed.
            try first.killNow()
            try expectNoTrace(of: [first])
            let second = try test.startRun([manifest], at: proxy, environment: Self.variables)
            try second.ended()
            let reading = try test.start(["status", "--store", test.store], environment: Self.variables)
            try reading.ended()
            try expectNoTrace(of: [first, second, reading])

            // The API was asked with it, or all this would show nothing.
            #expect(proxy.requests.contains { $0.head.contains(Self.key) })
            #expect(try simulator.state()["keys_sent_to_assets"]?.number == "0")
        }

        @Test func `neither the process list nor what a crash leaves shows it`() throws {
            let simulator = try Simulator(test, speed: 500)
            try simulator.control(#"{"model_slots": 0}"#)
            // The most talkative report there is; a memory image would go into the folder of the run.
            let loud = ["SWIFT_BACKTRACE": "enable=yes,color=no,registers=all,images=all,threads=all,limit=1000"]
            for (number, signal) in [SIGSEGV, SIGABRT, SIGILL].enumerated() {
                let manifest = try test.manifest("batch-\(number).jsonl", clips: 4)
                let run = try test.startRun(
                    [manifest], at: simulator, ["--store", test.path("\(number).sqlite")],
                    environment: Self.variables.merging(loud) { $1 })
                try run.wait(for: "some submits") { $0.count("accepted") == 4 }
                for name in ["cmdline", "comm", "status"] {
                    let text = Data(try test.bytes(of: "/proc/\(run.pid)/\(name)"))
                    #expect(text.range(of: Data(Self.key.utf8)) == nil)
                }
                let limits = String(decoding: try test.bytes(of: "/proc/\(run.pid)/limits"), as: UTF8.self)
                #expect(limits.contains(#/Max core file size +0 +0 /#), "\(limits)")
                run.send(signal)
                #expect(try run.ended() == .killed(signal))
                try expectNoTrace(of: [run])
                // A report would show memory as bytes in hexadecimal.
                #expect(!run.written.errText.contains("Backtrac"), "\(run.written.errText)")
            }
        }

        @Test func `a provider that repeats the key in its words does not get it written`() throws {
            let echo = try test.startScript { request in
                let key = request.head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("x-api-key:") }
                let words = "no such parameter; you sent \(key ?? "no key") and \(Self.key)"
                let body = #"{"error":{"type":"invalid_request_error","code":"invalid_param","message":"\#(words)"}}"#
                let status = request.isSubmit ? "400 Bad Request" : "404 Not Found"
                return "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            }
            let run = try test.startRun([try test.manifest(clips: 3)], at: echo, environment: Self.variables)
            #expect(try run.ended() == .exited(3), "\(run.written.errText)")
            #expect(echo.requests.contains { $0.isSubmit && $0.head.contains(Self.key) })
            #expect(run.written.outText.contains("no such parameter"), "the provider's words are not told")
            try expectNoTrace(of: [run])
        }
    }
}
