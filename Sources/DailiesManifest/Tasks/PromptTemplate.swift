import DailiesCore

/// A variable of a task: what stands for `{{name}}` in its prompt.
struct Variable {
    let text: String
    let value: FieldValue
}

/// A prompt in which `{{name}}` stands for a variable, and `{{{{` for two braces.
enum PromptTemplate {
    enum TemplateError: Error {
        /// Braces open and no name follows, or they are not closed.
        case malformed(String)
        case unknown(ByteKey)
        /// Longer than any request may be.
        case tooLong
    }
    private static let brace = UInt8(ascii: "{")

    /// Whether there is anything to fill in.
    static func isTemplate(_ text: String) -> Bool {
        var last: UInt8 = 0
        for byte in text.utf8 {
            if byte == brace, last == brace { return true }
            last = byte
        }
        return false
    }

    /// - Parameter use: called with each name that stands in the text.
    static func filled(
        _ text: String, with variables: [ByteKey: Variable], use: (ByteKey) -> Void
    ) throws(TemplateError) -> String {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.first {
            if rest.starts(with: [brace, brace, brace, brace]) {
                result += [brace, brace]
                rest = rest.dropFirst(4)
            } else if rest.starts(with: [brace, brace]) {
                let name = try claimName(&rest)
                use(name)
                guard let variable = variables[name] else { throw .unknown(name) }
                result += variable.text.utf8
            } else {
                result.append(byte)
                rest = rest.dropFirst()
            }
            guard result.count <= ManifestLimits.largestRequest else { throw .tooLong }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// At two braces: the name between them and the closing ones, blanks around it left out.
    private static func claimName(_ rest: inout ArraySlice<UInt8>) throws(TemplateError) -> ByteKey {
        let shown = String(decoding: rest.prefix(24), as: UTF8.self)
        var inner = rest.dropFirst(2).drop { $0 == 0x20 }
        let name = inner.prefix { VariableName.holds($0) }
        inner = inner[name.endIndex...].drop { $0 == 0x20 }
        let text = String(decoding: name, as: UTF8.self)
        guard VariableName.fault(text) == nil, inner.starts(with: [UInt8(ascii: "}"), UInt8(ascii: "}")]) else {
            throw .malformed(shown)
        }
        rest = inner.dropFirst(2)
        return ByteKey(text)
    }
}

/// How a variable may be called: 1 to 64 letters, digits, `_` and `-`, all ASCII.
enum VariableName {
    static let longest = 64

    static func holds(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    static func fault(_ name: String) -> (what: String, todo: String)? {
        guard !name.isEmpty, name.utf8.allSatisfy(holds) else {
            return ("has a name that is no variable's", "call it by letters, digits, _ and -")
        }
        guard name.utf8.count <= longest else {
            return ("has a name of \(name.utf8.count) bytes, more than \(longest)", "shorten it")
        }
        return nil
    }
}
