import DailiesCore
import DailiesManifest
import ExactJSON
import Foundation

/// Runs one reader under libFuzzer: `fuzz READER [libFuzzer's arguments]`.
@main
enum Fuzz {
    nonisolated(unsafe) private static var target: ([UInt8]) -> Void = { _ in }

    static func main() {
        var arguments = CommandLine.arguments
        switch arguments.count > 1 ? arguments.remove(at: 1) : "" {
        case "json": target = json
        case "jsonl": target = jsonl
        case "csv": target = csv
        case "yaml": target = yaml
        case "reply": target = WireFuzz.reply
        case "head": target = WireFuzz.head
        case "submit": target = WireFuzz.submit
        case "mp4": target = ClipFuzz.mp4
        case "settings": target = settings
        default: fatalError("fuzz json, jsonl, csv, yaml, reply, head, submit, mp4 or settings")
        }
        var count = Int32(arguments.count)
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        pointers.withUnsafeMutableBufferPointer { buffer in
            var base = buffer.baseAddress
            _ = runDriver(&count, &base) { data, size in
                Fuzz.target(Array(UnsafeBufferPointer(start: data, count: size)))
                return 0
            }
        }
    }

    // MARK: Targets

    /// Writing and parsing again gives the same value.
    private static func json(_ bytes: [UInt8]) {
        guard let value = try? JSONValue.parse(bytes) else { return }  // Most inputs are not JSON.
        let text = value.compactText
        guard let again = try? JSONValue.parse(text.utf8), again.compactText.utf8.elementsEqual(text.utf8) else {
            fatalError("not the same after writing: \(text)")
        }
    }

    /// The fast path gives the same results as the slow path, and checking the same as reading. Tests one of the two
    /// per input, chosen by its bits, since each needs several passes.
    private static func jsonl(_ bytes: [UInt8]) {
        if isEven(bytes) { return compare(bytes, .jsonl) }
        let plain = outcome(header("") + bytes, .jsonl)
        let long = outcome(header(#","extra":{"\#(marker)":0}"#) + bytes, .jsonl)
        let same = long.replacing("\"\(marker)\":0,", with: "").replacing(",\"\(marker)\":0", with: "")
        guard plain.utf8.elementsEqual(same.utf8) else { fatalError("the paths differ:\n\(plain)\n\(same)") }
    }

    /// Compares checking with reading for half of the inputs.
    private static func csv(_ bytes: [UInt8]) {
        if isEven(bytes) { compare(bytes, .csv) } else { _ = outcome(bytes, .csv) }
    }

    private static func yaml(_ bytes: [UInt8]) { _ = outcome(bytes, .yaml) }

    /// Divides the inputs into halves; mutations change it.
    private static func isEven(_ bytes: [UInt8]) -> Bool { bytes.reduce(0, ^) & 1 == 0 }

    /// Every entry and value is on a line of the file, and names are unique.
    private static func settings(_ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let path = isEven(bytes) ? "s.toml" : "s.yaml"
        guard let file = try? ConfigurationFile(text, path: path) else { return }  // Most inputs are invalid.
        precondition(
            Set(file.entries.map { $0.name.replacing("_", with: "-") }).count == file.entries.count,
            "a name appears twice")
        for entry in file.entries {
            for (line, column) in [(entry.line, entry.column)] + entry.values.map({ ($0.line, $0.column) }) {
                precondition(1...lines.count ~= line, "line \(line) of \(lines.count)")
                precondition(column >= 1 && column <= text.unicodeScalars.count + 1, "column \(column)")
            }
            for value in entry.values { _ = value.flag }
        }
    }

    // MARK: Manifests

    /// Disables the fast path; does not occur in manifests otherwise.
    private static let marker = "zzz~off"

    private static func header(_ extra: String) -> [UInt8] {
        let defaults = #""model":"plain","duration_seconds":8,"tags":{"client":"acme"}"#
        return Array(#"{"batch":"b","defaults":{\#(defaults)\#(extra)}}"#.utf8) + [0x0A]
            + Array(#"{"id":"-1-","prompt":"p"}"#.utf8) + [0x0A]
            + Array(#"{"id":"-2-","prompt":"p","model":"other"}"#.utf8) + [0x0A]
    }

    private static func compare(_ bytes: [UInt8], _ format: ManifestFormat) {
        let whole = outcome(bytes, format)
        let checked = words {
            let checked = try reader.check(.bytes(bytes, path: "m"), format: format)
            var tasks: [TaskSpec] = []
            try checked.forEachTask { tasks.append($0) }
            return (tasks, checked.warnings)
        }
        guard whole.utf8.elementsEqual(checked.utf8) || whole.hasPrefix("\n") || checked.hasPrefix("\n") else {
            fatalError("checking differs from reading:\n\(whole)\n\(checked)")
        }
    }

    private static func outcome(_ bytes: [UInt8], _ format: ManifestFormat) -> String {
        words {
            let manifest = try reader.read(path: "m", bytes: bytes, format: format)
            return (manifest.tasks, manifest.warnings)
        }
    }

    /// The results of reading as text, equal for equal tasks.
    private static func words(_ read: () throws -> ([TaskSpec], [ManifestDiagnostic])) -> String {
        do {
            let (tasks, warnings) = try read()
            check(warnings)
            return tasks.map { task in
                let derived =
                    task.key.text.utf8.count >= 16 && !task.key.text.contains("~") ? "derived?" : task.key.text
                return [
                    derived, task.shape.model.text, "\(task.shape.durationSeconds ?? -1)", task.shape.resolution ?? "-",
                    task.prompt, task.request.text, task.tags.map { "\($0.name)=\($0.value)" }.joined(separator: ","),
                    "\(task.priority)", task.output ?? "-",
                ].joined(separator: "|")
            }.joined(separator: "\n")
        } catch let failure as ManifestError {
            check(failure.problems)
            return failure.description
        } catch {
            fatalError("\(error)")
        }
    }

    /// Every problem has a position, and contains no terminal escapes.
    private static func check(_ problems: [ManifestDiagnostic]) {
        for problem in problems {
            precondition(problem.line >= 1 && problem.column >= 1, "no position: \(problem)")
            for text in [problem.file, problem.field, problem.message, problem.fix, problem.excerpt?.text ?? ""] {
                precondition(isSafe(text), "a raw control character: \(text.debugDescription)")
            }
        }
    }

    private static func isSafe(_ text: String) -> Bool {
        if text.utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) { return true }
        return text.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: false
            default: true
            }
        }
    }

    private static let reader = ManifestReader(
        catalog: ModelCatalog(
            compiled: "2026-11-23",
            models: [
                model("plain", extra: ["seed": .integer, "style_preset": .text(allowed: ["noir", "none"])]),
                model("other", extra: ["seed": .integer, "mood": .text(allowed: nil)]),
            ]), today: nil)

    private static func model(_ id: String, extra: [String: ExtraField]) -> ModelSpec {
        ModelSpec(
            id: ModelID(id), vendor: "", durationSeconds: 1...20, resolutions: ["720p", "1080p"],
            defaultResolution: nil, aspectRatios: ["16:9", "9:16"], defaultAspectRatio: nil, extraFields: extra,
            acceptsImageInit: id == "plain", cadence: .fallback, typicalLatency: nil, typicalLatencyForSeconds: nil,
            prices: [], urlLifetime: nil, withdrawn: nil)
    }
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ target: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32
