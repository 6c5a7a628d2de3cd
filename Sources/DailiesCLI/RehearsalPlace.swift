import DailiesCore
import DailiesProvider
import DailiesRunner
import DailiesStore
import Foundation

/// Where rehearsals take place: a store and a folder of their own. Of these only what an earlier rehearsal made is removed.
struct RehearsalPlace {
    let storePath: String
    let folder: String

    private static let marker = ".dailies-rehearsal"
    /// More parts of clips than a rehearsal leaves: it downloads a few hundred at one time.
    private static let mostParts = 100_000

    private var markerPath: String { folder + "/" + Self.marker }

    /// Makes room for the next rehearsal.
    ///
    /// - Parameter lock: of the store, so that nobody works on it.
    /// - Throws: ``Stop`` with 64, before anything is removed, where something else than a rehearsal was here.
    func clear(under lock: RunnerLock) throws {
        let files = FileManager.default
        let remains = try ownRemains()
        if files.fileExists(atPath: folder) {
            guard files.fileExists(atPath: markerPath) else {
                throw Stop(
                    .usage,
                    "the folder \(folder) was not made by a rehearsal, so it is not used; move it away, or rehearse in "
                        + "another folder")
            }
            if let remains { try removeClips(of: remains) }
        } else {
            try files.createDirectory(atPath: folder, withIntermediateDirectories: false)
            let words = Data("made by dailies rehearse; its clips are replaced each time\n".utf8)
            guard files.createFile(atPath: markerPath, contents: words) else {
                throw Stop(.unexpected, "cannot write \(markerPath)")
            }
        }
        do {
            try lock.removeStore()
        } catch {
            throw Stop(.unexpected, "cannot replace the store \(storePath): \(error)")
        }
    }

    /// The store of an earlier rehearsal; nil where there is none.
    private func ownRemains() throws -> StoreRemains? {
        let remains: StoreRemains?
        do {
            remains = try StoreRemains(of: storePath)
        } catch {
            throw refusal("\(error)")
        }
        for service in remains?.services ?? [] where !isSimulator(service.provider, service.baseURL) {
            let place = SafeText.escaped("\(service.provider) at \(service.baseURL)")
            throw refusal("it holds a batch of \(place), and a rehearsal's are all of a simulator on this machine")
        }
        return remains
    }

    private func refusal(_ reason: String) -> Stop {
        Stop(
            .usage,
            "the store \(storePath) is not replaced: \(reason); move it away, or rehearse in another folder")
    }

    /// Whoever says `--provider simulator` may still name the address of a service that bills.
    private func isSimulator(_ provider: String, _ baseURL: String) -> Bool {
        guard provider == ProviderOptions.Name.simulator.rawValue else { return false }
        do {
            return try ProviderConfiguration(baseURL: baseURL, keys: []).isLoopback
        } catch {
            return false
        }
    }

    // MARK: clips

    /// Removes the clips that the store names, parts of those that it does not have yet, and folders that are then empty.
    private func removeClips(of remains: StoreRemains) throws {
        do {
            try remains.forEachClip { output, path, bytes in
                // Where the folder has been moved since, its clips have moved with it.
                guard output.hasSuffix("/" + folder), path.hasPrefix(output + "/") else { return }
                removeClip(folder + path.dropFirst(output.count), bytes)
            }
            let keys = try remains.unsavedKeys(limit: Self.mostParts)
            removeParts(Set(keys.map { String($0.prefix(ClipPaths.keyInPartName)) }))
        } catch {
            throw Stop(.unexpected, "cannot read the store \(storePath): \(error)")
        }
    }

    /// A file of another length is not the one that was saved.
    private func removeClip(_ path: String, _ bytes: Int64) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size == bytes else { return }
        remove(path)
    }

    /// - Parameter keys: what part files have in their names.
    private func removeParts(_ keys: Set<String>) {
        guard !keys.isEmpty, let names = FileManager.default.enumerator(atPath: folder) else { return }
        for case let name as String in names {
            let last = name.split(separator: "/").last ?? ""
            guard last.hasPrefix("."), last.split(separator: ".").contains(where: { keys.contains(String($0)) }) else {
                continue
            }
            remove(folder + "/" + name)
        }
    }

    /// Removes a file, and the folders around it that are empty then. What cannot be removed stays: the next clip of its
    /// name gets another.
    private func remove(_ path: String) {
        guard unlink(path) == 0 else { return }
        var parent = path
        while let slash = parent.lastIndex(of: "/") {
            parent = String(parent[..<slash])
            guard parent.utf8.count > folder.utf8.count, rmdir(parent) == 0 else { return }
        }
    }
}
