/// Colour on a terminal that wants it.
struct TextStyle: Sendable {
    let isColoured: Bool

    /// By the common rules: `--no-color` and `NO_COLOR` (any value) turn it off, `FORCE_COLOR` turns it on, a terminal
    /// has it unless it calls itself dumb. Sources: no-color.org, force-color.org.
    static func of(isTerminal: Bool, isRefused: Bool, environment: [String: String]) -> TextStyle {
        if isRefused || environment["NO_COLOR"]?.isEmpty == false { return TextStyle(isColoured: false) }
        if environment["FORCE_COLOR"]?.isEmpty == false { return TextStyle(isColoured: true) }
        return TextStyle(isColoured: isTerminal && environment["TERM"] != "dumb")
    }

    func red(_ text: String) -> String { coded("31", text) }
    func green(_ text: String) -> String { coded("32", text) }
    func yellow(_ text: String) -> String { coded("33", text) }
    func bold(_ text: String) -> String { coded("1", text) }
    func dim(_ text: String) -> String { coded("2", text) }

    private func coded(_ code: String, _ text: String) -> String {
        isColoured && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
