import ExactJSON

/// Builds a JSON object member by member, in order and without white space.
struct JSONObjectText {
    private var members: [String] = []

    /// - Parameter raw: the text of a JSON value, written unchanged.
    mutating func add(_ name: String, raw: String?) {
        if let raw { members.append("\(JSONText.quoted(name)):\(raw)") }
    }

    mutating func add(_ name: String, text: String?) { add(name, raw: text.map { JSONText.quoted($0) }) }

    mutating func add(contentsOf other: JSONObjectText) { members += other.members }

    var text: String { "{\(members.joined(separator: ","))}" }
    var bytes: [UInt8] { Array(text.utf8) }
}

extension JSONValue {
    /// The members of the object in a body.
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
