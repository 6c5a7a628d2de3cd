import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// Text from outside in everything that people look at: no byte of it drives a terminal or turns the reading order. Data is
    /// another matter: it holds every text as it is.
    struct HostileTextTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        /// Colours, a title, a link, a cleared screen; a carriage return; a reversed order; a false end of line.
        private static let nasty =
            "\u{1B}[31m\u{1B}]0;owned\u{7}\u{9B}2J\r\u{202E}evil\u{2066}\u{2028}\u{7F}<script>alert(1)</script>"

        /// The same as JSON may hold it.
        private static let quoted = nasty.unicodeScalars.map { scalar in
            scalar.value < 0x20 ? String(format: "\\u%04x", scalar.value) : String(scalar)
        }.joined()

        /// What a manifest may hold: no control characters, but other scripts' marks of direction.
        private static let odd = "\u{202E}evil\u{2066}\u{200F}<script>alert(1)</script>"

        private static func strays(in text: String) -> [String] {
            // A CSV ends its lines as its standard says.
            text.replacingOccurrences(of: "\r\n", with: "\n").unicodeScalars.filter { scalar in
                if scalar == "\n" { return false }
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator: return true
                default: return false
                }
            }.map { "U+" + String($0.value, radix: 16) }
        }

        private func provider() throws -> Proxy {
            let quoted = Self.quoted
            return try test.startScript { request in
                let isRefused = request.body.contains("refuse")
                let (status, body) =
                    switch (request.isSubmit, isRefused) {
                    case (true, true):
                        ("400 Bad", #"{"error":{"type":"t\#(quoted)","code":"=c\#(quoted)","message":"m\#(quoted)"}}"#)
                    case (true, false):
                        ("200 OK", #"{"task_id":"t\#(quoted)\#(request.body.count)","status":"s\#(quoted)"}"#)
                    case (false, _):
                        request.target.hasPrefix("/v1/tasks/query")
                            ? (
                                "200 OK",
                                #"{"status":"failed","credits_used":1,"error_code":"=e\#(quoted)","error_message":"+m\#(quoted)"}"#
                            ) : ("404 Not Found", "")
                    }
                return "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            }
        }

        @Test func `nothing that a manifest or a provider says drives what shows it`() throws {
            let service = try provider()
            let odd = Self.odd
            let manifest = try test.write(
                "m.jsonl",
                """
                {"batch": "b\(odd)"}
                {"id": "refuse\(odd)", "model": "zzz-1", "prompt": "=1+1\(odd) refuse", "duration_seconds": 2, \
                "tags": {"client": "@\(odd)"}}
                {"id": "fail\(odd)", "model": "zzz-1", "prompt": "p\(odd)", "duration_seconds": 2, \
                "tags": {"client": "-\(odd)"}}
                """)
            let run = try test.finish(test.runArguments([manifest], at: service).filter { $0 != "--json" })
            var shown = [("run", run)]
            let store = ["--store", test.store]
            for command in [
                ["status"], ["report", "--by", "model,batch,tag:client"],
                ["report", "--by", "tag:client", "--format", "html"],
                ["explain", "refuse\(odd)"], ["explain", "fail\(odd)"], ["explain", "none\(Self.nasty)"],
                ["plan", manifest], ["doctor", "--offline"],
                ["reconcile", "--provider", "simulator", "--base-url", service.url],
                ["status", "--batch", Self.nasty],
                ["run", Self.nasty, "--provider", "simulator", "--base-url", service.url],
            ] { shown.append((command.prefix(2).joined(separator: " "), try test.finish(command + store))) }
            shown.append(("a store", try test.finish(["status", "--store", test.path("none\(Self.nasty)")])))
            for (name, run) in shown {
                let strays = Self.strays(in: run.out) + Self.strays(in: run.err)
                #expect(strays == [], "\(name.debugDescription):\n\((run.out + run.err).debugDescription)")
                #expect(!(run.out + run.err).contains("<script>") || !run.out.hasPrefix("<!"), "\(name)")
            }
            let refused = try test.write("refused.jsonl", #"{"id": "\#(Self.quoted)", "prompt": "\#(Self.quoted)"}"#)
            let refusal = try test.finish(test.runArguments([refused], at: service).filter { $0 != "--json" })
            #expect(refusal.code == 65 && Self.strays(in: refusal.err) == [], "\(refusal.err.debugDescription)")
            // Or all this would show nothing.
            #expect(run.code == 3, "\(run.err.debugDescription)")
            #expect(run.err.contains(#"\u{1b}[31m"#), "\(run.err)")
        }

        @Test func `a key becomes a file inside the folder, whatever it says, and no two share one`() throws {
            let simulator = try Simulator(test, speed: 1000)
            let keys = [
                "../../escape", "/etc/passwd", "..", ".", "CON", "a:b", "a*b", "a\\\\b", "A", "a", "é", "e\u{301}",
                "dir/../../up", "~", "-rf", "x\(Self.odd)", String(repeating: "k", count: 190), "sp ace", ".hidden",
            ]
            let lines = keys.map {
                #"{"id": "\#($0)", "model": "veo-3.1-fast", "prompt": "p", "duration_seconds": 2}"#
            }
            let manifest = try test.write("keys.jsonl", lines.joined(separator: "\n"))
            let run = try test.finishRun([manifest], at: simulator)
            #expect(run.code == 0, "\(run.err)")
            try test.expectAllPaidOnce(simulator, tasks: keys.count)
            let names = test.files(below: test.renders)
            #expect(names.count == keys.count)
            #expect(Set(names.map { $0.lowercased() }).count >= keys.count - 1, "only A and a may differ by case alone")
            #expect(names.allSatisfy { Self.strays(in: $0) == [] && $0.hasPrefix(test.renders + "/keys/") })
        }
    }
}
