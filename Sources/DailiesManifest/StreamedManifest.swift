import DailiesCore
import ExactJSON

/// A JSONL or CSV manifest that can be read from its start any number of times.
///
/// The first pass validates everything and collects claims on keys and file names. If a claim fails, a second pass
/// produces its message. Later passes return the tasks, and fail if the bytes differ from those of the first.
struct StreamedManifest: Sendable {
    let source: ManifestSource
    let format: ManifestFormat
    let rules: RequestValidator
    let names: ColumnNames
    /// Set by the first pass.
    var verdicts = SortedRecords.none
    var checksum = Checksum()
    var images: ImageFiles.Known = [:]

    init(
        _ source: ManifestSource, _ format: ManifestFormat, rules: RequestValidator, names: ColumnNames = .none
    ) {
        self.source = source
        self.format = format
        self.rules = rules
        self.names = names
    }

    // MARK: One pass

    /// Reads to the end, or until the builder is done.
    ///
    /// - Returns: the checksum of all bytes; nil if the end was not reached.
    func read(into builder: inout ManifestBuilder) -> Checksum? {
        do throws(SourceError) {
            let window = try ChunkedReader(source)
            if format == .jsonl {
                try readLines(window, &builder)
            } else {
                try readRecords(window, &builder)
            }
            return builder.isDone ? nil : window.checksum
        } catch {
            if error.discardsOtherFindings { builder.log.replaceAll(error) } else { builder.log.error(error) }
            return nil
        }
    }

    private func readLines(_ window: ChunkedReader, _ builder: inout ManifestBuilder) throws(SourceError) {
        var lines = JSONLines(window)
        var plain = FastLineParser(rules)
        while !builder.isDone, let line = try lines.next() {
            switch line {
            case .text(let text, let number):
                if plain.take(text, number, &builder) { continue }
                let start = JSONPosition(offset: 0, line: number, column: 1)
                builder.line(Self.node(text, start))
                plain.learn(from: builder)
            case .tooLong(let bytes, let number):
                builder.line(
                    .failure(
                        SourceError(
                            place: SourcePosition(line: number, column: 1), field: "file",
                            message: "this line has \(bytes) bytes, more than \(ManifestLimits.maximumLineBytes)",
                            fix: "write one task per line, and give images as URLs")))
            }
        }
    }

    private static func node(
        _ text: UnsafeBufferPointer<UInt8>, _ start: JSONPosition
    ) -> Result<SourceNode, SourceError> {
        do throws(SourceError) {
            return .success(try JSONSource.node(text, startingAt: start))
        } catch {
            return .failure(error)
        }
    }

    private func readRecords(_ window: ChunkedReader, _ builder: inout ManifestBuilder) throws(SourceError) {
        let separator = format == .tsv ? UInt8(ascii: "\t") : nil
        var table = try CSVTable(window, separator: separator, names: names, fields: rules.fields, log: &builder.log)
        while !builder.isDone, let row = try table.next(log: &builder.log) { builder.task(row) }
    }

    // MARK: Checking

    /// Makes the first pass, and the second if needed.
    ///
    /// - Throws: ``ManifestError`` with all errors.
    func checked(batchName: String?) throws(ManifestError) -> ValidatedManifest {
        let collector = SortedKeyRegistry()
        var builder = ManifestBuilder(
            path: source.path, rules: rules, claims: collector, purpose: .check, bounds: .streamed)
        var reading = self
        let sum = read(into: &builder)
        do throws(SourceError) {
            reading.verdicts = try collector.verdicts()
        } catch {
            builder.log.replaceAll(error)
        }
        // The pass that meets a failed claim reports it.
        if try reading.hasFailedClaims(builder) {
            let replay = KeyConflictReplay(reading.verdicts)
            builder = ManifestBuilder(
                path: source.path, rules: rules, claims: replay, purpose: .check, bounds: .streamed)
            _ = read(into: &builder)
        }
        let name = builder.finish(givenName: batchName)
        try builder.log.refuseProblems(in: source, format)
        guard let sum else { preconditionFailure("a valid manifest was not read to its end") }
        reading.checksum = sum
        reading.images = builder.images.known
        return ValidatedManifest(
            batchName: name, count: builder.count, warnings: builder.log.warnings,
            path: source.path, tasks: .read(reading))
    }

    private func hasFailedClaims(_ builder: ManifestBuilder) throws(ManifestError) -> Bool {
        do throws(SourceError) {
            var cursor = verdicts.makeCursor()
            while let record = try cursor.next() {
                if KeyConflict(record).earlier != nil { return true }
            }
            return false
        } catch {
            throw ManifestError(error, in: source.path)
        }
    }

    // MARK: Tasks

    func forEachTask(_ body: (TaskSpec) throws -> Void) throws {
        let replay = KeyConflictReplay(verdicts)
        var failure: (any Error)?
        var sum: Checksum?
        var problems: [ManifestDiagnostic] = []
        withoutActuallyEscaping(body) { body in
            let take = { (task: TaskSpec) -> Bool in
                do {
                    try body(task)
                    return true
                } catch {
                    failure = error
                    return false
                }
            }
            var builder = ManifestBuilder(
                path: source.path, rules: rules, claims: replay, purpose: .emit(take), bounds: .streamed,
                images: images)
            sum = read(into: &builder)
            problems = builder.log.problems
        }
        if let failure { throw failure }
        if let sourceError = replay.sourceError { throw ManifestError(sourceError, in: source.path) }
        guard sum == checksum, problems.isEmpty else {
            throw ManifestError(
                SourceError(
                    place: .start, field: "file", message: "changed while it was being read",
                    fix: "run the command again"
                ),
                in: source.path)
        }
    }
}
