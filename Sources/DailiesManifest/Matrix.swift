import DailiesCore

/// The axes of a task's `matrix`: sorted by name, each with its values in the order given.
struct Matrix {
    /// Tasks of one matrix.
    static let mostMembers = 100_000

    struct Axis {
        let name: String
        let values: [(value: FieldValue, text: String)]
    }
    let axes: [Axis]

    /// nil: something in it was refused.
    init?(_ value: FieldValue, of task: RawTask, fields: FieldTable, log: inout ProblemLog) {
        guard case .map(let members) = value.node.content, !members.isEmpty else {
            let what = if case .map = value.node.content { "is empty" } else { "is \(value.node.content.name)" }
            log.refuse(value, what, "write fields and lists of their values, such as seed: [1, 2, 3]")
            return nil
        }
        let before = log.errorCount
        var axes: [Axis] = []
        for member in log.unique(members, prefix: "matrix.") {
            if let axis = Self.axis(member, of: task, fields: fields, log: &log) { axes.append(axis) }
        }
        guard log.errorCount == before else { return nil }
        var count = 1
        for axis in axes {
            let product = count.multipliedReportingOverflow(by: axis.values.count)
            count = product.overflow ? .max : product.partialValue
        }
        guard count <= Self.mostMembers else {
            log.refuse(
                value, "makes \(count == .max ? "countless" : "\(count)") tasks",
                "at most \(Self.mostMembers) come from one matrix: split it")
            return nil
        }
        self.axes = axes.sorted { $0.name.precedesInUTF8($1.name) }
    }

    private static func axis(
        _ member: SourceField, of task: RawTask, fields: FieldTable, log: inout ProblemLog
    ) -> Axis? {
        let label = "matrix." + member.name
        guard let kind = fields.kind(of: member.name, for: nil) else {
            let near = Suggestion.nearest(to: member.name, in: fields.requestFields)
            log.error(
                member.place, label, "is no request field",
                near.map { "did you mean \($0)?" } ?? "only fields such as seed and aspect_ratio can vary")
            return nil
        }
        if let own = task.request[member.name] {
            log.error(
                member.place, label, "is given for the task too, at \(own.place.line):\(own.place.column)",
                "keep one of them")
            return nil
        }
        guard case .list(let elements) = member.value.content, !elements.isEmpty else {
            let value = FieldValue(label: label, node: member.value)
            let what = if case .list = member.value.content { "is empty" } else { "is \(member.value.content.name)" }
            log.refuse(value, what, "write a list of its values")
            return nil
        }
        var seen: [ExactName: Place] = [:]
        var values: [(value: FieldValue, text: String)] = []
        for element in elements {
            let value = FieldValue(label: label, node: element)
            guard let typed = log.typed(value, as: kind) else { continue }
            if let earlier = seen[ExactName(typed.plain)] {
                log.refuse(value, "has this value already, at \(earlier.line):\(earlier.column)", "remove one of them")
                continue
            }
            seen[ExactName(typed.plain)] = value.place
            values.append((value, typed.plain))
        }
        return Axis(name: member.name, values: values)
    }

    /// Calls `body` for each combination, the last axis changing fastest, with the fields it sets and with its part of
    /// the key: `aspect_ratio=16:9,seed=1`.
    func forEachMember(_ body: ([String: FieldValue], String) -> Bool) {
        var indices = [Int](repeating: 0, count: axes.count)
        while true {
            var fields: [String: FieldValue] = [:]
            var parts: [String] = []
            for (axis, index) in zip(axes, indices) {
                fields[axis.name] = axis.values[index].value
                parts.append("\(axis.name)=\(axis.values[index].text)")
            }
            guard body(fields, parts.joined(separator: ",")) else { return }
            guard let turning = axes.indices.last(where: { indices[$0] + 1 < axes[$0].values.count }) else { return }
            indices[turning] += 1
            for later in axes.indices where later > turning { indices[later] = 0 }
        }
    }
}
