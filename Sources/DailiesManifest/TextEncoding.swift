import ExactJSON

/// A manifest is UTF-8, with or without a byte order mark, and nothing else.
enum TextEncoding {
    private static let marks: [(bytes: [UInt8], name: String)] = [
        ([0x00, 0x00, 0xFE, 0xFF], "UTF-32, big-endian"),
        ([0xFF, 0xFE, 0x00, 0x00], "UTF-32, little-endian"),
        ([0xFE, 0xFF], "UTF-16, big-endian"),
        ([0xFF, 0xFE], "UTF-16, little-endian"),
    ]

    /// The bytes without a mark of UTF-8.
    static func checked(_ bytes: [UInt8]) throws(SourceTrouble) -> ArraySlice<UInt8> {
        for mark in marks where bytes.starts(with: mark.bytes) {
            throw SourceTrouble(
                place: .start, field: "file", what: "is written in \(mark.name)", todo: "save it as UTF-8")
        }
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
        if let offset = text.withUnsafeBufferPointer({ JSONText.firstInvalidUTF8(in: $0) }) {
            throw invalid(text, at: text.startIndex + offset)
        }
        return text
    }

    private static func invalid(_ bytes: ArraySlice<UInt8>, at index: Int) -> SourceTrouble {
        var cursor = TextCursor()
        for byte in bytes[..<index] { cursor.pass(byte) }
        let value = String(bytes[index], radix: 16, uppercase: true)
        return SourceTrouble(
            place: cursor.place, field: "file", what: "byte 0x\(value) here is not UTF-8",
            todo: "save the file as UTF-8")
    }
}

/// Line and column while bytes of UTF-8 go by. A line ends with LF, CR LF or CR alone.
struct TextCursor {
    private(set) var line = 1
    private(set) var column = 1
    private var afterReturn = false

    var place: Place { Place(line: line, column: column) }

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
