import DailiesCore
import DailiesRunner
import DailiesStore
import Foundation

/// Checks the store, its lock, and the free space for the store and the clips.
enum StoreCheck {
    /// In bytes; less free space is a warning. A clip takes a few megabytes, the store's log up to 32.
    private static let lowSpace: Int64 = 1 << 30
    /// In bytes; less free space is a problem.
    private static let minimumSpace: Int64 = 100 << 20

    static func run(_ options: StoreOptions, output: String, in report: inout DoctorReport) {
        report.add("sqlite", .ok, "SQLite \(Store.libraryVersion), schema \(Store.schemaVersion)")
        let path = SafeText.escaped(options.path)
        var folders = [output]
        if FileManager.default.fileExists(atPath: options.path) {
            do throws(StoreError) {
                folders += try checkStore(options.path, in: &report)
            } catch {
                report.add("store", .problem, "\(path): \(error)")
            }
            checkLock(options.path, in: &report)
        } else {
            report.add("store", .ok, "no store at \(path) yet; a run creates it")
        }
        checkDisk("disk of the store", parent(of: options.path), in: &report)
        var seen: Set<String> = []
        for folder in folders.map(absolute) where seen.insert(folder).inserted {
            if let fault = OutputFolder(folder).fault() {
                report.add("disk of clips", .problem, SafeText.escaped(fault))
            } else {
                checkDisk("disk of clips", folder, in: &report)
            }
        }
    }

    /// - Returns: the output folders of its batches.
    private static func checkStore(
        _ path: String, in report: inout DoctorReport
    ) throws(StoreError) -> [String] {
        let store = try Store.open(path, for: .reading)
        let batches = try store.batches()
        let summary = try store.summary()
        let total = summary.total
        let problems = try store.problems()
        let clips = try ClipCheck(of: store, checksContent: false)
        try store.close()
        let tasks = total.states.values.reduce(0, +)
        guard problems.isEmpty else {
            for problem in problems.prefix(10) { report.add("store", .problem, SafeText.escaped(problem)) }
            return batches.map(\.outputDirectory)
        }
        report.add(
            "store", .ok,
            "\(SafeText.escaped(path)): no problems found, \(TaskDescription.count(tasks, "task")) in "
                + "\(batches.count) batch\(batches.count == 1 ? "" : "es")")
        if let last = summary.lastEventAt, last > Composition.timers().now {
            report.add(
                "times", .warning,
                "the last entry is in the future (\(Composition.Calendar.timestamp(last))): the clock was ahead then, "
                    + "or is behind now; future times count as now")
        }
        if total.uncertain + total.submitting + total.lost > 0 {
            report.add(
                "tasks", .warning,
                "\(total.uncertain + total.submitting) uncertain, \(total.lost) lost; run `dailies reconcile`")
        }
        if total.unsaved > 0 {
            report.add("tasks", .warning, "\(total.unsaved) paid but not saved; run `dailies resume`")
        }
        if !clips.losses.isEmpty {
            report.add(
                "clips", .warning,
                "\(clips.summary); `dailies status --check-files` lists them, `dailies fetch --missing` downloads them "
                    + "again")
        }
        if clips.moved > 0 { report.add("clips", .warning, clips.movedSummary) }
        return batches.map(\.outputDirectory)
    }

    private static func checkLock(_ path: String, in report: inout DoctorReport) {
        do throws(StoreError) {
            let holder = try Store.lockOwner(of: path)
            report.add("runner", .ok, holder.map { "active run: \($0)" } ?? "no active run")
        } catch {
            report.add("runner", .problem, "\(error)")
        }
    }

    // MARK: Disks

    private static func checkDisk(_ name: String, _ folder: String, in report: inout DoctorReport) {
        let existing = nearestExisting(folder)
        let shown = SafeText.escaped(existing)
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: existing, isDirectory: &isFolder), isFolder.boolValue else {
            return report.add(name, .problem, "\(shown) is not a folder; choose another folder")
        }
        guard FileManager.default.isWritableFile(atPath: existing) else {
            return report.add(
                name, .problem, "\(shown) is not writable; change its permissions or choose another folder")
        }
        do {
            let attributes = try FileManager.default.attributesOfFileSystem(forPath: existing)
            guard let free = (attributes[.systemFreeSize] as? NSNumber)?.int64Value else {
                return report.add(name, .warning, "\(shown): the free space is unknown")
            }
            let level: DoctorReport.Level = free < minimumSpace ? .problem : free < lowSpace ? .warning : .ok
            let advice = level == .ok ? "" : "; free up space before a run"
            report.add(name, level, "\(gigabytes(free)) GB free at \(shown)\(advice)")
        } catch {
            report.add(name, .warning, "\(shown): the free space is unknown")
        }
    }

    private static func gigabytes(_ bytes: Int64) -> String {
        let tenths = bytes / 100_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// The folder itself or its nearest existing parent. A run creates the rest.
    private static func nearestExisting(_ folder: String) -> String {
        var path = folder
        while path != "/", !FileManager.default.fileExists(atPath: path) { path = parent(of: path) }
        return path
    }

    private static func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }

    private static func parent(of path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent().path
    }
}
