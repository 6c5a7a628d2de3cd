import DailiesCore
import ExactJSON

/// Reads a manifest of any format into tasks, or reports all its errors.
package struct ManifestReader: Sendable {
    private let rules: RequestValidator
    private let columns: ColumnNames

    /// - Parameters:
    ///   - catalog: published model limits; a model that is not in it gets a warning and is not validated.
    ///   - today: `yyyy-mm-dd`, for warnings about withdrawn models; nil for none.
    ///   - columns: maps CSV columns to fields with other names.
    package init(
        catalog: ModelCatalog, identity: IdentityDefaults = .edition1, today: String?, columns: ColumnNames = .none
    ) {
        rules = RequestValidator(catalog: catalog, identity: identity, today: today)
        self.columns = columns
    }

    /// Validates a manifest of any length. JSONL and CSV use 32 bytes of memory per task, and a temporary file beyond
    /// a million tasks; the other formats are kept in memory and limited by `ManifestLimits`.
    ///
    /// - Parameters:
    ///   - format: nil to use the file extension.
    ///   - batchName: replaces the name in the manifest or its file name.
    /// - Throws: ``ManifestError`` with all errors.
    package func check(
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

    /// Reads a whole manifest into memory.
    ///
    /// - Parameters:
    ///   - path: for messages and the batch name; no file is opened.
    ///   - format: nil to use the file extension.
    /// - Throws: ``ManifestError`` with all errors.
    package func read(
        path: String, bytes: [UInt8], format: ManifestFormat? = nil
    ) throws(ManifestError) -> Manifest {
        let source = ManifestSource.bytes(bytes, path: path)
        return try read(source, Self.format(format, of: source), batchName: nil)
    }

    private static func format(
        _ given: ManifestFormat?, of source: ManifestSource
    ) throws(ManifestError) -> ManifestFormat {
        if let format = given ?? ManifestFormat(path: source.path) { return format }
        if let sourceError = TextEncoding.spreadsheet(called: source.path) {
            throw ManifestError(sourceError, in: source.path)
        }
        let isNamed = source.path != ManifestSource.standardInputName
        throw ManifestError(
            SourceError(
                place: .start, field: "file",
                message: isNamed
                    ? "the file extension does not identify the format" : "standard input has no file extension",
                fix: isNamed
                    ? "name it .jsonl, .json, .yaml, .csv or .tsv, or use --format"
                    : "use --format jsonl, json, yaml, csv or tsv"),
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
                path: source.path, rules: rules, claims: InMemoryKeyRegistry(), purpose: .emit(keep),
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
            case .yaml:
                builder.document(try YAMLSource.node(Self.whole(source, atMost: ManifestLimits.maximumYAMLBytes)))
            case .json, .jsonl, .csv, .tsv:
                builder.document(try JSONSource.node(Self.whole(source, atMost: ManifestLimits.maximumJSONBytes)))
            }
        } catch {
            if error.discardsOtherFindings { builder.log.replaceAll(error) } else { builder.log.error(error) }
        }
    }

    private static func whole(_ source: ManifestSource, atMost limit: Int) throws(SourceError) -> ArraySlice<UInt8> {
        let bytes = try source.whole(atMost: limit)
        guard bytes.count <= limit else {
            throw SourceError(
                place: .start, field: "file", message: "has more than \(limit) bytes, the limit for this format",
                fix: "use JSONL or CSV, or split it")
        }
        return try TextEncoding.checked(bytes)
    }
}
