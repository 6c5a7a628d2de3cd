import DailiesCore
import DailiesStore
import Dispatch
import ProviderSimulator
import ProviderWire

@testable import DailiesRunner
@testable import ProviderSimulator

/// A clip on its way, part by part, as the HTTP client hands it on.
struct Transfer {
    /// What comes after the last part.
    enum Ending {
        case told(DownloadOutcome)
        /// The body ends as if it were whole, after this many bytes.
        case bodyEnds(AssetTransfer, count: Int64)
    }

    let call: OpenCall
    let sink: any DownloadSink
    /// With the moment at which each is there.
    var parts: [(part: DownloadPart, at: Instant)] = []
    var ending = Ending.told(.whole)
    let reply: @Sendable (DownloadOutcome) -> Void

    /// When its next part, or its end, is there.
    var nextAt: Instant { parts.first?.at ?? .distantPast }
}

/// Clips come from the machine as the HTTP client brings them: ``AssetTransfer`` decides what is asked and what replies mean.
extension World {
    private static let broken = ProviderError(kind: .broken, message: "the connection broke")
    /// The number of parts of a dripped clip.
    private static let drops = 8

    func transfer(
        _ call: OpenCall, after resume: ResumePoint, into sink: any DownloadSink,
        _ reply: @escaping @Sendable (DownloadOutcome) -> Void
    ) throws -> Transfer {
        var transfer = Transfer(call: call, sink: sink, reply: reply)
        if scenario.former == .fetchesClipsBlindly {
            try fetchAsFormerly(&transfer, after: resume)
        } else {
            let (exchange, step) = AssetTransfer.begin(after: resume)
            try follow(exchange, step, after: resume, &transfer)
        }
        return transfer
    }

    /// Carries requests out until there is a body to hand on, or an end.
    private func follow(
        _ begun: AssetTransfer, _ first: AssetTransfer.Step, after resume: ResumePoint, _ transfer: inout Transfer
    ) throws {
        var (exchange, step) = (begun, first)
        var last: SimulatedResponse?
        while true {
            switch step {
            case .send(let request):
                guard let response = try carryOut(transfer.call, asking: request) else {
                    transfer.ending = .told(.interrupted(ProviderError(kind: .unreachable, message: "no connection")))
                    return
                }
                switch response.action {
                case .closeWithoutReply, .closeBeforeReading:
                    transfer.ending = .told(.interrupted(Self.broken))
                    return
                case .deliver, .delay, .truncate, .drip, .endUnannounced: break
                }
                last = response
                step = exchange.replied(status: response.status, headers: response.wireHeaders)
            case .stream(let first, _, let version):
                transfer.parts = [(.begins(at: first, version), now)]
                let (count, isCut) = hand(last, to: &transfer)
                transfer.ending = isCut ? .told(.interrupted(Self.broken)) : .bodyEnds(exchange, count: count)
                return
            case .confirm(let version):
                transfer.parts = [(.begins(at: resume.offset, version), now)]
                transfer.ending = .told(.whole)
                return
            case .end(let end):
                transfer.ending = .told(Self.told(end))
                return
            }
        }
    }

    private static func told(_ end: AssetTransfer.End) -> DownloadOutcome {
        switch end {
        case .whole: .whole
        case .unverified: .unverified
        case .interrupted(let reason): .interrupted(ProviderError(kind: .broken, message: "\(reason)"))
        case .refused: .refused(ProviderError(kind: .status, status: 403, message: "the clip's address answered so"))
        }
    }

    /// The body in parts of any size; a dripped one takes its time.
    private func hand(_ response: SimulatedResponse?, to transfer: inout Transfer) -> (count: Int64, isCut: Bool) {
        guard let response else { preconditionFailure("a body without a reply") }
        var body = response.body
        var isCut = false
        var pause = Duration.zero
        var most = body.count
        switch response.action {
        case .deliver, .delay, .closeWithoutReply, .closeBeforeReading: break
        case .truncate(let bytes): (body, isCut) = (Array(body.prefix(bytes)), true)
        case .endUnannounced(let bytes): body = Array(body.prefix(bytes))
        case .drip(_, let wait): (pause, most) = (wait, max(1, body.count / Self.drops))
        }
        let count = Int64(body.count)
        var at = now
        while !body.isEmpty {
            let size = chance.number(1...max(1, min(most, body.count)))
            at = at + pause
            transfer.parts.append((.bytes(Array(body.prefix(size))), at))
            body.removeFirst(size)
        }
        return (count, isCut)
    }

    /// One part reaches the disk, or the end is told.
    func move(_ index: Int) throws {
        guard let life else { return }
        if let part = transfers[index].parts.first?.part {
            transfers[index].parts.removeFirst()
            guard try take(part, transfers[index].sink) else { return try refused(index) }
            if case .bytes = part, isDue(.midDownload) { try crash(.midDownload) }
            return
        }
        if case .bodyEnds(var exchange, let count) = transfers[index].ending {
            let step = exchange.bodyEnded(after: count)
            try follow(exchange, step, after: .start, &transfers[index])
            if case .bodyEnds = transfers[index].ending { throw Violation("a body follows a body") }
        }
        let transfer = transfers.remove(at: index)
        guard case .told(let end) = transfer.ending else { return }
        note("  #\(transfer.call.serial) clip: \("\(end)".prefixed(80))")
        if case .unverified = end { coverage.unverified += 1 }
        transfer.reply(end)
        life.settleDownloads()
        if case .whole = end, isDue(.afterRename) {
            try crash(.afterRename)
            return
        }
        try runRunner()
    }

    /// The program took a part and does not want it: it told the download to end. A disk that refuses is told by the run.
    private func refused(_ index: Int) throws {
        let transfer = transfers.remove(at: index)
        note("  #\(transfer.call.serial) clip: not wanted")
        if !wasFolderAway { coverage.downloadsStopped += 1 }
        transfer.reply(.sinkFailed("not taken"))
        life?.settleDownloads()
        try runRunner()
    }

    private func take(_ part: DownloadPart, _ sink: any DownloadSink) throws -> Bool {
        let goesOn = Locked<Bool?>(nil)
        let isTaken = DispatchSemaphore(value: 0)
        sink.receive(part) { accepted in
            goesOn.withLock { $0 = accepted }
            isTaken.signal()
        }
        guard isTaken.wait(timeout: .now() + ProcessLifetime.patience) == .success, let answer = goesOn.withLock({ $0 })
        else {
            throw Violation("a part of a clip is never taken")
        }
        return answer
    }

    // MARK: The former way

    /// As ``FormerBehavior/fetchesClipsBlindly``.
    private func fetchAsFormerly(_ transfer: inout Transfer, after resume: ResumePoint) throws {
        let claimed = AssetVersion(validator: "any")
        let range = resume.offset > 0 ? "bytes=\(resume.offset)-" : nil
        guard let response = try carryOut(transfer.call, asking: AssetRequest(range: range)) else {
            transfer.ending = .told(.interrupted(Self.broken))
            return
        }
        let found = ContentRange(response.header("Content-Range"))
        switch (response.status, found) {
        case (416, .unsatisfied(total: resume.offset)):
            transfer.parts = [(.begins(at: resume.offset, claimed), now)]
            transfer.ending = .told(.whole)
            return
        case (206, .part(first: resume.offset, _, _)): transfer.parts = [(.begins(at: resume.offset, claimed), now)]
        case (206, _), (416, _): return try fetchAsFormerly(&transfer, after: .start)
        case (200, _): transfer.parts = [(.begins(at: 0, claimed), now)]
        case (400..<500, _):
            transfer.ending = .told(.refused(ProviderError(kind: .status, status: response.status, message: "refused")))
            return
        default:
            transfer.ending = .told(.interrupted(Self.broken))
            return
        }
        transfer.ending = .told(hand(response, to: &transfer).isCut ? .interrupted(Self.broken) : .whole)
    }
}
