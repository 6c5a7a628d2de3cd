import DailiesCore

/// A CSV file as tasks: the first line names the fields, every other is one task.
struct CSVTable {
    /// What a column stands for.
    private enum Column {
        case field(String)
        /// `tags.NAME`, `extra.NAME` or `vars.NAME`.
        case member(of: String, name: String)
        /// Reported already.
        case unusable
    }
    /// Fields of names and values, and how the columns of one begin.
    private static let groups = [("tags", "tags."), ("extra", "extra."), ("vars", "vars.")]

    private var records: CSVRecords
    private var columns: [Column] = []

    init(_ window: ByteWindow, separator: UInt8?, fields: FieldTable, log: inout ProblemLog)
        throws(SourceTrouble)
    {
        records = try CSVRecords(window, separator: separator)
        var places: [ExactName: Place] = [:]
        for cell in try records.next() ?? [] {
            if let earlier = places[ExactName(cell.text)] {
                log.error(
                    cell.place, cell.text, "names a second column, the first is at \(earlier.line):\(earlier.column)",
                    "remove one of them")
                columns.append(.unusable)
                continue
            }
            if !cell.text.isEmpty { places[ExactName(cell.text)] = cell.place }
            columns.append(Self.column(cell, fields: fields, log: &log))
        }
    }

    private static func column(_ cell: CSVRecords.Cell, fields: FieldTable, log: inout ProblemLog) -> Column {
        for (group, start) in groups where cell.text.utf8.starts(with: start.utf8) {
            let name = String(Substring(cell.text.utf8.dropFirst(start.utf8.count)))
            guard let fault = fault(ofMember: name, of: group, fields: fields) else {
                return .member(of: group, name: name)
            }
            log.error(cell.place, cell.text, fault.what, fault.todo)
            return .unusable
        }
        switch cell.text {
        case "":
            log.error(cell.place, "file", "this column has no name", "name its field in the first line")
        case "tags", "extra", "vars":
            log.error(
                cell.place, cell.text, "is no column by itself", "write a column \(cell.text).NAME for each of them")
        case "matrix":
            log.error(cell.place, "matrix", "cannot stand in CSV", "write a line for each task, or use YAML or JSONL")
        default:
            if fields.isTaskField(cell.text) { return .field(cell.text) }
            let unknown = fields.unknown(cell.text)
            log.error(cell.place, cell.text, unknown.what, unknown.todo)
        }
        return .unusable
    }

    /// What is wrong with every cell of the column is said once, of its name.
    private static func fault(
        ofMember name: String, of group: String, fields: FieldTable
    ) -> (what: String, todo: String)? {
        if group == "vars" { return VariableName.fault(name) }
        if let fault = ProblemLog.fault(ofName: name) { return ("has a name that \(fault.what)", fault.todo) }
        guard group == "extra" else { return nil }
        if fields.isTaskField(name) { return ("is a field of its own", "call the column \(name)") }
        if FieldTable.reserved.contains(name) { return ("is set by the runner, not by a task", "remove it") }
        return nil
    }

    /// The next task; nil at the end. Blank lines and lines of empty cells only are passed over, lines with a wrong
    /// number of cells are reported and passed over.
    mutating func next(log: inout ProblemLog) throws(SourceTrouble) -> SourceNode? {
        while let cells = try records.next() {
            if cells.allSatisfy({ $0.text.isEmpty }), cells.count == 1 || cells.count == columns.count { continue }
            if cells.count == columns.count { return task(cells) }
            log.error(
                cells[0].place, "file",
                "this line has \(cells.count) \(cells.count == 1 ? "cell" : "cells"), the first has \(columns.count)",
                "write a cell for each column, and quotes around text with a separator in it")
            if log.isFull { break }
        }
        return nil
    }

    private func task(_ cells: [CSVRecords.Cell]) -> SourceNode {
        var fields: [SourceField] = []
        var groups: [String: [SourceField]] = [:]
        for (cell, column) in zip(cells, columns) where !cell.text.isEmpty {
            let value = SourceNode(place: cell.place, content: .scalar(Scalar(text: cell.text, form: .bare)))
            switch column {
            case .field(let name): fields.append(SourceField(name: name, place: cell.place, value: value))
            case .member(let group, let name):
                groups[group, default: []].append(SourceField(name: name, place: cell.place, value: value))
            case .unusable: break
            }
        }
        for (group, members) in groups {
            let value = SourceNode(place: members[0].place, content: .map(members))
            fields.append(SourceField(name: group, place: members[0].place, value: value))
        }
        return SourceNode(place: cells[0].place, content: .map(fields))
    }
}
