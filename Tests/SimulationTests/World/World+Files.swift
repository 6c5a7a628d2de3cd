import DailiesCore
import Foundation

@testable import DailiesRunner
@testable import DailiesStore
@testable import ProviderSimulator

/// What becomes of clips that were saved, and of their folder.
extension World {
    private static let maximumClips = 1000

    // MARK: Clips that vanish

    /// Removes or spoils some clips, and asks for them again, as `fetch` does: only what the provider has an address of counts
    /// as not saved. The next run saves it.
    func loseClips() throws {
        guard inspector != nil, life == nil, !isFolderAway else { return }
        let store = try Store.open(disk.store, for: .running)
        var finder = ClipFinder(store: disk.store)
        for row in try store.savedClips(limit: Self.maximumClips)
        where !lostForGood.contains(row.attempt) && fileChance.happens(0.3) {
            guard finder.find(row.clip, checksContent: true) == .present(path: row.clip.path) else {
                throw Violation("the saved clip \(row.clip.path) is not found")
            }
            try spoil(row.clip)
            guard finder.find(row.clip, checksContent: true).path == nil else {
                throw Violation("the lost clip \(row.clip.path) is found")
            }
            coverage.clipsLost += 1
            guard let ordinal = machine.ordinalByID[row.remote.text], !machine.isDropped(machine.tasks[ordinal]),
                case .completed(let completedAt) = machine.tasks[ordinal].phase, !isAddressOver(completedAt)
            else {
                note("lost for good \(row.attempt)")
                coverage.clipsLostForGood += 1
                lostForGood.insert(row.attempt)
                continue
            }
            note("lost \(row.attempt)")
            ledger.clipIsGone(row.attempt)
            let asset = AssetLocation(url: machine.assetURL(of: machine.tasks[ordinal], completedAt: completedAt))
            try store.writeAndWait([
                Mutation(at: clientNow, .clipGone(row.attempt)),
                Mutation(at: clientNow, .assetFound(row.attempt, asset)),
            ])
        }
        try store.close()
        try check()
    }

    /// Where addresses are counted from the completion, no later question brings one that lives.
    private func isAddressOver(_ completedAt: Instant) -> Bool {
        let assets = scenario.simulator.assets
        return assets.countedFrom == .completion && now >= completedAt + assets.urlLifetime
    }

    /// What stays in its place is in the way of the clip that is fetched again.
    private func spoil(_ clip: SavedClip) throws {
        let kind = fileChance.number(0...3)
        if kind == 0 || clip.bytes == 0 {
            guard unlink(clip.path) == 0 else { throw Violation("the clip \(clip.path) cannot be removed") }
            return
        }
        let file = open(clip.path, O_RDWR | O_CLOEXEC)
        guard file >= 0 else { throw Violation("the clip \(clip.path) cannot be opened") }
        defer { close(file) }
        obstacles[clip.path] = []
        var byte: UInt8 = 0
        switch kind {
        case 1: guard ftruncate(file, 0) == 0 else { throw Violation("\(clip.path) cannot be emptied") }
        case 2: guard ftruncate(file, off_t(clip.bytes) + 1) == 0 else { throw Violation("\(clip.path) cannot grow") }
        default:
            let place = off_t(Int64.random(in: 0..<clip.bytes, using: &fileChance))
            guard pread(file, &byte, 1, place) == 1 else { throw Violation("\(clip.path) cannot be read") }
            byte ^= 0xFF
            guard pwrite(file, &byte, 1, place) == 1 else { throw Violation("\(clip.path) cannot be written") }
        }
    }

    // MARK: The folder

    /// Puts a file in the place of the clips' folder, or the folder back.
    func moveFolder() {
        let aside = disk.clips + "-aside"
        if isFolderAway {
            precondition(unlink(disk.clips) == 0 && rename(aside, disk.clips) == 0, "the clips do not come back")
        } else {
            precondition(
                rename(disk.clips, aside) == 0 && FileManager.default.createFile(atPath: disk.clips, contents: nil),
                "the clips cannot be moved away")
            coverage.foldersTakenAway += 1
        }
        isFolderAway.toggle()
        wasFolderAway = true
        knowsDiskRefuses = false
        note("the folder of the clips is \(isFolderAway ? "away" : "back")")
    }

    /// What a run says of the disk, and what it may not do while it knows that the disk refuses clips.
    func checkDisk(_ line: String) throws {
        if line.contains("cannot save clips") {
            guard wasFolderAway else { throw Violation("a sound disk is said to refuse: \(line)") }
            let isDownloading = calls.contains { if case .download = $0.call { true } else { false } }
            knowsDiskRefuses = isFolderAway && transfers.isEmpty && !isDownloading
        } else if knowsDiskRefuses, line.hasPrefix("submitted(") {
            throw Violation("a clip was ordered while none can be saved: \(line)")
        }
    }
}
