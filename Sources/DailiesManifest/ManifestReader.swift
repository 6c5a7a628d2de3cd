import DailiesCore
import ExactJSON

/// Reads a manifest of any format into tasks, or says everything that is wrong with it.
public struct ManifestReader: Sendable {
    /// Documents that are read as a whole (JSON, YAML): 64 MiB.
    static let largestDocument = 64 << 20
    /// A line of JSONL, a record of CSV: 2 MiB.
    static let longestLine = 2 << 20

    private let rules: RequestRules

    /// - Parameters:
    ///   - catalogue: what is published of the models; a model that is not in it gets a warning and runs unvalidated.
    ///   - today: `yyyy-mm-dd`, for the warning about withdrawn models; nil: no such warning.
    public init(catalogue: ModelCatalogue, identity: IdentityDefaults = .edition1, today: String?) {
        rules = RequestRules(catalogue: catalogue, identity: identity, today: today)
    }

    /// - Parameters:
    ///   - path: for messages and for the batch's name; nothing is opened.
    ///   - format: nil: by the path's ending.
    /// - Throws: ``ManifestFailure`` with every broken rule.
    public func read(
        path: String, bytes: [UInt8], format: ManifestFormat? = nil
    ) throws(ManifestFailure) -> Manifest {
        var builder = ManifestBuilder(path: path, rules: rules)
        do throws(SourceTrouble) {
            guard let format = format ?? ManifestFormat(path: path) else {
                throw SourceTrouble(
                    place: .start, field: "file", what: "the ending of its name tells no format",
                    todo: "name it .jsonl, .json, .yaml, .csv or .tsv")
            }
            try feed(TextEncoding.checked(bytes), as: format, to: &builder)
        } catch {
            builder.log.error(error)
        }
        return try builder.finish()
    }

    private func feed(
        _ bytes: ArraySlice<UInt8>, as format: ManifestFormat, to builder: inout ManifestBuilder
    ) throws(SourceTrouble) {
        switch format {
        case .jsonl:
            var lines = JSONLines(bytes)
            while !builder.log.isFull, let line = lines.next() { builder.line(line) }
        case .json:
            try Self.checkSize(bytes)
            builder.document(try JSONSource.node(bytes))
        case .yaml:
            try Self.checkSize(bytes)
            builder.document(try YAMLSource.node(bytes))
        case .csv, .tsv:
            let separator = format == .tsv ? UInt8(ascii: "\t") : nil
            var table = try CSVTable(bytes, separator: separator, fields: rules.fields, log: &builder.log)
            while !builder.log.isFull, let row = try table.next(log: &builder.log) { builder.task(row) }
        }
    }

    private static func checkSize(_ bytes: ArraySlice<UInt8>) throws(SourceTrouble) {
        guard bytes.count <= largestDocument else {
            throw SourceTrouble(
                place: .start, field: "file",
                what: "has \(bytes.count) bytes, more than the \(largestDocument) that are read as a whole",
                todo: "write it as JSONL or CSV, or split it")
        }
    }
}
