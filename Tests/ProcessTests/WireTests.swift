import Foundation
import Testing

@testable import TestSupport

extension ProcessSuite {
    /// The way to the service and to the clips, with the built program: addresses, base URLs, proxies, open files.
    struct WireTests {
        let test: TestEnvironment
        init() throws { test = try TestEnvironment() }

        /// The smallest file that counts as an MP4.
        private static let clip = "\0\0\0\u{10}ftypisom0000\0\0\0\u{9}moov0\0\0\0\u{9}mdat0"

        private static func reply(_ status: String, _ body: String = "") -> String {
            "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }

        /// A service that accepts every submit, with what it was sent under, and completes each task at once, with a clip at
        /// the next of these addresses.
        private func service(
            clipsAt addresses: [String] = ["/c/clip.mp4"],
            clip: @escaping @Sendable (Proxy.Request) -> String = { _ in reply("200 OK", clip) }
        ) throws -> Proxy {
            // Touched by the one thread of the script alone.
            nonisolated(unsafe) var accepted = 0
            return try test.startScript(speed: 500) { request in
                if request.isSubmit {
                    accepted += 1
                    return Self.reply("200 OK", #"{"task_id":"t\#(accepted)","status":"queued"}"#)
                }
                guard let task = request.queriedTask else {
                    return request.target.hasPrefix("/c/") ? clip(request) : Self.reply("404 Not Found")
                }
                let address = addresses[((Int(task.dropFirst()) ?? 1) - 1) % addresses.count]
                    .replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
                return Self.reply(
                    "200 OK",
                    #"{"task_id":"\#(task)","status":"completed","credits_used":0.08,"result":{"video_url":""#
                        + "http://\(request.host)\(address)\"}}")
            }
        }

        private func words(_ manifest: String, _ service: some Service) -> [String] {
            test.runArguments([manifest], at: service).filter { $0 != "--json" }
        }

        private func store() throws -> StoreFile { try StoreFile(test.store) }

        // MARK: Addresses of clips

        @Test func `clips at signed URLs are saved, whatever the URLs contain`() throws {
            let signature = "X-Sig=a%2Bb%3D&"
            let given = [
                "/c/ok.mp4?\(signature)x=1", "/c/bar.mp4?\(signature)meta=a|b", "/c/brackets.mp4?\(signature)f[0]=1",
                "/c/quotes.mp4?\(signature)rscd=attachment;filename=\"a.mp4\"", "/c/braces.mp4?\(signature)t={x}",
                "/c/nonascii.mp4?\(signature)name=é", "/c/percent.mp4?\(signature)d=100%",
            ]
            let sent = Set(given.map { $0.replacing("é", with: "%C3%A9") })
            let service = try service(clipsAt: given) { request in
                sent.contains(request.target) ? Self.reply("200 OK", Self.clip) : Self.reply("403 Forbidden")
            }
            let run = try test.finish(words(try test.manifest(clips: given.count), service))
            #expect(run.code == 0, "\(run.err)")
            #expect(try store().number("SELECT count(output_path) FROM task") == given.count)
            #expect(Set(service.requests.map(\.target).filter { $0.hasPrefix("/c/") }) == sent)
        }

        @Test func `a clip that is not there for some seconds after its task has completed is saved in the same run`()
            throws
        {
            let simulator = try Simulator(test, speed: 20, ["--fault", "lateAsset=1"])
            let run = try test.finishRun([try test.manifest(clips: 4)], at: simulator)
            #expect(run.code == 0, "\(run.out) \(run.err)")
            #expect(try simulator.bill().submits == 4)
            try test.expectAllPaidOnce(simulator, tasks: 4)
        }

        @Test func `replies that speak of other submissions are not believed, and all is paid once`() throws {
            let simulator = try Simulator(test, speed: 500, ["--fault", "otherSubmission=0.4"])
            let manifest = try test.manifest(clips: 12)
            var code = try test.finishRun([manifest], at: simulator).code
            for _ in 0..<10 where code == 6 || code == 9 {
                code = try test.finishRun([manifest], at: simulator).code
            }
            #expect(code == 0)
            try test.expectAllPaidOnce(simulator, tasks: 12)
        }

        // MARK: Base URLs

        @Test(arguments: [
            ("200 OK", "<!doctype html><title>Welcome</title>"), ("302 Found\r\nLocation: /login?next=%2F", ""),
            ("404 Not Found", "404 page not found"), ("405 Method Not Allowed", ""),
            ("404 Not Found", #"{"error":{"type":"not_found_error","code":"not_found","message":"no such route"}}"#),
        ])
        func `a wrong base URL ends the run at the first answer, and the right one takes its place`(
            status: String, page: String
        ) throws {
            let wrong = try test.startScript(speed: 500) { _ in Self.reply(status, page) }
            let manifest = try test.manifest(clips: 6)
            var arguments = words(manifest, wrong)
            let place = try #require(arguments.firstIndex(of: wrong.url))
            arguments[place] += "/v1"
            let began = Date()
            for _ in 1...2 {
                let run = try test.finish(arguments)
                #expect(run.code == 64, "\(run.err)")
                let reason =
                    "stopped: the API does not answer at \(wrong.url)/v1; did you mean \(wrong.url), without /v1? ("
                #expect(run.err.contains(reason), "\(run.err)")
                #expect(try test.status("failed") == 0)
            }
            #expect(Date().timeIntervalSince(began) < Child.patience / 2)
            #expect(1...2 ~= wrong.requests.count { $0.isSubmit || $0.target == "/v1/v1/tasks/submit" })

            let simulator = try Simulator(test, speed: 500)
            let right = try test.finishRun([manifest], at: simulator)
            #expect(right.code == 0, "\(right.out) \(right.err)")
            try test.expectAllPaidOnce(simulator, tasks: 6)
            // From its first accepted submit on it is the service's.
            let other = try Simulator(test, speed: 500)
            let refused = try test.finishRun([manifest], at: other)
            #expect(refused.code == 65)
            #expect(
                refused.err.contains("the batch \"batch\" belongs to simulator at \(simulator.url)"), "\(refused.err)")
        }

        @Test func `two spellings of one base URL are one service`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 2)
            #expect(try test.finishRun([manifest], at: simulator).code == 0)
            let more = try test.manifest(clips: 3)
            for spelling in ["http://localhost:\(simulator.port)", "HTTP://LOCALHOST:\(simulator.port)//"] {
                let words = test.runArguments([more], at: simulator).map { $0 == simulator.url ? spelling : $0 }
                let run = try test.finish(words)
                #expect(run.code == 0, "\(run.err)")
            }
            try test.expectAllPaidOnce(simulator, tasks: 3)
            #expect(try store().rows("SELECT base_url FROM service") == [simulator.url])
        }

        // MARK: Open files

        private func limited(_ limit: String, _ arguments: [String]) throws -> TestEnvironment.Finished {
            TestEnvironment.Finished(
                child: try test.start(
                    program: "/bin/sh",
                    ["-c", "ulimit \(limit) && exec \"$@\"", "sh", TestEnvironment.program] + arguments))
        }

        @Test func `too few open files are refused in words, and as many as it says are enough`() throws {
            let simulator = try Simulator(test, speed: 500)
            let arguments = test.runArguments([try test.manifest(clips: 60)], at: simulator)
            let refused = try limited("-n 16", arguments)
            #expect(refused.code == 64, "\(refused.err)")
            let words = try #require(
                refused.err.firstMatch(
                    of: /this process may open only 16 files and connections but needs (\d+); raise the limit with/))
            #expect(try simulator.bill().submits == 0)
            #expect(try limited("-n 16", ["help"]).code == 0)

            let enough = try limited("-n \(words.1)", arguments + ["--concurrency", "60"])
            #expect(enough.code == 0, "\(enough.err)")
            try test.expectAllPaidOnce(simulator, tasks: 60)
            let at = ["--store", test.store, "--provider", "simulator", "--base-url", simulator.url]
            for (words, code) in [
                (["doctor"], 1), (["simulate"], 64), (["rehearse", test.path("batch.jsonl")], 64),
                (["resume"] + at, 64), (["fetch", "--missing"] + at, 64),
            ] as [([String], Int32)] {
                let command = try limited("-n 16", words)
                #expect(command.code == code, "\(words): \(command.err)")
                #expect((command.out + command.err).contains("this process may open only 16 files"), "\(command.err)")
            }
        }

        @Test func `a soft limit is raised to the hard one`() throws {
            let simulator = try Simulator(test, speed: 500)
            let arguments = test.runArguments([try test.manifest(clips: 3)], at: simulator)
            let run = try limited("-Sn 16", arguments)
            #expect(run.code == 0, "\(run.err)")
            try test.expectAllPaidOnce(simulator, tasks: 3)
        }

        // MARK: Proxies and words

        @Test func `a run goes through the proxy that the environment names, and a rehearsal through none`() throws {
            let simulator = try Simulator(test, speed: 500)
            let (url, port) = (simulator.url, simulator.port)
            let proxy = try test.startScript { request in
                guard let target = request.target.firstRange(of: url) else {
                    return Self.reply("502 Bad Gateway")
                }
                do {
                    let path = String(request.target[target.upperBound...])
                    let reply = try HTTP.exchange(port, request.method, path, body: request.body)
                    return Self.reply("\(reply.status) X", reply.text)
                } catch {
                    return Self.reply("502 Bad Gateway")
                }
            }
            let manifest = try test.manifest(clips: 1)
            let arguments = test.runArguments([manifest], at: simulator) + ["--no-download"]
            let direct = try test.finish(arguments, environment: ["http_proxy": proxy.url, "NO_PROXY": "127.0.0.1"])
            #expect(direct.code == 0 && proxy.requests.isEmpty, "\(direct.err)")
            let through = try test.finish(
                ["reconcile", "--provider", "simulator", "--base-url", simulator.url, "--store", test.store],
                environment: ["http_proxy": proxy.url])
            #expect(through.code == 0, "\(through.err)")
            let doctor = try test.finish(
                ["doctor", "--provider", "simulator", "--base-url", simulator.url, "--store", test.store],
                environment: ["http_proxy": proxy.url, "https_proxy": "http://u:hunter2@p:3128", "no_proxy": "a,b"])
            #expect(proxy.requests.contains { $0.target.hasPrefix("\(simulator.url)/v1/tasks/query?task_id=") })
            let shown = doctor.out.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
            for line in [
                "https proxy http://p:3128 $https_proxy", "http proxy \(proxy.url) $http_proxy",
                "no proxy for a,b $no_proxy", "certificates system default",
            ] { #expect(shown.contains(line), "\(doctor.out)") }
            #expect(!doctor.out.contains("hunter2"))
            let count = proxy.requests.count
            let rehearsal = try test.finish(["rehearse", manifest], environment: ["http_proxy": proxy.url])
            #expect(rehearsal.code == 0 && proxy.requests.count == count, "\(rehearsal.err)")
            let refused = try test.finish(arguments, environment: ["HTTPS_PROXY": "socks5://p:1080"])
            #expect(refused.code == 64)
            #expect(
                refused.err.contains(
                    "HTTPS_PROXY specifies a proxy of type socks5, but only http:// proxies are supported"),
                "\(refused.err)")
        }

        @Test func `what the system or a library says of a connection is put into words`() throws {
            let simulator = try Simulator(test, speed: 500)
            let manifest = try test.manifest(clips: 1)
            let arguments = words(manifest, simulator) + ["--max-wait", "10s"]
            try simulator.child.killNow()
            let run = try test.finish(arguments)
            #expect(run.code == 5, "\(run.err)")
            #expect(
                run.err.contains(": cannot reach 127.0.0.1:\(simulator.port): connection refused\n"), "\(run.err)")
            let taken = try Socket.listen()
            defer { close(taken.descriptor) }
            let simulate = try test.finish(["simulate", "--port", "\(taken.port)"])
            #expect(simulate.code == 1)
            #expect(simulate.err == "dailies: the simulator cannot start: address already in use\n")
        }
    }
}
