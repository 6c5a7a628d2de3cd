import Foundation

/// Lines at the foot of a terminal that are drawn anew in place, while others scroll past above them.
///
/// Each drawing is one write, and puts new text over the old rather than wiping it first, so that nothing flickers. The
/// terminal is asked to show it as a whole; one that does not know how ignores that.
struct TerminalRenderer {
    private static let begin = "\u{1B}[?2026h"
    private static let end = "\u{1B}[?2026l"
    private static let restOfLine = "\u{1B}[K"
    private static let restOfScreen = "\u{1B}[J"
    /// Where the terminal does not tell.
    private static let usualSize = (width: 80, height: 24)

    /// What stands on the screen.
    private var drawn: [String] = []
    private var drawnWidth = 0

    /// The terminal's size now.
    static func size(of descriptor: Int32 = STDERR_FILENO) -> (width: Int, height: Int) {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return usualSize }
        return (Int(size.ws_col), max(Int(size.ws_row), 4))
    }

    /// - Parameter above: text that scrolls past above the lines, without its line end; nil: nothing.
    mutating func paint(_ lines: [String], above: String? = nil, width: Int) -> String {
        guard lines != drawn || above != nil || width != drawnWidth else { return "" }
        var text = Self.begin + home(width)
        for line in above?.split(separator: "\n", omittingEmptySubsequences: false) ?? [] {
            text += line + Self.restOfLine + "\n"
        }
        text += lines.map { $0 + Self.restOfLine + "\n" }.joined() + Self.restOfScreen + Self.end
        drawn = lines
        drawnWidth = width
        return text
    }

    /// Takes the lines away for good.
    mutating func clear(width: Int) -> String {
        defer { drawn = [] }
        return drawn.isEmpty ? "" : home(width) + Self.restOfScreen
    }

    /// To the first of the drawn lines. On a terminal that became narrower they were folded and take more rows.
    private func home(_ width: Int) -> String {
        let rows = drawn.reduce(0) { sum, line in
            sum + max(1, (DisplayWidth.visibleWidth(of: line) + width - 1) / max(width, 1))
        }
        return rows > 0 ? "\u{1B}[\(rows)A\r" : "\r"
    }
}

extension DisplayWidth {
    /// Of a line with colours in it.
    static func visibleWidth(of line: String) -> Int {
        width(of: line.replacing(#/\u{1B}\[[0-9;]*m/#, with: ""))
    }
}
