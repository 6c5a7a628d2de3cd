import ExactJSON
import Foundation

/// Converts JSON to source nodes.
enum JSONSource {
    /// - Parameters:
    ///   - bytes: valid UTF-8.
    ///   - start: the position of the bytes in the file.
    static func node(_ bytes: some Collection<UInt8>, startingAt start: JSONPosition = .start) throws(SourceError)
        -> SourceNode
    {
        do throws(JSONError) {
            let limits = JSONLimits(
                maximumDepth: ManifestLimits.maximumDepth, maximumBytes: ManifestLimits.maximumJSONBytes,
                isKnownUTF8: true)
            return node(try JSONValue.parse(bytes, limits: limits, startingAt: start))
        } catch {
            throw SourceError(
                place: SourcePosition(error.position), field: "syntax", message: error.message,
                fix: "fix the JSON here")
        }
    }

    private static func node(_ value: JSONValue) -> SourceNode {
        let content: SourceNode.Content =
            switch value.kind {
            case .null: .nothing
            case .bool(let flag): .scalar(Scalar(text: flag ? "true" : "false", form: .jsonLiteral))
            case .number(let text): .scalar(Scalar(text: text, form: .jsonNumber))
            case .string(let text): .scalar(Scalar(text: text, form: .jsonText))
            case .array(let elements): .list(elements.map(node))
            case .object(let members):
                .map(
                    members.map {
                        SourceField(name: $0.name, place: SourcePosition($0.position), value: node($0.value))
                    })
            }
        return SourceNode(place: SourcePosition(value.position), content: content)
    }
}

extension SourcePosition {
    init(_ position: JSONPosition) { self.init(line: position.line, column: position.column) }
}

/// Reads JSONL line by line, skipping blank lines.
struct JSONLines {
    enum Line {
        /// Without the line end. Valid until the next call of `next()`.
        case text(UnsafeBufferPointer<UInt8>, number: Int)
        case tooLong(bytes: Int, number: Int)
    }
    private let window: ChunkedReader
    private var number = 0

    init(_ window: ChunkedReader) { self.window = window }

    /// The next line that is not blank; nil after the last.
    mutating func next() throws(SourceError) -> Line? {
        while let length = try lengthOfLine() {
            number += 1
            guard let length else { return try passLongLine() }
            let line = UnsafeBufferPointer(rebasing: window.bytes[..<length])
            window.pass(min(length + 1, window.bytes.count))
            // CR belongs to the line end, so that an error at the end of the text stays on this line.
            let text = line.last == 0x0D ? UnsafeBufferPointer(rebasing: line.dropLast()) : line
            guard text.count <= ManifestLimits.maximumLineBytes else {
                return .tooLong(bytes: text.count, number: number)
            }
            if !text.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return .text(text, number: number) }
        }
        return nil
    }

    /// Bytes before the next LF or the end; inner nil if the line is too long, outer nil if no line is left.
    private func lengthOfLine() throws(SourceError) -> Int?? {
        var searched = 0
        while true {
            let bytes = window.bytes
            let rest = UnsafeBufferPointer(rebasing: bytes[searched...])
            if let base = rest.baseAddress, let end = memchr(base, 0x0A, rest.count) {
                return .some(searched + (UnsafeRawPointer(end) - UnsafeRawPointer(base)))
            }
            guard window.canGrow else {
                if let byte = window.invalidByte {
                    var cursor = TextCursor(at: SourcePosition(line: number + 1, column: 1))
                    for byte in bytes { cursor.pass(byte) }
                    throw TextEncoding.invalid(byte, at: cursor.place)
                }
                return bytes.isEmpty ? nil : .some(bytes.count)
            }
            if bytes.count > ManifestLimits.maximumLineBytes + 1 { return .some(nil) }
            searched = bytes.count
            try window.readMore()
        }
    }

    /// Skips a line of any length without storing it.
    private func passLongLine() throws(SourceError) -> Line {
        var length = 0
        var last: UInt8 = 0
        while true {
            let bytes = window.bytes
            let part = bytes.prefix { $0 != 0x0A }
            length += part.count
            last = part.last ?? last
            let isWhole = part.count < bytes.count
            window.pass(min(part.count + 1, bytes.count))
            if isWhole || !window.canGrow { break }
            try window.readMore()
        }
        return .tooLong(bytes: last == 0x0D ? length - 1 : length, number: number)
    }
}
