import DailiesCore
import ExactJSON

/// One flushed JSON object a line on standard output, each with a `type`.
enum JSONLine {
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
    /// A text, or null.
    mutating func member(_ name: String, optional text: String?) {
        if let text { member(name, text) } else { nullMember(name) }
    }

    /// An exact decimal number, or null for what is not known.
    mutating func member(_ name: String, credits: Credits?) {
        if let credits { member(name, number: credits.description) } else { nullMember(name) }
    }

    /// UTC to the second, or null.
    mutating func member(_ name: String, time: Instant?) {
        member(name, optional: time.map(Composition.Calendar.timestamp))
    }

    mutating func member(_ name: String, tags: [TaskSpec.Tag]) {
        self.name(name)
        object { writer in
            for tag in tags { writer.member(tag.name, tag.value) }
        }
    }
}
