import DailiesCore
import ExactJSON
import Foundation

/// The user's rates: JSON with the cost of a clip by model id.
///
///     {"seedance-2.0-pro": {"per_second": "0.45", "fee": "0", "source": "contract 7", "date": "2026-11-01"}}
///
/// Amounts are strings or numbers and are read exactly. `fee`, `source` and `date` are optional.
struct RateCard: Sendable {
    struct Entry: Sendable {
        let rate: PriceBook.Rate
        let source: String?
        let date: String?
    }

    let path: String
    let entries: [ModelID: Entry]

    /// Rates for the price book of a run.
    var rates: [ModelID: PriceBook.Rate] { entries.mapValues(\.rate) }

    /// - Throws: ``Stop`` with 65, after printing every problem with its position.
    static func read(_ path: String?) throws -> RateCard? {
        guard let path else { return nil }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Stop(.refused, "cannot read the rates \(SafeText.quoted(path)): no such file or not readable")
        }
        var reading = Reading(path: path)
        reading.read(Array(data))
        guard reading.problems.isEmpty else {
            for problem in reading.problems { Console.error(problem) }
            throw Stop(.refused, "the rates \(SafeText.quoted(path)) were refused; nothing was submitted")
        }
        return RateCard(path: URL(fileURLWithPath: path).standardizedFileURL.path, entries: reading.entries)
    }

    private struct Reading {
        let path: String
        var entries: [ModelID: Entry] = [:]
        var problems: [String] = []

        init(path: String) { self.path = path }

        mutating func read(_ bytes: [UInt8]) {
            let limits = JSONLimits(maximumDepth: 8, maximumBytes: 1 << 20)
            do {
                let top = try JSONValue.parse(bytes, limits: limits)
                guard let members = top.members, !members.isEmpty else {
                    return complain(top.position, "expected an object with a member for each model")
                }
                for member in members { add(member) }
            } catch {
                complain(error.position, error.message)
            }
        }

        private mutating func add(_ member: JSONMember) {
            let model = SafeText.quoted(member.name)
            guard let fields = member.value.members else {
                return complain(
                    member.value.position, "\(model) must be an object with per_second, fee, source and date")
            }
            let known: Set<String> = ["per_second", "fee", "source", "date"]
            for field in fields where !known.contains(field.name) {
                complain(
                    field.position,
                    "\(SafeText.quoted(field.name)) is not a field of a rate; use per_second, fee, source or date")
            }
            guard let perSecondValue = member.value["per_second"] else {
                return complain(member.value.position, "\(model) has no per_second")
            }
            let perSecond = amount(perSecondValue, "per_second")
            let fee = member.value["fee"].map { amount($0, "fee") } ?? .zero
            let source = member.value["source"].flatMap { text($0, "source") }
            let date = member.value["date"].flatMap { self.day($0) }
            guard let perSecond, let fee else { return }
            entries[ModelID(member.name)] = Entry(
                rate: PriceBook.Rate(perSecond: perSecond, fee: fee), source: source, date: date)
        }

        private mutating func amount(_ value: JSONValue, _ name: String) -> Credits? {
            if let text = value.number ?? value.string, let reading = Credits.read(text), !reading.isRounded {
                return reading.credits
            }
            complain(
                value.position, "\(name) must be an amount of credits with at most nine decimals, such as \"0.45\"")
            return nil
        }

        private mutating func text(_ value: JSONValue, _ name: String) -> String? {
            if let text = value.string, text.utf8.count <= 200 { return text }
            complain(value.position, "\(name) must be a string of at most 200 bytes")
            return nil
        }

        /// Any text, except a date that does not exist.
        private mutating func day(_ value: JSONValue) -> String? {
            guard let text = text(value, "date") else { return nil }
            if text.wholeMatch(of: #/\d{4}-\d\d-\d\d/#) == nil || TimeArgument(argument: text) != nil { return text }
            complain(value.position, "date: \(SafeText.quoted(text)) is not a valid date")
            return nil
        }

        private mutating func complain(_ position: JSONPosition, _ message: String) {
            problems.append("\(SafeText.escaped(path)):\(position.line):\(position.column): \(message)")
        }
    }
}
