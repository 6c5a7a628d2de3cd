/// Finds requests that came before: of the first half million, 16 bytes for each.
public struct RepeatedRequests: Hashable, Sendable {
    /// Requests that are remembered; later ones are only compared with these.
    private static let most = 1 << 19

    /// Open addressing; 0: free.
    private var numbers: [UInt64] = Array(repeating: 0, count: 64)
    private var count = 0

    /// Remembers none.
    public init() {}

    /// Whether an equal one came before; this one is remembered.
    public mutating func insert(_ request: CanonicalRequest) -> Bool {
        var text = request.withLineFeeds.text
        let number = text.withUTF8 { Self.number(of: UnsafeRawBufferPointer($0)) } | 1
        if count * 2 >= numbers.count, count < Self.most { grow() }
        let place = place(of: number)
        if numbers[place] == number { return true }
        if count < Self.most {
            numbers[place] = number
            count += 1
        }
        return false
    }

    /// Eight bytes at a time: every task of a manifest comes by here.
    private static func number(of bytes: UnsafeRawBufferPointer) -> UInt64 {
        var state = UInt64(bytes.count)
        var index = 0
        while index + 8 <= bytes.count {
            state = mixed(state ^ bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index += 8
        }
        var rest: UInt64 = 0
        for byte in bytes[index...] { rest = rest << 8 | UInt64(byte) }
        return mixed(mixed(state ^ rest))
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        let product = (value ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: 0xBF58_476D_1CE4_E5B9)
        return product.high ^ product.low ^ value << 1
    }

    /// Where it is, or would be.
    private func place(of number: UInt64) -> Int {
        var place = Int(truncatingIfNeeded: number >> 20) & (numbers.count - 1)
        while numbers[place] != 0, numbers[place] != number { place = (place + 1) & (numbers.count - 1) }
        return place
    }

    private mutating func grow() {
        let old = numbers
        numbers = Array(repeating: 0, count: old.count * 2)
        for number in old where number != 0 { numbers[place(of: number)] = number }
    }
}
