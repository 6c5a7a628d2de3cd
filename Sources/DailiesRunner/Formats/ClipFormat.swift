/// What kind of video file a clip is, by its bytes.
enum ClipFormat: String, Hashable, Sendable {
    case mp4
    /// QuickTime.
    case mov
    case webm
    /// Matroska that does not call itself WebM.
    case mkv

    /// So many bytes tell which it is.
    static let mostHeadBytes = 256
    private static let quickTimeBrand = "qt  "

    /// - Parameter head: the first bytes of the file. What they say of no other format counts as MP4.
    init(head: [UInt8]) {
        if let type = MatroskaValidator.documentType(head) {
            self = type == "webm" ? .webm : .mkv
        } else if head.count >= 8, MP4Validator.text(head[4..<8]) != "ftyp" {
            self = MP4Validator.isQuickTime(firstBox: MP4Validator.text(head[4..<8])) ? .mov : .mp4
        } else {
            self = head.count >= 12 && MP4Validator.text(head[8..<12]) == Self.quickTimeBrand ? .mov : .mp4
        }
    }

    /// In a sentence, where it is not what was expected.
    private var name: String {
        switch self {
        case .mp4: "MP4"
        case .mov: "QuickTime"
        case .webm: "WebM"
        case .mkv: "Matroska"
        }
    }

    /// What a player might stumble over, in a sentence about the clip; nil: nothing.
    ///
    /// - Parameter end: where the file's own structure ends.
    func remark(end: Int64, length: Int64) -> String? {
        var parts: [String] = []
        if self != .mp4 { parts.append("the clip is no MP4 but \(name)") }
        if end < length {
            let count = length - end == 1 ? "1 byte follows" : "\(length - end) bytes follow"
            parts.append((parts.isEmpty ? "after the end of the clip " : "after its end ") + count)
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", and ")
    }
}
