import DailiesCore
import DailiesStore
import Dispatch
import Foundation
import ProviderSimulator
import ProviderWire

@testable import DailiesRunner
@testable import ProviderSimulator

/// A call that has not reached the provider.
struct OpenCall {
    let serial: Int
    let call: MachineProvider.Call

    var isSubmit: Bool { if case .submit = call { true } else { false } }
}

/// A reply that has not reached the program.
struct OpenReply {
    let serial: Int
    let isSubmit: Bool
    let deliverAt: Instant
    let summary: String
    let deliver: @Sendable () -> Void
}

/// Calls are carried to the machine, and replies back, as the wire would: bytes, and what the network does to them.
extension World {
    /// How long the client waits for a reply.
    private static let patience = Duration.seconds(60)

    func send(_ index: Int) throws {
        let call = calls.remove(at: index)
        try checkCancelledFirst(call.call)
        if case .download(_, let resume, let sink, let reply) = call.call {
            transfers.append(try transfer(call, after: resume, into: sink, reply))
            return
        }
        let response = try carryOut(call)
        guard life != nil else { return }
        let open = reply(to: call, response)
        note("  #\(call.serial) sent: \(open.summary)")
        replies.append(open)
        if isDue(.afterAction) {
            try crash(.afterAction)
        }
    }

    func deliver(_ index: Int) throws {
        let reply = replies.remove(at: index)
        note("  #\(reply.serial) arrives")
        reply.deliver()
        try runRunner()
        if life?.hasWaitingWrites == true, isDue(.beforeOutcome) { try crash(.beforeOutcome) }
    }

    /// The machine does what a call asks, and everything that it does is witnessed and checked. Nil: it never got there.
    ///
    /// - Parameter asking: the request of a download.
    func carryOut(_ open: OpenCall, asking: AssetRequest = AssetRequest()) throws -> SimulatedResponse? {
        if life?.provider != nil, !isCalm, chance.happens(scenario.unreachable) {
            coverage.network[.unreachable, default: 0] += 1
            return nil
        }
        let request = open.call.request(dialect, baseURL: Scenario.baseURL, asking: asking)
        if case .submit(let submission, _) = open.call { try checkIntent(submission) }
        let before = FaultDetector.Snapshot(machine, before: open.call)
        let response = machine.handle(request, at: now)
        for fault in FaultDetector.faults(open.call, request, response, before: before, after: machine) {
            coverage.faults[fault, default: 0] += 1
        }
        noteAbsurdCost(response)
        if let remote = open.call.cancelled { playFormerCancel(of: remote, response) }
        if case .submit(let submission, _) = open.call {
            coverage.submits += 1
            try checkRenders(of: submission)
        }
        return response
    }

    private func noteAbsurdCost(_ response: SimulatedResponse) {
        guard FaultDetector.statesNoCost(response),
            let id = try? TaskResponseDecoder.report(response.body, date: nil).remoteID?.text
        else { return }
        toldNoCost.insert(id)
    }

    // MARK: Replies

    private func reply(to open: OpenCall, _ response: SimulatedResponse?) -> OpenReply {
        var wait = chance.milliseconds(0...(chance.happens(0.1) ? 3000 : 50))
        var landing = Landing(response, isRefused: chance.happens(0.6))
        if case .delay(let delay) = response?.action { wait = wait + delay }
        if !isCalm, chance.happens(scenario.timedOut) { wait = Self.patience * 2 }
        if wait > Self.patience {
            coverage.network[.timedOut, default: 0] += 1
            wait = Self.patience
            landing = .nothing(ProviderError(kind: .timedOut, message: "no answer within 60 s"), wasSent: true)
        }
        let deliverAt = now + wait
        switch open.call {
        case .submit(let submission, let reply):
            let outcome = scenario.former.changed(landing.outcome(submission.dialect))
            return OpenReply(
                serial: open.serial, isSubmit: true, deliverAt: deliverAt, summary: "\(outcome)".prefixed(160)
            ) { reply(outcome) }
        case .query(_, let reply), .cancel(_, _, let reply):
            let answer = landing.answer
            return OpenReply(
                serial: open.serial, isSubmit: false, deliverAt: deliverAt, summary: "\(answer)".prefixed(160)
            ) { reply(answer) }
        case .download: preconditionFailure("a download is answered part by part")
        }
    }
}

/// What comes out of the network at the client's end.
enum Landing {
    case reply(SimulatedResponse)
    /// `wasSent`: false only where no connection could be made.
    case nothing(ProviderError, wasSent: Bool)

    /// - Parameter isRefused: a connection that closes before anything was read looks like none, or like a broken one.
    init(_ response: SimulatedResponse?, isRefused: Bool) {
        guard let response else {
            self = .nothing(ProviderError(kind: .unreachable, message: "no connection"), wasSent: false)
            return
        }
        switch response.action {
        case .deliver, .delay, .drip, .endUnannounced: self = .reply(response)
        case .closeBeforeReading where isRefused:
            self = .nothing(ProviderError(kind: .unreachable, message: "connection refused"), wasSent: false)
        case .closeBeforeReading, .closeWithoutReply:
            self = .nothing(ProviderError(kind: .broken, message: "the connection closed"), wasSent: true)
        case .truncate:
            self = .nothing(
                ProviderError(kind: .unreadable, status: response.status, message: "the answer was cut"), wasSent: true)
        }
    }

    func outcome(_ dialect: Dialect) -> SubmitResult {
        switch self {
        case .reply(let response):
            ResponseClassifier.submitResult(
                status: response.status, headers: response.wireHeaders, body: response.body, dialect: dialect)
        case .nothing(let fault, let wasSent):
            wasSent ? .unknown(fault, isFreeByContract: false) : .notAccepted(fault)
        }
    }

    var answer: QueryResult {
        switch self {
        case .reply(let response):
            ResponseClassifier.queryAnswer(status: response.status, headers: response.wireHeaders, body: response.body)
        case .nothing(let fault, _): .fault(fault)
        }
    }
}

extension SimulatedResponse {
    var wireHeaders: HeaderFields { HeaderFields(headers.map { ($0.name, $0.value) }) }
}

extension String {
    func prefixed(_ count: Int) -> String { String(prefix(count)) }
}
