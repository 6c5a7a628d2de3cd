import DailiesCore
import Foundation

/// Redraws lines at the bottom of a terminal in place, while other lines scroll past above them.
///
/// Each redraw is one write that overwrites the old text without clearing it first, so that nothing flickers. It uses
/// synchronized output, which terminals without support ignore.
struct TerminalRenderer {
    private static let begin = "\u{1B}[?2026h"
    private static let end = "\u{1B}[?2026l"
    private static let restOfLine = "\u{1B}[K"
    private static let restOfScreen = "\u{1B}[J"
    /// For terminals that do not report their size.
    private static let defaultSize = (width: 80, height: 24)

    /// The lines on the screen.
    private var drawn: [String] = []
    private var drawnWidth = 0

    /// The current size of the terminal.
    static func size(of descriptor: Int32 = STDERR_FILENO) -> (width: Int, height: Int) {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return defaultSize }
        return (Int(size.ws_col), max(Int(size.ws_row), 4))
    }

    /// - Parameter above: text that scrolls past above the lines, without a line end.
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

    /// Removes the lines.
    mutating func clear(width: Int) -> String {
        defer { drawn = [] }
        return drawn.isEmpty ? "" : home(width) + Self.restOfScreen
    }

    /// Moves the cursor to the first drawn line. If the terminal became narrower, the lines wrapped and take more rows.
    private func home(_ width: Int) -> String {
        let rows = drawn.reduce(0) { sum, line in
            sum + max(1, (DisplayWidth.visibleWidth(of: line) + width - 1) / max(width, 1))
        }
        return rows > 0 ? "\u{1B}[\(rows)A\r" : "\r"
    }
}

extension DisplayWidth {
    /// The width of a line without its color codes.
    static func visibleWidth(of line: String) -> Int {
        width(of: line.replacing(#/\u{1B}\[[0-9;]*m/#, with: ""))
    }
}
