import DailiesCore
import DailiesRunner
import DailiesStore
import Foundation

/// The store, who works on it, and the disks under it and under the clips.
enum StoreCheck {
    /// A clip has some megabytes, the store's log up to 32.
    private static let littleSpace: Int64 = 1 << 30
    private static let noSpace: Int64 = 100 << 20

    static func run(_ options: StoreOptions, output: String, in examination: inout DoctorReport) {
        examination.add("sqlite", .ok, "SQLite \(Store.libraryVersion), schema \(Store.schemaVersion)")
        let path = SafeText.escaped(options.path)
        var folders = [output]
        if FileManager.default.fileExists(atPath: options.path) {
            do throws(StoreError) {
                folders += try checkStore(options.path, in: &examination)
            } catch {
                examination.add("store", .problem, "\(path): \(error)")
            }
            checkLock(options.path, in: &examination)
        } else {
            examination.add("store", .ok, "there is no store \(path) yet; a run creates it")
        }
        checkDisk("disk of the store", parent(of: options.path), in: &examination)
        var seen: Set<String> = []
        for folder in folders.map(absolute) where seen.insert(folder).inserted {
            if let fault = OutputFolder(folder).fault() {
                examination.add("disk of clips", .problem, SafeText.escaped(fault))
            } else {
                checkDisk("disk of clips", folder, in: &examination)
            }
        }
    }

    /// - Returns: the folders that its batches save clips in.
    private static func checkStore(
        _ path: String, in examination: inout DoctorReport
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
            for problem in problems.prefix(10) { examination.add("store", .problem, SafeText.escaped(problem)) }
            return batches.map(\.outputDirectory)
        }
        examination.add(
            "store", .ok,
            "\(SafeText.escaped(path)) is sound: \(TaskDescription.count(tasks, "task")) in "
                + "\(batches.count) batch\(batches.count == 1 ? "" : "es")")
        if let last = summary.lastEventAt, last > Composition.timers().now {
            examination.add(
                "times", .warning,
                "the last entry is of \(Composition.Calendar.timestamp(last)), in the future: the clock was ahead then, or "
                    + "is behind now; times in the future count as now")
        }
        if total.uncertain + total.inTheAir + total.lost > 0 {
            examination.add(
                "tasks", .warning,
                "\(total.uncertain + total.inTheAir) uncertain, \(total.lost) lost; `dailies reconcile` asks for them")
        }
        if total.unsaved > 0 {
            examination.add("tasks", .warning, "\(total.unsaved) paid and not saved; `dailies resume` fetches them")
        }
        if !clips.losses.isEmpty {
            examination.add(
                "clips", .warning,
                "\(clips.words); `dailies status --check-files` names them, `dailies fetch --missing` saves them again")
        }
        if clips.moved > 0 { examination.add("clips", .warning, clips.movedWords) }
        return batches.map(\.outputDirectory)
    }

    private static func checkLock(_ path: String, in examination: inout DoctorReport) {
        do throws(StoreError) {
            let holder = try Store.runner(of: path)
            examination.add("runner", .ok, holder.map { "one works on the store: \($0)" } ?? "none works on the store")
        } catch {
            examination.add("runner", .problem, "\(error)")
        }
    }

    // MARK: Disks

    private static func checkDisk(_ name: String, _ folder: String, in examination: inout DoctorReport) {
        let existing = nearestExisting(folder)
        let shown = SafeText.escaped(existing)
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: existing, isDirectory: &isFolder), isFolder.boolValue else {
            return examination.add(name, .problem, "\(shown) is no folder; choose another one")
        }
        guard FileManager.default.isWritableFile(atPath: existing) else {
            return examination.add(
                name, .problem, "\(shown) cannot be written; change its rights, or choose another folder")
        }
        do {
            let attributes = try FileManager.default.attributesOfFileSystem(forPath: existing)
            guard let free = (attributes[.systemFreeSize] as? NSNumber)?.int64Value else {
                return examination.add(name, .warning, "\(shown): how much is free is not known")
            }
            let level: DoctorReport.Level = free < noSpace ? .problem : free < littleSpace ? .warning : .ok
            let todo = level == .ok ? "" : "; make room before a run"
            examination.add(name, level, "\(gigabytes(free)) GB free at \(shown)\(todo)")
        } catch {
            examination.add(name, .warning, "\(shown): how much is free is not known")
        }
    }

    private static func gigabytes(_ bytes: Int64) -> String {
        let tenths = bytes / 100_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// The folder itself or the nearest one above it: a run makes the rest.
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
