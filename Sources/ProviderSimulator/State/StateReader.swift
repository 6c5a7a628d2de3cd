import DailiesCore
import ExactJSON

/// Reads the simulator's own records, and says which field of which is not as it was written.
struct StateReader {
    /// A record that this program did not write, or not whole.
    struct Damage: Error, Hashable, CustomStringConvertible {
        let field: String
        var description: String { "the simulator's state cannot be read: \(field)" }
    }

    let value: JSONValue

    init(_ value: JSONValue) { self.value = value }

    init(_ bytes: some Collection<UInt8>) throws(Damage) {
        do {
            value = try JSONValue.parse(bytes, limits: JSONLimits(maximumBytes: 1 << 30))
        } catch {
            throw Damage(field: "\(error)")
        }
    }

    func has(_ name: String) -> Bool { value[name].map { !$0.isNull } ?? false }

    func integer<Number: FixedWidthInteger>(_ name: String) throws(Damage) -> Number {
        guard let text = value[name]?.number, let number = Number(text) else { throw Damage(field: name) }
        return number
    }

    /// What is counted, which leaves room to count on.
    func count(_ name: String) throws(Damage) -> Int { Int(try integer(name) as Int32) }

    func text(_ name: String) throws(Damage) -> String {
        guard let text = value[name]?.string else { throw Damage(field: name) }
        return text
    }

    /// Nil where the field is absent or null.
    func optionalText(_ name: String) throws(Damage) -> String? { has(name) ? try text(name) : nil }
    func optionalInteger<Number: FixedWidthInteger>(_ name: String) throws(Damage) -> Number? {
        has(name) ? try integer(name) : nil
    }

    func flag(_ name: String) throws(Damage) -> Bool {
        guard let flag = value[name]?.bool else { throw Damage(field: name) }
        return flag
    }

    func instant(_ name: String) throws(Damage) -> Instant { Instant(nanoseconds: try integer(name)) }
    func duration(_ name: String) throws(Damage) -> Duration { .nanoseconds(try integer(name) as Int64) }
    func credits(_ name: String) throws(Damage) -> Credits { Credits(nano: try integer(name)) }

    func total(_ name: String) throws(Damage) -> CreditTotal {
        let record = try record(name)
        return CreditTotal(whole: try record.integer("whole"), billionths: try record.integer("billionths"))
    }

    func record(_ name: String) throws(Damage) -> StateReader {
        guard let value = value[name], value.members != nil else { throw Damage(field: name) }
        return StateReader(value)
    }

    func records(_ name: String) throws(Damage) -> [StateReader] {
        guard let elements = value[name]?.array else { throw Damage(field: name) }
        return elements.map { StateReader($0) }
    }

    func counts(_ name: String) throws(Damage) -> [String: Int] {
        var counts: [String: Int] = [:]
        for member in try record(name).value.members ?? [] {
            guard let count = member.value.number.flatMap({ Int32($0) }) else { throw Damage(field: name) }
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
