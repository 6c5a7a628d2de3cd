import ArgumentParser
import DailiesCore

extension DailiesCore.ExitCode {
    /// The same code as an error that makes the argument parser end the program.
    var asExit: ArgumentParser.ExitCode { ArgumentParser.ExitCode(rawValue) }
}
