import Foundation

/// The machine and commit of a measurement.
enum HostInfo {
    /// The repository that this program was compiled in.
    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The folder of the built programs, `dailies` and this one.
    static let programs = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()

    static var description: String {
        let processors = ProcessInfo.processInfo.activeProcessorCount
        let gibibytes = Double(ProcessInfo.processInfo.physicalMemory) / 1_073_741_824
        let system = ProcessInfo.processInfo.operatingSystemVersionString
        return "\(processors) cores (\(processor)), \(Int(gibibytes.rounded())) GiB, \(system), commit \(commit)"
    }

    /// Average of the last minute. More than the number of cores means that processes waited for each other.
    static var load: Double {
        var averages = [0.0]
        return getloadavg(&averages, 1) == 1 ? averages[0] : .nan
    }

    private static var processor: String {
        let field = "model name"
        // Without this file the processor's name is unknown.
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(field) }
        return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown processor"
    }

    /// The checked-out commit, with `+` if files were changed.
    private static var commit: String {
        do {
            let head = try ProcessUsage.run("git", ["-C", repository.path, "rev-parse", "--short", "HEAD"])
            let changes = try ProcessUsage.run("git", ["-C", repository.path, "status", "--porcelain", "-uno"])
            return head.out.trimmingCharacters(in: .whitespacesAndNewlines) + (changes.out.isEmpty ? "" : "+")
        } catch {
            return "unknown"
        }
    }
}
