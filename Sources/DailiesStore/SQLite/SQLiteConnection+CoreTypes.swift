import DailiesCore

/// Conversions between core types and columns.
extension SQLValue {
    init(_ instant: Instant?) { self.init(instant?.milliseconds) }
    init(_ credits: Credits?) { self.init(credits?.nano) }
    init(_ batch: BatchID) { self = .integer(batch.rawValue) }
    init(_ task: TaskID) { self = .integer(task.rawValue) }
}

extension Instant: ColumnValue {
    init(in column: SQLColumn) { self.init(milliseconds: column.integer) }
}

extension Credits: ColumnValue {
    init(in column: SQLColumn) { self.init(nano: column.integer) }
}

extension BatchID: ColumnValue {
    init(in column: SQLColumn) { self.init(column.integer) }
}

extension TaskID: ColumnValue {
    init(in column: SQLColumn) { self.init(column.integer) }
}

extension CommandID: ColumnValue {
    init(in column: SQLColumn) { self.init(column.integer) }
}

extension TaskKey: ColumnValue {
    init(in column: SQLColumn) { self.init(column.text) }
}

extension ModelID: ColumnValue {
    init(in column: SQLColumn) { self.init(column.text) }
}

extension RemoteTaskID: ColumnValue {
    init(in column: SQLColumn) { self.init(column.text) }
}

extension SubmissionKey: ColumnValue {
    init(in column: SQLColumn) { self.init(column.text) }
}

extension KeyFingerprint: ColumnValue {
    init(in column: SQLColumn) { self.init(column.text) }
}

extension CanonicalRequest: ColumnValue {
    init(in column: SQLColumn) { self.init(text: column.text) }
}

extension RequestShape {
    /// Reads the columns `model`, `duration_seconds` and `resolution`.
    init(in row: SQLRow) {
        self.init(
            model: row["model"], durationSeconds: row["duration_seconds"], resolution: row["resolution"])
    }
}

extension SQLRow {
    /// The request in the columns `request` and `new_seed`, as the next or latest attempt sends it.
    var requestAsSent: CanonicalRequest {
        let request: CanonicalRequest = self["request"]
        return (self["new_seed"] as Int64?).map(request.with(seed:)) ?? request
    }

    /// An attempt number. Only the program assigns them, but anyone can write to its file.
    func attemptNumber(_ name: StaticString) throws(StoreError) -> Int {
        let number: Int = self[name]
        guard AttemptID.numbers ~= number else { throw StoreError.forbiddenNumber }
        return number
    }

    /// The attempt in the columns `task` and `number`.
    func attempt() throws(StoreError) -> AttemptID {
        AttemptID(task: self["task"], number: try attemptNumber("number"))
    }

    func word<T: RawRepresentable>(_ name: StaticString, as: T.Type = T.self) throws(StoreError) -> T
    where T.RawValue == String {
        guard let value = T(rawValue: self[name]) else { throw StoreError.forbiddenWord }
        return value
    }

    func optionalWord<T: RawRepresentable>(_ name: StaticString) throws(StoreError) -> T? where T.RawValue == String {
        isNull(name) ? nil : try word(name)
    }
}

extension StoreError {
    static let forbiddenWord = StoreError(
        .damaged, "the store contains a value that its schema forbids; restore a backup")
    static let forbiddenNumber = StoreError(
        .damaged, "the store contains an attempt number that its schema forbids; restore a backup")
}
