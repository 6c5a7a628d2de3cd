import DailiesCore

/// CSV according to RFC 4180, one record at a time, with the position of each cell. Quoted cells may contain
/// separators and line ends.
struct CSVRecords {
    struct Cell {
        let text: String
        let place: SourcePosition
    }
    private let window: ChunkedReader
    let separator: UInt8
    private var bytes = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    private var index = 0
    private var cursor = TextCursor()

    /// Skips a first line that is not part of the table: Excel's `sep=;`, which sets the separator, and PowerShell's
    /// `#TYPE`.
    ///
    /// - Parameter separator: nil to use the most frequent of comma, semicolon and tab in the first line.
    init(_ window: ChunkedReader, separator: UInt8?) throws(SourceError) {
        self.window = window
        try window.require(ManifestLimits.maximumLineBytes)
        let line = window.bytes.prefix { $0 != 0x0A && $0 != 0x0D }
        let stated = Self.statedSeparator(line)
        if stated != nil || line.starts(with: "#TYPE ".utf8) {
            let rest = window.bytes[line.endIndex...]
            let end = rest.starts(with: [0x0D, 0x0A]) ? 2 : min(1, rest.count)
            for byte in window.bytes[..<(line.endIndex + end)] { cursor.pass(byte) }
            window.pass(line.endIndex + end)
            try window.require(ManifestLimits.maximumLineBytes)
        }
        self.separator = stated ?? separator ?? Self.detectedSeparator(window.bytes)
    }

    /// The separator of a `sep=;` line, quoted or not.
    private static func statedSeparator(_ line: Slice<UnsafeBufferPointer<UInt8>>) -> UInt8? {
        var text = line[...]
        if text.first == UInt8(ascii: "\""), text.count > 1, text.last == text.first {
            text = text.dropFirst().dropLast()
        }
        guard text.count == 5, text.prefix(4).map({ $0 | 0x20 }).elementsEqual("sep=".utf8.map { $0 | 0x20 }),
            let separator = text.last, 0x21..<0x7F ~= separator || separator == 0x09,
            separator != UInt8(ascii: "\"")
        else { return nil }
        return separator
    }

    private static func detectedSeparator(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt8 {
        let candidates = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")]
        var counts = [0, 0, 0]
        var isQuoted = false
        for byte in bytes.prefix(ManifestLimits.maximumLineBytes) {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if isQuoted { continue }
            if byte == 0x0A || byte == 0x0D { break }
            if let candidate = candidates.firstIndex(of: byte) { counts[candidate] += 1 }
        }
        let most = counts.max() ?? 0
        return candidates[counts.firstIndex(of: most) ?? 0]
    }

    /// The cells of the next record; nil at the end. A blank line is a record of one empty cell.
    mutating func next() throws(SourceError) -> [Cell]? {
        // If the record has not ended within the window, it is too long.
        try window.require(ManifestLimits.maximumLineBytes + 8)
        bytes = window.bytes
        index = 0
        defer { window.pass(index) }
        guard !bytes.isEmpty else {
            try refuseInvalid()
            return nil
        }
        let first = cursor.place
        var cells: [Cell] = []
        while true {
            cells.append(try cell())
            guard index <= ManifestLimits.maximumLineBytes else { throw tooLong(first) }
            if index == bytes.count {
                try refuseInvalid()
                return cells
            }
            let byte = bytes[index]
            pass()
            if byte == separator { continue }
            if byte == 0x0D, index < bytes.count, bytes[index] == 0x0A { pass() }
            return cells
        }
    }

    /// Called at the end of the valid bytes.
    private func refuseInvalid() throws(SourceError) {
        if let byte = window.invalidByte { throw TextEncoding.invalid(byte, at: cursor.place) }
    }

    private mutating func pass() {
        cursor.pass(bytes[index])
        index += 1
    }

    private mutating func cell() throws(SourceError) -> Cell {
        let place = cursor.place
        if index < bytes.count, bytes[index] == UInt8(ascii: "\"") { return try quotedCell(place) }
        let first = index
        while index < bytes.count, !endsCell(bytes[index]) {
            guard bytes[index] != UInt8(ascii: "\"") else {
                throw sourceError(
                    cursor.place, "a double quote appears inside an unquoted cell",
                    "quote the whole cell and double the quotes inside it")
            }
            pass()
        }
        return Cell(text: text(bytes[first..<index]), place: place)
    }

    private func text(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> String {
        String(decoding: UnsafeBufferPointer(rebasing: bytes), as: UTF8.self)
    }

    private func endsCell(_ byte: UInt8) -> Bool { byte == separator || byte == 0x0A || byte == 0x0D }

    private mutating func quotedCell(_ place: SourcePosition) throws(SourceError) -> Cell {
        pass()
        let first = index
        var doubled: [UInt8]?
        while true {
            guard index < bytes.count else {
                try refuseInvalid()
                throw sourceError(place, "the closing quote of this cell is missing", "add a double quote at its end")
            }
            guard index <= ManifestLimits.maximumLineBytes else { throw tooLong(place) }
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                guard index + 1 < bytes.count, bytes[index + 1] == byte else { break }
                // After the first doubled quote the text differs from the bytes in the file.
                if doubled == nil { doubled = Array(bytes[first..<index]) }
                pass()
            }
            pass()
            doubled?.append(byte)
        }
        let text = doubled.map { String(decoding: $0, as: UTF8.self) } ?? text(bytes[first..<index])
        pass()
        guard index == bytes.count || endsCell(bytes[index]) else {
            throw sourceError(
                cursor.place, "text follows the closing quote of a cell", "double the quotes inside a quoted cell")
        }
        return Cell(text: text, place: place)
    }

    private func sourceError(_ place: SourcePosition, _ message: String, _ fix: String) -> SourceError {
        SourceError(place: place, field: "syntax", message: message, fix: fix)
    }

    private func tooLong(_ place: SourcePosition) -> SourceError {
        SourceError(
            place: place, field: "file", message: "this line is longer than \(ManifestLimits.maximumLineBytes) bytes",
            fix: "look for an unclosed quote, and give images as URLs")
    }
}
