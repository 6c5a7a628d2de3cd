import DailiesCore

/// A CSV file as tasks. The first line names the fields; each other line is a task.
struct CSVTable {
    private enum Column {
        case field(String)
        /// `tags.NAME`, `extra.NAME` or `vars.NAME`.
        case member(of: String, name: String)
        /// Without a name, as spreadsheets leave them; its cells must be empty.
        case nameless
        /// Already reported, or skipped with `--map`.
        case skipped
    }
    /// Fields that are written as columns `tags.NAME`.
    private static let groups = ["tags", "extra", "vars"]

    private var records: CSVRecords
    private var columns: [Column] = []

    /// - Parameter names: maps columns to fields with other names.
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
                        cell.place, head, "is a duplicate column name, first used at \(earlier.line):\(earlier.column)",
                        "remove one of them")
                    columns.append(.skipped)
                    continue
                }
                places[ByteKey(meant)] = cell.place
            }
            columns.append(column)
        }
        // One map may be used for several tables. A misspelled name in it is reported by the column itself.
        for name in names.unused(by: heads) where !heads.isEmpty {
            log.warn(
                "map \(name)", .start, name, "is mapped, but this table has no such column",
                "its columns are \(heads.filter { !$0.isEmpty }.map { SafeText.cut($0) }.joined(separator: ", "))")
        }
    }

    /// The name that must be unique; nil for skipped columns.
    private static func name(of column: Column) -> String? {
        switch column {
        case .field(let name): name
        case .member(let group, let name): group + "." + name
        case .nameless, .skipped: nil
        }
    }

    private static func column(
        _ head: String, _ place: SourcePosition, names: ColumnNames, fields: FieldSchema, log: inout Diagnostics
    ) -> Column {
        let mapped = names.field(of: head)
        let name = mapped ?? head
        if name.isEmpty { return head.isEmpty ? .nameless : .skipped }
        for group in groups where name.lowercased().utf8.starts(with: "\(group).".utf8) {
            let member = String(Substring(name.utf8.dropFirst(group.utf8.count + 1)))
            guard let fault = fault(ofMember: member, of: group, fields: fields) else {
                return .member(of: group, name: member)
            }
            log.error(place, head, fault.message, fault.fix)
            return .skipped
        }
        switch fields.field(headed: name) {
        case "tags"?, "extra"?, "vars"?:
            log.error(
                place, head, "is not a column by itself", "write a column \(name.lowercased()).NAME for each entry")
        case "matrix"?:
            log.error(place, head, "is not allowed in CSV", "write one line per task, or use YAML or JSONL")
        case let field?: return .field(field)
        case nil:
            let unknown = unknown(name, fields)
            let message = mapped.map { "is mapped to \(SafeText.quoted($0)), which is not a known field" }
            log.error(place, head, message ?? unknown.message, unknown.fix)
        }
        return .skipped
    }

    /// The message for an unknown column name.
    private static func unknown(_ head: String, _ fields: FieldSchema) -> (message: String, fix: String) {
        let plain = FieldSchema.plain(head)
        if FieldSchema.reserved.contains(plain) { return fields.unknown(plain) }
        if head.utf8.contains(where: { ",;\t".utf8.contains($0) }) {
            return ("is not a known field", "the file may use another separator: try --format csv")
        }
        guard let meant = meant(by: head, fields) else {
            let name = SafeText.cut(head)
            return (
                "is not a known field",
                "call it tags.\(name) for a tag or extra.\(name) for a model field, or skip it with --map "
                    + ColumnNames.argument(head, "")
            )
        }
        return (
            "is not a known field",
            "did you mean \(meant)? rename it, or use --map \(ColumnNames.argument(head, meant))"
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

    /// Reports a problem of the column's name once, not for every cell.
    private static func fault(
        ofMember name: String, of group: String, fields: FieldSchema
    ) -> (message: String, fix: String)? {
        if group == "vars" { return VariableName.fault(name) }
        if let fault = Diagnostics.fault(ofName: name) { return ("has a name that \(fault.message)", fault.fix) }
        guard group == "extra" else { return nil }
        if fields.isTaskField(name) { return ("is a task field", "name the column \(name)") }
        if FieldSchema.reserved.contains(name) { return ("is set by the runner, not by a task", "remove it") }
        return nil
    }

    // MARK: Lines

    /// The next task; nil at the end. Skips blank lines, lines of empty cells and empty cells after the last column.
    /// Reports and skips lines with the wrong number of cells.
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
                "this line has \(cells.count) \(cells.count == 1 ? "cell" : "cells"), but the header has "
                    + "\(columns.count)",
                "write one cell per column, and quote text that contains a separator")
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
            // A blank cell counts as empty, except in id and prompt, where it is an error.
            case .field(let name) where name == "id" || name == "prompt" || !Self.isBlank(cell.text):
                fields.append(SourceField(name: name, place: cell.place, value: value))
            case .member(let group, let name) where !Self.isBlank(cell.text):
                groups[group, default: []].append(SourceField(name: name, place: cell.place, value: value))
            case .nameless where !Self.isBlank(cell.text):
                log.error(cell.place, "file", "this column has no name", "name the column in the first line")
            case .field, .member, .nameless, .skipped: break
            }
        }
        for (group, members) in groups {
            let value = SourceNode(place: members[0].place, content: .map(members))
            fields.append(SourceField(name: group, place: members[0].place, value: value))
        }
        return SourceNode(place: cells[0].place, content: .map(fields))
    }
}
