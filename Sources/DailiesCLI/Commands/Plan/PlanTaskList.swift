import DailiesCore

/// The tasks of a plan, kept in a temporary file until the totals above them are printed. Memory does not grow with
/// their number, and the store is read only once.
final class PlanTaskList {
    enum Form {
        case table
        case objects
    }
    /// Bytes written at a time.
    static let chunk = 1 << 16

    private let form: Form
    private let spool: Spool
    private var widths = TextTable.Widths(PlanOutput.taskColumns)

    init(_ form: Form) throws {
        self.form = form
        spool = try Spool()
    }

    func add(_ listed: RunPlan.Listed) throws {
        switch form {
        case .table:
            let cells = PlanOutput.cells(of: listed)
            widths.add(cells)
            try spool.add(cells.joined(separator: "\t"))
        case .objects:
            try spool.add(PlanOutput.json(listed).text)
        }
    }

    /// Lines are JSON objects, or table cells separated by tabs.
    func forEachLine(_ body: (String) throws -> Void) throws { try spool.forEach(body) }

    func writeTable(to out: (String) -> Void) throws {
        let aligned = PlanOutput.rightAlignedTaskColumns
        var text = widths.line(of: PlanOutput.taskColumns, aligned) + "\n"
        try forEachLine { line in
            let cells = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            text += widths.line(of: cells, aligned) + "\n"
            if text.utf8.count >= Self.chunk {
                out(text)
                text = ""
            }
        }
        out(text)
    }
}
