import DailiesCore

/// Detects prompts that are the leftovers of a spreadsheet or of a failed conversion.
enum PromptAccident {
    /// What programs write for a missing value.
    private static let placeholders: Set<String> = [
        "nan", "nat", "none", "null", "nil", "undefined", "n/a", "na", "<na>", "true", "false", "[object object]",
    ]
    private static let maximumPlaceholderBytes = 15

    /// Error values of Excel, LibreOffice and Google Sheets.
    private static let errors = [
        "#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!", "#N/A", "#SPILL!", "#CALC!", "#ERROR!", "#FIELD!",
        "#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "#BUSY!", "#GETTING_DATA", "[object Object]",
    ]

    /// The problem; nil for most prompts.
    static func fault(in text: UnsafeBufferPointer<UInt8>) -> String? {
        let isBlank = { (byte: UInt8) in byte == 0x20 || 0x09...0x0D ~= byte }
        var rest = text.drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        guard let first = rest.first, let second = rest.dropFirst().first else { return nil }
        if rest.count <= maximumPlaceholderBytes {
            let word = String(decoding: rest, as: UTF8.self)
            if placeholders.contains(word.lowercased()) {
                return "\(SafeText.quoted(word)) is a placeholder for missing text"
            }
        }
        if rest.allSatisfy({ $0 == UInt8(ascii: "#") }) {
            return "is what a spreadsheet shows when a column is too narrow"
        }
        if first == UInt8(ascii: "="), !isBlank(second) {
            return "\(SafeText.quoted(String(decoding: rest.prefix(64), as: UTF8.self))) is a formula, not its result"
        }
        if let error = errorOfSpreadsheet(in: UnsafeBufferPointer(rebasing: rest)) {
            return "contains the spreadsheet error \(error)"
        }
        return rest.contains { $0 >= 0x80 } ? fault(inUnicode: String(decoding: rest, as: UTF8.self)) : nil
    }

    private static func errorOfSpreadsheet(in text: UnsafeBufferPointer<UInt8>) -> String? {
        if text.starts(with: "Err:5".utf8) { return "Err:5…" }
        for index in text.indices where text[index] == UInt8(ascii: "#") || text[index] == UInt8(ascii: "[") {
            if let error = errors.first(where: { text[index...].starts(with: $0.utf8) }) { return error }
        }
        return nil
    }

    // MARK: Wrong encodings

    private static func fault(inUnicode text: String) -> String? {
        if text.unicodeScalars.contains("\u{FFFD}") {
            return "contains U+FFFD, the replacement for a lost character"
        }
        guard let meant = decodedOnceMore(text) else { return nil }
        return "\(SafeText.quoted(text)) was decoded with the wrong encoding and may mean \(SafeText.quoted(meant))"
    }

    /// Text whose UTF-8 was read as Windows-1252, repaired; nil if there is no sign of that.
    private static func decodedOnceMore(_ text: String) -> String? {
        let scalars = Array(text.unicodeScalars)
        let bytes = scalars.map(byteInWindows1252)
        var result = String.UnicodeScalarView()
        var found: [UInt8] = []
        var index = 0
        while index < scalars.count {
            if let lead = bytes[index], let sequence = sequence(bytes[index...], from: lead),
                let scalar = String(decoding: sequence, as: UTF8.self).unicodeScalars.first
            {
                found.append(lead)
                result.append(scalar)
                index += sequence.count
            } else {
                result.append(scalars[index])
                index += 1
            }
        }
        // A single match counts only with a typical lead: `Ã`, `Â`, `â` of quotation marks, `ï` of a byte order mark.
        let isCertain = found.count > 1 || found.contains { [0xC2, 0xC3, 0xE2, 0xEF, 0xF0].contains($0) }
        return isCertain ? String(result) : nil
    }

    /// The bytes of one UTF-8 character, if these are one.
    private static func sequence(_ bytes: ArraySlice<UInt8?>, from lead: UInt8) -> [UInt8]? {
        let length: Int
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF: length = 3
        case 0xF0...0xF4: length = 4
        default: return nil
        }
        let sequence = bytes.prefix(length).compactMap { $0 }
        let rest = sequence.dropFirst()
        // A letter before a no-break space and quotation marks is correct French.
        guard sequence.count == length, rest.allSatisfy({ 0x80...0xBF ~= $0 }),
            lead == 0xC2 || !rest.allSatisfy(isPunctuation),
            String(validating: sequence, as: UTF8.self) != nil
        else { return nil }
        return sequence
    }

    private static func isPunctuation(_ byte: UInt8) -> Bool {
        [0x85, 0x91, 0x92, 0x93, 0x94, 0x96, 0x97, 0xA0, 0xAB, 0xBB].contains(byte)
    }

    private static let windows1252: [UInt32: UInt8] = [
        0x20AC: 0x80, 0x201A: 0x82, 0x0192: 0x83, 0x201E: 0x84, 0x2026: 0x85, 0x2020: 0x86, 0x2021: 0x87, 0x02C6: 0x88,
        0x2030: 0x89, 0x0160: 0x8A, 0x2039: 0x8B, 0x0152: 0x8C, 0x017D: 0x8E, 0x2018: 0x91, 0x2019: 0x92, 0x201C: 0x93,
        0x201D: 0x94, 0x2022: 0x95, 0x2013: 0x96, 0x2014: 0x97, 0x02DC: 0x98, 0x2122: 0x99, 0x0161: 0x9A, 0x203A: 0x9B,
        0x0153: 0x9C, 0x017E: 0x9E, 0x0178: 0x9F,
    ]

    /// nil for ASCII, and for scalars that are not in Windows-1252.
    private static func byteInWindows1252(_ scalar: UnicodeScalar) -> UInt8? {
        0x80...0xFF ~= scalar.value ? UInt8(scalar.value) : windows1252[scalar.value]
    }
}

extension Diagnostics {
    /// - Parameter text: a prompt, or a variable in one.
    mutating func warnAboutAccident(in text: String, _ value: FieldValue) {
        var text = text
        guard let fault = text.withUTF8({ PromptAccident.fault(in: $0) }) else { return }
        warn(value, fault, "correct it, or it is rendered unchanged")
    }
}
