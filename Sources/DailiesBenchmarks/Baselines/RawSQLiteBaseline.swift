import CSQLite
import DailiesStore
import Foundation

/// Repeats the store's writes through SQLite's C API: the statements and values that the store executed, recorded from
/// one run of ``WriteLoad``, with prepared statements and a fixed number of writes per commit. It reads nothing.
final class RawSQLiteBaseline {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let connection: OpaquePointer
    private let recording: Recording
    private var statements: [OpaquePointer] = []

    init(_ recording: Recording, path: String, tasks: Int) throws {
        self.recording = recording
        // Start from the same store, created by the store itself.
        let store = try Store.open(path, for: .running)
        try WriteLoad.importManifest(tasks, in: store)
        try store.close()
        var opened: OpaquePointer?
        guard sqlite3_open_v2(path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil) == SQLITE_OK,
            let opened
        else { throw Failure(description: "cannot open \(path)") }
        connection = opened
        let settings = """
            PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
            PRAGMA wal_autocheckpoint = 8000; PRAGMA cache_size = -16000;
            """
        guard sqlite3_exec(connection, settings, nil, nil, nil) == SQLITE_OK else { throw failure() }
        for text in recording.texts + ["BEGIN IMMEDIATE", "COMMIT"] {
            var statement: OpaquePointer?
            guard
                sqlite3_prepare_v3(connection, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
                    == SQLITE_OK,
                let statement
            else { throw failure() }
            statements.append(statement)
        }
    }

    deinit {
        for statement in statements { sqlite3_finalize(statement) }
        sqlite3_close_v2(connection)
    }

    /// - Parameter commits: approximately; each has the same number of writes.
    func run(steps: Int, commits: Int) throws -> WriteBenchmark.Rate {
        let writes = recording.writes
        let perCommit = max(1, writes.count / max(commits, 1))
        var done = 0
        let began = ContinuousClock.now
        for start in stride(from: 0, to: writes.count, by: perCommit) {
            try execute(statements[statements.count - 2], [])
            for write in writes[start..<min(start + perCommit, writes.count)] {
                try execute(statements[write.statement], write.values)
            }
            try execute(statements[statements.count - 1], [])
            done += 1
        }
        let seconds = began.duration(to: .now) / .seconds(1)
        return WriteBenchmark.Rate(steps: steps, commits: done, seconds: seconds)
    }

    private func execute(_ statement: OpaquePointer, _ values: [(place: Int32, value: Recording.Value)]) throws {
        for (place, value) in values {
            switch value {
            case .null: sqlite3_bind_null(statement, place)
            case .integer(let number): sqlite3_bind_int64(statement, place, number)
            case .real(let number): sqlite3_bind_double(statement, place, number)
            case .text(let bytes):
                _ = bytes.withUnsafeBytes {
                    sqlite3_bind_text(
                        statement, place, $0.baseAddress?.assumingMemoryBound(to: CChar.self), Int32($0.count), copied)
                }
            case .blob(let bytes):
                _ = bytes.withUnsafeBytes {
                    sqlite3_bind_blob(statement, place, $0.baseAddress, Int32($0.count), copied)
                }
            }
        }
        var code = sqlite3_step(statement)
        while code == SQLITE_ROW { code = sqlite3_step(statement) }
        sqlite3_reset(statement)
        guard code == SQLITE_DONE else { throw failure() }
    }

    private func failure() -> Failure { Failure(description: String(cString: sqlite3_errmsg(connection))) }
}

/// Tells SQLite to copy what is bound: the C header's macro for it is a cast that Swift cannot import.
private nonisolated(unsafe) let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

/// The statements that change data, with their values, as SQLite reports them to a trace of every connection.
final class Recording {
    enum Value {
        case null
        case integer(Int64)
        case real(Double)
        case text([UInt8])
        case blob([UInt8])
    }

    struct Write {
        let statement: Int
        let values: [(place: Int32, value: Value)]
    }

    private(set) var texts: [String] = []
    private(set) var writes: [Write] = []
    private var numbers: [String: Int] = [:]

    /// The recording in progress. The store writes on one thread; ``during(_:)`` waits for it.
    nonisolated(unsafe) private static var current: Recording?

    /// Traces connections that open from now on.
    static func install() {
        typealias Entry = @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?, UnsafeRawPointer?) -> Int32
        let trace: Entry = { connection, _, _ in
            sqlite3_trace_v2(
                connection, UInt32(SQLITE_TRACE_STMT), { _, _, statement, text in Recording.note(statement, text) }, nil
            )
        }
        sqlite3_auto_extension(unsafeBitCast(trace, to: (@convention(c) () -> Void).self))
    }

    static func during(_ body: () throws -> Void) rethrows -> Recording {
        let recording = Recording()
        current = recording
        defer { current = nil }
        try body()
        return recording
    }

    private static func note(_ statement: UnsafeMutableRawPointer?, _ text: UnsafeMutableRawPointer?) -> Int32 {
        guard let current, let statement, let text = text?.assumingMemoryBound(to: CChar.self) else { return 0 }
        current.note(OpaquePointer(statement), String(cString: text))
        return 0
    }

    /// - Parameter text: `-- …` for the statements of a trigger, which a repeated write triggers again.
    private func note(_ statement: OpaquePointer, _ text: String) {
        let first = text.drop { $0.isWhitespace }
        guard ["INSERT", "UPDATE", "DELETE"].contains(where: first.hasPrefix),
            let expanded = sqlite3_expanded_sql(statement)
        else { return }
        defer { sqlite3_free(expanded) }
        let number = numbers[text] ?? texts.count
        if number == texts.count {
            texts.append(text)
            numbers[text] = number
        }
        let values = Self.values(in: Array(String(cString: expanded).utf8), of: Array(text.utf8), statement)
        writes.append(Write(statement: number, values: values))
    }

    /// The values that replace the parameters of a statement in its expanded text.
    private static func values(
        in expanded: [UInt8], of text: [UInt8], _ statement: OpaquePointer
    ) -> [(place: Int32, value: Value)] {
        var values: [(place: Int32, value: Value)] = []
        var (rest, quote, last) = (expanded[...], false, Int32(0))
        var index = 0
        while index < text.count {
            let byte = text[index]
            index += 1
            if byte == UInt8(ascii: "'") { quote.toggle() }
            guard !quote, "?:@$".utf8.contains(byte) else {
                rest.removeFirst()
                continue
            }
            let name = text[index...].prefix { isWord($0) }
            index += name.count
            let word = String(decoding: [byte] + name, as: UTF8.self)
            if byte != UInt8(ascii: "?") {
                last = sqlite3_bind_parameter_index(statement, word)
            } else {
                last = name.isEmpty ? last + 1 : Int32(word.dropFirst()) ?? 0
            }
            values.append((last, takeValue(from: &rest)))
        }
        return values
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        let scalar = Unicode.Scalar(byte)
        return byte < 0x80 && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil || byte == 0x5F)
    }

    /// `NULL`, `-7`, `0.5`, `'it''s'` or `x'0aff'`.
    private static func takeValue(from rest: inout ArraySlice<UInt8>) -> Value {
        let quote = UInt8(ascii: "'")
        if rest.first == quote {
            var bytes: [UInt8] = []
            rest.removeFirst()
            while let byte = rest.popFirst() {
                if byte == quote {
                    guard rest.first == quote else { break }
                    rest.removeFirst()
                }
                bytes.append(byte)
            }
            return .text(bytes)
        }
        if rest.starts(with: "x'".utf8) {
            let digits = Array(rest.dropFirst(2).prefix { $0 != quote })
            rest = rest.dropFirst(digits.count + 3)
            return .blob(
                stride(from: 0, to: digits.count, by: 2).compactMap {
                    UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
                })
        }
        let word = String(decoding: rest.prefix { isWord($0) || "+-.".utf8.contains($0) }, as: UTF8.self)
        rest = rest.dropFirst(word.utf8.count)
        return Int64(word).map(Value.integer) ?? Double(word).map(Value.real) ?? .null
    }
}
