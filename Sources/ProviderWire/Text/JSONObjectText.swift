import ExactJSON

/// A JSON object that is being written, member by member, in order and without white space.
struct JSONObjectText {
    private var members: [String] = []

    /// - Parameter raw: a JSON value's text, written as it is.
    mutating func add(_ name: String, raw: String?) {
        if let raw { members.append("\(JSONText.quoted(name)):\(raw)") }
    }

    mutating func add(_ name: String, text: String?) { add(name, raw: text.map { JSONText.quoted($0) }) }

    mutating func add(contentsOf other: JSONObjectText) { members += other.members }

    var text: String { "{\(members.joined(separator: ","))}" }
    var bytes: [UInt8] { Array(text.utf8) }
}

extension JSONValue {
    /// The object in a body.
    static func object(in bytes: [UInt8]) throws(WireError) -> [JSONMember] {
        let value: JSONValue
        do {
            value = try JSONValue.parse(bytes)
        } catch {
            throw WireError(.notAnObject, detail: "\(error)")
        }
        guard let members = value.members else { throw WireError(.notAnObject) }
        return members
    }
}
