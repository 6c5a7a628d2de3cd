import ArgumentParser
import DailiesCore
import Foundation

/// The script that people would write instead: `Python/script.py`, with asyncio, aiohttp and a journal in SQLite.
struct AsyncioScript {
    /// Creates a Python environment with aiohttp from PyPI, outside the package.
    static let setUp = "python3 -m venv ~/dailies-python && ~/dailies-python/bin/pip install aiohttp"

    struct Options: ParsableArguments {
        @Option(help: "A Python with aiohttp: \(AsyncioScript.setUp)")
        var python = NSString(string: "~/dailies-python/bin/python").expandingTildeInPath

        /// nil, with a note in the output, if it is not available.
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

    /// Renders the tasks with these keys on a simulator without tasks.
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
