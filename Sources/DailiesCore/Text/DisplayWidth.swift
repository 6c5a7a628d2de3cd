/// The width of text in terminal columns: 1 for most characters, 2 for East Asian characters and emoji, 0 for
/// combining marks.
package enum DisplayWidth {
    package static func width(of text: String) -> Int { text.reduce(0) { $0 + width(of: $1) } }

    private static func width(of character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        if character.unicodeScalars.contains(where: { $0.value == 0xFE0F }) { return 2 }
        return width(of: scalar)
    }

    /// The width of a scalar by itself.
    package static func width(of scalar: UnicodeScalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: return isWide(scalar.value) ? 2 : 1
        }
    }

    /// Source: Unicode Standard Annex 11, whole blocks whose East_Asian_Width is W or F.
    private static func isWide(_ value: UInt32) -> Bool {
        switch value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
            0x1F680...0x1F6FF, 0x1F900...0x1FAFF, 0x20000...0x3FFFD:
            true
        default: false
        }
    }

    /// Cuts text to `limit` columns and appends `…` if it was longer.
    package static func cut(_ text: String, to limit: Int) -> String {
        guard width(of: text) > limit else { return text }
        guard limit > 0 else { return "" }
        var kept = ""
        var used = 0
        for character in text {
            let next = width(of: character)
            if used + next > limit - 1 { break }
            kept.append(character)
            used += next
        }
        return kept + "…"
    }

    /// Joins items with ` · ` into lines of up to `limit` columns.
    package static func flowed(_ items: [String], to limit: Int) -> [String] {
        var lines: [String] = []
        for item in items {
            if let last = lines.last, width(of: last) + 3 + width(of: item) <= limit {
                lines[lines.count - 1] = last + " · " + item
            } else {
                lines.append(cut(item, to: limit))
            }
        }
        return lines
    }

    package static func padded(_ text: String, to columns: Int) -> String {
        text + String(repeating: " ", count: max(columns - width(of: text), 0))
    }
}
