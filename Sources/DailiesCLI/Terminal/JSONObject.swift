import DailiesCore
import ExactJSON

/// A value of the JSON output.
protocol JSONOutput {
    func write(to writer: inout JSONWriter)
}

/// A JSON object with its members in the given order.
struct JSONObject: JSONOutput, ExpressibleByDictionaryLiteral {
    private var members: [(name: String, value: any JSONOutput)]

    init(_ members: [(String, any JSONOutput)]) { self.members = members.map { (name: $0.0, value: $0.1) } }

    init(dictionaryLiteral members: (String, any JSONOutput)...) { self.init(members) }

    init(_ tags: [TaskSpec.Tag]) { self.init(tags.map { ($0.name, $0.value) }) }

    /// Compact JSON on one line.
    var text: String {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.text
    }

    func write(to writer: inout JSONWriter) { writer.object { writeMembers(to: &$0) } }

    /// Writes the members into an open object.
    func writeMembers(to writer: inout JSONWriter) {
        for member in members {
            writer.name(member.name)
            member.value.write(to: &writer)
        }
    }

    static func + (a: JSONObject, b: JSONObject) -> JSONObject { JSONObject(a.members + b.members) }
}

/// The text of a number.
struct JSONNumber: JSONOutput {
    let text: String

    func write(to writer: inout JSONWriter) { writer.number(text) }
}

/// The missing value is `null`.
extension Optional: JSONOutput where Wrapped: JSONOutput {
    func write(to writer: inout JSONWriter) {
        if let self { self.write(to: &writer) } else { writer.null() }
    }
}

extension Array: JSONOutput where Element: JSONOutput {
    func write(to writer: inout JSONWriter) {
        writer.array { writer in for element in self { element.write(to: &writer) } }
    }
}

extension String: JSONOutput {
    func write(to writer: inout JSONWriter) { writer.string(self) }
}

extension Bool: JSONOutput {
    func write(to writer: inout JSONWriter) { writer.bool(self) }
}

extension Int: JSONOutput {
    func write(to writer: inout JSONWriter) { writer.integer(self) }
}

extension Int64: JSONOutput {
    func write(to writer: inout JSONWriter) { writer.integer(self) }
}

extension JSONValue: JSONOutput {
    func write(to writer: inout JSONWriter) { writer.value(self) }
}

/// An exact decimal number.
extension Credits: JSONOutput {
    func write(to writer: inout JSONWriter) { writer.number(description) }
}

/// An exact decimal number.
extension CreditTotal: JSONOutput {
    func write(to writer: inout JSONWriter) { writer.number(description) }
}

/// A time in UTC, rounded down to seconds.
extension Instant: JSONOutput {
    func write(to writer: inout JSONWriter) { writer.string(Composition.Calendar.timestamp(self)) }
}

extension ExitCode: JSONOutput {
    func write(to writer: inout JSONWriter) { writer.integer(rawValue) }
}

/// The request as it is stored.
extension CanonicalRequest: JSONOutput {
    func write(to writer: inout JSONWriter) { writer.raw(text) }
}
