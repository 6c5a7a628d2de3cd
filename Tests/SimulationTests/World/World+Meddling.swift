import DailiesCore
import Foundation

@testable import DailiesRunner
@testable import DailiesStore

/// What other programs and people do in the folder of the clips.
extension World {
    private static let precious = Array("somebody else's".utf8)

    func meddle() throws {
        switch meddling.number(0...5) {
        case 0...2: try putObstacle()
        case 3: try spoilPart()
        case 4: try holdPart()
        default: letGoOfParts()
        }
    }

    // MARK: Obstacles

    /// Puts a folder, a pipe, a link or a file where a clip, its part or its folder would go.
    private func putObstacle() throws {
        guard let inspector else { return }
        let attempts = try inspector.attempts().filter { $0.path == nil && !$0.isNotAccepted }
        guard !attempts.isEmpty else { return }
        let attempt = meddling.pick(attempts)
        guard let batch = batchIDs.firstIndex(of: attempt.batch),
            let task = try inspector.tasks().first(where: { $0.id == attempt.id.task })
        else { return }
        let paths = ClipPaths(
            folder: disk.clips, batchName: scenario.batches[batch].name,
            output: OutputName(
                batch: attempt.batch, key: TaskKey(task.key), attempt: attempt.id.number, requested: nil),
            submissionKey: attempt.key)
        let folder = disk.clips + "/" + paths.folders[0]
        let names =
            [paths.clipNames[0], paths.clipNames[0], paths.clipNames[1], paths.partName(0), paths.partName(1)]
            + [paths.recordName(1)]
        if meddling.happens(0.1) { return put(folder) }
        guard obstacles[folder] == nil else { return }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        put(folder + "/" + meddling.pick(names))
    }

    private func put(_ path: String) {
        var status = stat()
        guard lstat(path, &status) != 0 else { return }
        let isMade: Bool
        switch meddling.number(0...4) {
        case 0: isMade = mkdir(path, 0o755) == 0
        case 1: isMade = mkfifo(path, 0o644) == 0
        case 2: isMade = symlink(disk.folder + "/nowhere", path) == 0
        case 3: isMade = symlink(disk.folder, path) == 0
        default:
            isMade = FileManager.default.createFile(atPath: path, contents: Data(Self.precious))
            if isMade { obstacles[path] = Self.precious }
        }
        guard isMade else { return }
        if obstacles[path] == nil { obstacles[path] = [] }
        coverage.obstacles += 1
        note("obstacle \(path.dropFirst(disk.folder.count))")
    }

    // MARK: Parts

    private func parts() throws -> [String] {
        try disk.clipFiles().filter { $0.hasSuffix(".part") && obstacles[$0] == nil }.sorted()
    }

    /// Another program writes into a part.
    private func spoilPart() throws {
        let parts = try parts()
        guard !parts.isEmpty else { return }
        let path = meddling.pick(parts)
        let file = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        let length = Int64(lseek(file, 0, SEEK_END))
        guard length > 0 else { return }
        let offset = off_t(Int64.random(in: 0..<length, using: &meddling))
        var byte: UInt8 = 0
        guard pread(file, &byte, 1, offset) == 1 else { return }
        byte ^= 0xFF
        guard pwrite(file, &byte, 1, offset) == 1 else { return }
        coverage.scribbles += 1
        note("spoiled byte \(offset) of \(path.dropFirst(disk.folder.count))")
    }

    /// Another process holds a part, until the calm at the latest.
    private func holdPart() throws {
        let parts = try parts()
        guard !parts.isEmpty else { return }
        let path = meddling.pick(parts)
        let file = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { return }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            close(file)
            return
        }
        heldParts.append(file)
        partsOnceHeld.formUnion([path, String(path.dropLast(".part".count)) + ".version"])
        coverage.partsHeld += 1
        note("held \(path.dropFirst(disk.folder.count))")
    }

    func letGoOfParts() {
        for file in heldParts { close(file) }
        heldParts = []
    }
}
