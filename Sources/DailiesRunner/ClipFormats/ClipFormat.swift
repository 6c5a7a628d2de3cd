/// The video format of a clip, detected from its bytes.
enum ClipFormat: String, Hashable, Sendable {
    case mp4
    /// QuickTime.
    case mov
    case webm
    /// Matroska that does not declare itself as WebM.
    case mkv

    /// Bytes needed to detect the format.
    static let detectionBytes = 256
    private static let quickTimeBrand = "qt  "

    /// - Parameter head: the first bytes of the file. Unrecognized bytes count as MP4.
    init(head: [UInt8]) {
        if let type = MatroskaValidator.documentType(head) {
            self = type == "webm" ? .webm : .mkv
        } else if head.count >= 8, MP4Validator.text(head[4..<8]) != "ftyp" {
            self = MP4Validator.isQuickTime(firstBox: MP4Validator.text(head[4..<8])) ? .mov : .mp4
        } else {
            self = head.count >= 12 && MP4Validator.text(head[8..<12]) == Self.quickTimeBrand ? .mov : .mp4
        }
    }

    /// For messages.
    private var name: String {
        switch self {
        case .mp4: "MP4"
        case .mov: "QuickTime"
        case .webm: "WebM"
        case .mkv: "Matroska"
        }
    }

    /// What may be a problem for players, as a message; nil for none.
    ///
    /// - Parameter end: end of the file's own structure.
    func remark(end: Int64, length: Int64) -> String? {
        var parts: [String] = []
        if self != .mp4 { parts.append("the clip is not an MP4 but \(name)") }
        if end < length {
            let count = length - end == 1 ? "1 byte follows" : "\(length - end) bytes follow"
            parts.append(count + (parts.isEmpty ? " the end of the clip" : " its end"))
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", and ")
    }
}
