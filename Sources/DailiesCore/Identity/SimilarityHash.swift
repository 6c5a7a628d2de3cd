/// A hash by which an index finds equal and nearly equal requests. Requests that differ only in line ends have the same
/// hash; nearly equal ones share its upper half. The caller then compares the requests in full.
package struct SimilarityHash: Hashable, Sendable {
    /// The hash, as a 64-bit column stores it.
    package let number: Int64

    package init(number: Int64) { self.number = number }

    /// Hashes a request.
    package init(_ request: CanonicalRequest) {
        let text = request.withLineFeeds.text
        var exact = Mixer()
        for byte in text.utf8 { exact.add(UInt64(byte)) }
        // A text may equal its own outline, so the halves use different bits.
        number = Int64(bitPattern: Self.outline(of: text) & ~0xFFFF_FFFF | exact.value & 0xFFFF_FFFF)
    }

    /// The hashes of all nearly equal requests.
    package var nearby: ClosedRange<Int64> {
        let low = number & ~0xFFFF_FFFF
        return low...(low | 0xFFFF_FFFF)
    }

    /// A hash of the parts that neither blanks nor Unicode form change: ASCII characters, ideographs and emoji, and the
    /// positions of other characters and blanks between them.
    private static func outline(of text: String) -> UInt64 {
        var outline = Outline()
        if text.utf8.allSatisfy({ $0 < 0x80 }) {
            for byte in text.utf8 { outline.take(byte) }
        } else {
            for character in text {
                if let scalar = character.unicodeScalars.first, !character.isASCII || character.utf8.count > 1 {
                    outline.take(scalar, isBlank: character.isWhitespace)
                } else if let byte = character.utf8.first {
                    outline.take(byte)
                }
            }
        }
        return outline.mixer.value
    }

    private struct Outline {
        private enum Mark {
            static let escaped: UInt64 = 1 << 32
            static let other: UInt64 = 1 << 33
        }

        private(set) var mixer = Mixer()
        private var isBlankPending = false
        private var isAfterQuote = false
        private var isEscape = false

        /// Adds a byte of JSON text.
        mutating func take(_ byte: UInt8) {
            if isEscape {
                isEscape = false
                if byte == UInt8(ascii: "n") || byte == UInt8(ascii: "t") {
                    isBlankPending = true
                } else {
                    add(Mark.escaped | UInt64(byte))
                }
                return
            }
            switch byte {
            case UInt8(ascii: "\\"): isEscape = true
            case UInt8(ascii: " "): isBlankPending = true
            case UInt8(ascii: "\""):
                isBlankPending = false
                mixer.add(UInt64(byte))
                isAfterQuote = true
            default: add(UInt64(byte))
            }
        }

        /// Adds a character that is not ASCII, by its first scalar.
        mutating func take(_ scalar: UnicodeScalar, isBlank: Bool) {
            isEscape = false
            if isBlank {
                isBlankPending = true
                return
            }
            switch scalar.value {
            case 0x3400...0x9FFF, 0x1F000...0x1FAFF, 0x20000...0x2F7FF: add(UInt64(scalar.value))
            default: add(Mark.other)
            }
        }

        private mutating func add(_ unit: UInt64) {
            if isBlankPending, !isAfterQuote { mixer.add(UInt64(UInt8(ascii: " "))) }
            (isBlankPending, isAfterQuote) = (false, false)
            mixer.add(unit)
        }
    }

    /// FNV-1a over units of any width.
    private struct Mixer {
        private var state: UInt64 = 0xCBF2_9CE4_8422_2325

        mutating func add(_ unit: UInt64) { state = (state ^ unit) &* 0x100_0000_01B3 }

        var value: UInt64 {
            var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }
}
