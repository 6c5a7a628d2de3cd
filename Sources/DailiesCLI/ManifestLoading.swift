import DailiesCore
import DailiesManifest
import Foundation

/// Manifests as the commands take them: read, checked, and refused with everything that is wrong with them.
enum ManifestLoading {
    /// Problems printed; the rest is counted.
    private static let mostPrinted = 100

    /// Reads manifests; none is taken if any is wrong.
    ///
    /// - Parameter batchName: replaces the name of the only manifest (`--batch`).
    /// - Throws: ``Stop`` with 65.
    static func load(_ paths: [String], batchName: String?) throws -> [LoadedManifest] {
        if batchName != nil, paths.count > 1 {
            throw Stop(.usage, "--batch names one batch, and \(paths.count) manifests are given; run them one by one")
        }
        let reader = Composition.manifestReader()
        var loaded: [LoadedManifest] = []
        var problems: [ManifestProblem] = []
        for path in paths {
            guard let data = FileManager.default.contents(atPath: path) else {
                throw Stop(.refused, "cannot read the manifest \(SafeText.quoted(path)): no such file, or not readable")
            }
            do {
                let manifest = try reader.read(path: path, bytes: Array(data))
                loaded.append(LoadedManifest(manifest: manifest, batchName: batchName ?? manifest.batchName))
            } catch {
                problems += error.problems
            }
        }
        guard problems.isEmpty else {
            for problem in problems.prefix(mostPrinted) { Console.error(problem.description) }
            let more = problems.count > mostPrinted ? ", of which \(mostPrinted) are shown" : ""
            throw Stop(
                .refused,
                "\(problems.count) problem\(problems.count == 1 ? "" : "s") in the manifest\(more); nothing was submitted"
            )
        }
        let names = Set(loaded.map(\.batchName))
        guard names.count == loaded.count else {
            throw Stop(
                .refused, "two of these manifests have the same batch name; give each its own with a `batch:` line")
        }
        return loaded
    }
}

struct LoadedManifest {
    let manifest: Manifest
    let batchName: String
    var absolutePath: String { URL(fileURLWithPath: manifest.path).standardizedFileURL.path }
}
