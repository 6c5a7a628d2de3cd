import Foundation
import HeapModule

/// Four numbers, ordered by the first three.
struct Record: BitwiseCopyable, Hashable {
    let first: UInt64
    let second: UInt64
    let third: UInt64
    let fourth: UInt64

    init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
        self.first = first
        self.second = second
        self.third = third
        self.fourth = fourth
    }

    func precedes(_ other: Record) -> Bool {
        if first != other.first { return first < other.first }
        if second != other.second { return second < other.second }
        return third < other.third
    }
}

/// Sorts any number of records in bounded memory: a million in memory, the rest as sorted runs in a temporary file.
final class ExternalSorter {
    /// 32 MiB.
    static let maximumInMemory = 1 << 20

    private let inMemory: Int
    private var buffer: UnsafeMutablePointer<Record>?
    private var capacity = 0
    private var count = 0
    private var file: TemporaryFile?
    private var runs: [Range<Int>] = []

    init(inMemory: Int = ExternalSorter.maximumInMemory) { self.inMemory = max(inMemory, 1) }

    deinit { free(buffer) }

    func add(_ record: Record) throws(SourceError) {
        if count == inMemory { try spill() }
        if count == capacity { grow() }
        buffer?[count] = record
        count += 1
    }

    /// Uses `realloc`, which moves large blocks without copying, so that growing needs no second buffer.
    private func grow() {
        capacity = min(max(capacity * 2, 64), inMemory)
        guard let grown = realloc(buffer, capacity * MemoryLayout<Record>.stride) else {
            preconditionFailure("no memory for \(capacity) records")
        }
        buffer = grown.assumingMemoryBound(to: Record.self)
    }

    private var filled: UnsafeMutableBufferPointer<Record> { UnsafeMutableBufferPointer(start: buffer, count: count) }

    private func sort() {
        var records = filled
        records.sort { $0.precedes($1) }
    }

    private func temporaryFile() throws(SourceError) -> TemporaryFile {
        if let file { return file }
        let made = try TemporaryFile()
        file = made
        return made
    }

    private func spill() throws(SourceError) {
        sort()
        let file = try temporaryFile()
        let start = file.size
        try file.append(UnsafeRawBufferPointer(filled))
        runs.append(start..<file.size)
        count = 0
    }

    /// All records in order. Nothing may be added afterwards.
    func sorted() throws(SourceError) -> SortedRecords {
        sort()
        if let file {
            if count > 0 { try spill() }
            return SortedRecords(runs: runs, in: file)
        }
        let records = SortedRecords(taking: filled)
        (buffer, count, capacity) = (nil, 0, 0)
        return records
    }
}

/// Sorted records that can be iterated any number of times.
final class SortedRecords: @unchecked Sendable {
    // Immutable after initialization: the memory and the file are only read.
    fileprivate enum Content {
        case memory(UnsafeMutableBufferPointer<Record>)
        case file(TemporaryFile, runs: [Range<Int>])
    }
    fileprivate let content: Content

    static let none = SortedRecords(taking: UnsafeMutableBufferPointer(start: nil, count: 0))

    fileprivate init(taking memory: UnsafeMutableBufferPointer<Record>) { content = .memory(memory) }

    fileprivate init(runs: [Range<Int>], in file: TemporaryFile) { content = .file(file, runs: runs) }

    deinit { if case .memory(let records) = content { free(records.baseAddress) } }

    func makeCursor() -> Cursor { Cursor(self) }

    struct Cursor {
        /// Records read per run at once: 64 KiB.
        private static let chunk = 2048

        private struct Run {
            var rest: Range<Int>
            var loaded: ArraySlice<Record> = []
        }
        private let records: SortedRecords
        private var index = 0
        private var runs: [Run] = []
        private struct Head: Comparable {
            let record: Record
            let run: Int
            static func < (a: Head, b: Head) -> Bool { a.record.precedes(b.record) }
        }
        /// The next record of each unfinished run.
        private var heads = Heap<Head>()
        private var isBegun = false

        fileprivate init(_ records: SortedRecords) { self.records = records }

        mutating func next() throws(SourceError) -> Record? {
            switch records.content {
            case .memory(let records):
                guard index < records.count else { return nil }
                index += 1
                return records[index - 1]
            case .file(let file, let ranges):
                if !isBegun { try begin(file, ranges) }
                return try takeHead(file)
            }
        }

        private mutating func begin(_ file: TemporaryFile, _ ranges: [Range<Int>]) throws(SourceError) {
            isBegun = true
            runs = ranges.map { Run(rest: $0) }
            for run in runs.indices {
                if let record = try take(from: run, file) { heads.insert(Head(record: record, run: run)) }
            }
        }

        private mutating func takeHead(_ file: TemporaryFile) throws(SourceError) -> Record? {
            guard let head = heads.min else { return nil }
            if let following = try take(from: head.run, file) {
                heads.replaceMin(with: Head(record: following, run: head.run))
            } else {
                heads.removeMin()
            }
            return head.record
        }

        private mutating func take(from run: Int, _ file: TemporaryFile) throws(SourceError) -> Record? {
            if runs[run].loaded.isEmpty {
                let rest = runs[run].rest
                guard !rest.isEmpty else { return nil }
                let end = min(rest.upperBound, rest.lowerBound + Self.chunk * MemoryLayout<Record>.stride)
                runs[run].loaded = try file.records(in: rest.lowerBound..<end)[...]
                runs[run].rest = end..<rest.upperBound
            }
            return runs[run].loaded.removeFirst()
        }
    }
}
