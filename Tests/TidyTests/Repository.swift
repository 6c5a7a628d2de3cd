import Foundation

/// The repository that this test was compiled in.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    struct SourceFile {
        /// From the repository's top.
        let path: String
        let lines: [String]
    }

    /// All Swift files below a folder, in order.
    static func swiftFiles(below folder: String) throws -> [SourceFile] {
        let base = root.appendingPathComponent(folder)
        guard let walker = FileManager.default.enumerator(atPath: base.path) else { return [] }
        return try walker.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted().map { name in
            let text = try String(contentsOf: base.appendingPathComponent(name), encoding: .utf8)
            return SourceFile(
                path: folder + "/" + name,
                lines: text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
        }
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// `path:line: text` of every line for which `isHit` holds.
    static func hits(_ files: [SourceFile], where isHit: (_ line: String, _ previous: String) -> Bool) -> [String] {
        files.flatMap { file in
            file.lines.enumerated().compactMap { index, line in
                let previous = index > 0 ? file.lines[index - 1] : ""
                return isHit(line, previous)
                    ? "\(file.path):\(index + 1): \(line.trimmingCharacters(in: .whitespaces))" : nil
            }
        }
    }
}
