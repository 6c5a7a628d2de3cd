import ArgumentParser
import DailiesCore

extension DailiesCore.ExitCode {
    /// For the argument parser, which ends the program.
    var asExit: ArgumentParser.ExitCode { ArgumentParser.ExitCode(rawValue) }
}
