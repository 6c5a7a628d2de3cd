import DailiesCore
import ExactJSON
import ProviderSimulator
import ProviderWire

@testable import ProviderSimulator

/// Recognises by their traces which faults the machine has drawn, for the count of what was exercised.
enum FaultDetector {
    struct Snapshot {
        let tasks: Int
        let submits: Int
        /// Sum of the versions of all clips.
        let versions: Int
        /// The phase of the task that a cancel is for.
        let phase: SimulatedTask.Phase?
        init(_ machine: SimulatedProvider, before call: MachineProvider.Call) {
            tasks = machine.tasks.count
            submits = machine.bill.submits
            versions = FaultDetector.versions(machine)
            phase = call.cancelled.flatMap { machine.ordinalByID[$0.text] }.map { machine.tasks[$0].phase }
        }
    }

    static func faults(
        _ call: MachineProvider.Call, _ request: SimulatedRequest, _ response: SimulatedResponse, before: Snapshot,
        after machine: SimulatedProvider
    ) -> [FaultKind] {
        if case .download = call { return clip(request, response, before: before, after: machine) }
        var faults: [FaultKind] = []
        faults += transport(response)
        if statesAbsurdly(response) { faults.append(.absurdNumbers) }
        if String(decoding: response.body, as: UTF8.self).contains(SimulatedProvider.otherSubmission) {
            faults.append(.otherSubmission)
        }
        let isSubmit: Bool = if case .submit = call { true } else { false }
        let wasAccepted = machine.tasks.count > before.tasks
        if isSubmit, machine.bill.submits == before.submits + 2 { faults.append(.duplicateDelivery) }
        if response.status >= 500, response.action == .deliver {
            let isPage = response.body.first == UInt8(ascii: "<")
            faults.append(isPage ? .bareServerErrorAfter : wasAccepted ? .serverErrorAfter : .serverErrorBefore)
        }
        if (400..<500).contains(response.status), response.body.first == UInt8(ascii: "<") {
            faults.append(.gatewayPage4xx)
        }
        faults += replies(response, isSubmit: isSubmit)
        if response.action == .deliver, response.status == 200 {
            faults += identity(call, response, machine, wasAccepted)
        }
        if let task = machine.tasks.last, wasAccepted { faults += outcome(of: task) + money(of: task, machine) }
        faults += cancels(call, response, before: before, machine)
        if case .query(let question, _) = call { faults += backwards(question.subject, response, machine) }
        return faults
    }

    /// Which task a reply names, and for whom.
    private static func identity(
        _ call: MachineProvider.Call, _ response: SimulatedResponse, _ machine: SimulatedProvider, _ wasAccepted: Bool
    ) -> [FaultKind] {
        guard case .found(let report) = Landing(response, isRefused: false).answer,
            let ordinal = machine.ordinalByID[report.remoteID?.text ?? ""]
        else { return [] }
        let named = machine.tasks[ordinal].outTaskID
        switch call {
        case .submit(let submission, _):
            if named != submission.key.text { return [.sameTaskID] }
            guard wasAccepted else { return [] }
            return report.phase == .running
                ? [.startAtOnce] : report.phase == .unknown("preparing") ? [.unlistedSubmitState] : []
        case .query(let question, _):
            guard case .key(let key) = question.subject, named != key.text else { return [] }
            return [.wrongTaskByKey]
        case .cancel, .download: return []
        }
    }

    private static func statesAbsurdly(_ response: SimulatedResponse) -> Bool {
        let resets = [response.header(HeaderName.rateReset), response.header(HeaderName.retryAfter)].compactMap(\.self)
        return statesNoCost(response) || statesNoAmount(response, FieldName.estimatedCredits)
            || resets.contains { AbsurdNumbers.moments.contains($0) }
    }

    /// Whether what the reply names as a cost is none that can be booked.
    static func statesNoCost(_ response: SimulatedResponse) -> Bool {
        statesNoAmount(response, FieldName.credits) || statesNoAmount(response, FieldName.creditsUsed)
    }

    private static func statesNoAmount(_ response: SimulatedResponse, _ field: String) -> Bool {
        guard let value = (try? JSONValue.parse(response.body))?[field] else { return false }  // A page, a cut reply.
        return AbsurdNumbers.amounts.contains(value.number ?? value.string ?? "")
    }

    private static func transport(_ response: SimulatedResponse) -> [FaultKind] {
        switch response.action {
        case .deliver: []
        case .closeBeforeReading: [.refuse]
        case .closeWithoutReply: [.dropReply]
        case .delay: [.delayReply]
        case .truncate: [.truncateReply]
        case .drip: [.dripReply]
        case .endUnannounced: []
        }
    }

    private static func clip(
        _ request: SimulatedRequest, _ response: SimulatedResponse, before: Snapshot, after machine: SimulatedProvider
    ) -> [FaultKind] {
        var faults: [FaultKind] = []
        if versions(machine) > before.versions { faults.append(.changedAsset) }
        switch response.action {
        case .truncate: faults.append(.cutDownload)
        case .endUnannounced: faults.append(.noLength)
        case .drip: faults.append(.dripDownload)
        case .deliver, .delay, .closeWithoutReply, .closeBeforeReading: break
        }
        if [403, 404].contains(response.status), machine.controls.drawsFaults {
            let isLate = String(decoding: response.body, as: UTF8.self).hasPrefix("not there yet")
            faults.append(isLate ? .lateAsset : .expireURL)
        }
        if response.status == 200, let task = task(of: request, machine) {
            let file = machine.file(of: task)
            if response.body.count == file.count, response.body != file { faults.append(.damagedClip) }
        }
        guard let range = request.headers["range"], let task = task(of: request, machine) else { return faults }
        let validators = [response.header("ETag"), response.header("Last-Modified")].compactMap { $0 }
        let isOther = request.headers["if-range"].map { !validators.contains($0) } ?? false
        if response.status == 200, !isOther { faults.append(.ignoredRange) }
        if response.status == 206 {
            let length = machine.file(of: task).count
            let first = range.dropFirst("bytes=".count).prefix { $0 != "-" }
            let fits = response.header("Content-Range").map {
                $0.hasPrefix("bytes \(first)-") && ($0.hasSuffix("/\(length)") || $0.hasSuffix("/*"))
            }
            if isOther || fits != true { faults.append(.wrongRange) }
        }
        return faults
    }

    private static func versions(_ machine: SimulatedProvider) -> Int {
        machine.tasks.reduce(0) { $0 + $1.assetVersion }
    }

    private static func task(of request: SimulatedRequest, _ machine: SimulatedProvider) -> SimulatedTask? {
        machine.tasks.first { request.path.contains("/\($0.id)/") }
    }

    private static func replies(_ response: SimulatedResponse, isSubmit: Bool) -> [FaultKind] {
        let text = String(decoding: response.body, as: UTF8.self)
        switch response.status {
        case 200:
            var faults: [FaultKind] = []
            if text.hasPrefix("<") { faults.append(.htmlReply) }
            if text.contains("\"finalizing\"") { faults.append(.unknownState) }
            for field in ["estimated_credits", "credits_used", "credits"] where text.contains("\"\(field)\":\"") {
                faults.append(.numbersAsStrings)
                break
            }
            return faults
        case 402: return isSubmit ? [.walletEmpty] : []
        case 429 where text.contains(ErrorCode.concurrencyLimit): return []
        case 429 where !isSubmit: return [.throttleQuery]
        case 429: return [text.contains(ErrorCode.rateLimit) ? .throttle : .bareThrottle]
        case 451: return [.contentPolicy]
        default: return []
        }
    }

    private static func outcome(of task: SimulatedTask) -> [FaultKind] {
        var faults: [FaultKind] = []
        if task.forgottenUntil != nil { faults.append(.forget) }
        if task.keyForgottenAt != nil { faults.append(.forgetKey) }
        if task.droppedAt != nil { faults.append(.dropTask) }
        switch task.container {
        case .mp4: break
        case .mp4WithMore: faults.append(.bytesAfterEnd)
        case .quickTime, .webM: faults.append(.otherFormat)
        }
        switch task.repliesWithoutURL {
        case 0: break
        case .max: faults.append(.noURL)
        default: faults.append(.lateURL)
        }
        switch task.repliesWithoutCost {
        case 0: break
        case .max: faults.append(.noCost)
        default: faults.append(.lateCost)
        }
        if case .fails(let code, _) = task.outcome {
            switch code {
            case nil: faults.append(.failRenderSilently)
            case "content_policy_violation": faults.append(.failRenderByPolicy)
            default: faults.append(.failRender)
            }
        }
        return faults
    }

    /// A deviation alone is at most half of the quote.
    private static func money(of task: SimulatedTask, _ machine: SimulatedProvider) -> [FaultKind] {
        var faults: [FaultKind] = []
        let price = task.price(fee: machine.configuration.money.submissionFee)
        if task.isBilledAbsurdly(fee: machine.configuration.money.submissionFee) { faults.append(.absurdBill) }
        if task.estimate.credits == .zero, task.bill.credits > .zero { faults.append(.zeroEstimate) }
        if task.estimate.credits >= price.times(hundredths: 200) { faults.append(.quoteAbovePrice) }
        if task.estimate.credits > .zero, task.bill.credits >= task.estimate.credits.times(hundredths: 200) {
            faults.append(.billAboveQuote)
        }
        return faults
    }

    private static func cancels(
        _ call: MachineProvider.Call, _ response: SimulatedResponse, before: Snapshot, _ machine: SimulatedProvider
    ) -> [FaultKind] {
        guard let remote = call.cancelled, let ordinal = machine.ordinalByID[remote.text],
            case .cancelled(_, .some) = machine.tasks[ordinal].phase, before.phase?.isFinal == false
        else { return [] }
        var faults: [FaultKind] = before.phase == .queued ? [.rendersBeforeCancel] : []
        if response.action == .deliver, response.status == 200,
            !String(decoding: response.body, as: UTF8.self).contains("\"credits")
        {
            faults.append(.silentCancelCost)
        }
        return faults
    }

    private static func backwards(
        _ subject: TaskQuery.Subject, _ response: SimulatedResponse, _ machine: SimulatedProvider
    ) -> [FaultKind] {
        guard case .remote(let remote) = subject, response.status == 200,
            let task = machine.tasks.first(where: { $0.id == remote.text }), case .running = task.phase
        else { return [] }
        let text = String(decoding: response.body, as: UTF8.self)
        return text.contains("\"queued\"") || text.contains("\"pending\"") ? [.goBackwards] : []
    }
}

extension SimulatedTask {
    /// What it costs without any fault.
    func price(fee: Credits) -> Credits { perSecond.times(hundredths: 100 * Int64(seconds)).adding(fee) }

    /// Beyond any false quote, price change and deviation that a seed draws.
    func isBilledAbsurdly(fee: Credits) -> Bool { bill.credits > price(fee: fee).times(hundredths: 10_000) }
}
