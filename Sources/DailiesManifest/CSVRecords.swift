/// CSV by RFC 4180, a record at a time, each cell with its place. Quoted cells may hold separators and line ends.
struct CSVRecords {
    struct Cell {
        let text: String
        let place: Place
    }
    private let bytes: ArraySlice<UInt8>
    let separator: UInt8
    private var index: Int
    private var cursor = TextCursor()
    private var recordStart = 0

    /// - Parameter separator: nil: whichever of comma, semicolon and tab stands most often in the first line.
    init(_ bytes: ArraySlice<UInt8>, separator: UInt8?) {
        self.bytes = bytes
        self.separator = separator ?? Self.detectedSeparator(bytes)
        index = bytes.startIndex
    }

    private static func detectedSeparator(_ bytes: ArraySlice<UInt8>) -> UInt8 {
        let candidates = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")]
        var counts = [0, 0, 0]
        var isQuoted = false
        for byte in bytes.prefix(ManifestReader.longestLine) {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if isQuoted { continue }
            if byte == 0x0A || byte == 0x0D { break }
            if let candidate = candidates.firstIndex(of: byte) { counts[candidate] += 1 }
        }
        let most = counts.max() ?? 0
        return candidates[counts.firstIndex(of: most) ?? 0]
    }

    /// The cells of the next record; nil at the end of the file. A blank line is a record of one empty cell.
    mutating func next() throws(SourceTrouble) -> [Cell]? {
        guard index < bytes.endIndex else { return nil }
        recordStart = index
        let first = cursor.place
        var cells: [Cell] = []
        while true {
            cells.append(try cell())
            guard index - recordStart <= ManifestReader.longestLine else { throw tooLong(first) }
            if index == bytes.endIndex { return cells }
            let byte = bytes[index]
            pass()
            if byte == separator { continue }
            if byte == 0x0D, index < bytes.endIndex, bytes[index] == 0x0A { pass() }
            return cells
        }
    }

    private mutating func pass() {
        cursor.pass(bytes[index])
        index += 1
    }

    private mutating func cell() throws(SourceTrouble) -> Cell {
        let place = cursor.place
        if index < bytes.endIndex, bytes[index] == UInt8(ascii: "\"") { return try quotedCell(place) }
        let first = index
        while index < bytes.endIndex, !endsCell(bytes[index]) {
            guard bytes[index] != UInt8(ascii: "\"") else {
                throw trouble(
                    cursor.place, "a double quote stands inside a cell without quotes",
                    "put the whole cell in quotes and double those inside it")
            }
            pass()
        }
        return Cell(text: String(decoding: bytes[first..<index], as: UTF8.self), place: place)
    }

    private func endsCell(_ byte: UInt8) -> Bool { byte == separator || byte == 0x0A || byte == 0x0D }

    private mutating func quotedCell(_ place: Place) throws(SourceTrouble) -> Cell {
        pass()
        var text: [UInt8] = []
        while true {
            guard index < bytes.endIndex else {
                throw trouble(place, "the quotes of this cell are never closed", "add a double quote at its end")
            }
            guard index - recordStart <= ManifestReader.longestLine else { throw tooLong(place) }
            let byte = bytes[index]
            pass()
            if byte == UInt8(ascii: "\"") {
                guard index < bytes.endIndex, bytes[index] == byte else { break }
                pass()
            }
            text.append(byte)
        }
        guard index == bytes.endIndex || endsCell(bytes[index]) else {
            throw trouble(
                cursor.place, "text stands after the closing quote of a cell", "double the quotes inside a quoted cell")
        }
        return Cell(text: String(decoding: text, as: UTF8.self), place: place)
    }

    private func trouble(_ place: Place, _ what: String, _ todo: String) -> SourceTrouble {
        SourceTrouble(place: place, field: "syntax", what: what, todo: todo)
    }

    private func tooLong(_ place: Place) -> SourceTrouble {
        SourceTrouble(
            place: place, field: "file", what: "this line is longer than \(ManifestReader.longestLine) bytes",
            todo: "look for quotes that are not closed, and write images as URLs")
    }
}
