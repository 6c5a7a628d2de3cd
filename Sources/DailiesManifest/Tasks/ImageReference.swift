/// A value of `image_init`: an `http` or `https` URL without credentials, a `data:` URL, or the path of an image.
enum ImageReference {
    /// Whether the text does not start with a URL scheme.
    static func isPath(_ text: String) -> Bool {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return true }
        let scheme = text.utf8[..<colon]
        let isLetter = { (byte: UInt8) in 0x61...0x7A ~= byte | 0x20 }
        guard let first = scheme.first, isLetter(first) else { return true }
        return !scheme.allSatisfy { isLetter($0) || 0x30...0x39 ~= $0 || "+.-".utf8.contains($0) }
    }

    /// The problem, if any. Does not show text that contains credentials.
    static func fault(_ text: String) -> (message: String, fix: String)? {
        let advice = "write an http or https URL, or data:image/…;base64,…"
        guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") }) else {
            return ("contains white space or a backslash", "write them as %20 and %5C")
        }
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return ("is not a URL", advice) }
        let rest = text[colon...].dropFirst()
        switch text[..<colon].lowercased() {
        case "data":
            return rest.contains(",") ? nil : ("is a data URL without data", advice)
        case "http", "https":
            guard rest.hasPrefix("//") else { return ("is not a URL", advice) }
            let authority = rest.dropFirst(2).prefix { !"/?#".contains($0) }
            if authority.utf8.contains(UInt8(ascii: "@")) {
                return (
                    "contains a user name or password",
                    "use a URL without them, since it is sent to the provider and kept in the store"
                )
            }
            return authority.isEmpty || authority.hasPrefix(":") ? ("is a URL without a host", advice) : nil
        default:
            return ("is a URL that the provider cannot fetch", advice)
        }
    }
}
