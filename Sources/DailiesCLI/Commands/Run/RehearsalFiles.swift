import DailiesCore
import DailiesProvider
import DailiesRunner
import DailiesStore
import Foundation

/// The store and folder of rehearsals. Only files that an earlier rehearsal created are removed.
struct RehearsalFiles {
    let storePath: String
    let folder: String

    private static let marker = ".dailies-rehearsal"
    /// A rehearsal leaves fewer part files: it downloads a few hundred clips at a time.
    private static let maximumParts = 100_000

    private var markerPath: String { folder + "/" + Self.marker }

    /// Removes the files of the last rehearsal.
    ///
    /// - Parameter lock: the lock of the store.
    /// - Throws: ``Stop`` with 64, before anything is removed, if the store or the folder is not from a rehearsal.
    func clear(under lock: RunnerLock) throws {
        let files = FileManager.default
        let contents = try earlierContents()
        if files.fileExists(atPath: folder) {
            guard files.fileExists(atPath: markerPath) else {
                throw Stop(
                    .usage,
                    "the folder \(folder) was not created by a rehearsal, so it will not be used; move it, or rehearse in "
                        + "another folder")
            }
            if let contents { try removeClips(of: contents) }
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

    /// The contents of an earlier rehearsal's store; nil if there is none.
    private func earlierContents() throws -> StoreContents? {
        let contents: StoreContents?
        do {
            contents = try StoreContents(of: storePath)
        } catch {
            throw refusal("\(error)")
        }
        for service in contents?.services ?? [] where !isSimulator(service.provider, service.baseURL) {
            let place = SafeText.escaped("\(service.provider) at \(service.baseURL)")
            throw refusal("it contains a batch of \(place), and rehearsals use only a local simulator")
        }
        return contents
    }

    private func refusal(_ reason: String) -> Stop {
        Stop(
            .usage,
            "the store \(storePath) was not replaced: \(reason); move it, or rehearse in another folder")
    }

    /// `--provider simulator` may name the address of a service that bills.
    private func isSimulator(_ provider: String, _ baseURL: String) -> Bool {
        guard provider == ProviderOptions.Name.simulator.rawValue else { return false }
        do {
            return try ProviderConfiguration(baseURL: baseURL, keys: []).isLoopback
        } catch {
            return false
        }
    }

    // MARK: clips

    /// Removes the clips that the store lists, parts of unsaved ones, and folders that become empty.
    private func removeClips(of contents: StoreContents) throws {
        do {
            try contents.forEachClip { output, path, bytes in
                // If the folder has been moved, its clips moved with it.
                guard output.hasSuffix("/" + folder), path.hasPrefix(output + "/") else { return }
                removeClip(folder + path.dropFirst(output.count), bytes)
            }
            let keys = try contents.unsavedKeys(limit: Self.maximumParts)
            removeParts(Set(keys.map { String($0.prefix(ClipPaths.keyInPartName)) }))
        } catch {
            throw Stop(.unexpected, "cannot read the store \(storePath): \(error)")
        }
    }

    /// A file of a different length is not the saved clip.
    private func removeClip(_ path: String, _ bytes: Int64) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size == bytes else { return }
        remove(path)
    }

    /// - Parameter keys: the key prefixes in the names of part files.
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

    /// Removes a file and the folders that become empty. If that fails, the next clip with this name gets a different
    /// name.
    private func remove(_ path: String) {
        guard unlink(path) == 0 else { return }
        var parent = path
        while let slash = parent.lastIndex(of: "/") {
            parent = String(parent[..<slash])
            guard parent.utf8.count > folder.utf8.count, rmdir(parent) == 0 else { return }
        }
    }
}
