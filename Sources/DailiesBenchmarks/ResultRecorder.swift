import ArgumentParser
import Foundation

/// What every benchmark can be told.
struct RecordOptions: ParsableArguments {
    @Flag(help: "Keep what is printed in Sources/DailiesBenchmarks/Results.") var record = false
}

/// Prints a benchmark's lines as they come and, if asked, keeps them in a file.
struct ResultRecorder {
    private let name: String
    private let keeps: Bool
    private let loadAtFirst = HostInfo.load
    private(set) var lines: [String] = []

    /// - Parameter name: the benchmark's, and its file's without `.txt`.
    init(_ name: String, _ options: RecordOptions) {
        self.name = name
        keeps = options.record
        say("\(name): swift run -c release DailiesBenchmarks \(name)")
        say(HostInfo.description)
        #if DEBUG
            say("a debug build: its figures mean nothing")
        #endif
    }

    mutating func say(_ line: String) {
        lines.append(line)
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }

    /// A figure against its bound: `makespan 1.004 of the list schedule (at most 1.01): holds`.
    mutating func judge(_ what: String, _ value: Double, atMost bound: Double) {
        say("\(what) \(Self.figure(value)) (at most \(Self.figure(bound))): \(value <= bound ? "holds" : "MISSED")")
    }

    /// A figure against its bound from below.
    mutating func judge(_ what: String, _ value: Double, atLeast bound: Double) {
        say("\(what) \(Self.figure(value)) (at least \(Self.figure(bound))): \(value >= bound ? "holds" : "MISSED")")
    }

    /// Says how busy the machine was meanwhile, and writes the file, if asked to.
    mutating func finish() throws {
        say("load average \(Self.figure(loadAtFirst)) at first, \(Self.figure(HostInfo.load)) at last")
        guard keeps else { return }
        let file = HostInfo.repository.appendingPathComponent("Sources/DailiesBenchmarks/Results/\(name).txt")
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
    }

    /// Four significant digits, without an exponent for what a person reads.
    static func figure(_ value: Double) -> String { String(format: "%.4g", value) }
}
