import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// 401, 402, 403, 503 and models that are gone, letter by letter as a person reads them: what happened and what to
    /// do. None of them fails a task but the last, and none of them is paid for.
    struct MoneyStopTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        /// Runs two clips against a provider that answers every submit with this.
        private func run(_ status: String, _ type: String, _ code: String, _ message: String) throws
            -> TestEnvironment.Finished
        {
            let body = #"{"error":{"type":"\#(type)","code":"\#(code)","message":"\#(message)"}}"#
            let service = try test.startScript { request in
                let unknown = #"{"error":{"type":"not_found_error","code":"task_not_found","message":"no such task"}}"#
                let (status, body) = request.isSubmit ? (status, body) : ("404 Not Found", unknown)
                return "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            }
            let arguments = test.runArguments([try test.manifest(clips: 2)], at: service).filter { $0 != "--json" }
            return try test.finish(arguments + ["--max-wait", "1s"])
        }

        private func expect(
            _ run: TestEnvironment.Finished, _ code: Int32, _ lines: [String],
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            #expect(run.code == code, "\(run.err)", sourceLocation: sourceLocation)
            for line in lines {
                #expect(run.err.contains(line + "\n"), "\(run.err)", sourceLocation: sourceLocation)
            }
            #expect(try test.report().credits == "0", sourceLocation: sourceLocation)
        }

        @Test func `401: the key is refused`() throws {
            let run = try run("401 Unauthorized", "authentication_error", "invalid_api_key", "no such key")
            try expect(
                run, 77,
                ["2 queued; 0 clips saved; 0 credits", "stopped: the provider refused the API key: no such key"])
            #expect(try test.status("queued") == 2)
        }

        @Test func `402: the wallet is empty`() throws {
            let run = try run("402 Payment Required", "billing_error", "insufficient_balance", "top up")
            try expect(
                run, 7,
                ["waiting: out of credits; tasks in flight continue: top up", "stopped: out of credits: top up"])
            #expect(run.err.contains("\nto continue:\n  "))
            #expect(try test.status("queued") == 2)
        }

        @Test func `403: the account is denied`() throws {
            let run = try run("403 Forbidden", "permission_error", "permission_denied", "suspended")
            try expect(run, 7, ["stopped: the provider denied access: suspended"])
            #expect(run.err.contains("\nto continue:\n  "))
            #expect(try test.status("queued") == 2)
        }

        @Test func `403: the key does not reach the model`() throws {
            let run = try run("403 Forbidden", "permission_error", "model_not_in_group", "not in your group")
            try expect(
                run, 7,
                [
                    "waiting: this API key has no access to veo-3.1-fast: not in your group",
                    "stopped: the API key cannot reach veo-3.1-fast: not in your group",
                ])
            #expect(try test.status("queued") == 2)
        }

        @Test func `503: the provider is down, and nobody knows whether it took the task`() throws {
            let run = try run("503 Service Unavailable", "api_error", "api_error", "overloaded")
            try expect(run, 6, ["uncertain: clip-001: overloaded"])
            #expect(run.err.contains("run `dailies reconcile`"))
            #expect(try test.status("failed") == 0)
        }

        @Test func `a model that is gone fails no task, and says so`() throws {
            let run = try run("404 Not Found", "not_found_error", "model_not_found", "veo-3.1-fast is retired")
            let words = "veo-3.1-fast is retired (the service does not offer this model, or has withdrawn it)"
            #expect(run.code == 5, "\(run.err)")
            let told = run.err
            #expect(told.contains("no more veo-3.1-fast clips were submitted: \(words)"), "\(told)")
            #expect(told.contains("waiting: veo-3.1-fast is unavailable, retrying at 2"), "\(told)")
            #expect(try test.status("failed") == 0)
            #expect(try test.status("queued") == 2)
        }
    }
}
