import DailiesCore
import Foundation

/// What is known of a part file, in a small file beside it: whose it is, which version of the asset its first bytes belong to,
/// and their digest.
///
/// Only a part with a record is ours, and only bytes with this digest are gone on with. So it does not matter in which order a
/// crash lets the two files reach the disk, nor who else has written into the part: what does not fit begins anew.
struct PartialFileRecord: Hashable {
    private static let head = "dailies-part 1"
    private static let tail = "end"
    /// So much of a file is read; no record is longer.
    static let mostBytes = 4096
    /// Longer validators are not put on record.
    private static let longestValidator = 256

    let key: SubmissionKey
    let version: AssetVersion
    /// How many bytes the digest is of.
    let bytes: Int64
    /// SHA-256, 64 lowercase hexadecimal digits.
    let digest: String

    var text: String {
        """
        \(Self.head)
        key \(key)
        validator \(validatorOnRecord ?? "")
        length \(version.length.map(String.init) ?? "")
        bytes \(bytes)
        sha256 \(digest)
        \(Self.tail)

        """
    }

    /// A validator that is not one short line of printable ASCII is left out: its part begins anew.
    private var validatorOnRecord: String? {
        version.validator.flatMap {
            $0.utf8.count <= Self.longestValidator && $0.utf8.allSatisfy { 0x20...0x7E ~= $0 } ? $0 : nil
        }
    }
}

extension PartialFileRecord {
    /// nil for any text that is not, from its first line to the last of a record, one of ours. What follows may be left over
    /// from a longer one before it.
    init?(_ text: String) {
        let lines = text.split(separator: "\n", maxSplits: 7, omittingEmptySubsequences: false)
        guard lines.count == 8, lines[0] == Self.head, lines[6] == Self.tail,
            let key = Self.value("key", lines[1]), let validator = Self.value("validator", lines[2]),
            let length = Self.value("length", lines[3]),
            let bytes = Self.value("bytes", lines[4]).flatMap({ Int64($0) }),
            let digest = Self.value("sha256", lines[5]), bytes >= 0, length.isEmpty || Int64(length) != nil
        else { return nil }
        self.init(
            key: SubmissionKey(String(key)),
            version: AssetVersion(validator: validator.isEmpty ? nil : String(validator), length: Int64(length)),
            bytes: bytes, digest: String(digest))
    }

    private static func value(_ name: String, _ line: Substring) -> Substring? {
        line.hasPrefix(name + " ") ? line.dropFirst(name.count + 1) : nil
    }
}
