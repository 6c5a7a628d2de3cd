import CSQLite
import DailiesCore

/// An error of the store: what is wrong and what to do. Never contains SQL or stored values.
public struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of error.
    public enum Kind: Hashable, Sendable {
        /// The file does not exist, and reading does not create it.
        case missing
        /// Written by a later version of the program.
        case newerThanProgram
        /// Written by an earlier version: a run migrates it, reading does not.
        case olderThanProgram
        /// A database of another program.
        case notAStore
        /// The file is damaged or not a database. It is never replaced or repaired.
        case damaged
        /// No space is left, or the file may not grow. The failed write was undone.
        case full
        /// The file, its folder or its file system is read-only.
        case readOnly
        /// Another process kept the database locked for more than 5 s.
        case busy
        /// A conditional update changed no row, or a row violates a constraint: two parties believed they owned the
        /// task, or the task's state does not allow the change.
        case conflict
        /// A new attempt does not fit its budgets, though the runner expected so: another process has used the credits.
        /// Nothing was written or sent.
        case overBudget
        /// The provider's task belongs to another attempt.
        case taskIDTaken(TaskOwner)
        /// Any other disk or library error.
        case io
        /// Another run is using the store; the text names it.
        case lockedByRunner(String)
        /// The file has hard links, or is a mount of a single file: its log is next to another name.
        case severalNames
    }

    /// The kind of error.
    public let kind: Kind
    /// A message that starts in lower case, so that it can follow "cannot open the store: ".
    public let message: String
    /// SQLite's extended result code; nil if the error is not from SQLite.
    public let extendedCode: Int32?

    /// Creates a value from its properties.
    public init(_ kind: Kind, _ message: String, extendedCode: Int32? = nil) {
        self.kind = kind
        self.message = message
        self.extendedCode = extendedCode
    }

    public var description: String { message }
}

extension StoreError {
    /// Whether it concerns a single call, so that the rest of its transaction is sound.
    var affectsOneCall: Bool {
        switch kind {
        case .conflict, .overBudget, .taskIDTaken: true
        case .missing, .newerThanProgram, .olderThanProgram, .notAStore, .damaged, .full, .readOnly, .busy, .io,
            .lockedByRunner, .severalNames:
            false
        }
    }

    /// SQLITE_CONSTRAINT_UNIQUE.
    static let uniqueConstraintCode = SQLITE_CONSTRAINT | 8 << 8

    /// - Parameter holder: a description of the process.
    init(heldBy holder: String) {
        self.init(
            .lockedByRunner(holder),
            holder.hasSuffix(Store.carriesOutCommands)
                ? "another command is using the store (\(holder)); try again when it has ended"
                : "another run is using the store (\(holder)); wait for it or stop it (reading still works)")
    }

    /// Creates an error from an SQLite result code.
    ///
    /// - Parameter doing: the failed operation, such as `reading`; it begins the message.
    init(sqlite code: Int32, doing: String) {
        let (kind, message) = Self.meaning(of: code)
        self.init(kind, "\(doing) failed: \(message) (SQLite \(code))", extendedCode: code)
    }

    private static let fullDisk = "the disk is full; free some space and run again (nothing is lost)"

    /// SQLITE_IOERR_LOCK and SQLITE_IOERR_SHMSIZE, whose macros Swift does not import.
    private static let lockRefused = SQLITE_IOERR | 15 << 8
    private static let noRoomForIndex = SQLITE_IOERR | 19 << 8

    private static func meaning(of code: Int32) -> (Kind, String) {
        switch code & 0xFF {
        case SQLITE_FULL:
            (.full, fullDisk)
        case SQLITE_IOERR where code == lockRefused:
            (.io, noLocks)
        case SQLITE_IOERR where code == noRoomForIndex:
            (.full, fullDisk)
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            (.damaged, "the file is damaged or not a database; restore a backup (the file was not changed)")
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL:
            (.busy, "another process is using the store; try again later")
        case SQLITE_READONLY:
            (.readOnly, "the store or its folder is read-only; make it writable")
        case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH:
            (.io, "the store cannot be opened; check that its folder exists and is writable")
        case SQLITE_CONSTRAINT:
            (.conflict, "the change violates a constraint of the store")
        default:
            (.io, String(cString: sqlite3_errstr(code)))
        }
    }
}
