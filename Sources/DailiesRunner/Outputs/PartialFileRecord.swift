import DailiesCore
import Foundation

/// The record of a part file, in a small file next to it: its submission key, the version of the asset, and the digest
/// of its first bytes.
///
/// Only a part with a record is ours, and only bytes with this digest are resumed. So neither the order in which a
/// crash lets the two files reach the disk nor writes by other programs matter: on a mismatch, the download restarts.
struct PartialFileRecord: Hashable {
    private static let head = "dailies-part 1"
    private static let tail = "end"
    /// Maximum size of a record.
    static let maximumBytes = 4096
    /// Maximum length of a validator; longer ones are not recorded.
    private static let maximumValidatorBytes = 256

    let key: SubmissionKey
    let version: AssetVersion
    /// Number of bytes that `digest` covers.
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

    /// The validator if it is one short line of printable ASCII; otherwise nil, and the download restarts.
    private var validatorOnRecord: String? {
        version.validator.flatMap {
            $0.utf8.count <= Self.maximumValidatorBytes && $0.utf8.allSatisfy { 0x20...0x7E ~= $0 } ? $0 : nil
        }
    }
}

extension PartialFileRecord {
    /// nil unless the text starts with a complete record. What follows may be left over from a longer one.
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
