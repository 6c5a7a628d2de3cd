/// Reading and replacing members of the request's object without parsing the rest, so that all other bytes stay.
extension CanonicalRequest {
    /// The prompt; empty if there is none.
    package var prompt: String {
        let bytes = Array(text.utf8)
        return Self.value(of: "prompt", in: bytes).map { Self.unescaped(bytes[$0]) } ?? ""
    }

    /// The request with this seed, in place of its own, if any.
    package func with(seed: Int64) -> CanonicalRequest {
        var bytes = Array(text.utf8)
        if let value = Self.value(of: Self.seedField, in: bytes) {
            bytes.replaceSubrange(value, with: "\(seed)".utf8)
        } else if let end = bytes.lastIndex(of: UInt8(ascii: "}")) {
            let comma = bytes[..<end].last == UInt8(ascii: "{") ? "" : ","
            bytes.insert(contentsOf: "\(comma)\"\(Self.seedField)\":\(seed)".utf8, at: end)
        }
        return CanonicalRequest(text: String(decoding: bytes, as: UTF8.self))
    }

    /// Whether this is `other` with this seed, whatever seed that one has. Line ends are ignored.
    package func isSame(as other: CanonicalRequest, withSeed seed: Int64) -> Bool {
        let (own, others) = (Array(withLineFeeds.text.utf8), Array(other.withLineFeeds.text.utf8))
        guard let value = Self.value(of: Self.seedField, in: own),
            Int64(String(decoding: own[value], as: UTF8.self)) == seed
        else { return false }
        return Self.withoutSeed(own) == Self.withoutSeed(others)
    }

    private static func withoutSeed(_ bytes: [UInt8]) -> [UInt8] {
        guard let value = value(of: seedField, in: bytes) else { return bytes }
        var member = value.lowerBound - seedField.utf8.count - 3..<value.upperBound
        if bytes[member.upperBound] == UInt8(ascii: ",") {
            member = member.lowerBound..<member.upperBound + 1
        } else if bytes[member.lowerBound - 1] == UInt8(ascii: ",") {
            member = member.lowerBound - 1..<member.upperBound
        }
        return Array(bytes[..<member.lowerBound] + bytes[member.upperBound...])
    }

    /// The place of a member's value. Members of nested objects and texts that look like a member do not count.
    static func value(of name: String, in bytes: [UInt8]) -> Range<Int>? {
        let start = Array("\"\(name)\":".utf8)
        var depth = 0
        var index = 0
        var first: Int?
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: ","):
                if depth == 1, let first { return first..<index }
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 1, let first { return first..<index }
                depth -= 1
            case UInt8(ascii: "\""):
                if depth == 1, bytes[index...].starts(with: start) { first = index + start.count }
                index += 1
                while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                    index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                }
            default: break
            }
            index += 1
        }
        return nil
    }

    /// The text of a JSON string.
    private static func unescaped(_ json: ArraySlice<UInt8>) -> String {
        if !json.contains(UInt8(ascii: "\\")) { return String(decoding: json.dropFirst().dropLast(), as: UTF8.self) }
        var units: [UInt16] = []
        var result = ""
        func flush() {
            result += String(decoding: units, as: UTF16.self)
            units = []
        }
        var rest = json.dropFirst().dropLast()
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let escape = rest.popFirst() else {
                let end = rest.firstIndex(of: UInt8(ascii: "\\")) ?? rest.endIndex
                flush()
                result += String(decoding: [byte] + rest[..<end], as: UTF8.self)
                rest = rest[end...]
                continue
            }
            switch escape {
            case UInt8(ascii: "u"):
                units.append(UInt16(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16) ?? 0xFFFD)
                rest = rest.dropFirst(4)
            case UInt8(ascii: "n"): units.append(0x0A)
            case UInt8(ascii: "t"): units.append(0x09)
            case UInt8(ascii: "r"): units.append(0x0D)
            case UInt8(ascii: "b"): units.append(0x08)
            case UInt8(ascii: "f"): units.append(0x0C)
            default: units.append(UInt16(escape))
            }
        }
        flush()
        return result
    }
}
