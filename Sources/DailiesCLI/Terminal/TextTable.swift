import DailiesCore

/// A table with columns that align on a terminal.
struct TextTable {
    private let header: [String]
    private let rightAligned: Set<Int>
    private var rows: [[String]] = []

    init(_ header: [String], rightAligned: Set<Int>) {
        self.header = header
        self.rightAligned = rightAligned
    }

    mutating func add(_ row: [String]) {
        precondition(row.count == header.count, "a row of \(row.count) cells in a table of \(header.count)")
        rows.append(row)
    }

    var text: String {
        var widths = Widths(header)
        for row in rows { widths.add(row) }
        return ([header] + rows).map { widths.line(of: $0, rightAligned) }.joined(separator: "\n")
    }

    /// The widths of the columns.
    struct Widths {
        private var widths: [Int]

        init(_ header: [String]) { widths = header.map { DisplayWidth.width(of: $0) } }

        mutating func add(_ row: [String]) {
            for (column, cell) in row.enumerated() {
                widths[column] = max(widths[column], DisplayWidth.width(of: cell))
            }
        }

        func line(of row: [String], _ rightAligned: Set<Int>) -> String {
            var line = ""
            for (column, cell) in row.enumerated() {
                if column > 0 { line += "  " }
                let padding = String(repeating: " ", count: max(0, widths[column] - DisplayWidth.width(of: cell)))
                line += rightAligned.contains(column) ? padding + cell : cell + padding
            }
            while line.utf8.last == UInt8(ascii: " ") { line.removeLast() }
            return line
        }
    }
}
