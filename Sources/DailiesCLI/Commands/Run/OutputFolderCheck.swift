import DailiesCore
import DailiesManifest
import DailiesRunner
import DailiesStore
import Foundation

/// Checks that the clips of a run can be saved, before anything is paid for.
struct OutputFolderCheck {
    /// Absolute.
    let folders: [String]
    /// The manifests whose clips go there; empty: the batches in the store.
    let manifests: [ValidatedManifest]

    static func absolute(_ folder: String?) -> String {
        URL(fileURLWithPath: folder ?? RunOptionsDefaults.output).standardizedFileURL.path
    }

    /// The problem, safe to show; nil: none. Creates nothing.
    func fault() throws -> String? {
        for path in folders {
            let folder = OutputFolder(path)
            if let fault = folder.fault() { return SafeText.escaped(fault) }
            guard folder.isCramped else { continue }
            for manifest in manifests {
                let names = OutputFolder.Names(in: folder, batchName: manifest.batchName)
                var found: String?
                try manifest.forEachTask { found = found ?? names.fault(of: $0.key, requested: $0.output) }
                if let found { return SafeText.escaped(found) }
            }
        }
        return nil
    }

    /// Checks by creating the folders and a temporary file in each.
    func trial() -> String? {
        for path in folders {
            if let fault = OutputFolder(path).trial() { return SafeText.escaped(fault) }
        }
        return nil
    }

    /// Whether a run of these manifests has anything to render or save.
    func hasWork(in store: Store?) throws -> Bool {
        for manifest in manifests {
            guard let store, let known = try store.batch(named: manifest.batchName) else {
                if manifest.count > 0 { return true }
                continue
            }
            var hasWork = false
            try store.compare(
                batchName: manifest.batchName, provider: known.provider, forEachTask: manifest.forEachTask
            ) { finding in
                guard case .named(_, let verdict, _) = finding else { return }
                switch verdict {
                case .new, .waiting, .restored, .changed, .resumable, .uncertain, .paid(isSaved: false): hasWork = true
                case .paid(isSaved: true), .failed, .cancelled: break
                }
            }
            if hasWork { return true }
        }
        return manifests.isEmpty
    }
}
