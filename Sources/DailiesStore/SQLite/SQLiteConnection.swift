import CSQLite
import DailiesCore

/// A thin wrapper around one SQLite connection: cached prepared statements, typed values, and readable errors. Not
/// thread-safe: its owner uses it from one queue.
final class SQLiteConnection {
    private let handle: OpaquePointer
    /// Outlives the connection; nil only in tests.
    private let file: DatabaseFile?
    /// Statements by text. Bounded by the number of statements in this target.
    private var statements: [String: Statement] = [:]
    /// Statements by the address of their text, so that a step does not hash every character. An address identifies one
    /// text as long as the statement here retains it.
    private var statementsByAddress: [UnsafeRawPointer: Statement] = [:]

    /// - Parameter flags: SQLite's open flags. Extended result codes are always on, and there is no mutex.
    init(path: String, flags: Int32, file: DatabaseFile? = nil) throws(StoreError) {
        self.file = file
        var opened: OpaquePointer?
        let code = sqlite3_open_v2(path, &opened, flags | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let opened else {
            sqlite3_close_v2(opened)
            throw StoreError(sqlite: code, doing: "opening \(path)")
        }
        handle = opened
    }

    /// Defines an SQL function of one text for this connection; NULL gives NULL.
    func define(_ name: String, _ function: @escaping (String) -> SQLValue) throws(StoreError) {
        let context = Unmanaged.passRetained(FunctionBox(function)).toOpaque()
        let code = sqlite3_create_function_v2(
            handle, name, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, context, FunctionBox.call, nil, nil,
            FunctionBox.release)
        guard code == SQLITE_OK else { throw StoreError(sqlite: code, doing: "setting up the store") }
    }

    deinit {
        for statement in statements.values { statement.finalize() }
        sqlite3_close_v2(handle)
    }

    /// Pages in the log after this connection's latest commit. Only ``checkpoint()`` moves them to the file.
    private(set) var pagesInLog = 0

    /// Starts counting the pages of the log.
    func countPagesInLog() {
        sqlite3_wal_hook(
            handle,
            { context, _, _, pages in
                guard let context else { return SQLITE_OK }
                Unmanaged<SQLiteConnection>.fromOpaque(context).takeUnretainedValue().pagesInLog = Int(pages)
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Moves the log into the file as far as readers allow, without waiting.
    func checkpoint() throws(StoreError) {
        let code = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
        // Another process may be checkpointing; it will be due again.
        guard code == SQLITE_OK || code & 0xFF == SQLITE_BUSY else {
            throw StoreError(sqlite: code, doing: "checkpointing the log")
        }
    }

    /// Copies the whole database over another in one read transaction.
    func copyAll(to target: SQLiteConnection) throws(StoreError) {
        guard let backup = sqlite3_backup_init(target.handle, "main", handle, "main") else {
            throw StoreError(sqlite: sqlite3_errcode(target.handle), doing: "copying the store")
        }
        let code = sqlite3_backup_step(backup, -1)
        sqlite3_backup_finish(backup)
        guard code == SQLITE_DONE else { throw StoreError(sqlite: code, doing: "copying the store") }
    }

    /// Sets how long a call waits for another process before it fails as busy.
    func waitWhenBusy(milliseconds: Int32) { sqlite3_busy_timeout(handle, milliseconds) }

    /// Whether no transaction is open, which is also the case after SQLite rolled one back by itself.
    var isOutsideTransaction: Bool { sqlite3_get_autocommit(handle) != 0 }

    /// Whether the file was moved, replaced or removed since it was opened.
    var hasMoved: Bool {
        var answer: Int32 = 0
        return sqlite3_file_control(handle, "main", SQLITE_FCNTL_HAS_MOVED, &answer) == SQLITE_OK && answer != 0
    }

    /// Kibibytes of memory for sorting; beyond that SQLite sorts in a temporary file.
    private static let sortingMemory = 65_536

    /// Runs a query that sorts many rows.
    func sortingInMemory<T>(_ body: () throws(StoreError) -> T) throws(StoreError) -> T {
        let usual: Int64 = try value("PRAGMA cache_size") ?? 0
        try run("PRAGMA cache_size = -\(Self.sortingMemory)")
        let result = try body()
        try run("PRAGMA cache_size = \(usual)")
        return result
    }

    /// Runs statements without rows and values, such as the schema.
    func execute(script: String) throws(StoreError) {
        let code = sqlite3_exec(handle, script, nil, nil, nil)
        guard code == SQLITE_OK else { throw StoreError(sqlite: code, doing: "setting up the store") }
    }

    /// Runs a statement that returns no rows.
    ///
    /// - Returns: the number of rows it changed, without triggers.
    @discardableResult
    func run(_ sql: String, _ values: SQLValue...) throws(StoreError) -> Int {
        try run(sql, list: values)
    }

    @discardableResult
    func run(_ sql: String, list values: [SQLValue]) throws(StoreError) -> Int {
        let statement = try prepared(sql)
        return try statement.withValues(values) { () throws(StoreError) in
            while try statement.step() {}
            return Int(sqlite3_changes64(handle))
        }
    }

    /// Whether a statement has a row.
    func exists(_ sql: String, _ values: SQLValue...) throws(StoreError) -> Bool {
        try first(sql, list: values) { _ in true } ?? false
    }

    /// The first row's only column; nil if there is no row.
    func value<T: ColumnValue>(_ sql: String, _ values: SQLValue...) throws(StoreError) -> T? {
        try first(sql, list: values) { row in row.only() }
    }

    /// Runs an insert of one row and returns its only column, such as the new ID.
    func insert<T: ColumnValue>(_ sql: String, _ values: SQLValue...) throws(StoreError) -> T {
        var inserted: T?
        // References are checked only once the statement has ended.
        try forEach(sql, values) { row in inserted = row.only() }
        guard let inserted else { preconditionFailure("an insert returned no row: \(sql)") }
        return inserted
    }

    /// The only column of all rows.
    func column<T: ColumnValue>(_ sql: String, _ values: SQLValue...) throws(StoreError) -> [T] {
        try rows(sql, list: values) { row in row.only() }
    }

    /// Calls `each` for every row. The row is valid only during the call; the same statement must not run inside it.
    func forEach(
        _ sql: String, _ values: [SQLValue] = [], _ each: (SQLRow) throws(StoreError) -> Void
    ) throws(StoreError) {
        let statement = try prepared(sql)
        try statement.withValues(values) { () throws(StoreError) in
            while try statement.step() { try each(statement.row) }
        }
    }

    func rows<T>(_ sql: String, _ values: SQLValue..., map: (SQLRow) throws(StoreError) -> T) throws(StoreError) -> [T]
    {
        try rows(sql, list: values, map: map)
    }

    func rows<T>(_ sql: String, list: [SQLValue], map: (SQLRow) throws(StoreError) -> T) throws(StoreError) -> [T] {
        var result: [T] = []
        try forEach(sql, list) { row throws(StoreError) in result.append(try map(row)) }
        return result
    }

    /// The first row; nil if there is none.
    func first<T>(_ sql: String, _ values: SQLValue..., map: (SQLRow) throws(StoreError) -> T) throws(StoreError) -> T?
    {
        try first(sql, list: values, map: map)
    }

    func first<T>(_ sql: String, list values: [SQLValue], map: (SQLRow) throws(StoreError) -> T) throws(StoreError)
        -> T?
    {
        let statement = try prepared(sql)
        return try statement.withValues(values) { () throws(StoreError) in
            try statement.step() ? try map(statement.row) : nil
        }
    }

    private func prepared(_ sql: String) throws(StoreError) -> Statement {
        // Short strings are stored inline and have no address.
        let address =
            sql.utf8.count > Self.maximumInlineLength
            ? sql.utf8.withContiguousStorageIfAvailable { UnsafeRawPointer($0.baseAddress) } ?? nil : nil
        if let address, let statement = statementsByAddress[address], statement.text == sql { return statement }
        if let statement = statements[sql] { return statement }
        let statement = try Statement(sql, on: handle)
        statements[sql] = statement
        if let address { statementsByAddress[address] = statement }
        return statement
    }

    /// Maximum bytes of a string that Swift stores inline.
    private static let maximumInlineLength = 15
}

/// Boxes a Swift function for SQLite.
private final class FunctionBox {
    private let function: (String) -> SQLValue

    init(_ function: @escaping (String) -> SQLValue) { self.function = function }

    static let call: @convention(c) (OpaquePointer?, Int32, UnsafeMutablePointer<OpaquePointer?>?) -> Void = {
        context, _, arguments in
        guard let argument = arguments?[0], let start = sqlite3_value_text(argument) else {
            return sqlite3_result_null(context)
        }
        let text = UnsafeBufferPointer(start: start, count: Int(sqlite3_value_bytes(argument)))
        let box = Unmanaged<FunctionBox>.fromOpaque(sqlite3_user_data(context)).takeUnretainedValue()
        switch box.function(String(decoding: text, as: UTF8.self)) {
        case .integer(let number): sqlite3_result_int64(context, number)
        case .text(let text):
            text.utf8CString.withUnsafeBufferPointer {
                sqlite3_result_text64(
                    context, $0.baseAddress, UInt64($0.count - 1), Statement.copied, UInt8(SQLITE_UTF8))
            }
        case .null, .real, .blob: sqlite3_result_null(context)
        }
    }

    static let release: @convention(c) (UnsafeMutableRawPointer?) -> Void = { context in
        if let context { Unmanaged<FunctionBox>.fromOpaque(context).release() }
    }
}

/// A value bound to a statement.
enum SQLValue: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByNilLiteral {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    init(integerLiteral value: Int64) { self = .integer(value) }
    init(stringLiteral value: String) { self = .text(value) }
    init(nilLiteral: ()) { self = .null }
    init(_ value: Int64?) { self = value.map(SQLValue.integer) ?? .null }
    init(_ value: Int?) { self = value.map { .integer(Int64($0)) } ?? .null }
    init(_ value: Bool) { self = .integer(value ? 1 : 0) }
    init(_ value: Double?) { self = value.map(SQLValue.real) ?? .null }
    init(_ value: String?) { self = value.map(SQLValue.text) ?? .null }
}

/// One prepared statement of one connection.
private final class Statement {
    private let handle: OpaquePointer
    /// Whether it begins or ends a transaction. SQLite reports such statements as read-only, since they change no rows.
    private let isBoundary: Bool
    let text: String
    /// The numbers of the parameters `$1`, `$2`, …, in SQLite's order, which is that of their first use.
    private let parameters: [Int]
    /// Behind a pointer, so that reading a column neither counts references nor checks for exclusive access.
    private let columns = UnsafeMutablePointer<ColumnNames>.allocate(capacity: 1)

    init(_ sql: String, on connection: OpaquePointer) throws(StoreError) {
        isBoundary = sql == "COMMIT" || sql == "BEGIN IMMEDIATE"
        var prepared: OpaquePointer?
        let code = sqlite3_prepare_v3(connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard code == SQLITE_OK else { throw StoreError(sqlite: code, doing: "preparing a statement") }
        guard let prepared else { preconditionFailure("an empty statement was prepared") }
        handle = prepared
        text = sql
        columns.initialize(to: ColumnNames())
        parameters = (0..<sqlite3_bind_parameter_count(prepared)).map { index in
            guard let name = sqlite3_bind_parameter_name(prepared, index + 1), name.pointee == UInt8(ascii: "$"),
                let number = Int(String(cString: name + 1))
            else { preconditionFailure("a parameter is not of the form $1: \(sql)") }
            return number
        }
    }

    func finalize() { sqlite3_finalize(handle) }

    deinit {
        columns.deinitialize(count: 1)
        columns.deallocate()
    }

    /// The current row, valid until the next step.
    var row: SQLRow { SQLRow(statement: handle, columns: columns) }

    /// Ignores the error that a reset repeats; ``step()`` already threw it.
    private func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    /// Runs `body` with bound values and resets the statement afterwards.
    func withValues<T>(_ values: [SQLValue], _ body: () throws(StoreError) -> T) throws(StoreError) -> T {
        precondition(
            values.count == parameters.count, "\(values.count) values for \(parameters.count) parameters: \(text)")
        defer { reset() }
        for (index, number) in parameters.enumerated() {
            let code = bind(values[number - 1], at: Int32(index + 1))
            guard code == SQLITE_OK else { throw StoreError(sqlite: code, doing: "binding a value") }
        }
        return try body()
    }

    /// Binds a value. SQLite copies texts and blobs.
    ///
    /// - Returns: SQLite's code.
    private func bind(_ value: SQLValue, at index: Int32) -> Int32 {
        switch value {
        case .null: return sqlite3_bind_null(handle, index)
        case .integer(let number): return sqlite3_bind_int64(handle, index, number)
        case .real(let number): return sqlite3_bind_double(handle, index, number)
        case .text(var text):
            return text.withUTF8 { utf8 in
                utf8.withMemoryRebound(to: CChar.self) { characters in
                    // An empty text may have no address, which SQLite would take for NULL.
                    guard let start = characters.baseAddress else {
                        return sqlite3_bind_text64(handle, index, "", 0, Self.copied, UInt8(SQLITE_UTF8))
                    }
                    return sqlite3_bind_text64(
                        handle, index, start, UInt64(characters.count), Self.copied, UInt8(SQLITE_UTF8))
                }
            }
        case .blob(let bytes):
            return bytes.withUnsafeBytes { buffer in
                guard let start = buffer.baseAddress, !buffer.isEmpty else {
                    return sqlite3_bind_zeroblob(handle, index, 0)
                }
                return sqlite3_bind_blob64(handle, index, start, UInt64(buffer.count), Self.copied)
            }
        }
    }

    /// Tells SQLite to copy bound values. The C macro for it is a cast that Swift cannot import.
    fileprivate static nonisolated(unsafe) let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    /// - Returns: whether there is a row.
    func step() throws(StoreError) -> Bool {
        columns.pointee.beginRow()
        let code = sqlite3_step(handle)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            let isWriting = sqlite3_stmt_readonly(handle) == 0 || isBoundary
            throw StoreError(sqlite: code, doing: isWriting ? "writing" : "reading")
        }
    }
}

/// The columns of a statement by name. A row is read in the same order each time, so that the next name is usually the
/// expected one, and no text is compared.
private struct ColumnNames {
    /// The names in the order of their first reads.
    private var reads: [(name: UnsafePointer<UInt8>, column: Int32)] = []
    private var next = 0

    mutating func beginRow() { next = 0 }

    mutating func column(_ name: StaticString, of statement: OpaquePointer) -> Int32 {
        let start = name.utf8Start
        if next < reads.count, reads[next].name == start {
            next += 1
            return reads[next - 1].column
        }
        let read = reads.firstIndex { $0.name == start } ?? reads.count
        if read == reads.count { reads.append((start, Self.column(named: name.description, of: statement))) }
        next = read + 1
        return reads[read].column
    }

    static func column(named name: String, of statement: OpaquePointer) -> Int32 {
        for column in 0..<sqlite3_column_count(statement)
        where String(cString: sqlite3_column_name(statement, column)) == name { return column }
        preconditionFailure("the statement has no column \"\(name)\": \(String(cString: sqlite3_sql(statement)))")
    }
}

/// The current row of a statement. A name that the statement does not have ends the program.
struct SQLRow {
    fileprivate let statement: OpaquePointer
    fileprivate let columns: UnsafeMutablePointer<ColumnNames>

    subscript<T: ColumnValue>(_ name: StaticString) -> T { T(in: column(name)) }

    func isNull(_ name: StaticString) -> Bool { column(name).isNull }

    private func column(_ name: StaticString) -> SQLColumn {
        SQLColumn(statement: statement, index: columns.pointee.column(name, of: statement))
    }

    private func column(named name: String) -> SQLColumn {
        SQLColumn(statement: statement, index: ColumnNames.column(named: name, of: statement))
    }

    /// A sum as two integer sums, in the columns `NAME_whole` and `NAME_billionths`; both are NULL if nothing was
    /// summed.
    func total(_ name: String) -> CreditTotal {
        CreditTotal(
            whole: column(named: "\(name)_whole").integer, billionths: column(named: "\(name)_billionths").integer)
    }

    /// A text in a column whose name is made at run time.
    func optionalText(named name: String) -> String? { String?(in: column(named: name)) }

    fileprivate func only<T: ColumnValue>() -> T {
        let count = sqlite3_column_count(statement)
        precondition(count == 1, "\(count) columns instead of one: \(String(cString: sqlite3_sql(statement)))")
        return T(in: SQLColumn(statement: statement, index: 0))
    }
}

/// A column of the current row. NULL reads as zero or as an empty text.
struct SQLColumn {
    fileprivate let statement: OpaquePointer
    fileprivate let index: Int32

    var isNull: Bool { sqlite3_column_type(statement, index) == SQLITE_NULL }
    var integer: Int64 { sqlite3_column_int64(statement, index) }
    var real: Double { sqlite3_column_double(statement, index) }
    var text: String { String(decoding: bytes, as: UTF8.self) }
    var blob: [UInt8] { Array(bytes) }

    private var bytes: UnsafeRawBufferPointer {
        // The pointer first, then the length, as SQLite requires.
        let start = sqlite3_column_blob(statement, index)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, index)))
    }
}

/// A type that a column is read as.
protocol ColumnValue {
    init(in column: SQLColumn)
}

extension Int64: ColumnValue {
    init(in column: SQLColumn) { self = column.integer }
}

extension Int: ColumnValue {
    init(in column: SQLColumn) { self = Int(column.integer) }
}

extension Bool: ColumnValue {
    init(in column: SQLColumn) { self = column.integer != 0 }
}

extension Double: ColumnValue {
    init(in column: SQLColumn) { self = column.real }
}

extension String: ColumnValue {
    init(in column: SQLColumn) { self = column.text }
}

extension [UInt8]: ColumnValue {
    init(in column: SQLColumn) { self = column.blob }
}

extension Optional: ColumnValue where Wrapped: ColumnValue {
    init(in column: SQLColumn) { self = column.isNull ? nil : Wrapped(in: column) }
}
