import DailiesCore
import ExactJSON
import Foundation

/// The user's rules for failures that cost nothing: a JSON list in which the first matching rule applies.
///
///     [{"code": "content_policy_violation", "then": "new_seed"},
///      {"status": 422, "text": "style_preset", "then": "skip"}]
///
/// `status`, `code` and `text` (a substring of the message) are optional; `then` is `retry`, `new_seed`, `skip` or
/// `pause`.
enum RetryRulesFile {
    private static let maximumRules = 1000

    /// - Throws: ``Stop`` with 65 that names the position.
    static func read(_ path: String?) throws -> RetryRules {
        guard let path else { return RetryRules() }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Stop(.refused, "cannot read the retry rules \(SafeText.quoted(path)): no such file or not readable")
        }
        do throws(Problem) {
            return try read(Array(data))
        } catch {
            throw Stop(
                .refused,
                "\(SafeText.escaped(path)):\(error.position.line):\(error.position.column): \(error.message) (nothing was submitted)"
            )
        }
    }

    struct Problem: Error {
        let position: JSONPosition
        let message: String
    }

    static func read(_ bytes: [UInt8]) throws(Problem) -> RetryRules {
        let top: JSONValue
        do throws(JSONError) {
            top = try JSONValue.parse(bytes, limits: JSONLimits(maximumDepth: 4, maximumBytes: 1 << 20))
        } catch {
            throw Problem(position: error.position, message: error.message)
        }
        guard let elements = top.array, elements.count <= maximumRules else {
            throw Problem(position: top.position, message: "expected a list of at most \(maximumRules) rules")
        }
        var rules: [RetryRules.Rule] = []
        for element in elements { rules.append(try rule(element)) }
        return RetryRules(rules: rules)
    }

    private static func rule(_ value: JSONValue) throws(Problem) -> RetryRules.Rule {
        guard let members = value.members else {
            throw Problem(position: value.position, message: "a rule must be an object like {\"code\": …, \"then\": …}")
        }
        var (status, code, text): (Int?, String?, String?) = (nil, nil, nil)
        var action: RetryRules.Action?
        for member in members {
            switch member.name {
            case "status":
                guard let number = member.value.number.flatMap({ Int($0) }), 100...599 ~= number else {
                    throw Problem(
                        position: member.value.position, message: "status must be a number from 100 to 599")
                }
                status = number
            case "code": code = try Self.text(member)
            case "text": text = try Self.text(member)
            case "then":
                let word = try Self.text(member)
                guard let known = RetryRules.Action(rawValue: word) else {
                    let words = RetryRules.Action.allCases.map(\.rawValue).joined(separator: ", ")
                    throw Problem(position: member.value.position, message: "then must be one of \(words)")
                }
                action = known
            default:
                throw Problem(
                    position: member.value.position,
                    message:
                        "\(SafeText.quoted(member.name)) is not a known field; a rule has status, code, text and then")
            }
        }
        guard let action else { throw Problem(position: value.position, message: "then is missing") }
        return RetryRules.Rule(status: status, code: code, text: text, action: action)
    }

    private static func text(_ member: JSONMember) throws(Problem) -> String {
        guard let text = member.value.string, !text.isEmpty else {
            throw Problem(position: member.value.position, message: "\(member.name) must be a non-empty string")
        }
        return text
    }
}
