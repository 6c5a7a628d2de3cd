import Crypto
import DailiesCore
import Foundation

/// The paths of clips: `OUTPUT/BATCH/KEY.mp4`, inside the output folder for any key, valid on any file system. A `/` in
/// a key makes a folder.
package struct ClipPaths: Sendable {
    /// Maximum bytes of a file name before its extension. File systems allow 255; the names of part files are longer.
    private static let maximumNameBytes = 150
    /// Characters of the submission key in the name of a part file.
    package static let keyInPartName = 12

    /// Maximum parts of one clip, from processes that share the folder.
    private static let maximumParts = 16
    /// Maximum names that are tried if files are in the way.
    private static let maximumNames = 9

    /// The batch's output folder, absolute.
    let root: String
    /// Folders below it, outermost first. They are created by this program, and must not be links.
    let folders: [String]
    /// Identifies the part file, so that a download never resumes another attempt's bytes.
    let submissionKey: SubmissionKey
    /// Without an extension.
    private let name: String

    init(folder: String, batchName: String, output: OutputName, submissionKey: SubmissionKey) {
        var components = (output.requested.map(Self.withoutExtension) ?? output.key.text)
            .split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let last = Self.safeName(components.removeLast())
        root = folder
        folders = ([batchName] + components).map(Self.safeFolder)
        self.submissionKey = submissionKey
        // No key maps to a name with a tilde followed by other than eight characters.
        name = output.attempt > 1 ? last + "~take\(output.attempt)" : last
    }

    // MARK: Names

    /// The clip's names in order of preference: existing files are never overwritten.
    var clipNames: [String] {
        let marked = name + "~" + submissionKey.text.prefix(8)
        return [name + ".mp4", marked + ".mp4"] + (2...Self.maximumNames).map { "\(marked)~\($0).mp4" }
    }

    /// Numbers of the part that may be complete and of the others, in search order.
    var partNumbers: ClosedRange<Int> { 0...Self.maximumParts }

    /// 0: the part that may be complete, visible among the clips. From 1: hidden.
    func partName(_ number: Int) -> String { number == 0 ? name + "~unverified.mp4" : hidden(number) + ".part" }

    /// The name of the record of a part.
    func recordName(_ number: Int) -> String {
        number == 0 ? hidden(1) + ".unverified" : hidden(number) + ".version"
    }

    private func hidden(_ number: Int) -> String {
        ".\(name).\(submissionKey.text.prefix(Self.keyInPartName))" + (number == 1 ? "" : ".\(number)")
    }

    /// Opens the clip's folder, and creates it if missing. If a name is taken by another file, uses the next:
    /// `BATCH~2`.
    ///
    /// - Throws: ``ClipError``.
    func openFolder() throws(ClipError) -> OpenFolder {
        var folder = try OpenFolder.made(root)
        for name in folders {
            var child: OpenFolder?
            for number in 1...Self.maximumNames where child == nil {
                child = try folder.subfolder(number == 1 ? name : "\(name)~\(number)")
            }
            guard let child else {
                throw .blocked(
                    "all names for the folder \(name) in \(folder.path) are taken; move the existing files away")
            }
            folder = child
        }
        return folder
    }

    private static func withoutExtension(_ name: String) -> String {
        name.lowercased().hasSuffix(".mp4") ? String(name.dropLast(4)) : name
    }

    /// Folders never end in `.mp4`, so that the keys `a` and `a.mp4/b` do not collide.
    private static func safeFolder(_ text: String) -> String {
        let name = safeName(text)
        return name.lowercased().hasSuffix(".mp4") ? name + "~" : name
    }

    /// A text as a path component. ASCII letters, digits and `. _ - = , + @` are kept; if anything else was replaced, a
    /// hash of the whole text follows, so that different texts get different names.
    static func safeName(_ text: String) -> String {
        var name = ""
        var isChanged = false
        for scalar in text.unicodeScalars {
            if scalar.isASCII, scalar.properties.isAlphabetic || "0123456789._-=,+@".unicodeScalars.contains(scalar) {
                name.unicodeScalars.append(scalar)
            } else {
                name += "_"
                isChanged = true
            }
        }
        // A leading dot hides a file, and `.` and `..` are not file names.
        if name.hasPrefix(".") || name.isEmpty || name.hasSuffix(".") || isReserved(name) {
            name = "_" + name
            isChanged = true
        }
        if name.utf8.count > maximumNameBytes {
            name = String(name.prefix(maximumNameBytes))
            isChanged = true
        }
        guard isChanged else { return name }
        return name + "~" + Base32.lowercase(SHA256.hash(data: Data(text.utf8)), length: 8)
    }

    /// Device names that Windows reserves, with any extension.
    private static func isReserved(_ name: String) -> Bool {
        let stem = name.lowercased().prefix { $0 != "." }
        if ["con", "prn", "aux", "nul"].contains(stem) { return true }
        return stem.utf8.count == 4 && (stem.hasPrefix("com") || stem.hasPrefix("lpt")) && stem.last?.isNumber == true
    }
}
