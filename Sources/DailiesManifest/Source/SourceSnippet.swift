import DailiesCore

/// The source line of a problem, safe to print: no terminal escapes, and truncated around the position.
public struct SourceSnippet: Hashable, Sendable {
    /// Escaped, without the line end; `…` marks truncation. User names and passwords in URLs are masked.
    public let text: String
    /// Terminal cells before the position in ``text``, for the caret.
    public let caret: Int

    /// Maximum scalars shown before and after the position.
    private static let before = 50
    private static let after = 28

    /// A line prepared for excerpts.
    struct Line {
        fileprivate let scalars: [UnicodeScalar]

        init(_ text: String) { scalars = SourceSnippet.withoutCredentials(Array(text.unicodeScalars)) }
    }

    /// - Parameter column: 1-based, in scalars; beyond the line it means the line end.
    init(of line: String, column: Int) { self.init(of: Line(line), column: column) }

    init(of line: Line, column: Int) {
        let scalars = line.scalars
        let place = min(max(column - 1, 0), scalars.count)
        var first = max(0, place - Self.before)
        let last = min(scalars.count, max(place, first + Self.before) + Self.after)
        // A line that fits is shown from its start.
        if last - Self.before - Self.after <= 0 { first = 0 }
        var text = first > 0 ? "…" : ""
        var caret = first > 0 ? 1 : 0
        for index in first..<last {
            let scalar = scalars[index]
            if 0x20..<0x7F ~= scalar.value {
                text.unicodeScalars.append(scalar)
                if index < place { caret += 1 }
            } else {
                let shown = SafeText.escaped(String(scalar))
                text += shown
                if index < place { caret += shown.hasPrefix("\\") ? shown.utf8.count : DisplayWidth.width(of: scalar) }
            }
        }
        self.text = last < scalars.count ? text + "…" : text
        self.caret = caret
    }

    /// Masks the text between `//` and `@` in URLs.
    private static func withoutCredentials(_ scalars: [UnicodeScalar]) -> [UnicodeScalar] {
        var scalars = scalars
        var index = 0
        while index + 2 < scalars.count {
            guard scalars[index] == ":", scalars[index + 1] == "/", scalars[index + 2] == "/" else {
                index += 1
                continue
            }
            let authority = scalars[(index + 3)...].prefix { !"/?#\"' \t,}]".unicodeScalars.contains($0) }
            if let at = authority.lastIndex(of: "@") {
                for hidden in authority.startIndex..<at { scalars[hidden] = "*" }
            }
            index = authority.endIndex
        }
        return scalars
    }

    // MARK: Finding lines

    /// Adds excerpts to the first problems, with one more pass over the text. If it can no longer be read, they stay
    /// without.
    static func add(to problems: inout [ManifestDiagnostic], from source: ManifestSource, _ format: ManifestFormat) {
        var wanted: [Int: [Int]] = [:]
        for (index, problem) in problems.prefix(ManifestLimits.maximumExcerpts).enumerated() {
            wanted[problem.line, default: []].append(index)
        }
        guard let last = wanted.keys.max(), last > 0 else { return }
        do throws(SourceError) {
            var lines = SourceLines(try ChunkedReader(source), format)
            for number in 1...last {
                guard let text = try lines.next(isWanted: wanted[number] != nil) else { return }
                guard let indices = wanted[number] else { continue }
                let line = Line(text)
                for index in indices {
                    problems[index].excerpt = SourceSnippet(of: line, column: problems[index].column)
                }
            }
        } catch {
            // The problem already describes what is wrong with the text; its line cannot be shown.
            return
        }
    }
}

/// The lines of a text as its format counts them.
private struct SourceLines {
    private let window: ChunkedReader
    private let format: ManifestFormat

    init(_ window: ChunkedReader, _ format: ManifestFormat) {
        self.window = window
        self.format = format
    }

    /// The next line without its end, truncated; empty if not wanted. nil after the last.
    mutating func next(isWanted: Bool) throws(SourceError) -> String? {
        // Do not cut a line end, which has up to three bytes.
        try window.require(4)
        if window.bytes.isEmpty { return nil }
        var line: [UInt8] = []
        while true {
            let bytes = window.bytes
            let text = bytes.prefix { !Self.mayEnd(line: $0) }
            if isWanted, line.count < ManifestLimits.maximumLineBytes { line.append(contentsOf: text) }
            window.pass(text.count)
            try window.require(4)
            let rest = window.bytes
            guard let first = rest.first else { break }
            let end = lengthOfEnd(rest)
            if end > 0 {
                window.pass(end)
                break
            }
            if Self.mayEnd(line: first) {
                if isWanted { line.append(first) }
                window.pass(1)
            }
        }
        return String(decoding: line, as: UTF8.self)
    }

    private static func mayEnd(line byte: UInt8) -> Bool {
        byte == 0x0A || byte == 0x0D || byte == 0xC2 || byte == 0xE2
    }

    /// The length of the line end at the start of the bytes, or 0.
    private func lengthOfEnd(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        switch (bytes[0], format) {
        case (0x0A, _): 1
        case (0x0D, .jsonl): bytes.count > 1 && bytes[1] == 0x0A ? 2 : 0
        case (0x0D, _): bytes.count > 1 && bytes[1] == 0x0A ? 2 : 1
        case (0xC2, .yaml): bytes.count > 1 && bytes[1] == 0x85 ? 2 : 0
        case (0xE2, .yaml): bytes.count > 2 && bytes[1] == 0x80 && 0xA8...0xA9 ~= bytes[2] ? 3 : 0
        default: 0
        }
    }
}
