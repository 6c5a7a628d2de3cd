import DailiesCore
import ExactJSON

/// A record of the simulator that is incomplete or was not written by this program.
struct StateError: Error, Hashable, CustomStringConvertible {
    let field: String
    var description: String { "the simulator's state cannot be read: \(field)" }
}

/// Reads the simulator's records, and reports the name of an invalid field.
struct StateReader {
    let value: JSONValue

    init(_ value: JSONValue) { self.value = value }

    init(_ bytes: some Collection<UInt8>) throws(StateError) {
        do {
            value = try JSONValue.parse(bytes, limits: JSONLimits(maximumBytes: 1 << 30))
        } catch {
            throw StateError(field: "\(error)")
        }
    }

    func has(_ name: String) -> Bool { value[name].map { !$0.isNull } ?? false }

    func integer<Number: FixedWidthInteger>(_ name: String) throws(StateError) -> Number {
        guard let text = value[name]?.number, let number = Number(text) else { throw StateError(field: name) }
        return number
    }

    /// A counter, with room to increase.
    func count(_ name: String) throws(StateError) -> Int { Int(try integer(name) as Int32) }

    func text(_ name: String) throws(StateError) -> String {
        guard let text = value[name]?.string else { throw StateError(field: name) }
        return text
    }

    /// nil if the field is absent or null.
    func optionalText(_ name: String) throws(StateError) -> String? { has(name) ? try text(name) : nil }
    func optionalInteger<Number: FixedWidthInteger>(_ name: String) throws(StateError) -> Number? {
        has(name) ? try integer(name) : nil
    }

    func flag(_ name: String) throws(StateError) -> Bool {
        guard let flag = value[name]?.bool else { throw StateError(field: name) }
        return flag
    }

    func instant(_ name: String) throws(StateError) -> Instant { Instant(nanoseconds: try integer(name)) }
    func duration(_ name: String) throws(StateError) -> Duration { .nanoseconds(try integer(name) as Int64) }
    func credits(_ name: String) throws(StateError) -> Credits { Credits(nano: try integer(name)) }

    func total(_ name: String) throws(StateError) -> CreditTotal {
        let record = try record(name)
        return CreditTotal(whole: try record.integer("whole"), billionths: try record.integer("billionths"))
    }

    func record(_ name: String) throws(StateError) -> StateReader {
        guard let value = value[name], value.members != nil else { throw StateError(field: name) }
        return StateReader(value)
    }

    func records(_ name: String) throws(StateError) -> [StateReader] {
        guard let elements = value[name]?.array else { throw StateError(field: name) }
        return elements.map { StateReader($0) }
    }

    func counts(_ name: String) throws(StateError) -> [String: Int] {
        var counts: [String: Int] = [:]
        for member in try record(name).value.members ?? [] {
            guard let count = member.value.number.flatMap({ Int32($0) }) else { throw StateError(field: name) }
            counts[member.name] = Int(count)
        }
        return counts
    }
}

extension JSONWriter {
    mutating func optional(_ name: String, _ text: String?) { if let text { member(name, text) } }

    mutating func member(_ name: String, _ instant: Instant) { member(name, instant.nanoseconds) }

    mutating func member(_ name: String, _ total: CreditTotal) {
        self.name(name)
        object {
            $0.member("whole", total.whole)
            $0.member("billionths", total.billionths)
        }
    }

    mutating func counts(_ name: String, _ counts: [String: Int]) {
        self.name(name)
        object { object in
            for (key, count) in counts.sorted(by: { $0.key < $1.key }) { object.member(key, count) }
        }
    }
}
