/// The start of every HTML page: readable on phones, light or dark, with a content security policy that blocks
/// everything it does not list.
enum HTMLDocument {
    /// - Parameters:
    ///   - title: HTML, placed before the program's name.
    ///   - policy: directives of the content security policy, in addition to inline styles.
    ///   - style: CSS without `</style>`.
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
