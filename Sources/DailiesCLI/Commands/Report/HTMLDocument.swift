/// How every page that the program writes begins: readable on a telephone, light or dark as the reader has it, and closed
/// to whatever its own policy does not let in.
enum HTMLDocument {
    /// - Parameters:
    ///   - title: before the program's name; markup.
    ///   - policy: sources that the page may use besides its own style.
    ///   - style: a style sheet without the end of its element.
    /// - Returns: everything up to `</head>`.
    static func text(title: String, allowing policy: [String] = [], style: String) -> String {
        let policy = (["default-src 'none'", "style-src 'unsafe-inline'"] + policy).joined(separator: "; ")
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta http-equiv="Content-Security-Policy" content="\(policy)">
            <title>\(title) · Dailies</title>
            <style>
            \(style.hasSuffix("\n") ? style : style + "\n")</style>
            </head>
            """
    }
}
