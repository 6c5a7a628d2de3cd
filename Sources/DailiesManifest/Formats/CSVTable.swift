import DailiesCore

/// A CSV file as tasks: the first line names the fields, every other is one task.
struct CSVTable {
    /// What a column stands for.
    private enum Column {
        case field(String)
        /// `tags.NAME`, `extra.NAME` or `vars.NAME`.
        case member(of: String, name: String)
        /// Has no name, as spreadsheets leave columns behind: nothing may stand in it.
        case nameless
        /// Reported already, or wanted by nobody.
        case passedOver
    }
    /// Fields of names and values; the columns of one are called `tags.NAME`.
    private static let groups = ["tags", "extra", "vars"]

    private var records: CSVRecords
    private var columns: [Column] = []

    /// - Parameter names: what columns mean, for those that are called otherwise than their field.
    init(
        _ window: ChunkedReader, separator: UInt8?, names: ColumnNames, fields: FieldSchema, log: inout Diagnostics
    ) throws(SourceError) {
        records = try CSVRecords(window, separator: separator)
        var places: [ByteKey: SourcePosition] = [:]
        var heads: [String] = []
        for cell in try records.next() ?? [] {
            let head = OuterCharacters.removed(from: cell.text) ?? cell.text
            heads.append(head)
            let column = Self.column(head, cell.place, names: names, fields: fields, log: &log)
            if let meant = Self.name(of: column) {
                if let earlier = places[ByteKey(meant)] {
                    log.error(
                        cell.place, head, "names a second column, the first is at \(earlier.line):\(earlier.column)",
                        "remove one of them")
                    columns.append(.passedOver)
                    continue
                }
                places[ByteKey(meant)] = cell.place
            }
            columns.append(column)
        }
        // Several tables may be read with one map. Where a head is mistyped in it, the column itself is reported.
        for name in names.unused(by: heads) where !heads.isEmpty {
            log.warn(
                "map \(name)", .start, name, "is mapped, but this table has no such column",
                "its columns are \(heads.filter { !$0.isEmpty }.map { SafeText.cut($0) }.joined(separator: ", "))")
        }
    }

    /// What no two columns may be.
    private static func name(of column: Column) -> String? {
        switch column {
        case .field(let name): name
        case .member(let group, let name): group + "." + name
        case .nameless, .passedOver: nil
        }
    }

    private static func column(
        _ head: String, _ place: SourcePosition, names: ColumnNames, fields: FieldSchema, log: inout Diagnostics
    ) -> Column {
        let mapped = names.field(of: head)
        let name = mapped ?? head
        if name.isEmpty { return head.isEmpty ? .nameless : .passedOver }
        for group in groups where name.lowercased().utf8.starts(with: "\(group).".utf8) {
            let member = String(Substring(name.utf8.dropFirst(group.utf8.count + 1)))
            guard let fault = fault(ofMember: member, of: group, fields: fields) else {
                return .member(of: group, name: member)
            }
            log.error(place, head, fault.what, fault.todo)
            return .passedOver
        }
        switch fields.field(headed: name) {
        case "tags"?, "extra"?, "vars"?:
            log.error(
                place, head, "is no column by itself", "write a column \(name.lowercased()).NAME for each of them")
        case "matrix"?:
            log.error(place, head, "cannot stand in CSV", "write a line for each task, or use YAML or JSONL")
        case let field?: return .field(field)
        case nil:
            let unknown = unknown(name, fields)
            let what = mapped.map { "is to mean \(SafeText.quoted($0)), which is no known field" }
            log.error(place, head, what ?? unknown.what, unknown.todo)
        }
        return .passedOver
    }

    /// What to say of a head that is no field's.
    private static func unknown(_ head: String, _ fields: FieldSchema) -> (what: String, todo: String) {
        let plain = FieldSchema.plain(head)
        if FieldSchema.reserved.contains(plain) { return fields.unknown(plain) }
        if head.utf8.contains(where: { ",;\t".utf8.contains($0) }) {
            return ("is no known field", "its cells may be separated in another way: give --format csv")
        }
        guard let meant = meant(by: head, fields) else {
            let name = SafeText.cut(head)
            return (
                "is no known field",
                "call it tags.\(name) if it is a tag, extra.\(name) if the model takes it, or pass over it with --map "
                    + ColumnNames.argument(head, "")
            )
        }
        return (
            "is no known field", "did you mean \(meant)? rename it, or give --map \(ColumnNames.argument(head, meant))"
        )
    }

    private static func meant(by head: String, _ fields: FieldSchema) -> String? {
        let parts = head.split(maxSplits: 1) { ":._/ ".contains($0) }
        if parts.count == 2,
            let group = groups.first(where: { $0.hasPrefix(parts[0].lowercased()) && parts[0].count > 2 })
        {
            let member = OuterCharacters.removed(from: String(parts[1])) ?? String(parts[1])
            return fault(ofMember: member, of: group, fields: fields) == nil ? "\(group).\(SafeText.cut(member))" : nil
        }
        let field = fields.near(to: head)
        return field.flatMap { groups.contains($0) || $0 == "matrix" ? nil : $0 }
    }

    /// What is wrong with every cell of the column is said once, of its name.
    private static func fault(
        ofMember name: String, of group: String, fields: FieldSchema
    ) -> (what: String, todo: String)? {
        if group == "vars" { return VariableName.fault(name) }
        if let fault = Diagnostics.fault(ofName: name) { return ("has a name that \(fault.what)", fault.todo) }
        guard group == "extra" else { return nil }
        if fields.isTaskField(name) { return ("is a field of its own", "call the column \(name)") }
        if FieldSchema.reserved.contains(name) { return ("is set by the runner, not by a task", "remove it") }
        return nil
    }

    // MARK: Lines

    /// The next task; nil at the end. Blank lines and lines of empty cells only are passed over, and so are empty cells
    /// beyond the last column; lines with a wrong number of cells are reported and passed over.
    mutating func next(log: inout Diagnostics) throws(SourceError) -> SourceNode? {
        while let cells = try records.next() {
            if cells.allSatisfy({ Self.isBlank($0.text) }), cells.count == 1 || cells.count >= columns.count {
                continue
            }
            if cells.count >= columns.count, cells[columns.count...].allSatisfy({ Self.isBlank($0.text) }) {
                return task(cells, log: &log)
            }
            log.error(
                cells[0].place, "file",
                "this line has \(cells.count) \(cells.count == 1 ? "cell" : "cells"), the first has \(columns.count)",
                "write a cell for each column, and quotes around text with a separator in it")
            if log.isFull { break }
        }
        return nil
    }

    private static func isBlank(_ text: String) -> Bool { text.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 } }

    private func task(_ cells: [CSVRecords.Cell], log: inout Diagnostics) -> SourceNode {
        var fields: [SourceField] = []
        var groups: [String: [SourceField]] = [:]
        for (cell, column) in zip(cells, columns) where !cell.text.isEmpty {
            let value = SourceNode(place: cell.place, content: .scalar(Scalar(text: cell.text, form: .bare)))
            switch column {
            // A cell of blanks is as good as an empty one, but for the two that are refused then.
            case .field(let name) where name == "id" || name == "prompt" || !Self.isBlank(cell.text):
                fields.append(SourceField(name: name, place: cell.place, value: value))
            case .member(let group, let name) where !Self.isBlank(cell.text):
                groups[group, default: []].append(SourceField(name: name, place: cell.place, value: value))
            case .nameless where !Self.isBlank(cell.text):
                log.error(cell.place, "file", "this column has no name", "name its field in the first line")
            case .field, .member, .nameless, .passedOver: break
            }
        }
        for (group, members) in groups {
            let value = SourceNode(place: members[0].place, content: .map(members))
            fields.append(SourceField(name: group, place: members[0].place, value: value))
        }
        return SourceNode(place: cells[0].place, content: .map(fields))
    }
}
