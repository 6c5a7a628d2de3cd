import DailiesCore
import ExactJSON

/// A plan as text and as JSON.
enum PlanOutput {
    static func table(_ plan: RunPlan) -> String {
        var parts = [counts(plan)]
        if plan.toRender > 0 { parts.append(prices(plan)) }
        parts.append(lines(plan).joined(separator: "\n"))
        return parts.joined(separator: "\n\n")
    }

    private static func counts(_ plan: RunPlan) -> String {
        let used = RunPlan.TaskStatus.allCases.filter { status in
            status == .new || status == .paid || plan.batches.contains { $0.counts[status, default: 0] > 0 }
        }
        let hasRemoved = plan.batches.contains { $0.removed > 0 }
        let titles = ["batch"] + used.map(\.title) + (hasRemoved ? ["removed"] : []) + ["to render", "credits"]
        var table = TextTable(titles, rightAligned: Set(1..<titles.count))
        for batch in plan.batches {
            let removed = hasRemoved ? ["\(batch.removed)"] : []
            table.add(
                [SafeText.escaped(batch.name)] + used.map { "\(batch.counts[$0, default: 0])" } + removed
                    + ["\(batch.toRender)", credits(batch.low, batch.high, batch.unknownPrices, of: batch.toRender)])
        }
        if plan.batches.count > 1 {
            let sums = used.map { status in plan.batches.reduce(0) { $0 + $1.counts[status, default: 0] } }
            let removed = hasRemoved ? ["\(plan.batches.reduce(0) { $0 + $1.removed })"] : []
            table.add(
                ["total"] + sums.map { "\($0)" } + removed
                    + [
                        "\(plan.toRender)",
                        credits(plan.low, plan.high, plan.unknownPrices, of: plan.toRender),
                    ])
        }
        return table.text
    }

    /// The known price range; clips without a known price are counted separately, never as 0.
    private static func credits(_ low: CreditTotal, _ high: CreditTotal, _ unknown: Int, of count: Int) -> String {
        if unknown > 0, unknown == count { return "unknown" }
        return range(low, high) + (unknown > 0 ? " + \(unknown) unknown" : "")
    }

    private static func range(_ low: CreditTotal, _ high: CreditTotal) -> String {
        low == high ? "\(low)" : "\(low) – \(high)"
    }

    private static func prices(_ plan: RunPlan) -> String {
        var table = TextTable(
            ["model", "seconds", "size", "clips", "credits each", "source"], rightAligned: [1, 3, 4])
        var notes: [String] = []
        for line in plan.lines {
            let each = line.price.map { price in
                range(CreditTotal(price.range.lowerBound), CreditTotal(price.range.upperBound))
            }
            table.add([
                SafeText.escaped(line.shape.model.text), line.shape.durationSeconds.map { "\($0)" } ?? "-",
                SafeText.escaped(line.shape.resolution ?? "-"), "\(line.tasks)", each ?? "unknown",
                line.price.map { "[\(note(source($0.source), in: &notes))]" } ?? "no known price; use --rates FILE",
            ])
        }
        return ([table.text] + notes.enumerated().map { "[\($0 + 1)] \($1)" }).joined(separator: "\n")
    }

    /// The number of a note; a new note is added.
    private static func note(_ text: String, in notes: inout [String]) -> Int {
        if let known = notes.firstIndex(of: text) { return known + 1 }
        notes.append(text)
        return notes.count
    }

    static func source(_ source: PriceEstimate.Source) -> String {
        SafeText.escaped(source.name) + (source.date.map { " (\(SafeText.escaped($0)))" } ?? " (no date)")
    }

    /// `25`, or `25 (8 of veo-3.1)`.
    private static func limits(_ limits: SubmissionLimits) -> String {
        let models = limits.byModel.sorted { $0.key < $1.key }.map { "\($0.value) of \(SafeText.escaped($0.key.text))" }
        return "\(limits.concurrency)" + (models.isEmpty ? "" : " (\(models.joined(separator: ", ")))")
    }

    private static func lines(_ plan: RunPlan) -> [String] {
        var lines: [String] = []
        if let time = plan.time.range {
            let unknown = plan.time.unknown > 0 ? "; \(plan.time.unknown) with unknown latency not counted" : ""
            let range = "\(text(time.lowerBound)) – \(text(time.upperBound))"
            lines.append("time: \(range) at \(limits(plan.limits)) in flight" + unknown)
        } else if plan.time.unknown > 0 {
            lines.append("time: unknown; no latency is published for these models")
        }
        for batch in plan.batches { lines += DuplicatesOutput.lines(batch.duplicates) }
        for batch in plan.batches { lines += budgets(batch) }
        for batch in plan.batches { lines += TaskDescription.heldBack(batch.heldBack) }
        for batch in plan.batches where batch.counts[.changed, default: 0] > 0 && !plan.acceptsChanges {
            lines.append(
                "\(batch.counts[.changed, default: 0]) changed in \(SafeText.escaped(batch.name)): a run would refuse them; "
                    + "use --accept-changes to render them again")
        }
        let waiting = plan.batches.reduce(0) { sum, batch in
            sum + batch.counts[.failed, default: 0] + batch.counts[.cancelled, default: 0]
        }
        if waiting > 0 {
            lines.append("\(waiting) failed or cancelled earlier: run `dailies retry` to render them again")
        }
        let uncertain = plan.batches.reduce(0) { $0 + $1.counts[.uncertain, default: 0] }
        if uncertain > 0 { lines.append("\(uncertain) uncertain: they may have been billed; run `dailies reconcile`") }
        if !plan.hasWork { lines.append("nothing to do") }
        return lines
    }

    private static func budgets(_ batch: RunPlan.Batch) -> [String] {
        let name = SafeText.escaped(batch.name)
        let own = room("budget of \(name)", batch.position, (batch.low, batch.high), batch.unknownPrices)
        let tags = batch.tagBudgets.flatMap { budget in
            room(
                "budget of \(name), \(SafeText.escaped("\(budget.tag.name)=\(budget.tag.value)"))", budget.position,
                (budget.low, budget.high), budget.unknownPrices)
        }
        return own + tags
    }

    private static func room(
        _ title: String, _ position: BudgetUsage, _ need: (low: CreditTotal, high: CreditTotal), _ unknown: Int
    ) -> [String] {
        guard let cap = position.cap, let room = room(position) else { return [] }
        var details = "\(room) available"
        if need.low > room {
            details += "; not enough even at the lowest price, \(need.low)"
        } else if need.high > room {
            details += "; not enough at the highest price, \(need.high)"
        }
        if unknown > 0 { details += "; \(unknown) without a known price will not start" }
        return ["\(title): \(cap); \(position.settled) settled, \(position.reserved) reserved, \(details)"]
    }

    static func text(_ duration: Duration) -> String {
        duration.formatted(.units(allowed: [.hours, .minutes, .seconds], width: .narrow))
    }

    // MARK: Task by task

    static let taskColumns = ["batch", "task", "status", "model", "credits", "source"]
    static let rightAlignedTaskColumns: Set = [4]

    /// One cell for each of ``taskColumns``; none contains a tab.
    static func cells(of listed: RunPlan.Listed) -> [String] {
        switch listed {
        case .named(let task, let batch):
            let price = task.price.map { price in
                range(CreditTotal(price.range.lowerBound), CreditTotal(price.range.upperBound))
            }
            return [
                SafeText.escaped(batch), SafeText.escaped(task.key.text), task.status.title,
                SafeText.escaped(task.shape.model.text), price ?? (task.isToRender ? "unknown" : "-"),
                task.price.map { source($0.source) } ?? "-",
            ]
        case .removed(let key, let batch):
            return [SafeText.escaped(batch), SafeText.escaped(key.text), "removed", "-", "-", "-"]
        }
    }

    // MARK: JSON

    /// Writes the plan as one object, in chunks if it lists tasks.
    static func writeJSON(
        _ plan: RunPlan, warnings: [String], outputFault: String?, code: ExitCode, to out: (String) -> Void
    ) throws {
        var writer = JSONWriter()
        writer.beginObject()
        let members =
            ["type": "plan"] + json(plan) + [
                "warnings": warnings, "output_problem": outputFault, "folder_settings": FolderSettings.json,
            ]
        members.writeMembers(to: &writer)
        if let listing = plan.listing {
            writer.name("tasks")
            writer.beginArray()
            try listing.forEachLine { line in
                writer.raw(line)
                if writer.bytes.count >= PlanTaskList.chunk { out(String(decoding: writer.takeBytes(), as: UTF8.self)) }
            }
            writer.endArray()
        }
        writer.member("exit_code", code.rawValue)
        writer.endObject()
        out(writer.text + "\n")
    }

    static func json(_ plan: RunPlan) -> JSONObject {
        let models = plan.limits.byModel.sorted { $0.key < $1.key }
        let seconds = plan.time.range.map { time -> JSONObject in
            [
                "low": time.lowerBound.components.seconds, "high": time.upperBound.components.seconds,
                "unknown_tasks": plan.time.unknown,
            ]
        }
        return ["to_render": plan.toRender]
            + total(plan.low, plan.high, plan.unknownPrices, of: plan.toRender) + [
                "concurrency": plan.limits.concurrency,
                "model_concurrency": JSONObject(models.map { ($0.key.text, $0.value) }),
                "seconds": seconds,
                "batches": plan.batches.map(json),
                "prices": plan.lines.map { json($0.shape) + ["tasks": $0.tasks] + json($0.price) },
            ]
    }

    /// Sums of the known prices; null if no price is known.
    private static func total(_ low: CreditTotal, _ high: CreditTotal, _ unknown: Int, of count: Int) -> JSONObject {
        let isKnown = unknown == 0 || unknown != count
        return [
            "credits_low": isKnown ? low : nil, "credits_high": isKnown ? high : nil, "unknown_prices": unknown,
        ]
    }

    private static func json(_ batch: RunPlan.Batch) -> JSONObject {
        let tagBudgets = batch.tagBudgets.map { budget -> JSONObject in
            [
                "tag": budget.tag.name,
                "value": budget.tag.value,
                "credits_low": budget.low,
                "credits_high": budget.high,
                "unknown_prices": budget.unknownPrices,
                "budget": budget.position.cap,
                "room": room(budget.position),
            ]
        }
        return ["batch": batch.name, "manifest": batch.path]
            + JSONObject(RunPlan.TaskStatus.allCases.map { ($0.rawValue, batch.counts[$0, default: 0]) }) + [
                "removed": batch.removed,
                "waits_again": StatusOutput.json(heldBack: batch.heldBack),
                "to_render": batch.toRender,
            ] + total(batch.low, batch.high, batch.unknownPrices, of: batch.toRender)
            + DuplicatesOutput.json(batch.duplicates) + [
                "budget": batch.position.cap,
                "settled": batch.position.settled,
                "reserved": batch.position.reserved,
                "room": room(batch.position),
                "tag_budgets": tagBudgets,
            ]
    }

    /// nil: there is no budget.
    private static func room(_ position: BudgetUsage) -> CreditTotal? {
        position.cap.map { CreditTotal($0) - position.settled - position.reserved }
    }

    private static func json(_ shape: RequestShape) -> JSONObject {
        ["model": shape.model.text, "resolution": shape.resolution, "duration_seconds": shape.durationSeconds]
    }

    private static func json(_ price: PriceEstimate?) -> JSONObject {
        [
            "credits_low": price?.range.lowerBound,
            "credits_high": price?.range.upperBound,
            "source_kind": price?.source.kind.rawValue,
            "source": price?.source.name,
            "source_date": price?.source.date,
        ]
    }

    static func json(_ listed: RunPlan.Listed) -> JSONObject {
        switch listed {
        case .named(let task, let batch):
            ["batch": batch, "key": task.key.text, "stands": task.status.rawValue, "to_render": task.isToRender]
                + json(task.shape) + json(task.price)
        case .removed(let key, let batch): ["batch": batch, "key": key.text, "stands": "removed"]
        }
    }
}
