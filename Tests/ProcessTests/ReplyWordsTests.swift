import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// What a person reads of replies that no page describes, letter by letter, and with which code the run ends.
    struct ReplyWordsTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        private struct Reply {
            var status = "200 OK"
            var body: String
            /// What the reply announces, where that is not its length.
            var length: Int?

            var text: String {
                "HTTP/1.1 \(status)\r\nContent-Length: \(length ?? body.utf8.count)\r\n\r\n\(body)"
            }
        }

        private static let accepted = Reply(body: #"{"task_id":"t1","status":"queued","estimated_credits":0.08}"#)
        private static let clip = #""result":{"video_url":"http://HOST/clip.mp4"}"#

        /// Renders one clip at a service that answers every submit with one reply, questions by id with one after the
        /// other and with the last one for good, questions by key with 404, and downloads with one reply.
        private func run(
            submit: Reply = accepted, answers: [String] = [], clip: Reply = Reply(body: ""), maxWait: String = "60s"
        ) throws -> TestEnvironment.Finished {
            // Touched by the one thread of the script alone.
            nonisolated(unsafe) var asked = 0
            let service = try test.startScript(speed: 500) { request in
                if request.isSubmit { return submit.text }
                if request.target == "/clip.mp4" { return clip.text }
                guard request.queriedTask == "t1", !answers.isEmpty else {
                    return Reply(status: "404 Not Found", body: "").text
                }
                asked += 1
                let body = answers[min(asked, answers.count) - 1]
                return Reply(body: body.replacing("HOST", with: request.host)).text
            }
            let arguments = test.runArguments([try test.manifest(clips: 1)], at: service).filter { $0 != "--json" }
            return try test.finish(arguments + ["--max-wait", maxWait])
        }

        private func expect(
            _ run: TestEnvironment.Finished, _ code: Int32, _ lines: String...,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            #expect(run.code == code, "\(run.err)", sourceLocation: sourceLocation)
            for line in lines {
                #expect(run.err.contains(line), "\(line)\n--- is not in\n\(run.err)", sourceLocation: sourceLocation)
            }
        }

        @Test func `a cut answer to a submit leaves the task uncertain, with what came`() throws {
            let cut = try run(submit: Reply(body: #"{"task_id":"t"#), maxWait: "1s")
            expect(
                cut, 6, "uncertain: clip-001: HTTP status 200 with an unreadable response: ", #"{"task_id":"t"#)
        }

        @Test func `a page of a proxy is shown for what it is`() throws {
            let page = try run(
                submit: Reply(status: "502 Bad Gateway", body: "<!DOCTYPE html><p>Sign in</p>"), maxWait: "1s")
            expect(
                page, 6,
                "uncertain: clip-001: HTTP status 502 without the API's error text: <!DOCTYPE html><p>Sign in</p>\n")
        }

        @Test func `a gateway's page under a 4xx is waited out, with its words`() throws {
            let page = try run(submit: Reply(status: "400 Bad Request", body: "<!DOCTYPE html>odd"), maxWait: "200s")
            expect(
                page, 5, "waiting: the provider is not responding, retrying at 2",
                ": HTTP status 400 without the API's error text: <!DOCTYPE html>odd\n")
        }

        @Test func `a redirect in place of the API's answer is not followed`() throws {
            let redirect = try run(
                submit: Reply(status: "302 Found\r\nLocation: http://elsewhere.example", body: ""), maxWait: "1s")
            expect(
                redirect, 64,
                "uncertain: clip-001: HTTP status 302 without the API's error text, a redirect to http://elsewhere.example\n",
                "stopped: the API does not answer at http://127.0.0.1:")
        }

        @Test func `an answer that names another submission leaves the task uncertain`() throws {
            let other = try run(
                submit: Reply(body: #"{"task_id":"t9","status":"queued","out_task_id":"another"}"#), maxWait: "1s")
            expect(other, 6, "uncertain: clip-001: the reply is about another submission\n")
        }

        @Test func `a state that no page lists, and one that goes backwards, are said once`() throws {
            let odd = try run(answers: [
                #"{"task_id":"t1","status":"paused"}"#, #"{"task_id":"t1","status":"paused"}"#,
                #"{"task_id":"t1","status":"running"}"#, #"{"task_id":"t1","status":"queued"}"#,
                #"{"task_id":"t1","status":"queued"}"#,
                #"{"task_id":"t1","status":"failed","error_code":"internal_error","error_message":"m"}"#,
            ])
            expect(
                odd, 3, #"warning: the provider reported the unknown state "paused"; still polling"#,
                "warning: clip-001: the provider reported queued after running; keeping running\n",
                "failed: clip-001: internal_error: m\n")
            let told = odd.err.split(separator: "\n")
            let warnings = told.filter { $0.hasPrefix("warning: ") && !$0.contains(".jsonl:") }
            #expect(warnings.count == 2, "\(odd.err)")
        }

        @Test func `a completed clip without a URL or a cost is told at the end`() throws {
            let bare = try run(answers: [#"{"task_id":"t1","status":"completed"}"#])
            expect(bare, 9, "not saved: clip-001: the provider returned no URL for it\n", " and 1 of unknown cost")
        }

        @Test func `a clip that is none is told with what is wrong in it`() throws {
            let damaged = try run(
                answers: [#"{"task_id":"t1","status":"completed","credits_used":0.08,\#(Self.clip)}"#],
                clip: Reply(body: "this is not a clip"))
            expect(damaged, 9, "not saved: clip-001: the clip is damaged: ")
            #expect(try test.report().credits == "0.08")
        }

        @Test func `a clip that announces more than is allowed is not begun`() throws {
            let long = try run(
                answers: [#"{"task_id":"t1","status":"completed","credits_used":0.08,\#(Self.clip)}"#],
                clip: Reply(body: "ftyp", length: (8 << 30) + 1))
            expect(long, 9, "not saved: clip-001: the clip is longer than the 8589934592 bytes allowed\n")
        }

        @Test func `an outage is waited out with the provider's words and the next time`() throws {
            let simulator = try Simulator(test, speed: 500)
            try simulator.control(#"{"outage": true}"#)
            let arguments = test.runArguments([try test.manifest(clips: 1)], at: simulator).filter { $0 != "--json" }
            let down = try test.finish(arguments + ["--max-wait", "10s"])
            expect(
                down, 6, "waiting: the provider is not responding, retrying at 2",
                "Z: the service closed the connection without a response\n")
        }
    }
}
