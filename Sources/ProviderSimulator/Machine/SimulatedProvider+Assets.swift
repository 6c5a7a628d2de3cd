import DailiesCore
import ExactJSON
import ProviderWire

// The simulator's own routes: clips, bill, state and controls.
extension SimulatedProvider {
    private static let assets = "/simulator/assets/"

    mutating func own(_ request: SimulatedRequest, path: String, query: String) -> SimulatedResponse {
        switch (request.method, path) {
        case ("GET", _) where path.hasPrefix(Self.assets), ("HEAD", _) where path.hasPrefix(Self.assets):
            return asset(request, path: path, query: query)
        case ("GET", "/simulator/bill"): return Self.json(200, bill.json())
        case ("GET", "/simulator/state"): return Self.json(200, stateJSON())
        case ("POST", "/simulator/control"): return control(request.body)
        default: return Self.error(404, ErrorCode.notFound, "no such route: \(request.method) \(path)")
        }
    }

    private mutating func control(_ body: [UInt8]) -> SimulatedResponse {
        do {
            let order = try ControlRequest(try JSONValue.parse(body))
            commit(.control(order))
            return Self.json(200, stateJSON())
        } catch {
            return Self.error(400, ErrorCode.invalidParam, "\(error)")
        }
    }

    private func stateJSON() -> [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.member("speed", number: speedText)
            $0.member("now", ISOTimestamp.format(now.atMilliseconds))
            $0.member("tasks", tasks.count)
            $0.member("queued", inFlight - running)
            $0.member("running", running)
            $0.member("charges", bill.charges.count)
            $0.name("balance")
            if let balance = controls.balance { $0.number("\(balance)") } else { $0.null() }
            $0.member("held", number: "\(held)")
            $0.member("outage", controls.isOut)
            $0.member("faults", controls.drawsFaults)
            $0.member("keys_sent_to_assets", keysSentToAssets)
            $0.member("questions", questions)
        }
        return writer.bytes
    }

    // MARK: Assets

    func assetURL(of task: SimulatedTask, completedAt: Instant) -> String {
        let start =
            switch configuration.assets.countedFrom {
            case .query: now
            case .completion: completedAt
            }
        let expires = (start + scaled(configuration.assets.urlLifetime)).milliseconds
        let signature = signature(task.id, expires: "\(expires)")
        return "\(configuration.baseURL)\(Self.assets)\(task.id)/clip.mp4?expires=\(expires)&sig=\(signature)"
    }

    private func signature(_ id: String, expires: String) -> String {
        var generator = outcomeGenerator(seed: configuration.seed, "s\(id)/\(expires)")
        return String(generator.next(), radix: 16)
    }

    private mutating func asset(_ request: SimulatedRequest, path: String, query: String) -> SimulatedResponse {
        if request.headers["x-api-key"] != nil || request.headers["authorization"] != nil { keysSentToAssets += 1 }
        let parts = path.dropFirst(Self.assets.count).split(separator: "/")
        guard parts.count == 2, parts[1] == "clip.mp4", let ordinal = ordinalByID[String(parts[0])],
            case .completed = tasks[ordinal].phase, !isDropped(tasks[ordinal])
        else { return Self.plain(404, "not found") }
        let items = Endpoint.items(ofQuery: query)
        guard let expires = items.last(where: { $0.name == "expires" })?.value, let end = Int64(expires),
            items.last(where: { $0.name == "sig" })?.value == signature(tasks[ordinal].id, expires: expires)
        else { return Self.plain(403, "signature does not match") }
        guard now < Instant(milliseconds: end) else { return Self.plain(403, "request has expired") }
        guard controls.drawsFaults else { return clip(of: tasks[ordinal], request.headers) }
        if tasks[ordinal].isAssetLate, case .completed(let time) = tasks[ordinal].phase,
            now < time + scaled(configuration.faults.assetLateFor)
        {
            return Self.plain(ordinal.isMultiple(of: 2) ? 404 : 403, "not there yet")
        }
        if draw(.expireURL) { return Self.plain(403, "request has expired") }
        if draw(.changedAsset) { tasks[ordinal].assetVersion = min(tasks[ordinal].assetVersion + 1, 255) }
        return withFaults(tasks[ordinal], request.headers)
    }

    /// The response to a request for a clip, with faults.
    private mutating func withFaults(_ task: SimulatedTask, _ asked: [String: String]) -> SimulatedResponse {
        var headers = asked
        if headers["range"] != nil, draw(.ignoredRange) { headers["range"] = nil }
        var response = clip(of: task, headers)
        if headers["range"] != nil, draw(.wrongRange) { response = mismatchedRange(of: task, headers) }
        if response.status == 200, draw(.damagedClip) { response.body = ClipWriter.withoutIndex(response.body) }
        if draw(.noLength) {
            if case .part(let first, let last, _) = ContentRange(response.header("Content-Range")) {
                response.setHeader("Content-Range", "bytes \(first)-\(last)/*")
            }
            response.action = .endUnannounced(bytes: cutOffset(in: response.body))
        } else if draw(.cutDownload), response.body.count > 1 {
            response.action = .truncate(bytes: Int(generator.draw(0...Int64(response.body.count - 1))))
        } else if draw(.dripDownload) {
            let plan = configuration.faults
            response.action = .drip(bytes: plan.dripDownloadBytes, pause: plan.dripDownloadPause)
        }
        return response
    }

    /// Where a body without a length ends: at its end, after one of its boxes, or anywhere.
    private mutating func cutOffset(in body: [UInt8]) -> Int {
        switch generator.draw(0...3) {
        case 0: return body.count
        case 1: return Int(generator.draw(0...Int64(body.count)))
        default:
            let ends = ClipWriter.ends(ofBoxesIn: body)
            return ends.isEmpty ? body.count : ends[Int(generator.draw(0...Int64(ends.count - 1)))]
        }
    }

    /// A response to a Range request that must not be appended.
    private mutating func mismatchedRange(of task: SimulatedTask, _ asked: [String: String]) -> SimulatedResponse {
        var headers = asked
        let kind = generator.draw(0...4)
        // Like a service that does not support If-Range.
        if kind >= 3 { headers["if-range"] = nil }
        var response = clip(of: task, headers)
        guard case .part(let first, let last, let total?) = ContentRange(response.header("Content-Range")) else {
            return response
        }
        switch kind {
        case 0: response.setHeader("Content-Range", "bytes \(first + 1)-\(last)/\(total)")
        case 1: response.setHeader("Content-Range", "bytes \(first)-\(last)/\(total + 1)")
        case 2: response.setHeader("Content-Range", nil)
        case 3: break
        default: for name in ["ETag", "Last-Modified"] { response.setHeader(name, nil) }
        }
        return response
    }

    /// The bytes of a task's clip.
    ///
    /// - Parameter version: nil for the current version.
    func file(of task: SimulatedTask, version: Int? = nil) -> [UInt8] {
        ClipWriter(
            resolution: task.resolution, aspectRatio: task.aspectRatio, seconds: task.seconds,
            paddingBytes: configuration.assets.paddingBytes, version: version ?? task.assetVersion
        ).file(as: task.container)
    }

    private func clip(of task: SimulatedTask, _ asked: [String: String]) -> SimulatedResponse {
        let file = file(of: task)
        var headers: [SimulatedResponse.Header] = [
            .init("Content-Type", task.container.mediaType), .init("Accept-Ranges", "bytes"),
        ]
        let validator = validator(of: task)
        if let validator { headers.append(validator) }
        let isOther = asked["if-range"].map { $0 != validator?.value } ?? false
        switch ByteRange(isOther ? nil : asked["range"], length: file.count) {
        case .whole: return SimulatedResponse(status: 200, headers: headers, body: file)
        case .part(let bytes):
            headers.append(
                .init("Content-Range", "bytes \(bytes.lowerBound)-\(bytes.upperBound - 1)/\(file.count)"))
            return SimulatedResponse(status: 206, headers: headers, body: Array(file[bytes]))
        case .outside:
            var response = Self.plain(416, "range not satisfiable")
            response.headers.append(.init("Content-Range", "bytes */\(file.count)"))
            return response
        }
    }

    /// The header field with the version of a clip.
    private func validator(of task: SimulatedTask) -> SimulatedResponse.Header? {
        guard case .completed(let time) = task.phase else { return nil }
        switch configuration.assets.validators {
        case .entityTag: return .init("ETag", "\"\(task.id)-\(task.assetVersion)\"")
        case .lastModified:
            return .init("Last-Modified", HTTPDate.format(time + .seconds(task.assetVersion)))
        case .none: return nil
        }
    }

    private static func plain(_ status: Int, _ text: String) -> SimulatedResponse {
        SimulatedResponse(
            status: status, headers: [.init("Content-Type", "text/plain")], body: Array("\(text)\n".utf8))
    }
}

/// The range that a `Range` header requests. Several ranges, other units and invalid text mean the whole (RFC 9110,
/// 14.2).
enum ByteRange: Hashable {
    case whole
    case part(Range<Int>)
    /// Starts after the end: 416.
    case outside

    init(_ field: String?, length: Int) {
        self = .whole
        guard let field, field.hasPrefix("bytes="), !field.contains(",") else { return }
        let ends = field.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2 else { return }
        switch (Int(ends[0]), Int(ends[1])) {
        case (let first?, nil) where ends[1].isEmpty: self = first < length ? .part(first..<length) : .outside
        case (let first?, let last?) where last >= first:
            self = first < length ? .part(first..<min(last, length - 1) + 1) : .outside
        case (nil, let count?) where ends[0].isEmpty:
            self = count > 0 ? .part(max(0, length - count)..<length) : .outside
        default: break
        }
    }
}

extension Bill {
    /// The bill as returned by `GET /simulator/bill`. Amounts are numbers with exact text.
    package func json() -> [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.member("total", number: "\(total)")
            $0.member("submits", submits)
            $0.member("accepted", accepted)
            $0.member("max_in_flight", maximumInFlight)
            $0.name("charges")
            $0.array { array in
                for charge in charges { array.object { charge.write(to: &$0) } }
            }
            $0.name("renders_by_key")
            $0.object { Self.write(rendersByKey, to: &$0) }
            $0.name("submits_by_key")
            $0.object { Self.write(submitsByKey, to: &$0) }
        }
        return writer.bytes
    }

    private static func write(_ counts: [String: Int], to writer: inout JSONWriter) {
        for (key, count) in counts.sorted(by: { $0.key < $1.key }) { writer.member(key, count) }
    }
}

extension Bill.Charge {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.member("task_id", taskID)
        writer.name("out_task_id")
        if let outTaskID { writer.string(outTaskID) } else { writer.null() }
        writer.member("model", model)
        writer.member("credits", number: text)
        writer.member("at", ISOTimestamp.format(at))
    }
}
