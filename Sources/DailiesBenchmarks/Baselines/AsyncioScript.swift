import ArgumentParser
import DailiesCore
import Foundation

/// The script that people write instead: `Python/script.py`, asyncio and aiohttp with a journal in SQLite.
struct AsyncioScript {
    /// Makes a Python that has aiohttp, from PyPI, outside the package.
    static let setUp = "python3 -m venv ~/dailies-python && ~/dailies-python/bin/pip install aiohttp"

    struct Options: ParsableArguments {
        @Option(help: "A Python that has aiohttp: \(AsyncioScript.setUp)")
        var python = NSString(string: "~/dailies-python/bin/python").expandingTildeInPath

        /// nil, and a line that says so, where there is none.
        func script(_ recorder: inout ResultRecorder) -> AsyncioScript? {
            do {
                let found = try ProcessUsage.run(
                    python, ["-c", "import aiohttp, sys; print(aiohttp.__version__, sys.version.split()[0])"])
                let versions = found.out.split(whereSeparator: \.isWhitespace)
                recorder.say("the script: aiohttp \(versions.first ?? "?"), Python \(versions.last ?? "?")")
                return AsyncioScript(python: python)
            } catch {
                recorder.say("left out: the asyncio script, since \(python) has no aiohttp; \(AsyncioScript.setUp)")
                return nil
            }
        }
    }

    struct Run {
        let measured: ProcessUsage
        let makespan: Duration
        let requests: Int
    }

    private struct Report: Decodable {
        let makespan: Double
        let requests: Int
    }

    let python: String

    /// Renders the tasks of these keys at a simulator that has not seen them.
    func run(
        _ keys: [SubmissionKey], at url: String, speed: Int, concurrency: Int, in stage: BenchmarkEnvironment
    ) throws -> Run {
        let name = UUID().uuidString
        let list = stage.path("\(name).keys")
        try Data(keys.map(\.text).joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: list))
        let phases = BenchmarkEnvironment.cadence(speed: speed).phases.compactMap { phase in
            phase.until.map { "\(phase.interval.inSeconds):\($0.inSeconds)" }
        }
        let script = HostInfo.repository.appendingPathComponent("Sources/DailiesBenchmarks/Python/script.py").path
        let measured = try ProcessUsage.run(
            python,
            [
                script, "--url", url, "--keys", list, "--journal", stage.path("\(name).sqlite"), "--concurrency",
                "\(concurrency)", "--phases", phases.joined(separator: ","), "--late",
                "\(BenchmarkEnvironment.lateInterval(speed: speed).inSeconds)",
            ])
        let report = try JSONDecoder().decode(Report.self, from: Data(measured.out.utf8))
        return Run(measured: measured, makespan: .seconds(report.makespan), requests: report.requests)
    }
}
