/// What a terminal of some size shows after what was written to it: as much of one as the program uses. Writing beyond
/// what it knows is a fault that is collected.
struct Screen {
    /// How a character looks, by the numbers of `ESC [ … m`: 1 bold, 2 dim, 31 to 33 red, green, yellow.
    typealias Look = Set<Int>

    struct Cell {
        let character: Character
        let look: Look
    }

    private(set) var width: Int
    private(set) var height: Int
    /// Lines that have scrolled off the top, oldest first.
    private(set) var scrolledOff: [String] = []
    private(set) var rows: [[Cell]]
    private var look: Look = []
    private var row = 0
    private var column = 0
    private var pending: [UInt8] = []
    /// What this terminal does not know, and texts that would have been folded at its edge.
    private(set) var faults: [String] = []
    /// Drawings as a whole, and how many of them wiped something before there was new text in its place.
    private(set) var frames = 0
    private(set) var wipes = 0
    private var isInFrame = false
    private var wasWiped = false

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
        rows = Array(repeating: [], count: height)
    }

    var lines: [String] { rows.map { Self.trimmed($0) } }
    /// Everything that was ever shown and still is, or has scrolled off.
    var history: [String] { scrolledOff + lines }

    private static func trimmed(_ row: [Cell]) -> String {
        String(String(row.map(\.character)).reversed().drop { $0 == " " }.reversed())
    }

    /// Another size: rows that are too long are folded, as terminals do that keep what was written.
    mutating func resize(width: Int, height: Int) {
        var folded: [[Cell]] = []
        var newRow = 0
        for (index, line) in rows.enumerated() {
            if index == row { newRow = folded.count }
            var rest = line[...]
            repeat {
                folded.append(Array(rest.prefix(width)))
                rest = rest.dropFirst(width)
            } while !rest.isEmpty
        }
        while folded.count > height, newRow > 0, folded.count > newRow + 1 || newRow >= height {
            scrolledOff.append(Self.trimmed(folded.removeFirst()))
            newRow -= 1
            if newRow < height, folded[(newRow + 1)...].allSatisfy(\.isEmpty) { break }
        }
        folded = Array(folded.prefix(height))
        while folded.count < height { folded.append([]) }
        (self.width, self.height, rows, row, column) = (width, height, folded, min(newRow, height - 1), 0)
    }

    mutating func write(_ bytes: some Sequence<UInt8>) {
        pending += bytes
        while let length = nextLength() {
            let piece = Array(pending.prefix(length))
            pending.removeFirst(length)
            if piece[0] == 0x1B { control(String(decoding: piece.dropFirst(), as: UTF8.self)) } else { show(piece) }
        }
    }

    /// Bytes of the next control sequence or character; nil while it is not whole.
    private func nextLength() -> Int? {
        guard let first = pending.first else { return nil }
        if first == 0x1B {
            guard pending.count >= 2 else { return nil }
            guard pending[1] == UInt8(ascii: "[") else { return 2 }
            guard let end = pending.dropFirst(2).firstIndex(where: { (0x40...0x7E).contains($0) }) else { return nil }
            return end + 1
        }
        let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        return pending.count >= length ? length : nil
    }

    private mutating func show(_ bytes: [UInt8]) {
        switch bytes[0] {
        case 0x0A:
            lineFeed()
            column = 0
        case 0x0D: column = 0
        case 0..<0x20: faults.append("control character \(bytes[0])")
        default:
            if isInFrame, wasWiped { wipes += 1 }
            wasWiped = false
            if column >= width {
                // What scrolls past may be folded; the view may not.
                if isInFrame { faults.append("a line is longer than \(width): \(Self.trimmed(rows[row]))") }
                lineFeed()
                column = 0
            }
            while rows[row].count <= column { rows[row].append(Cell(character: " ", look: [])) }
            rows[row][column] = Cell(character: Character(String(decoding: bytes, as: UTF8.self)), look: look)
            column += 1
        }
    }

    private mutating func lineFeed() {
        if row < height - 1 {
            row += 1
        } else {
            scrolledOff.append(Self.trimmed(rows.removeFirst()))
            rows.append([])
        }
    }

    private mutating func control(_ text: String) {
        switch text {
        case "[?2026h":
            isInFrame = true
            frames += 1
        case "[?2026l":
            isInFrame = false
            wasWiped = false
        case "[K": rows[row] = Array(rows[row].prefix(column))
        case "[J":
            rows[row] = Array(rows[row].prefix(column))
            for below in rows.indices.dropFirst(row + 1) { rows[below] = [] }
            wasWiped = true
        case "[0m", "[m": look = []
        case _ where text.hasSuffix("m"):
            look.formUnion(text.dropFirst().dropLast().split(separator: ";").compactMap { Int($0) })
        case _ where text.hasSuffix("A"): row = max(row - (Int(text.dropFirst().dropLast()) ?? 1), 0)
        default: faults.append("control sequence \(text)")
        }
    }
}
