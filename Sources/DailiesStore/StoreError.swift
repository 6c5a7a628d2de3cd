import CSQLite
import DailiesCore

/// Why the store could not do what was asked: what happened, and what to do. Never holds SQL or stored values.
public struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What stood in the way.
    public enum Kind: Hashable, Sendable {
        /// There is no file at this path, and reading creates none.
        case missing
        /// Written by a later version of the program.
        case newerThanProgram
        /// Written by an earlier version: a run migrates it, reading does not.
        case olderThanProgram
        /// A database, but not one of ours.
        case notAStore
        /// The file is no database or its contents are damaged. It is never replaced or repaired.
        case damaged
        /// No space left, or the file may not grow. Nothing of the failed write remains.
        case full
        /// The file, its folder or its file system takes no writes.
        case readOnly
        /// Another process held the database for longer than the time that is waited (5 s).
        case busy
        /// A conditional update changed no row, or a row would have broken a rule of the schema: two parties believed
        /// that they owned the task, or a change was asked for that its state does not allow.
        case conflict
        /// The provider's task belongs to another attempt.
        case taskIDTaken(TaskOwner)
        /// Any other failure of disk or library.
        case io
        /// Another runner holds the store; the text says which.
        case lockedByRunner(String)
        /// The file has hard links, or is a mount of a single file: its log is next to another name.
        case severalNames
    }

    /// What stood in the way.
    public let kind: Kind
    /// Starts in lower case, so that it can follow "cannot open the store: ".
    public let message: String
    /// SQLite's extended result code, where it was SQLite that refused.
    public let extendedCode: Int32?

    /// Takes its properties as they are given.
    public init(_ kind: Kind, _ message: String, extendedCode: Int32? = nil) {
        self.kind = kind
        self.message = message
        self.extendedCode = extendedCode
    }

    public var description: String { message }
}

extension StoreError {
    /// It is of one call alone: what else is in its transaction is sound.
    var isOfOneCall: Bool {
        switch kind {
        case .conflict, .taskIDTaken: true
        case .missing, .newerThanProgram, .olderThanProgram, .notAStore, .damaged, .full, .readOnly, .busy, .io,
            .lockedByRunner, .severalNames:
            false
        }
    }

    /// SQLITE_CONSTRAINT_UNIQUE.
    static let breaksUniqueness = SQLITE_CONSTRAINT | 8 << 8

    /// - Parameter holder: who it is, in words.
    init(heldBy holder: String) {
        self.init(
            .lockedByRunner(holder),
            "another run is using the store (\(holder)); wait for it or stop it (reading still works)")
    }

    /// A refusal of SQLite's in our words.
    ///
    /// - Parameter doing: what was tried, `reading`, `writing`: it begins the message.
    init(sqlite code: Int32, doing: String) {
        let (kind, words) = Self.meaning(of: code)
        self.init(kind, "\(doing) failed: \(words) (SQLite \(code))", extendedCode: code)
    }

    private static let fullDisk = "the disk is full; free some space and run again (nothing is lost)"

    /// SQLITE_IOERR_LOCK and SQLITE_IOERR_SHMSIZE: the header writes them in a way that Swift does not take in.
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
