import ArgumentParser
import Foundation

/// Options of every benchmark.
struct RecordOptions: ParsableArguments {
    @Flag(help: "Save the output in Sources/DailiesBenchmarks/Results.") var record = false
}

/// Prints a benchmark's output and, if requested, saves it in a file.
struct ResultRecorder {
    private let name: String
    private let keeps: Bool
    private let loadAtFirst = HostInfo.load
    private(set) var lines: [String] = []

    /// - Parameter name: the name of the benchmark, and of its file without `.txt`.
    init(_ name: String, _ options: RecordOptions) {
        self.name = name
        keeps = options.record
        say("\(name): swift run -c release DailiesBenchmarks \(name)")
        say(HostInfo.description)
        #if DEBUG
            say("debug build: its figures are not meaningful")
        #endif
    }

    mutating func say(_ line: String) {
        lines.append(line)
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }

    /// Compares a figure with its upper bound: `makespan 1.004 of the list schedule (at most 1.01): holds`.
    mutating func judge(_ what: String, _ value: Double, atMost bound: Double) {
        say("\(what) \(Self.figure(value)) (at most \(Self.figure(bound))): \(value <= bound ? "holds" : "MISSED")")
    }

    /// Compares a figure with its lower bound.
    mutating func judge(_ what: String, _ value: Double, atLeast bound: Double) {
        say("\(what) \(Self.figure(value)) (at least \(Self.figure(bound))): \(value >= bound ? "holds" : "MISSED")")
    }

    /// Prints the machine's load, and saves the output if requested.
    mutating func finish() throws {
        say("load average \(Self.figure(loadAtFirst)) at first, \(Self.figure(HostInfo.load)) at last")
        guard keeps else { return }
        let file = HostInfo.repository.appendingPathComponent("Sources/DailiesBenchmarks/Results/\(name).txt")
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
    }

    /// Four significant digits; no exponent in the usual range.
    static func figure(_ value: Double) -> String { String(format: "%.4g", value) }
}
