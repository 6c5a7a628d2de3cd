import DailiesCore
import ExactJSON

/// Reads a manifest of any format into tasks, or says everything that is wrong with it.
public struct ManifestReader: Sendable {
    private let rules: RequestValidator
    private let columns: ColumnNames

    /// - Parameters:
    ///   - catalogue: what is published of the models; a model that is not in it gets a warning and runs unvalidated.
    ///   - today: `yyyy-mm-dd`, for the warning about withdrawn models; nil: no such warning.
    ///   - columns: what columns of CSV mean, for those that are called otherwise than their field.
    public init(
        catalogue: ModelCatalogue, identity: IdentityDefaults = .edition1, today: String?, columns: ColumnNames = .none
    ) {
        rules = RequestValidator(catalogue: catalogue, identity: identity, today: today)
        self.columns = columns
    }

    /// Checks a manifest of any length. JSONL and CSV take 32 bytes of memory for each task, and beyond a million of
    /// them a temporary file; the other formats are kept in memory and bounded by ``ManifestLimits``.
    ///
    /// - Parameters:
    ///   - format: nil: by the path's ending.
    ///   - batchName: in place of the manifest's own, or its file's.
    /// - Throws: ``ManifestError`` with every broken rule.
    public func check(
        _ source: ManifestSource, format: ManifestFormat? = nil, batchName: String? = nil
    ) throws(ManifestError) -> ValidatedManifest {
        let format = try Self.format(format, of: source)
        if format.isStreamed {
            return try StreamedManifest(source, format, rules: rules, names: columns).checked(batchName: batchName)
        }
        let manifest = try read(source, format, batchName: batchName)
        return ValidatedManifest(
            batchName: manifest.batchName, count: manifest.tasks.count, warnings: manifest.warnings,
            path: manifest.path, tasks: .kept(manifest.tasks))
    }

    /// Reads a manifest at once, and keeps its tasks.
    ///
    /// - Parameters:
    ///   - path: for messages and for the batch's name; nothing is opened.
    ///   - format: nil: by the path's ending.
    /// - Throws: ``ManifestError`` with every broken rule.
    public func read(
        path: String, bytes: [UInt8], format: ManifestFormat? = nil
    ) throws(ManifestError) -> Manifest {
        let source = ManifestSource.bytes(bytes, path: path)
        return try read(source, Self.format(format, of: source), batchName: nil)
    }

    private static func format(
        _ given: ManifestFormat?, of source: ManifestSource
    ) throws(ManifestError) -> ManifestFormat {
        if let format = given ?? ManifestFormat(path: source.path) { return format }
        if let trouble = TextEncoding.spreadsheet(called: source.path) {
            throw ManifestError(trouble, in: source.path)
        }
        let isNamed = source.path != ManifestSource.standardInputName
        throw ManifestError(
            SourceError(
                place: .start, field: "file",
                what: isNamed ? "the ending of its name tells no format" : "standard input tells no format",
                todo: isNamed
                    ? "name it .jsonl, .json, .yaml, .csv or .tsv, or give --format"
                    : "give --format jsonl, json, yaml, csv or tsv"),
            in: source.path)
    }

    private func read(
        _ source: ManifestSource, _ format: ManifestFormat, batchName: String?
    ) throws(ManifestError) -> Manifest {
        var tasks: [TaskSpec] = []
        let name: String
        let log: Diagnostics
        (name, log) = withoutActuallyEscaping({ (task: TaskSpec) in
            tasks.append(task)
            return true
        }) { keep in
            var builder = ManifestBuilder(
                path: source.path, rules: rules, claims: InMemoryKeyRegistry(), purpose: .handOn(keep),
                bounds: .inMemory)
            feed(source, format, to: &builder)
            let name = builder.finish(givenName: batchName)
            return (name, builder.log)
        }
        try log.refuseProblems(in: source, format)
        return Manifest(batchName: name, tasks: tasks, warnings: log.warnings, path: source.path)
    }

    private func feed(_ source: ManifestSource, _ format: ManifestFormat, to builder: inout ManifestBuilder) {
        if format.isStreamed {
            _ = StreamedManifest(source, format, rules: rules, names: columns).read(into: &builder)
            return
        }
        do throws(SourceError) {
            switch format {
            case .yaml: builder.document(try YAMLSource.node(Self.whole(source, atMost: ManifestLimits.largestYAML)))
            case .json, .jsonl, .csv, .tsv:
                builder.document(try JSONSource.node(Self.whole(source, atMost: ManifestLimits.largestJSON)))
            }
        } catch {
            if error.voidsAllElse { builder.log.replaceAll(error) } else { builder.log.error(error) }
        }
    }

    private static func whole(_ source: ManifestSource, atMost limit: Int) throws(SourceError) -> ArraySlice<UInt8> {
        let bytes = try source.whole(atMost: limit)
        guard bytes.count <= limit else {
            throw SourceError(
                place: .start, field: "file", what: "has more than the \(limit) bytes that are read as a whole",
                todo: "write it as JSONL or CSV, or split it")
        }
        return try TextEncoding.checked(bytes)
    }
}
