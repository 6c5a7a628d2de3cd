import DailiesCore

/// A variable of a task: the text for `{{name}}` in its prompt.
struct Variable {
    let text: String
    let value: FieldValue
}

/// A prompt in which `{{name}}` is replaced by a variable, and `{{{{` by two braces.
enum PromptTemplate {
    enum TemplateError: Error {
        /// Braces without a name, or not closed.
        case malformed(String)
        case unknown(ByteKey)
        /// The result exceeds the largest request.
        case tooLong
    }
    private static let brace = UInt8(ascii: "{")

    /// Whether the text contains a template.
    static func isTemplate(_ text: String) -> Bool {
        var last: UInt8 = 0
        for byte in text.utf8 {
            if byte == brace, last == brace { return true }
            last = byte
        }
        return false
    }

    /// - Parameter use: called with each name in the text.
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
            guard result.count <= ManifestLimits.maximumRequestBytes else { throw .tooLong }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Reads the name between double braces, without blanks around it. `rest` starts at the braces.
    private static func claimName(_ rest: inout ArraySlice<UInt8>) throws(TemplateError) -> ByteKey {
        let shown = String(decoding: rest.prefix(24), as: UTF8.self)
        var inner = rest.dropFirst(2).drop { $0 == 0x20 }
        let name = inner.prefix { VariableName.allows($0) }
        inner = inner[name.endIndex...].drop { $0 == 0x20 }
        let text = String(decoding: name, as: UTF8.self)
        guard VariableName.fault(text) == nil, inner.starts(with: [UInt8(ascii: "}"), UInt8(ascii: "}")]) else {
            throw .malformed(shown)
        }
        rest = inner.dropFirst(2)
        return ByteKey(text)
    }
}

/// Valid variable names: 1 to 64 ASCII letters, digits, `_` and `-`.
enum VariableName {
    static let maximumBytes = 64

    static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    static func fault(_ name: String) -> (message: String, fix: String)? {
        guard !name.isEmpty, name.utf8.allSatisfy(allows) else {
            return ("has an invalid variable name", "use letters, digits, _ and -")
        }
        guard name.utf8.count <= maximumBytes else {
            return ("has a name of \(name.utf8.count) bytes, more than \(maximumBytes)", "shorten it")
        }
        return nil
    }
}
