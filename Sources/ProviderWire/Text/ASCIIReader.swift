/// Reads fixed-width ASCII from the front; every method reports success or failure.
struct ASCIIReader {
    private var rest: ArraySlice<UInt8>

    init(_ text: some StringProtocol) { rest = Array(text.utf8)[...] }

    var isAtEnd: Bool { rest.isEmpty }

    /// The next byte, if it is one of `choices`.
    mutating func take(_ choices: StaticString) -> UInt8? {
        guard let next = rest.first else { return nil }
        let isChoice = choices.withUTF8Buffer { $0.contains(next) }
        guard isChoice else { return nil }
        rest = rest.dropFirst()
        return next
    }

    /// The next `count` bytes as a number, if all are digits. `count` is at most 9.
    mutating func number(_ count: Int) -> Int? {
        guard rest.count >= count else { return nil }
        var value = 0
        for byte in rest.prefix(count) {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        rest = rest.dropFirst(count)
        return value
    }

    /// The next `count` bytes as text.
    mutating func word(_ count: Int) -> String? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return String(decoding: rest.prefix(count), as: UTF8.self)
    }
}
