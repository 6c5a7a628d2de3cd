import DailiesCore

/// The defaults of a manifest, if the fast path supports them.
struct FastDefaults {
    let request: [String: FieldValue]
    let model: String?
    let prompt: String?
    /// Sorted by name.
    let tags: [TaskSpec.Tag]
    let priority: Int

    /// nil if the fast path does not support these defaults.
    init?(_ defaults: RawTask) {
        guard defaults.extra.isEmpty, defaults.tags.count + FastLineScanner.maximumTags <= ManifestLimits.maximumTags
        else {
            return nil
        }
        request = defaults.request
        model = defaults.request["model"].flatMap(Self.text)
        prompt = defaults.request["prompt"].flatMap(Self.text)
        if let prompt, PromptTemplate.isTemplate(prompt) { return nil }
        tags = defaults.tags.map { TaskSpec.Tag(name: $0.key.text, value: $0.value) }
            .sorted { $0.name.precedesInUTF8($1.name) }
        priority = defaults.priority ?? 0
    }

    private static func text(_ value: FieldValue) -> String? {
        guard case .scalar(let scalar) = value.node.content, scalar.form == .jsonText else { return nil }
        return scalar.text
    }
}

/// The rules of a model, prepared for bytes.
struct FastModelRules {
    enum Rule {
        case integer(ClosedRange<Int>)
        case choice([[UInt8]])
        case name
        case image
        case none
    }
    let spec: ModelSpec
    let bytes: [UInt8]
    /// The warning for each of its tasks; nil for none.
    let warning: String?
    /// By slot.
    let rules: [Rule]
    /// Slots that may have a value.
    let allowed: UInt64
    /// Slots that have a value even if the line omits them; ``fills`` has that value as JSON.
    let given: UInt64
    let fills: [[UInt8]?]
    /// Maximum bytes that all fills add to a request.
    let fillBytes: Int
    /// From the defaults.
    let durationSeconds: Int?
    let resolution: String?

    /// nil if the defaults do not fit this model or give a warning.
    init?(_ spec: ModelSpec, rules request: RequestValidator, slots: FieldSlots, defaults: FastDefaults) {
        self.spec = spec
        bytes = Array(spec.id.text.utf8)
        warning = request.warns(about: spec) ? RequestValidator.warningName(spec.id) : nil
        var log = Diagnostics(file: "")
        var typed: [String: TypedValue] = ["model": .text(spec.id.text)]
        for (name, value) in defaults.request where name != "model" {
            typed[name] = request.check(value, name: name, model: spec.id, spec: spec, log: &log)
        }
        guard log.errorCount == 0, log.warnings.isEmpty,
            spec.resolutions.allSatisfy({ Diagnostics.fault(ofName: $0) == nil })
        else {
            return nil
        }
        if let entry = request.identity[spec.id] {
            if typed["resolution"] == nil { typed["resolution"] = .text(entry.resolution) }
            if typed["aspect_ratio"] == nil { typed["aspect_ratio"] = .text(entry.aspectRatio) }
        }
        let names = slots.names.map { String(decoding: $0, as: UTF8.self) }
        let rules = names.map { Self.rule($0, spec) }
        self.rules = rules
        var allowed: UInt64 = 0
        var given: UInt64 = 0
        var fills: [[UInt8]?] = []
        for (slot, name) in names.enumerated() {
            let isSpecial = slot == slots.model || slot == slots.prompt || slot == slots.tags
            if case .none = rules[slot], !isSpecial {} else { allowed |= 1 << UInt64(slot) }
            let fill = slot < slots.requestCount ? typed[name] : nil
            if fill != nil { given |= 1 << UInt64(slot) }
            fills.append(fill.map { Array($0.json.utf8) })
        }
        (self.allowed, self.given, self.fills) = (allowed, given, fills)
        fillBytes = zip(fills, slots.prefixes).reduce(64) { $0 + ($1.0?.count ?? 0) + $1.1.count + 1 }
        if case .integer(_, let value) = typed["duration_seconds"] {
            durationSeconds = value
        } else {
            durationSeconds = nil
        }
        resolution = typed["resolution"]?.plain
    }

    private static func rule(_ name: String, _ spec: ModelSpec) -> Rule {
        let choice = { (values: [String]) in Rule.choice(values.map { Array($0.utf8) }) }
        switch name {
        case "duration_seconds": return .integer(spec.durationSeconds)
        case "resolution": return choice(spec.resolutions)
        case "aspect_ratio": return choice(spec.aspectRatios)
        case "image_init": return spec.acceptsImageInit ? .image : .none
        case "id": return .name
        case "priority": return .integer(RawTaskReader.priorities)
        case "model", "prompt", "tags": return .none
        default:
            switch spec.extraFields[name] {
            case nil: return .none
            case .integer: return .integer(Int.min...Int.max)
            case .text(let allowed?): return choice(allowed)
            case .text(nil): return .name
            }
        }
    }
}
