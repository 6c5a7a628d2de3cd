import CSQLite
import DailiesCore
import Foundation

/// A simulated disk that can lose power: it tracks what the last sync of every file of one folder made durable, and
/// records at every sync what a power cut at that time could leave behind.
///
/// It is the process's default VFS between SQLite and the system, and passes other folders through. Data written since
/// a file's last sync may be lost, kept, or partly kept, sector by sector. New names and deletions count as durable:
/// SQLite syncs the folder itself where it depends on them.
final class PowerCutDisk: @unchecked Sendable {
    // Unchecked because of its variables, which are accessed under `lock`, and the originals, which are set once.

    /// The content of every file, by name, as a power cut may leave it.
    typealias Files = [String: [UInt8]]

    /// The state at the beginning of a sync.
    struct Moment {
        let name: String
        /// The data that earlier syncs made durable.
        let durable: Files
        /// The data written to the file being synced.
        let written: [UInt8]

        /// Nothing written since the last sync is kept.
        var nothing: Files { durable }

        /// All of it is kept.
        var everything: Files { durable.merging([name: written]) { $1 } }

        /// Each sector is either old or new, and the file ends anywhere between the two lengths.
        func torn(_ generator: inout SplitMix64) -> Files {
            let old = durable[name] ?? []
            let sector = 512
            let end = Int.random(in: min(old.count, written.count)...max(old.count, written.count), using: &generator)
            var mixed: [UInt8] = []
            for start in stride(from: 0, to: end, by: sector) {
                let source = Bool.random(using: &generator) ? written : old
                let stop = min(start + sector, end)
                mixed += source[min(start, source.count)..<min(stop, source.count)]
                mixed += [UInt8](repeating: 0, count: stop - mixed.count)
            }
            return durable.merging([name: mixed]) { $1 }
        }
    }

    private struct OpenFile {
        let name: String
        let methods: UnsafePointer<sqlite3_io_methods>
        let watched: UnsafeMutablePointer<sqlite3_io_methods>
    }

    private let lock = NSLock()
    private let folder: String
    private var durable: Files = [:]
    private var open: [OpaquePointer: OpenFile] = [:]
    private let note: @Sendable (Moment) -> Void

    /// - Parameters:
    ///   - folder: the folder to watch from now on.
    ///   - note: called before every sync on the syncing thread.
    init(folder: String, note: @escaping @Sendable (Moment) -> Void) {
        self.folder = folder
        self.note = note
        Registry.shared.add(self)
    }

    /// The durable data.
    var state: Files { lock.withLock { durable } }

    func remove() { Registry.shared.remove(self) }

    /// Creates a folder as the power cut left it.
    static func lay(_ files: Files, in folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (name, bytes) in files { try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name)) }
    }

    // MARK: SQLite's VFS

    fileprivate func name(of path: String) -> String? {
        path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.count + 1)) : nil
    }

    fileprivate func opened(_ file: UnsafeMutablePointer<sqlite3_file>, name: String) {
        guard let methods = file.pointee.pMethods else { return }
        let watched = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        watched.initialize(to: methods.pointee)
        watched.pointee.xSync = { file, flags in Registry.shared.disk(of: file).sync(file, flags) }
        watched.pointee.xClose = { file in Registry.shared.disk(of: file).close(file) }
        file.pointee.pMethods = UnsafePointer(watched)
        lock.withLock { open[OpaquePointer(file)] = OpenFile(name: name, methods: methods, watched: watched) }
    }

    fileprivate func holds(_ file: UnsafeMutablePointer<sqlite3_file>) -> Bool {
        lock.withLock { open[OpaquePointer(file)] != nil }
    }

    fileprivate func deleted(_ name: String) { lock.withLock { durable[name] = nil } }

    private func sync(_ file: UnsafeMutablePointer<sqlite3_file>?, _ flags: Int32) -> Int32 {
        guard let file, let entry = lock.withLock({ open[OpaquePointer(file)] }) else { return SQLITE_IOERR }
        var size: sqlite3_int64 = 0
        guard entry.methods.pointee.xFileSize(file, &size) == SQLITE_OK else { return SQLITE_IOERR }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let read = bytes.withUnsafeMutableBytes {
            entry.methods.pointee.xRead(file, $0.baseAddress, Int32($0.count), 0)
        }
        guard read == SQLITE_OK else { return read }
        note(Moment(name: entry.name, durable: state, written: bytes))
        let code = entry.methods.pointee.xSync(file, flags)
        if code == SQLITE_OK { lock.withLock { durable[entry.name] = bytes } }
        return code
    }

    private func close(_ file: UnsafeMutablePointer<sqlite3_file>?) -> Int32 {
        guard let file, let entry = lock.withLock({ open.removeValue(forKey: OpaquePointer(file)) }) else {
            return SQLITE_IOERR
        }
        file.pointee.pMethods = entry.methods
        entry.watched.deallocate()
        return entry.methods.pointee.xClose(file)
    }
}

/// The watched disks, and the VFS that uses them: C functions cannot capture them.
private final class Registry: @unchecked Sendable {
    // Unchecked because of `disks`, which is accessed under `lock`; the VFS is set up once.
    static let shared = Registry()

    private let lock = NSLock()
    private var disks: [PowerCutDisk] = []
    private let original: UnsafeMutablePointer<sqlite3_vfs>
    private let watching = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    private let name = strdup("power-cut")

    private init() {
        guard let system = sqlite3_vfs_find(nil) else { preconditionFailure("SQLite has no VFS") }
        original = system
        watching.initialize(to: system.pointee)
        watching.pointee.zName = UnsafePointer(name)
        watching.pointee.xOpen = { _, path, file, flags, outFlags in
            Registry.shared.open(path, file, flags, outFlags)
        }
        watching.pointee.xDelete = { _, path, syncsFolder in Registry.shared.delete(path, syncsFolder) }
        sqlite3_vfs_register(watching, 1)
    }

    func add(_ disk: PowerCutDisk) { lock.withLock { disks.append(disk) } }
    func remove(_ disk: PowerCutDisk) { lock.withLock { disks.removeAll { $0 === disk } } }

    func disk(of file: UnsafeMutablePointer<sqlite3_file>?) -> PowerCutDisk {
        guard let file, let disk = lock.withLock({ disks }).first(where: { $0.holds(file) }) else {
            preconditionFailure("a file of no disk")
        }
        return disk
    }

    private func disk(for path: UnsafePointer<CChar>?) -> (disk: PowerCutDisk, name: String)? {
        guard let path else { return nil }
        let text = String(cString: path)
        return lock.withLock { disks }.lazy.compactMap { disk in disk.name(of: text).map { (disk, $0) } }.first
    }

    private func open(
        _ path: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>?, _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        let code = original.pointee.xOpen(original, path, file, flags, outFlags)
        if code == SQLITE_OK, let file, let (disk, name) = disk(for: path) { disk.opened(file, name: name) }
        return code
    }

    private func delete(_ path: UnsafePointer<CChar>?, _ syncsFolder: Int32) -> Int32 {
        let code = original.pointee.xDelete(original, path, syncsFolder)
        if code == SQLITE_OK, let (disk, name) = disk(for: path) { disk.deleted(name) }
        return code
    }
}
