import Crypto
import DailiesCore
import Foundation

/// Where clips go: `OUTPUT/BATCH/KEY.mp4`, inside the output folder whatever a key says, on any file system. A `/` in a
/// key makes a folder.
package struct ClipPaths: Sendable {
    /// Longest file name before its ending, in bytes: file systems allow 255, and a part file's name is longer.
    private static let longestName = 150
    /// Characters of the submission key between two dots of a part file's name.
    package static let keyInPartName = 12

    let clip: String
    let part: String
    /// The folders between the batch's output folder and the clip, outermost first: the program made them, and none of
    /// them may be a link that leads elsewhere.
    let ownFolders: [String]

    /// - Parameters:
    ///   - folder: the batch's output folder, absolute.
    ///   - submissionKey: marks the part file, so that a resumed download never continues another attempt's bytes.
    init(folder: String, batchName: String, output: OutputName, submissionKey: SubmissionKey) {
        var components = (output.requested.map(Self.withoutEnding) ?? output.key.text)
            .split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        var name = Self.safeName(components.removeLast())
        let folders = ([batchName] + components).map(Self.safeFolder)
        let directory = folder + "/" + folders.joined(separator: "/")
        // No key becomes a name with a tilde and fewer than eight characters after it.
        if output.attempt > 1 { name += "~take\(output.attempt)" }
        ownFolders = folders.indices.map { folder + "/" + folders[...$0].joined(separator: "/") }
        clip = "\(directory)/\(name).mp4"
        part = "\(directory)/.\(name).\(submissionKey.text.prefix(Self.keyInPartName)).part"
    }

    /// The name to take where ``clip`` exists with other content: somebody else's file is never overwritten.
    func alternative(_ submissionKey: SubmissionKey) -> String {
        clip.dropLast(4) + "~" + submissionKey.text.prefix(8) + ".mp4"
    }

    private static func withoutEnding(_ name: String) -> String {
        name.lowercased().hasSuffix(".mp4") ? String(name.dropLast(4)) : name
    }

    /// A folder is never called like a clip, so that the keys `a` and `a.mp4/b` do not meet.
    private static func safeFolder(_ text: String) -> String {
        let name = safeName(text)
        return name.lowercased().hasSuffix(".mp4") ? name + "~" : name
    }

    /// A text as one component of a path. Letters, digits and `. _ - = , + @` of ASCII stay; where anything else had to
    /// be replaced, a mark of the whole text follows, so that two texts never share a name.
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
        // A leading dot hides a file, and `.` and `..` are no names at all.
        if name.hasPrefix(".") || name.isEmpty || name.hasSuffix(".") || isReserved(name) {
            name = "_" + name
            isChanged = true
        }
        if name.utf8.count > longestName {
            name = String(name.prefix(longestName))
            isChanged = true
        }
        guard isChanged else { return name }
        return name + "~" + Base32.lowercase(SHA256.hash(data: Data(text.utf8)), length: 8)
    }

    /// Device names that Windows keeps for itself, with any ending.
    private static func isReserved(_ name: String) -> Bool {
        let stem = name.lowercased().prefix { $0 != "." }
        if ["con", "prn", "aux", "nul"].contains(stem) { return true }
        return stem.utf8.count == 4 && (stem.hasPrefix("com") || stem.hasPrefix("lpt")) && stem.last?.isNumber == true
    }
}
