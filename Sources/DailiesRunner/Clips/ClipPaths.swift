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

    /// So many parts of one clip, at most, of processes that render into one folder.
    private static let mostParts = 16
    /// So many names are tried where something stands in the way.
    private static let mostNames = 9

    /// The batch's output folder, absolute.
    let root: String
    /// The folders below it, outermost first: the program makes them, and none of them may be a link that leads elsewhere.
    let folders: [String]
    /// Marks the part file, so that a resumed download never continues another attempt's bytes.
    let submissionKey: SubmissionKey
    /// Without an ending.
    private let name: String

    init(folder: String, batchName: String, output: OutputName, submissionKey: SubmissionKey) {
        var components = (output.requested.map(Self.withoutEnding) ?? output.key.text)
            .split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let last = Self.safeName(components.removeLast())
        root = folder
        folders = ([batchName] + components).map(Self.safeFolder)
        self.submissionKey = submissionKey
        // No key becomes a name with a tilde and another number of characters after it than eight.
        name = output.attempt > 1 ? last + "~take\(output.attempt)" : last
    }

    // MARK: Names

    /// The clip's own name, and those to take where it is taken: somebody else's file is never overwritten.
    var clipNames: [String] {
        let marked = name + "~" + submissionKey.text.prefix(8)
        return [name + ".mp4", marked + ".mp4"] + (2...Self.mostNames).map { "\(marked)~\($0).mp4" }
    }

    /// Of a part that may be whole and of the others, in the order in which they are looked for.
    var partNumbers: ClosedRange<Int> { 0...Self.mostParts }

    /// 0: of a part that may be whole, among the clips, so that it can be looked at. From 1 on: hidden.
    func partName(_ number: Int) -> String { number == 0 ? name + "~unverified.mp4" : hidden(number) + ".part" }

    /// Of the file that says what is known of a part.
    func recordName(_ number: Int) -> String {
        number == 0 ? hidden(1) + ".unverified" : hidden(number) + ".version"
    }

    private func hidden(_ number: Int) -> String {
        ".\(name).\(submissionKey.text.prefix(Self.keyInPartName))" + (number == 1 ? "" : ".\(number)")
    }

    /// Opens the clip's folder, made where it is missing. Where something stands in the way of one, another takes its place:
    /// `BATCH~2`.
    ///
    /// - Throws: ``ClipError``.
    func openFolder() throws(ClipError) -> OpenFolder {
        var folder = try OpenFolder.made(root)
        for name in folders {
            var child: OpenFolder?
            for number in 1...Self.mostNames where child == nil {
                child = try folder.subfolder(number == 1 ? name : "\(name)~\(number)")
            }
            guard let child else {
                throw .blocked("no name is left in \(folder.path) for the folder \(name); move away what has it")
            }
            folder = child
        }
        return folder
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
