import DailiesCore

/// Conversions between core types and columns.
extension SQLValue {
    init(_ instant: Instant?) { self.init(instant?.milliseconds) }
    init(_ credits: Credits?) { self.init(credits?.nano) }
    init(_ batch: BatchID) { self = .integer(batch.rawValue) }
    init(_ task: TaskID) { self = .integer(task.rawValue) }
}

extension SQLRow {
    func instant(_ column: Int32) -> Instant { Instant(milliseconds: integer(column)) }
    func optionalInstant(_ column: Int32) -> Instant? { optionalInteger(column).map(Instant.init(milliseconds:)) }
    func optionalCredits(_ column: Int32) -> Credits? { optionalInteger(column).map(Credits.init(nano:)) }

    /// A sum as two integer sums, in this column and the next; both are NULL if nothing was summed.
    func total(_ column: Int32) -> CreditTotal {
        CreditTotal(whole: integer(column), billionths: integer(column + 1))
    }

    /// An attempt number. Only the program assigns them, but anyone can write to its file.
    func attemptNumber(_ column: Int32) throws(StoreError) -> Int {
        let number = int(column)
        guard AttemptID.numbers ~= number else { throw StoreError.forbiddenNumber }
        return number
    }

    func attempt(_ task: Int32, _ number: Int32) throws(StoreError) -> AttemptID {
        AttemptID(task: TaskID(integer(task)), number: try attemptNumber(number))
    }

    func word<T: RawRepresentable>(_ column: Int32, as: T.Type = T.self) throws(StoreError) -> T
    where T.RawValue == String {
        guard let value = T(rawValue: text(column)) else { throw StoreError.forbiddenWord }
        return value
    }
}

extension StoreError {
    static let forbiddenWord = StoreError(
        .damaged, "the store contains a value that its schema forbids; restore a backup")
    static let forbiddenNumber = StoreError(
        .damaged, "the store contains an attempt number that its schema forbids; restore a backup")
}
