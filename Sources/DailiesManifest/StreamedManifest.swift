import DailiesCore
import ExactJSON

/// One manifest of JSONL or CSV, to be read from its start as often as needed.
///
/// The first reading checks everything and collects the claims on keys and file names. Where one of them fails, a second
/// finds the words for it. Later ones hand out the tasks; they read what was checked, or say that it has changed.
struct StreamedManifest: Sendable {
    let source: ManifestSource
    let format: ManifestFormat
    let rules: RequestValidator
    let names: ColumnNames
    /// Learned by the first reading.
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

    // MARK: One reading

    /// Reads from the start to the end, or until the builder has enough.
    ///
    /// - Returns: the sum over all bytes; nil where the end was not reached.
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
            if error.voidsAllElse { builder.log.replaceAll(error) } else { builder.log.error(error) }
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
                            what: "this line has \(bytes) bytes, more than \(ManifestLimits.maximumLineBytes)",
                            todo: "write one task a line, and images as URLs")))
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

    /// The first reading, and the second where it is needed.
    ///
    /// - Throws: ``ManifestError`` with every broken rule.
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
        // The words for a claim that fails are those of the reading that meets it.
        if try reading.hasFailedClaims(builder) {
            let replay = KeyConflictReplay(reading.verdicts)
            builder = ManifestBuilder(
                path: source.path, rules: rules, claims: replay, purpose: .check, bounds: .streamed)
            _ = read(into: &builder)
        }
        let name = builder.finish(givenName: batchName)
        try builder.log.refuseProblems(in: source, format)
        guard let sum else { preconditionFailure("a manifest without a problem was not read to its end") }
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

    // MARK: Handing out

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
                path: source.path, rules: rules, claims: replay, purpose: .handOn(take), bounds: .streamed,
                images: images)
            sum = read(into: &builder)
            problems = builder.log.problems
        }
        if let failure { throw failure }
        if let trouble = replay.trouble { throw ManifestError(trouble, in: source.path) }
        guard sum == checksum, problems.isEmpty else {
            throw ManifestError(
                SourceError(
                    place: .start, field: "file", what: "was changed while it was read", todo: "run this again"),
                in: source.path)
        }
    }
}
