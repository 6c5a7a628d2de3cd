/// Rejects YAML text that must not reach the parser.
enum YAMLPrecheck {
    /// Number of aliases from which nested copies could exhaust memory.
    private static let manyAliases = 10

    static func check(_ text: String) throws(SourceError) {
        try checkCharacters(text)
        try checkKeys(Array(text.utf8))
    }

    /// YAML allows no control characters, and the parser's error would have no line.
    private static func checkCharacters(_ text: String) throws(SourceError) {
        var cursor = TextCursor()
        for scalar in text.unicodeScalars {
            let isAllowed =
                switch scalar.value {
                case 0x09, 0x0A, 0x0D, 0x20...0x7E, 0x85, 0xA0...0xFEFE, 0xFF00...0xFFFD, 0x10000...0x10FFFF: true
                default: false
                }
            guard isAllowed else {
                let name = String(scalar.value, radix: 16, uppercase: true)
                throw SourceError(
                    place: cursor.place, field: "syntax",
                    message: "the character U+\(String(repeating: "0", count: max(0, 4 - name.count)))\(name) "
                        + "is not allowed in YAML",
                    fix: "remove it")
            }
            // Only ASCII can end a line here, and one call per scalar counts one column.
            cursor.pass(scalar.isASCII ? UInt8(scalar.value) : UInt8(ascii: "x"))
        }
    }

    /// The parser compares keys by content. A key made of nested aliases takes exponential time, so text with many
    /// aliases may only have plain words as keys.
    private static func checkKeys(_ bytes: [UInt8]) throws(SourceError) {
        let anchors = Set(names(after: UInt8(ascii: "&"), in: bytes).map(\.name))
        guard !anchors.isEmpty else { return }
        let aliases = names(after: UInt8(ascii: "*"), in: bytes).filter { anchors.contains($0.name) }
        guard aliases.count >= manyAliases else { return }
        if aliases.contains(where: { isKeyEnd(bytes, $0.end) }) || hasComplexKey(bytes) {
            throw SourceError(
                place: .start, field: "syntax",
                message: "an alias, list or mapping is not allowed as a key in a file with many aliases",
                fix: "use plain words as keys, and defaults and matrix instead of aliases")
        }
    }

    /// The names that aliases refer to.
    static func aliases(in text: String) -> Set<String> {
        Set(names(after: UInt8(ascii: "*"), in: Array(text.utf8)).map { String(decoding: $0.name, as: UTF8.self) })
    }

    private static func names(after mark: UInt8, in bytes: [UInt8]) -> [(name: ArraySlice<UInt8>, end: Int)] {
        var found: [(name: ArraySlice<UInt8>, end: Int)] = []
        for index in bytes.indices where bytes[index] == mark && (index == 0 || isBoundary(bytes[index - 1])) {
            let name = bytes[(index + 1)...].prefix { isNameByte($0) }
            if !name.isEmpty { found.append((name, name.endIndex)) }
        }
        return found
    }

    private static func isBoundary(_ byte: UInt8) -> Bool {
        isBlank(byte) || [UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: ","), UInt8(ascii: ":")].contains(byte)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    /// Whether blanks and a colon follow.
    private static func isKeyEnd(_ bytes: [UInt8], _ start: Int) -> Bool {
        var index = start
        while index < bytes.count, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
        return index < bytes.count && bytes[index] == UInt8(ascii: ":")
    }

    /// Whether there is a `?` that starts a key, or a closing bracket before a colon.
    private static func hasComplexKey(_ bytes: [UInt8]) -> Bool {
        for index in bytes.indices {
            switch bytes[index] {
            case UInt8(ascii: "?"):
                let opens = index == 0 || isBoundary(bytes[index - 1])
                if opens, index + 1 == bytes.count || isBlank(bytes[index + 1]) { return true }
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if isKeyEnd(bytes, index + 1) { return true }
            default: break
            }
        }
        return false
    }
}
