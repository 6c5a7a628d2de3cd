/// Colors text if the terminal supports it.
struct TextStyle: Sendable {
    let isColored: Bool

    /// `--no-color` and `NO_COLOR` (any value) turn colors off, `FORCE_COLOR` turns them on. Otherwise they are on for
    /// terminals unless `TERM` is `dumb`. Sources: no-color.org, force-color.org.
    static func of(isTerminal: Bool, isRefused: Bool, environment: [String: String]) -> TextStyle {
        if isRefused || environment["NO_COLOR"]?.isEmpty == false { return TextStyle(isColored: false) }
        if environment["FORCE_COLOR"]?.isEmpty == false { return TextStyle(isColored: true) }
        return TextStyle(isColored: isTerminal && environment["TERM"] != "dumb")
    }

    func red(_ text: String) -> String { coded("31", text) }
    func green(_ text: String) -> String { coded("32", text) }
    func yellow(_ text: String) -> String { coded("33", text) }
    func bold(_ text: String) -> String { coded("1", text) }
    func dim(_ text: String) -> String { coded("2", text) }

    private func coded(_ code: String, _ text: String) -> String {
        isColored && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
