import DailiesCore
import ExactJSON

/// Prints one JSON object per line to standard output, each with a `type`.
enum JSONLine {
    static func write(_ type: String, _ members: JSONObject) {
        Console.out((["type": type] + members).text)
    }

    static func write(_ type: String, _ body: (inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("type", type)
            body(&writer)
        }
        Console.out(writer.text)
    }
}

extension JSONWriter {
    /// A string, or null.
    mutating func member(_ name: String, optional text: String?) {
        if let text { member(name, text) } else { nullMember(name) }
    }

    /// An exact decimal number, or null if unknown.
    mutating func member(_ name: String, credits: Credits?) {
        if let credits { member(name, number: credits.description) } else { nullMember(name) }
    }

    /// A time in UTC, rounded down to seconds, or null.
    mutating func member(_ name: String, time: Instant?) {
        member(name, optional: time.map(Composition.Calendar.timestamp))
    }

    /// A value, or null.
    mutating func member(_ name: String, output value: some JSONOutput) {
        self.name(name)
        value.write(to: &self)
    }

    /// A whole number, or null.
    mutating func member(_ name: String, optional number: (some BinaryInteger)?) {
        if let number { member(name, number) } else { nullMember(name) }
    }
}
