/// What happened in a life, line by line: the digest says whether two lives were the same, the last lines say how a
/// violation came about.
struct Trace {
    private static let keptLines = 60

    private let keepsAll: Bool
    private(set) var lines: [String] = []
    private(set) var count = 0
    /// FNV-1a over all lines, kept or not.
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325

    /// - Parameter keepsAll: for the repetition of one seed; otherwise the last lines are enough.
    init(keepsAll: Bool) { self.keepsAll = keepsAll }

    mutating func note(_ line: String) {
        count += 1
        for byte in line.utf8 { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01B3 }
        digest = (digest ^ 0x0A) &* 0x100_0000_01B3
        lines.append(line)
        // Cut rarely, so that a line costs the same on average.
        if !keepsAll, lines.count >= 2 * Self.keptLines { lines.removeFirst(Self.keptLines) }
    }

    var text: String { (keepsAll ? lines[...] : lines.suffix(Self.keptLines)).joined(separator: "\n") }
}

/// A broken promise: what the harness looks for.
struct Violation: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
