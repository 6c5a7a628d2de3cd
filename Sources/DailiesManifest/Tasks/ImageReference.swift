/// What `image_init` may hold: an `http` or `https` URL without credentials, the image itself as `data:`, or the path of
/// an image.
enum ImageReference {
    /// It begins as no URL does.
    static func isPath(_ text: String) -> Bool {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return true }
        let scheme = text.utf8[..<colon]
        let isLetter = { (byte: UInt8) in 0x61...0x7A ~= byte | 0x20 }
        guard let first = scheme.first, isLetter(first) else { return true }
        return !scheme.allSatisfy { isLetter($0) || 0x30...0x39 ~= $0 || "+.-".utf8.contains($0) }
    }

    /// What is wrong with it. The text is not shown where it holds credentials.
    static func fault(_ text: String) -> (what: String, todo: String)? {
        let advice = "write an http or https URL, or data:image/…;base64,…"
        guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") }) else {
            return ("holds white space or a backslash", "write them as %20 and %5C")
        }
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return ("is no URL", advice) }
        let rest = text[colon...].dropFirst()
        switch text[..<colon].lowercased() {
        case "data":
            return rest.contains(",") ? nil : ("is a data URL without data", advice)
        case "http", "https":
            guard rest.hasPrefix("//") else { return ("is no URL", advice) }
            let authority = rest.dropFirst(2).prefix { !"/?#".contains($0) }
            if authority.utf8.contains(UInt8(ascii: "@")) {
                return (
                    "holds a user name or password",
                    "use a URL without them: it goes to the provider and into the store"
                )
            }
            return authority.isEmpty || authority.hasPrefix(":") ? ("is a URL without a host", advice) : nil
        default:
            return ("is a URL that the provider cannot fetch", advice)
        }
    }
}
