import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// Numbers that once stopped the program, in that run and in every later one: what was accepted before is durable, the
    /// run goes on, and the next one starts.
    struct NumberTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        /// A service that accepts every submit as a task of its own, with some numbers in the reply, and answers every
        /// question with one reply about that task. `HOST` stands for its own address.
        private func service(
            accepts: String, answers: String, clip: String = "", redirectsTo location: String? = nil
        ) throws -> Proxy {
            // Touched by the one thread of the script alone.
            nonisolated(unsafe) var accepted = 0
            return try test.startScript(speed: 500) { request in
                func reply(_ status: String, _ body: String) -> String {
                    "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                }
                if request.isSubmit {
                    accepted += 1
                    return reply("200 OK", #"{"task_id":"t\#(accepted)","status":"queued",\#(accepts)}"#)
                }
                if let task = request.queriedTask {
                    let body = #"{"task_id":"\#(task)","status":"completed",\#(answers)}"#
                    return reply("200 OK", body.replacing("HOST", with: request.host))
                }
                if request.target == "/clip.mp4", let location {
                    return reply("302 Found\r\nLocation: \(location)", "")
                }
                return reply("404 Not Found", "")
            }
        }

        private func store() throws -> StoreFile { try StoreFile(test.store) }

        @Test(arguments: ["1e-9223372036854775808", "1e9223372036854775807", "-9223372036854775808", "1e-320"])
        func `an estimate and a cost that are no numbers lose no accepted task, and later runs start`(
            number: String
        ) throws {
            let service = try service(
                accepts: #""estimated_credits":\#(number),"estimated_seconds":\#(number)"#,
                answers: #""credits_used":\#(number),"error_code":\#(number)"#)
            let manifest = try test.manifest(clips: 3)
            for round in 1...3 {
                let run = try test.finishRun([manifest], at: service)
                // Completed without a URL: 9, in every run.
                #expect(run.code == 9, "round \(round): \(run.err)")
                let ids = try store().rows("SELECT task_id, state FROM attempt ORDER BY task")
                #expect(ids == ["t1|completed", "t2|completed", "t3|completed"])
            }
            #expect(service.requests.count { $0.isSubmit } == 3)
            // 1e-320 is nothing to nine decimals, and is booked as that, rounded; the others cannot be booked.
            let isBooked = number == "1e-320"
            #expect(try store().number("SELECT count(credits_nano) FROM attempt") == (isBooked ? 3 : 0))
            let report = try test.finish(["report", "--json", "--store", test.store])
            #expect(report.code == 0 && report.out.contains(#""unknown_costs":\#(isBooked ? 0 : 3)"#), "\(report.err)")
        }

        @Test(arguments: [
            "http://127.0.0.1:70000/clip.mp4", "https://127.0.0.1:65536/clip.mp4", "http://[::1]:99999/clip.mp4",
            "https://%5B%5D/clip.mp4", "http://127.0.0.1:18446744073709551616/clip.mp4",
        ])
        func `a clip at an address that cannot be stays paid and unsaved, and later runs start`(address: String) throws
        {
            let cost = #""credits_used":0.08,"duration_seconds":2"#
            let there = try service(
                accepts: #""estimated_credits":0.08"#, answers: #"\#(cost),"result":{"video_url":"\#(address)"}"#)
            let manifest = try test.manifest(clips: 2)
            for round in 1...2 {
                let run = try test.finishRun([manifest], at: there)
                #expect(run.code == 9, "round \(round): \(run.err)")
                #expect(run.out.contains("the clip's URL is not valid"), "round \(round): \(run.out)")
            }
            let rows = try store().rows("SELECT task_id, state, credits_nano FROM attempt ORDER BY task")
            #expect(rows == ["t1|completed|80000000", "t2|completed|80000000"])
            #expect(there.requests.count { $0.isSubmit } == 2)
        }

        @Test func `a redirect to an address that cannot be leaves the clip unsaved, and later runs start`() throws {
            let there = try service(
                accepts: #""estimated_credits":0.08"#,
                answers: #""credits_used":0.08,"result":{"video_url":"http://HOST/clip.mp4"}"#,
                redirectsTo: "http://127.0.0.1:70000/clip.mp4")
            let manifest = try test.manifest(clips: 2)
            for round in 1...2 {
                let run = try test.finishRun([manifest], at: there)
                #expect(run.code == 9, "round \(round): \(run.err)")
                #expect(run.out.contains("redirects to an invalid URL"), "round \(round): \(run.out)")
            }
            #expect(there.requests.count { $0.isSubmit } == 2)
        }

        @Test func `a base URL with a port that cannot be is refused in words, wherever it comes from`() throws {
            let words = "the port of the base URL is not a number from 1 to 65535: http://127.0.0.1:70000"
            let manifest = try test.manifest(clips: 1)
            let arguments = ["run", manifest, "--provider", "simulator", "--store", test.store]
            for (more, environment) in [
                (["--base-url", "http://127.0.0.1:70000"], [:]), ([], ["BYTESPIKE_BASE_URL": "http://127.0.0.1:70000"]),
            ] as [([String], [String: String])] {
                let run = try test.finish(
                    arguments + more, environment: environment.merging(["BYTESPIKE_API_KEY": "k"]) { $1 })
                #expect(run.code == 64 && run.err.contains(words), "\(run.err)")
            }
            #expect(!FileManager.default.fileExists(atPath: test.store))
        }

        @Test(arguments: ["1e-320", "5e-324", "1e-9223372036854775808", "0"])
        func `a clip of no length is reported, as JSON too, by this run's program and on an older store`(
            seconds: String
        ) throws {
            let service = try service(
                accepts: #""estimated_credits":0.08"#,
                answers:
                    #""credits_used":0.08,"result":{"video_url":"http://HOST/x.mp4","duration_seconds":\#(seconds)}"#)
            let run = try test.finishRun([try test.manifest(clips: 1)], at: service, ["--no-download"])
            #expect(run.code == 0, "\(run.err)")
            for stored in [nil, "1e-320", "9e999", "-9e999", "1e300"] as [String?] {
                // As the programs before this one took it down.
                if let stored { try StoreFile.write(test.store, "UPDATE attempt SET delivered_seconds = \(stored)") }
                for format in ["json", "text", "csv", "html"] {
                    let arguments = ["report", "--by", "model,day", "--format", format, "--store", test.store]
                    let report = try test.finish(arguments)
                    #expect(report.code == 0 && report.out.contains("0.08"), "\(stored ?? "") \(format): \(report.err)")
                }
                let json = try test.finish(["report", "--json", "--store", test.store])
                #expect(json.out.contains(#""credits_per_second":null"#) || stored == "1e300", "\(json.out)")
            }
        }
    }
}
