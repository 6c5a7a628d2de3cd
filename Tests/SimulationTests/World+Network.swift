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

/// A clip on its way, part by part, as the HTTP client hands it on.
struct Transfer {
    let serial: Int
    let sink: any DownloadSink
    var parts: [DownloadPart]
    let end: DownloadEnd
    let reply: @Sendable (DownloadEnd) -> Void
}

/// Calls are carried to the machine, and replies back, as the wire would: bytes, and what the network does to them.
extension World {
    /// How long the client waits for a reply.
    private static let patience = Duration.seconds(60)

    func send(_ index: Int) throws {
        let call = calls.remove(at: index)
        try checkCancelledFirst(call.call)
        let response = try carryOut(call)
        guard life != nil else { return }
        if case .download(_, let offset, let sink, let reply) = call.call {
            transfers.append(transfer(call.serial, response, from: offset, into: sink, reply))
            return
        }
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
    func carryOut(_ open: OpenCall) throws -> SimulatedResponse? {
        if life?.provider != nil, !isCalm, chance.happens(scenario.unreachable) {
            coverage.network[.unreachable, default: 0] += 1
            return nil
        }
        var request = open.call.request(dialect, baseURL: Scenario.baseURL)
        // A server may ignore the Range, and send the whole clip again.
        if request.headers["range"] != nil, chance.happens(0.2) { request.headers["range"] = nil }
        if case .submit(let submission, _) = open.call { try checkIntent(submission) }
        let before = Witness.Snapshot(machine, before: open.call)
        let response = machine.handle(request, at: now)
        for fault in Witness.faults(open.call, response, before: before, after: machine) {
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
        guard Witness.statesNoCost(response), let id = try? ReplyReader.report(response.body, date: nil).remoteID?.text
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
            landing = .nothing(Fault(kind: .timedOut, message: "no answer within 60 s"), wasSent: true)
        }
        let deliverAt = now + wait
        switch open.call {
        case .submit(let submission, let reply):
            let fate = scenario.former.changed(landing.fate(submission.dialect))
            return OpenReply(
                serial: open.serial, isSubmit: true, deliverAt: deliverAt, summary: "\(fate)".prefixed(160)
            ) { reply(fate) }
        case .query(_, let reply), .cancel(_, _, let reply):
            let answer = landing.answer
            return OpenReply(
                serial: open.serial, isSubmit: false, deliverAt: deliverAt, summary: "\(answer)".prefixed(160)
            ) { reply(answer) }
        case .download: preconditionFailure("a download is answered part by part")
        }
    }

    // MARK: Downloads

    /// What the HTTP client makes of a clip's response: the same rules as over a socket.
    private func transfer(
        _ serial: Int, _ response: SimulatedResponse?, from offset: Int64, into sink: any DownloadSink,
        _ reply: @escaping @Sendable (DownloadEnd) -> Void
    ) -> Transfer {
        func ends(_ end: DownloadEnd) -> Transfer {
            Transfer(serial: serial, sink: sink, parts: [], end: end, reply: reply)
        }
        let broken = Fault(kind: .broken, message: "the connection broke")
        guard let response else { return ends(.interrupted(Fault(kind: .unreachable, message: "no connection"))) }
        let fault = Fault(kind: .status, status: response.status, message: "the clip's address answered so")
        switch response.status {
        case 200, 206: break
        // The part file is whole already: the provider says so by its length.
        case 416 where response.header("Content-Range") == "bytes */\(offset)":
            return Transfer(
                serial: serial, sink: sink, parts: [.begins(at: offset, totalLength: offset)], end: .whole, reply: reply
            )
        case 400..<500: return ends(.refused(fault))
        default: return ends(.interrupted(fault))
        }
        let first = response.status == 206 ? offset : 0
        var body = response.body
        let total = first + Int64(body.count)
        var end = DownloadEnd.whole
        switch response.action {
        case .deliver, .delay, .drip: break
        case .closeWithoutReply, .closeBeforeReading: return ends(.interrupted(broken))
        case .truncate(let bytes):
            body = Array(body.prefix(bytes))
            end = .interrupted(broken)
        }
        var parts: [DownloadPart] = [.begins(at: first, totalLength: total)]
        while !body.isEmpty {
            let count = chance.number(1...max(1, body.count))
            parts.append(.bytes(Array(body.prefix(count))))
            body.removeFirst(count)
        }
        return Transfer(serial: serial, sink: sink, parts: parts, end: end, reply: reply)
    }

    /// One part reaches the disk, or the end is told.
    func transfer(_ index: Int) throws {
        guard let life else { return }
        if let part = transfers[index].parts.first {
            transfers[index].parts.removeFirst()
            let goesOn = Guarded<Bool?>(nil)
            let isTaken = DispatchSemaphore(value: 0)
            transfers[index].sink.receive(part) { accepted in
                goesOn.withLock { $0 = accepted }
                isTaken.signal()
            }
            guard isTaken.wait(timeout: .now() + Life.patience) == .success else {
                throw Violation("a part of a clip is never taken")
            }
            guard goesOn.withLock({ $0 }) == true else { throw Violation("the disk refuses a part of a clip") }
            if case .bytes = part, isDue(.midDownload) { try crash(.midDownload) }
            return
        }
        let transfer = transfers.remove(at: index)
        note("  #\(transfer.serial) clip: \("\(transfer.end)".prefixed(80))")
        transfer.reply(transfer.end)
        life.settleDownloads()
        if case .whole = transfer.end, isDue(.afterRename) {
            try crash(.afterRename)
            return
        }
        try runRunner()
    }
}

/// What comes out of the network at the client's end.
enum Landing {
    case reply(SimulatedResponse)
    /// `wasSent`: false only where no connection could be made.
    case nothing(Fault, wasSent: Bool)

    /// - Parameter isRefused: a connection that closes before anything was read looks like none, or like a broken one.
    init(_ response: SimulatedResponse?, isRefused: Bool) {
        guard let response else {
            self = .nothing(Fault(kind: .unreachable, message: "no connection"), wasSent: false)
            return
        }
        switch response.action {
        case .deliver, .delay, .drip: self = .reply(response)
        case .closeBeforeReading where isRefused:
            self = .nothing(Fault(kind: .unreachable, message: "connection refused"), wasSent: false)
        case .closeBeforeReading, .closeWithoutReply:
            self = .nothing(Fault(kind: .broken, message: "the connection closed"), wasSent: true)
        case .truncate:
            self = .nothing(
                Fault(kind: .unreadable, status: response.status, message: "the answer was cut"), wasSent: true)
        }
    }

    func fate(_ dialect: Dialect) -> SubmitFate {
        switch self {
        case .reply(let response):
            FateTable.submitFate(
                status: response.status, headers: response.wireHeaders, body: response.body, dialect: dialect)
        case .nothing(let fault, let wasSent):
            wasSent ? .unknown(fault, isFreeByContract: false) : .notAccepted(fault)
        }
    }

    var answer: QueryAnswer {
        switch self {
        case .reply(let response):
            FateTable.queryAnswer(status: response.status, headers: response.wireHeaders, body: response.body)
        case .nothing(let fault, _): .fault(fault)
        }
    }
}

extension SimulatedResponse {
    var wireHeaders: WireHeaders { WireHeaders(headers.map { ($0.name, $0.value) }) }
}

extension String {
    func prefixed(_ count: Int) -> String { String(prefix(count)) }
}
