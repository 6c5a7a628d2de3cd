import DailiesCore

/// The fields of a task or of `defaults`, grouped by purpose; request values are not typed yet.
struct RawTask {
    var place: SourcePosition
    var request: [String: FieldValue] = [:]
    /// The fields of `extra`, by name.
    var extra: [ByteKey: FieldValue] = [:]
    var tags: [ByteKey: String] = [:]
    var variables: [ByteKey: Variable] = [:]
    var priority: Int?
    var id: FieldValue?
    var output: FieldValue?
    var matrix: FieldValue?
    var repeats: (count: Int, value: FieldValue)?

    init(place: SourcePosition) { self.place = place }

    /// Whether it expands to more than one task.
    var isMultiple: Bool { matrix != nil || repeats != nil }

    /// The task, with defaults for the fields that it omits.
    func merged(with defaults: RawTask) -> RawTask {
        var result = self
        result.request.merge(defaults.request) { own, _ in own }
        result.extra.merge(defaults.extra) { own, _ in own }
        result.tags.merge(defaults.tags) { own, _ in own }
        result.variables.merge(defaults.variables) { own, _ in own }
        result.priority = priority ?? defaults.priority
        return result
    }
}

struct RawTaskReader {
    static let priorities = -1_000_000...1_000_000
    /// Fields that belong to a single task.
    private static let single: Set = ["id", "output", "matrix", "repeat"]

    let fields: FieldSchema

    /// - Parameter isDefaults: rejects fields of a single task, and labels fields `defaults.…`.
    func read(_ source: [SourceField], at place: SourcePosition, isDefaults: Bool, log: inout Diagnostics) -> RawTask {
        let prefix = isDefaults ? "defaults." : ""
        var task = RawTask(place: place)
        for field in log.unique(source, prefix: prefix) {
            let value = FieldValue(label: prefix + field.name, node: field.value)
            if fields.isRequestField(field.name) {
                if !value.isNothing { task.request[field.name] = value }
            } else if isDefaults, Self.single.contains(field.name) {
                log.error(field.place, value.label, "applies to a single task", "remove it from defaults")
            } else if !value.isNothing || !FieldSchema.runner.contains(field.name) {
                readRunnerField(field, value, into: &task, log: &log)
            }
        }
        return task
    }

    private func readRunnerField(
        _ field: SourceField, _ value: FieldValue, into task: inout RawTask, log: inout Diagnostics
    ) {
        switch field.name {
        case "id": task.id = value
        case "output": task.output = value
        case "matrix": task.matrix = value
        case "repeat":
            task.repeats = number(value, in: 1...ManifestLimits.maximumMembers, log: &log).map { ($0, value) }
        case "priority": task.priority = number(value, in: Self.priorities, log: &log)
        case "tags": task.tags = tags(value, log: &log)
        case "vars": task.variables = variables(value, log: &log)
        case "extra": task.extra = extra(value, log: &log)
        case "batch", "defaults":
            log.error(
                field.place, value.label, "is not allowed in a task",
                "write it once, in a first line without prompt and model, or next to tasks")
        default:
            let unknown = fields.unknown(field.name)
            log.error(field.place, value.label, unknown.message, unknown.fix)
        }
    }

    private func number(_ value: FieldValue, in range: ClosedRange<Int>, log: inout Diagnostics) -> Int? {
        guard let number = log.integer(value) else { return nil }
        guard range ~= number else {
            log.refuse(value, "is \(number)", "write a number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    private func tags(_ value: FieldValue, log: inout Diagnostics) -> [ByteKey: String] {
        guard case .map(let members) = value.node.content else {
            log.refuse(value, "is \(value.node.content.name)", "write names and values, such as client: acme")
            return [:]
        }
        var tags: [ByteKey: String] = [:]
        for member in log.unique(members.map { self.tag($0, of: value, log: &log) }, prefix: value.label + ".") {
            let tag = FieldValue(label: value.label + "." + member.name, node: member.value)
            if tag.isNothing { continue }
            if let fault = Diagnostics.fault(ofName: member.name) {
                log.error(member.place, value.label, "has a name that \(fault.message)", fault.fix)
            } else if let text = log.name(tag) {
                tags[ByteKey(member.name)] = text
            }
        }
        if tags.count > ManifestLimits.maximumTags {
            log.refuse(value, "has \(tags.count) tags", "write at most \(ManifestLimits.maximumTags)")
        }
        return tags
    }

    /// Removes invisible and blank outer characters from the tag's name.
    private func tag(_ member: SourceField, of tags: FieldValue, log: inout Diagnostics) -> SourceField {
        let label = FieldValue(
            label: "\(tags.label).\(member.name)", node: SourceNode(place: member.place, content: .nothing))
        let name = log.withoutOuterCharacters(member.name, label)
        return SourceField(name: name, place: member.place, value: member.value)
    }

    private func variables(_ value: FieldValue, log: inout Diagnostics) -> [ByteKey: Variable] {
        guard case .map(let members) = value.node.content else {
            log.refuse(value, "is \(value.node.content.name)", "write names and texts, such as subject: a stag")
            return [:]
        }
        var variables: [ByteKey: Variable] = [:]
        for member in log.unique(members, prefix: value.label + ".") {
            let inner = FieldValue(label: value.label + "." + member.name, node: member.value)
            if inner.isNothing { continue }
            if let fault = VariableName.fault(member.name) {
                log.error(member.place, value.label, fault.message, fault.fix)
            } else if let text = log.text(inner) {
                log.warnAboutAccident(in: text, inner)
                variables[ByteKey(member.name)] = Variable(text: text, value: inner)
            }
        }
        if variables.count > ManifestLimits.maximumVariables {
            log.refuse(
                value, "has \(variables.count) variables", "write at most \(ManifestLimits.maximumVariables)")
        }
        return variables
    }

    private func extra(_ value: FieldValue, log: inout Diagnostics) -> [ByteKey: FieldValue] {
        guard case .map(let members) = value.node.content else {
            log.refuse(value, "is \(value.node.content.name)", "write the names and values of fields")
            return [:]
        }
        var extra: [ByteKey: FieldValue] = [:]
        for member in log.unique(members, prefix: value.label + ".") {
            let inner = FieldValue(label: value.label + "." + member.name, node: member.value)
            if inner.isNothing { continue }
            if fields.isTaskField(member.name) {
                log.error(member.place, inner.label, "is a task field", "move it out of extra")
            } else if FieldSchema.reserved.contains(member.name) {
                log.error(member.place, inner.label, "is set by the runner, not by a task", "remove it")
            } else if let fault = Diagnostics.fault(ofName: member.name) {
                log.error(member.place, value.label, "has a name that \(fault.message)", fault.fix)
            } else {
                extra[ByteKey(member.name)] = inner
            }
        }
        return extra
    }
}

extension FieldValue {
    var isNothing: Bool { if case .nothing = node.content { true } else { false } }
}
