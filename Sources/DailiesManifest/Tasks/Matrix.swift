import DailiesCore

/// Expands one task into several: the axes of its `matrix`, and `repeat` as one more. Sorted by name; values keep their
/// order.
struct Matrix {
    struct Axis {
        let name: String
        let values: Values

        var count: Int {
            switch values {
            case .given(let values): values.count
            case .seeds(_, let count, _): count
            }
        }
    }

    enum Values {
        case given([(value: FieldValue, text: String)])
        /// From `repeat`: seeds counted up from the first, which `seed` gives.
        case seeds(first: Int, count: Int, seed: FieldValue)
    }

    /// One combination.
    struct Member {
        var request: [String: FieldValue] = [:]
        var variables: [ByteKey: Variable] = [:]
        /// Its part of the key: `aspect_ratio=16:9,seed=1`.
        var suffix = ""
    }

    static let variablePrefix = "vars."

    let axes: [Axis]

    /// nil after reporting an error.
    ///
    /// - Parameters:
    ///   - own: the task as written, with a `matrix`, a `repeat` or both.
    ///   - task: the task merged with the defaults.
    init?(of own: RawTask, merged task: RawTask, fields: FieldSchema, log: inout Diagnostics) {
        let before = log.errorCount
        var axes: [Axis] = []
        if let value = own.matrix { axes = Self.axes(value, of: own, fields: fields, log: &log) }
        if let (count, value) = own.repeats {
            let hasSeeds = axes.contains { $0.name == "seed" }
            if let axis = Self.seeds(count, value, task: task, hasSeeds: hasSeeds, log: &log) { axes.append(axis) }
        }
        guard log.errorCount == before else { return nil }
        var count = 1
        for axis in axes {
            let product = count.multipliedReportingOverflow(by: axis.count)
            count = product.overflow ? .max : product.partialValue
        }
        guard count <= ManifestLimits.maximumMembers else {
            if let value = own.matrix ?? own.repeats?.value {
                log.refuse(
                    value, "makes \(count == .max ? "too many" : "\(count)") tasks",
                    "split it, since one \(own.repeats == nil ? "matrix" : "task") makes at most "
                        + "\(ManifestLimits.maximumMembers)"
                )
            }
            return nil
        }
        self.axes = axes.sorted { $0.name.precedesInUTF8($1.name) }
    }

    // MARK: Axes

    private static func axes(
        _ value: FieldValue, of task: RawTask, fields: FieldSchema, log: inout Diagnostics
    ) -> [Axis] {
        guard case .map(let members) = value.node.content, !members.isEmpty else {
            let message = if case .map = value.node.content { "is empty" } else { "is \(value.node.content.name)" }
            log.refuse(value, message, "write fields and lists of their values, such as seed: [1, 2, 3]")
            return []
        }
        return log.unique(members, prefix: "matrix.").compactMap { axis($0, of: task, fields: fields, log: &log) }
    }

    private static func axis(
        _ member: SourceField, of task: RawTask, fields: FieldSchema, log: inout Diagnostics
    ) -> Axis? {
        let label = "matrix." + member.name
        guard let (kind, own) = kind(of: member, task: task, fields: fields, label: label, log: &log) else {
            return nil
        }
        if let own {
            log.error(
                member.place, label, "is also set on the task, at \(own.place.line):\(own.place.column)",
                "keep one of them")
            return nil
        }
        guard case .list(let elements) = member.value.content, !elements.isEmpty else {
            let value = FieldValue(label: label, node: member.value)
            let message = if case .list = member.value.content { "is empty" } else { "is \(member.value.content.name)" }
            log.refuse(value, message, "write a list of its values")
            return nil
        }
        let isFree = member.name.hasPrefix(variablePrefix) || fields.isFree(member.name)
        var seen: [ByteKey: SourcePosition] = [:]
        var values: [(value: FieldValue, text: String)] = []
        for element in elements {
            let value = FieldValue(label: label, node: element)
            guard let typed = log.typed(value, as: kind, isFree: isFree) else { continue }
            if member.name.hasPrefix(variablePrefix) { log.warnAboutAccident(in: typed.plain, value) }
            if let earlier = seen[ByteKey(typed.plain)] {
                log.refuse(value, "repeats the value at \(earlier.line):\(earlier.column)", "remove one of them")
                continue
            }
            seen[ByteKey(typed.plain)] = value.place
            values.append((value, typed.plain))
        }
        return Axis(name: member.name, values: .given(values))
    }

    /// The type of an axis, and the task's own value for the field, which is a conflict.
    private static func kind(
        of member: SourceField, task: RawTask, fields: FieldSchema, label: String, log: inout Diagnostics
    ) -> (ExtraField, own: FieldValue?)? {
        if member.name.hasPrefix(variablePrefix) {
            let name = String(member.name.dropFirst(variablePrefix.count))
            guard let fault = VariableName.fault(name) else {
                return (.text(allowed: nil), task.variables[ByteKey(name)]?.value)
            }
            log.error(member.place, label, fault.message, fault.fix)
            return nil
        }
        if let kind = fields.kind(of: member.name, for: nil) { return (kind, task.request[member.name]) }
        let near = SpellingSuggestion.nearest(to: member.name, in: fields.requestFields)
        log.error(
            member.place, label, "is not a request field",
            near.map { "did you mean \($0)?" } ?? "only fields such as seed and aspect_ratio can vary")
        return nil
    }

    private static func seeds(
        _ count: Int, _ value: FieldValue, task: RawTask, hasSeeds: Bool, log: inout Diagnostics
    ) -> Axis? {
        if hasSeeds {
            log.refuse(value, "counts up from one seed, but matrix.seed lists several", "keep one of them")
            return nil
        }
        guard let seed = task.request["seed"] else {
            log.refuse(value, "needs a seed to count from", "add a first seed, such as seed: 1")
            return nil
        }
        guard let first = log.integer(seed) else { return nil }
        guard first <= Int.max - (count - 1) else {
            log.refuse(value, "counts seeds from \(first) past 64 bits", "use a smaller seed or fewer repeats")
            return nil
        }
        return Axis(name: "repeat", values: .seeds(first: first, count: count, seed: seed))
    }

    // MARK: Members

    /// Calls `body` for each combination until it returns false. The last axis changes fastest.
    func forEachMember(_ body: (Member) -> Bool) {
        var indices = [Int](repeating: 0, count: axes.count)
        while true {
            var member = Member()
            for (axis, index) in zip(axes, indices) { Self.add(axis, index, to: &member) }
            guard body(member) else { return }
            guard let turning = axes.indices.last(where: { indices[$0] + 1 < axes[$0].count }) else { return }
            indices[turning] += 1
            for later in axes.indices where later > turning { indices[later] = 0 }
        }
    }

    private static func add(_ axis: Axis, _ index: Int, to member: inout Member) {
        if !member.suffix.isEmpty { member.suffix += "," }
        switch axis.values {
        case .given(let values):
            let (value, text) = values[index]
            member.suffix += "\(axis.name)=\(text)"
            if axis.name.hasPrefix(variablePrefix) {
                let name = ByteKey(String(axis.name.dropFirst(variablePrefix.count)))
                member.variables[name] = Variable(text: text, value: value)
            } else {
                member.request[axis.name] = value
            }
        case .seeds(let first, _, let seed):
            member.suffix += "\(axis.name)=\(index + 1)"
            let content = SourceNode.Content.scalar(Scalar(text: String(first + index), form: .bare))
            member.request["seed"] = FieldValue(
                label: seed.label, node: SourceNode(place: seed.place, content: content))
        }
    }
}
