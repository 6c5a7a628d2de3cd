import DailiesCore
import ExactJSON

/// Settings that `POST /simulator/control` can change while the simulator runs.
struct RuntimeControls: Hashable, Sendable {
    /// nil for an unlimited balance.
    var balance: CreditTotal?
    var factorHundredths: Int64
    /// The service is down: every API request gets ``FaultKind/refuse``.
    var isOut = false
    /// Whether faults are drawn.
    var drawsFaults = true
    /// Whether every API key gets 401.
    var rejectsKeys = false
    var accountConcurrency: Int?
    var modelSlots: Int?

    init(_ configuration: SimulatorConfiguration) {
        balance = configuration.money.balance.map { CreditTotal($0) }
        factorHundredths = configuration.money.factorHundredths
        accountConcurrency = configuration.limits.accountConcurrency
        modelSlots = configuration.limits.modelSlots
    }
}

/// A change of the controls, validated before it is applied.
struct ControlRequest: Hashable, Sendable {
    enum Step: Hashable, Sendable {
        /// Adds to the balance, and ends ``FaultKind/walletEmpty``.
        case topUp(Credits)
        /// Sets the balance; nil for unlimited.
        case balance(Credits?)
        case factorHundredths(Int64)
        case outage(Bool)
        case faults(Bool)
        case rejectKeys(Bool)
        case accountConcurrency(Int?)
        case modelSlots(Int?)
        case fault(FaultKind, Double)
    }
    let steps: [Step]
    /// The request as JSON, for the journal.
    let text: String

    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    init(_ body: JSONValue) throws(Problem) {
        guard let members = body.members else { throw Problem(description: "the body is not a JSON object") }
        var steps: [Step] = []
        for member in members { steps += try Self.steps(member) }
        self.steps = steps
        text = body.compactText
    }

    private static func steps(_ member: JSONMember) throws(Problem) -> [Step] {
        let value = member.value
        switch member.name {
        case "top_up":
            if let credits = (value.number ?? value.string).flatMap({ Credits.read($0) })?.credits {
                return [.topUp(credits)]
            }
        case "balance":
            if value.isNull { return [.balance(nil)] }
            if let credits = (value.number ?? value.string).flatMap({ Credits.read($0) })?.credits {
                return [.balance(credits)]
            }
        case "price_factor_hundredths":
            if let factor = value.number.flatMap({ Int64($0) }), factor >= 0 { return [.factorHundredths(factor)] }
        case "outage": if let flag = value.bool { return [.outage(flag)] }
        case "faults": if let flag = value.bool { return [.faults(flag)] }
        case "reject_keys": if let flag = value.bool { return [.rejectKeys(flag)] }
        case "account_concurrency": if let limit = limit(value) { return [.accountConcurrency(limit)] }
        case "model_slots": if let limit = limit(value) { return [.modelSlots(limit)] }
        case "fault":
            var steps: [Step] = []
            for member in value.members ?? [] {
                guard let kind = FaultKind(rawValue: member.name), let text = member.value.number,
                    let probability = Double(text), (0...1).contains(probability)
                else {
                    throw Problem(
                        description: "fault.\(member.name): no such fault, or not a probability from 0 to 1")
                }
                steps.append(.fault(kind, probability))
            }
            return steps
        default: throw Problem(description: "\(member.name): no such control")
        }
        throw Problem(description: "\(member.name): invalid value")
    }

    /// The inner value is nil for `null`, meaning no limit.
    private static func limit(_ value: JSONValue) -> Int?? {
        if value.isNull { return .some(nil) }
        guard let limit = value.number.flatMap({ Int($0) }), limit >= 0 else { return nil }
        return .some(limit)
    }
}

extension SimulatedProvider {
    mutating func apply(_ order: ControlRequest) {
        for step in order.steps {
            switch step {
            case .topUp(let credits):
                controls.balance = controls.balance.map { $0 + credits }
                walletEmptyUntil = now
            case .balance(let credits): controls.balance = credits.map { CreditTotal($0) }
            case .factorHundredths(let factor): controls.factorHundredths = factor
            case .outage(let isOut): controls.isOut = isOut
            case .faults(let draws): controls.drawsFaults = draws
            case .rejectKeys(let rejects): controls.rejectsKeys = rejects
            case .accountConcurrency(let limit): controls.accountConcurrency = limit
            case .modelSlots(let limit):
                controls.modelSlots = limit
                for model in waiting.keys.sorted() { fillSlots(of: model, at: now) }
                advance(to: now)
            case .fault(let kind, let probability): configuration.faults[kind] = probability
            }
        }
    }
}
