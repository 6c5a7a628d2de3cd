import ExactJSON

/// Manifests are UTF-8, with or without a byte order mark, or UTF-16 with one, which is converted first.
enum TextEncoding {
    private static let marks: [(bytes: [UInt8], name: String)] = [
        ([0x00, 0x00, 0xFE, 0xFF], "UTF-32, big-endian"),
        ([0xFF, 0xFE, 0x00, 0x00], "UTF-32, little-endian"),
    ]

    /// Magic bytes of spreadsheet files.
    private static let workbooks: [[UInt8]] = [
        Array("PK\u{3}\u{4}".utf8), [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1],
    ]
    private static let workbookEndings: Set = ["xlsx", "xlsm", "xlsb", "xls", "ods", "numbers"]
    private static let exportAdvice = "export the sheet as CSV UTF-8 and use that file"

    /// Which of the first four bytes are zero if a text without a mark starts with two ASCII characters.
    private static let zeros: [(pattern: [Bool], name: String)] = [
        ([true, true, true, false], "UTF-32, big-endian"),
        ([false, true, true, true], "UTF-32, little-endian"),
        ([true, false, true, false], "UTF-16, big-endian"),
        ([false, true, false, true], "UTF-16, little-endian"),
    ]

    /// The length of the UTF-8 mark at the start: 0 or 3.
    ///
    /// - Throws: if the text starts with another encoding's mark, or with the zero bytes of its first characters.
    static func lengthOfMark(_ bytes: some Collection<UInt8>) throws(SourceError) -> Int {
        if workbooks.contains(where: { bytes.starts(with: $0) }) {
            throw SourceError(
                place: .start, field: "file", message: "is a spreadsheet file or another archive, not text",
                fix: exportAdvice, discardsOtherFindings: true)
        }
        let pattern = bytes.prefix(4).map { $0 == 0 }
        let other = marks.first { bytes.starts(with: $0.bytes) }?.name ?? zeros.first { $0.pattern == pattern }?.name
        if let other {
            throw SourceError(
                place: .start, field: "file", message: "is encoded in \(other)", fix: "save it as UTF-8",
                discardsOtherFindings: true)
        }
        return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// The error for a file with a spreadsheet extension; nil otherwise.
    static func spreadsheet(called path: String) -> SourceError? {
        guard let dot = path.lastIndex(of: "."),
            workbookEndings.contains(path[path.index(after: dot)...].lowercased())
        else { return nil }
        return SourceError(
            place: .start, field: "file", message: "is a spreadsheet, not text", fix: exportAdvice,
            discardsOtherFindings: true)
    }

    /// The bytes without the UTF-8 mark.
    static func checked(_ bytes: [UInt8]) throws(SourceError) -> ArraySlice<UInt8> {
        let text = bytes[try lengthOfMark(bytes)...]
        if let offset = text.withUnsafeBufferPointer({ JSONText.firstInvalidUTF8(in: $0) }) {
            var cursor = TextCursor()
            for byte in text.prefix(offset) { cursor.pass(byte) }
            throw invalid(text[text.startIndex + offset], at: cursor.place)
        }
        return text
    }

    static func invalid(_ byte: UInt8, at place: SourcePosition) -> SourceError {
        let value = String(byte, radix: 16, uppercase: true)
        return SourceError(
            place: place, field: "file", message: "byte 0x\(value) here is not UTF-8", fix: "save the file as UTF-8",
            discardsOtherFindings: true)
    }

    /// Whether these incomplete bytes, at most three, may be the start of a character.
    static func mayContinue(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        guard let first = bytes.first else { return true }
        let length: Int
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF: length = 3
        case 0xF0...0xF4: length = 4
        default: return false
        }
        guard bytes.count < length else { return false }
        let second = bytes.dropFirst().first ?? (first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80)
        let seconds: ClosedRange<UInt8> =
            switch first {
            case 0xE0: 0xA0...0xBF
            case 0xED: 0x80...0x9F
            case 0xF0: 0x90...0xBF
            case 0xF4: 0x80...0x8F
            default: 0x80...0xBF
            }
        return seconds ~= second && bytes.dropFirst(2).allSatisfy { 0x80...0xBF ~= $0 }
    }
}

/// Tracks line and column over UTF-8 bytes. A line ends with LF, CR LF or CR.
struct TextCursor {
    private(set) var line = 1
    private(set) var column = 1
    private var afterReturn = false

    init() {}

    init(at place: SourcePosition) {
        line = place.line
        column = place.column
    }

    var place: SourcePosition { SourcePosition(line: line, column: column) }

    mutating func pass(_ byte: UInt8) {
        switch byte {
        case 0x0A where afterReturn: break
        case 0x0A, 0x0D:
            line += 1
            column = 1
        default: if byte & 0xC0 != 0x80 { column += 1 }
        }
        afterReturn = byte == 0x0D
    }
}
