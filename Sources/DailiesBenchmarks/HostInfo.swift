import Foundation

/// Where a figure was measured.
enum HostInfo {
    /// The repository that this program was compiled in.
    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The folder of the built programs: `dailies` stands beside this one.
    static let programs = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()

    static var description: String {
        let processors = ProcessInfo.processInfo.activeProcessorCount
        let gibibytes = Double(ProcessInfo.processInfo.physicalMemory) / 1_073_741_824
        let system = ProcessInfo.processInfo.operatingSystemVersionString
        return "\(processors) cores (\(processor)), \(Int(gibibytes.rounded())) GiB, \(system), commit \(commit)"
    }

    /// Of the last minute: processes that ran or wanted to; more than the cores means that they waited for each other.
    static var load: Double {
        var averages = [0.0]
        return getloadavg(&averages, 1) == 1 ? averages[0] : .nan
    }

    private static var processor: String {
        let field = "model name"
        // A machine without this file is described without its processor's name.
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(field) }
        return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown processor"
    }

    /// The commit that is checked out, with `+` where files differ from it.
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
