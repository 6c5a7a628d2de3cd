import DailiesCore
import Foundation

/// A file of settings: flat names with a value, or a list of values, each. YAML, or the few lines of TOML that such a
/// file needs.
public struct ConfigurationFile: Sendable {
    /// One setting.
    public struct Entry: Hashable, Sendable {
        /// As it is written, with `_` or `-`.
        public let name: String
        /// One, or those of a list in their order.
        public let values: [Value]
        /// Of the name; counted from 1.
        public let line: Int
        /// Of the name; counted from 1.
        public let column: Int
    }

    /// One value of a setting, and its place.
    public struct Value: Hashable, Sendable {
        /// As it is written, without quotation marks.
        public let text: String
        /// Counted from 1.
        public let line: Int
        /// Counted from 1.
        public let column: Int

        package init(text: String, line: Int, column: Int) {
            self.text = text
            self.line = line
            self.column = column
        }

        /// YAML's words for true and false, in any case; nil for any other text.
        ///
        /// Source: https://yaml.org/type/bool.html
        public var flag: Bool? {
            switch text.lowercased() {
            case "true", "yes", "on", "y": true
            case "false", "no", "off", "n": false
            default: nil
            }
        }
    }

    /// What is wrong with such a file, as `FILE:LINE:COLUMN: what; what to do`.
    public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        /// `FILE:LINE:COLUMN: what is wrong; what to do`.
        public let description: String
    }

    /// Files larger than this are no settings.
    private static let mostBytes = 65_536

    /// As it was given.
    public let path: String
    /// In the order of the file; no name stands twice, be it with `_` or with `-`.
    public let entries: [Entry]
    /// It is no file of settings: a manifest and nothing else stands in it.
    public let isManifest: Bool

    /// - Returns: nil where there is no such file.
    /// - Throws: ``Problem`` for one that cannot be read or understood, whole or in part.
    public static func read(_ path: String) throws(Problem) -> ConfigurationFile? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Problem(description: "\(path): it cannot be read")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw Problem(description: "\(path): it is not UTF-8; save it as UTF-8")
        }
        guard data.count <= mostBytes else {
            if !path.hasSuffix(".toml"), hasTasks(text) {
                return ConfigurationFile(path: path, entries: [], isManifest: true)
            }
            throw Problem(description: "\(path): it is larger than \(mostBytes) bytes")
        }
        return try ConfigurationFile(text, path: path)
    }

    private init(path: String, entries: [Entry], isManifest: Bool) {
        self.path = path
        self.entries = entries
        self.isManifest = isManifest
    }

    /// - Parameter path: for messages, and for the format: by its ending.
    package init(_ text: String, path: String) throws(Problem) {
        guard let entries = path.hasSuffix(".toml") ? try Self.toml(text, path) : try Self.yaml(text, path) else {
            self.init(path: path, entries: [], isManifest: true)
            return
        }
        var seen: Set<String> = []
        for entry in entries where !seen.insert(entry.name.replacing("_", with: "-")).inserted {
            throw Problem(
                description: "\(path):\(entry.line):\(entry.column): \(entry.name) stands twice; keep one of the two")
        }
        self.init(path: path, entries: entries, isManifest: false)
    }

    // MARK: YAML

    /// Of a text too long for settings: a line at its left edge begins the tasks of a manifest.
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
                description: "\(path):\(error.place.line):\(error.place.column): \(error.what); \(error.todo)")
        }
        switch root.content {
        case .nothing: return []
        case .map(let fields) where fields.contains { $0.name == "tasks" }:
            let other = fields.first { !["tasks", "batch", "defaults"].contains($0.name) }
            guard let other else { return nil }
            throw Problem(
                description:
                    "\(path):\(other.place.line): \(SafeText.cut(other.name)) stands beside the tasks of a manifest; "
                    + "this name is the configuration's: give the manifest another file of its own")
        case .list(let nodes) where nodes.contains { if case .map = $0.content { true } else { false } }: return nil
        case .map(let fields):
            return try fields.map { field throws(Problem) in
                Entry(
                    name: field.name, values: try values(of: field, path), line: field.place.line,
                    column: field.place.column)
            }
        case .scalar, .list:
            throw Problem(
                description: "\(path):\(root.place.line):\(root.place.column): it is no mapping; write lines of the "
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
            description: "\(path):\(place.line):\(place.column): \(name) has no plain value; write \(name): value, or "
                + "a list of values")
    }

    // MARK: TOML

    /// `name = value` a line, the value a string, a number, true, false, or a list of those on the same line.
    private static func toml(_ text: String, _ path: String) throws(Problem) -> [Entry] {
        var entries: [Entry] = []
        // To Swift the two bytes of a CRLF are one character, and another one than a line feed.
        let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        for (index, text) in lines.enumerated() {
            var line = TOMLLine(text, number: index + 1)
            do throws(TOMLLine.Trouble) {
                if let entry = try line.entry() { entries.append(entry) }
            } catch {
                throw Problem(description: "\(path):\(index + 1):\(line.column()): \(error.text)")
            }
        }
        return entries
    }
}

/// One line of the part of TOML that is read.
///
/// Source: TOML 1.0.0, sections Comment, Keys (bare), String (basic and literal, one line), Array; nothing else of it.
struct TOMLLine {
    struct Trouble: Error {
        let text: String
    }

    private let number: Int
    private var rest: Substring
    /// The last place whose column was asked for.
    private var known: (index: Substring.Index, column: Int)

    init(_ line: Substring, number: Int) {
        self.number = number
        rest = line
        known = (line.startIndex, 1)
    }

    /// The column at which `rest` begins, counted from 1.
    mutating func column() -> Int {
        let passed = rest.base.unicodeScalars.distance(from: known.index, to: rest.startIndex)
        known = (rest.startIndex, known.column + passed)
        return known.column
    }

    /// nil: nothing but blanks and a comment.
    mutating func entry() throws(Trouble) -> ConfigurationFile.Entry? {
        skipBlanks()
        if isAtEnd { return nil }
        guard rest.first != "[" else {
            throw Trouble(text: "tables are not read; write name = value at the top, or use YAML")
        }
        let start = column()
        let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
        rest = rest.dropFirst(name.count)
        skipBlanks()
        guard !name.isEmpty, rest.first == "=" else {
            throw Trouble(text: "no name = value stands here; names are of letters, digits, _ and -, without dots")
        }
        rest.removeFirst()
        skipBlanks()
        let values = rest.first == "[" ? try list() : [try value()]
        skipBlanks()
        guard isAtEnd else { throw Trouble(text: "something stands after the value of \(name); remove it") }
        return ConfigurationFile.Entry(name: String(name), values: values, line: number, column: start)
    }

    private var isAtEnd: Bool { rest.isEmpty || rest.first == "#" }

    private mutating func skipBlanks() { rest = rest.drop { $0 == " " || $0 == "\t" } }

    private mutating func list() throws(Trouble) -> [ConfigurationFile.Value] {
        rest.removeFirst()
        var values: [ConfigurationFile.Value] = []
        while true {
            skipBlanks()
            if rest.first == "]" { break }
            values.append(try value())
            skipBlanks()
            if rest.first == "," { rest.removeFirst() } else if rest.first != "]" { break }
        }
        guard rest.first == "]" else { throw Trouble(text: "the list does not end on its line; write it on one line") }
        rest.removeFirst()
        return values
    }

    private mutating func value() throws(Trouble) -> ConfigurationFile.Value {
        let start = column()
        return ConfigurationFile.Value(text: try text(), line: number, column: start)
    }

    private mutating func text() throws(Trouble) -> String {
        switch rest.first {
        case "\"": return try basicString()
        case "'": return try literalString()
        default:
            let word = rest.prefix { !" \t,]#".contains($0) }
            let isNumber = word.wholeMatch(of: #/[+-]?[0-9]+(\.[0-9]+)?/#) != nil
            guard isNumber || word == "true" || word == "false" else {
                throw Trouble(
                    text: word.isEmpty
                        ? "a value is missing" : "\(word) is no value; put text into \"quotation marks\"")
            }
            rest = rest.dropFirst(word.count)
            return String(word)
        }
    }

    private mutating func literalString() throws(Trouble) -> String {
        guard !rest.hasPrefix("'''") else { throw Trouble(text: "text over several lines is not read") }
        let text = rest.dropFirst().prefix { $0 != "'" }
        guard rest.dropFirst(text.count + 1).first == "'" else { throw Trouble(text: "the text does not end; add a '") }
        rest = rest.dropFirst(text.count + 2)
        return String(text)
    }

    private mutating func basicString() throws(Trouble) -> String {
        guard !rest.hasPrefix("\"\"\"") else { throw Trouble(text: "text over several lines is not read") }
        rest.removeFirst()
        var text = ""
        while let next = rest.popFirst() {
            switch next {
            case "\"": return text
            case "\\":
                guard let escaped = rest.popFirst(), let character = Self.escapes[escaped] else {
                    throw Trouble(text: "an escape is not read; write \\\\ for a backslash, or 'text' as it is")
                }
                text.append(character)
            default: text.append(next)
            }
        }
        throw Trouble(text: "the text does not end; add a quotation mark")
    }

    private static let escapes: [Character: Character] = ["\"": "\"", "\\": "\\", "n": "\n", "t": "\t", "r": "\r"]
}
