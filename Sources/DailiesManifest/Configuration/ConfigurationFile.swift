import DailiesCore
import Foundation

/// A configuration file: flat names, each with a value or a list of values, in YAML.
package struct ConfigurationFile: Sendable {
    /// A setting and its values.
    package struct Entry: Hashable, Sendable {
        /// As written, with `_` or `-`.
        package let name: String
        /// One value, or the values of a list in order.
        package let values: [Value]
        /// Line of the name, 1-based.
        package let line: Int
        /// Column of the name, 1-based.
        package let column: Int
    }

    /// One value of a setting, and its position.
    package struct Value: Hashable, Sendable {
        /// As written, without quotation marks.
        package let text: String
        /// 1-based.
        package let line: Int
        /// 1-based.
        package let column: Int

        package init(text: String, line: Int, column: Int) {
            self.text = text
            self.line = line
            self.column = column
        }

        /// YAML's words for true and false, case-insensitive; nil for other text.
        ///
        /// Source: https://yaml.org/type/bool.html
        package var flag: Bool? {
            switch text.lowercased() {
            case "true", "yes", "on", "y": true
            case "false", "no", "off", "n": false
            default: nil
            }
        }
    }

    /// An error in a configuration file.
    package struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        /// `FILE:LINE:COLUMN: message is wrong; how to fix it`.
        package let description: String
    }

    /// Maximum size of a configuration file.
    private static let maximumBytes = 65_536

    /// The path passed to ``read(_:)``.
    package let path: String
    /// In file order. Names are unique; `_` and `-` count as equal.
    package let entries: [Entry]
    /// Whether the file contains only a manifest, and no settings.
    package let isManifest: Bool

    /// - Returns: nil if the file does not exist.
    /// - Throws: ``Problem`` if it cannot be read or is invalid.
    package static func read(_ path: String) throws(Problem) -> ConfigurationFile? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Problem(description: "\(path): cannot be read")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw Problem(description: "\(path): is not UTF-8; save it as UTF-8")
        }
        guard data.count <= maximumBytes else {
            if hasTasks(text) {
                return ConfigurationFile(path: path, entries: [], isManifest: true)
            }
            throw Problem(description: "\(path): is larger than \(maximumBytes) bytes")
        }
        return try ConfigurationFile(text, path: path)
    }

    private init(path: String, entries: [Entry], isManifest: Bool) {
        self.path = path
        self.entries = entries
        self.isManifest = isManifest
    }

    /// - Parameter path: for messages.
    package init(_ text: String, path: String) throws(Problem) {
        guard let entries = try Self.yaml(text, path) else {
            self.init(path: path, entries: [], isManifest: true)
            return
        }
        var seen: Set<String> = []
        for entry in entries where !seen.insert(entry.name.replacing("_", with: "-")).inserted {
            throw Problem(
                description: "\(path):\(entry.line):\(entry.column): \(entry.name) appears twice; keep one of them")
        }
        self.init(path: path, entries: entries, isManifest: false)
    }

    // MARK: YAML

    /// For text too long for a configuration: whether a line starts the tasks of a manifest.
    private static func hasTasks(_ text: String) -> Bool {
        text.utf8.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).contains { line in
            line.starts(with: "tasks:".utf8) || line.starts(with: "- ".utf8)
        }
    }

    /// - Returns: nil for a manifest.
    private static func yaml(_ text: String, _ path: String) throws(Problem) -> [Entry]? {
        let root: SourceNode
        do throws(SourceError) {
            root = try YAMLSource.node(Array(text.utf8)[...])
        } catch {
            throw Problem(
                description: "\(path):\(error.place.line):\(error.place.column): \(error.message); \(error.fix)")
        }
        switch root.content {
        case .nothing: return []
        case .map(let fields) where fields.contains { $0.name == "tasks" }:
            let other = fields.first { !["tasks", "batch", "defaults"].contains($0.name) }
            guard let other else { return nil }
            throw Problem(
                description:
                    "\(path):\(other.place.line): \(SafeText.cut(other.name)) appears next to the tasks of a manifest; "
                    + "this file name is reserved for the configuration: rename the manifest")
        case .list(let nodes) where nodes.contains { if case .map = $0.content { true } else { false } }: return nil
        case .map(let fields):
            return try fields.map { field throws(Problem) in
                Entry(
                    name: field.name, values: try values(of: field, path), line: field.place.line,
                    column: field.place.column)
            }
        case .scalar, .list:
            throw Problem(
                description: "\(path):\(root.place.line):\(root.place.column): is not a mapping; write lines of the "
                    + "form name: value")
        }
    }

    private static func values(of field: SourceField, _ path: String) throws(Problem) -> [Value] {
        switch field.value.content {
        case .scalar(let scalar): return [value(scalar, field.value.place)]
        case .list(let nodes):
            return try nodes.map { node throws(Problem) in
                guard case .scalar(let scalar) = node.content else { throw notFlat(field.name, node.place, path) }
                return value(scalar, node.place)
            }
        case .nothing, .map: throw notFlat(field.name, field.place, path)
        }
    }

    private static func value(_ scalar: Scalar, _ place: SourcePosition) -> Value {
        Value(text: scalar.text, line: place.line, column: place.column)
    }

    private static func notFlat(_ name: String, _ place: SourcePosition, _ path: String) -> Problem {
        Problem(
            description:
                "\(path):\(place.line):\(place.column): \(name) is not a plain value; write \(name): value, or "
                + "a list of values")
    }
}
