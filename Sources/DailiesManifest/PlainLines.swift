import DailiesCore
import ExactJSON
import Foundation

/// The short way for the lines of JSONL that are plain: from bytes to a task without a tree in between.
///
/// It takes a line only where the long way would accept it, and makes the same of it; a test reads many lines both ways.
/// A model is taken once the long way has met it, which has then given its warnings.
struct PlainLines: ~Copyable {
    private let rules: RequestRules
    private var line: PlainLine
    private let slots: PlainSlots
    private var models: [PlainModel] = []
    private var lastModel = 0
    /// A model that the long way is about to meet.
    private var unknownModel: ModelID?
    /// Models for which these defaults are not.
    private var refusedModels: [ModelID] = []
    /// Nothing is plain beside these defaults.
    private var isOff: Bool
    private var defaults: PlainDefaults?
    private var request: [UInt8] = []
    /// Of a prompt with escapes: what it says without them.
    private var prompt = ""

    init(_ rules: RequestRules) {
        self.rules = rules
        slots = PlainSlots(rules.fields)
        isOff = slots.names.count > 64
        line = PlainLine(names: isOff ? [] : slots.names, tagSlot: slots.tags)
    }

    /// Reads a line, if it is plain.
    mutating func take(_ text: UnsafeBufferPointer<UInt8>, _ number: Int, _ builder: inout ManifestBuilder) -> Bool {
        // The first line may be a header, and the defaults are known after it.
        guard !isOff, !builder.isFirstLine, let defaults = defaults(builder) else { return false }
        guard let start = line.split(text), let model = model(defaults) else { return false }
        guard line.present & ~model.allowed == 0, (line.present | model.given) & slots.needed == slots.needed,
            areValuesGood(model), takePrompt(), text.count + model.fillBytes <= ManifestBounds.largestRequest
        else { return false }
        let isKnown = line.has(slots.id)
        request.removeAll(keepingCapacity: true)
        if !isKnown || !builder.isChecking { writeRequest(model) }
        guard builder.hasRoom(forBytes: request.count) else { return false }
        let place = Place(line: number, column: start + 1)
        guard let key = takeKey(at: place, isKnown: isKnown, &builder) else { return true }
        builder.accept(bytes: request.count, spec(key, model, defaults))
        return true
    }

    /// After a line was read the long way.
    mutating func learn(from builder: ManifestBuilder) {
        guard let id = unknownModel else { return }
        unknownModel = nil
        guard let defaults, let spec = rules.catalogue[id], !refusedModels.contains(id) else { return }
        if rules.warns(of: spec), !builder.log.hasWarned(of: RequestRules.warningName(id)) { return }
        if let model = PlainModel(spec, rules: rules, slots: slots, defaults: defaults) {
            models.append(model)
        } else {
            refusedModels.append(id)
        }
    }

    private mutating func defaults(_ builder: ManifestBuilder) -> PlainDefaults? {
        if defaults == nil { defaults = PlainDefaults(builder.defaults) }
        isOff = defaults == nil
        return defaults
    }

    // MARK: Checks

    private mutating func model(_ defaults: PlainDefaults) -> PlainModel? {
        let name: UnsafeBufferPointer<UInt8>
        if line.has(slots.model) {
            let value = line.values[slots.model]
            guard value.isText, !value.span.isEscaped else { return nil }
            name = line.bytes(value.span)
        } else {
            guard let model = defaults.model else { return nil }
            return self.model(ModelID(model))
        }
        if lastModel < models.count, name.elementsEqual(models[lastModel].bytes) { return models[lastModel] }
        if let index = models.firstIndex(where: { name.elementsEqual($0.bytes) }) {
            lastModel = index
            return models[index]
        }
        unknownModel = ModelID(String(decoding: name, as: UTF8.self))
        return nil
    }

    private mutating func model(_ id: ModelID) -> PlainModel? {
        if let model = models.first(where: { $0.spec.id == id }) { return model }
        unknownModel = id
        return nil
    }

    private func areValuesGood(_ model: PlainModel) -> Bool {
        var rest = line.present & slots.checked
        while rest != 0 {
            let slot = rest.trailingZeroBitCount
            rest &= rest - 1
            let value = line.values[slot]
            guard !value.span.isEscaped, isGood(value, model.rules[slot]) else { return false }
        }
        return true
    }

    private func isGood(_ value: PlainLine.Value, _ rule: PlainModel.Rule) -> Bool {
        switch rule {
        case .integer(let range): return !value.isText && range ~= value.integer
        case .choice(let choices):
            let bytes = line.bytes(value.span)
            return value.isText && choices.contains { bytes.elementsEqual($0) }
        case .name: return value.isText && 1...ManifestBounds.longestName ~= value.span.count
        case .image:
            return value.isText
                && ImageReference.fault(String(decoding: line.bytes(value.span), as: UTF8.self)) == nil
        case .none: return false
        }
    }

    /// Sees to the prompt, if there is one: ``prompt`` has it without its escapes, if it has any.
    private mutating func takePrompt() -> Bool {
        guard line.has(slots.prompt) else { return true }
        let value = line.values[slots.prompt]
        guard value.isText else { return false }
        guard value.span.isEscaped else { return Self.isPrompt(line.bytes(value.span)) }
        do throws(JSONError) {
            let json = try JSONValue.parse(line.bytes(value.span.quoted), limits: JSONLimits(isKnownUTF8: true))
            guard var text = json.string else { return false }
            guard text.withUTF8({ Self.isPrompt($0) && !Self.hasControl($0) }) else { return false }
            prompt = text
            return true
        } catch {
            // Read the long way, the line gets its words.
            return false
        }
    }

    /// It has no variables, and more than white space.
    private static func isPrompt(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        if let base = text.baseAddress, var brace = memchr(base, 0x7B, text.count) {
            let end = UnsafeRawPointer(base) + text.count
            while UnsafeRawPointer(brace) + 1 < end {
                if (brace + 1).load(as: UInt8.self) == 0x7B { return false }
                guard let next = memchr(brace + 1, 0x7B, end - UnsafeRawPointer(brace) - 1) else { break }
                brace = next
            }
        }
        guard let first = text.first(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }) else { return false }
        return first < 0x80 || !String(decoding: text, as: UTF8.self).allSatisfy(\.isWhitespace)
    }

    private static func hasControl(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        for index in text.indices {
            switch text[index] {
            case 0x09, 0x0A, 0x0D: break
            case 0..<0x20, 0x7F: return true
            case 0xC2: if text[index + 1] < 0xA0 { return true }
            default: break
            }
        }
        return false
    }

    // MARK: What comes of it

    /// The canonical request: members in the order of their names, which is that of the slots.
    private mutating func writeRequest(_ model: PlainModel) {
        for slot in 0..<slots.requestCount {
            if line.has(slot) {
                request.append(request.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
                request.append(contentsOf: slots.prefixes[slot])
                write(line.values[slot], isPrompt: slot == slots.prompt)
            } else if let fill = model.fills[slot] {
                request.append(request.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
                request.append(contentsOf: slots.prefixes[slot])
                request.append(contentsOf: fill)
            }
        }
        request.append(UInt8(ascii: "}"))
    }

    private mutating func write(_ value: PlainLine.Value, isPrompt: Bool) {
        guard value.isText else { return request.append(contentsOf: line.bytes(value.span)) }
        if isPrompt, value.span.isEscaped {
            JSONText.appendQuoted(prompt, to: &request)
        } else {
            // Without a backslash between its quotes a text is written already as the canonical form has it.
            request.append(contentsOf: line.bytes(value.span.quoted))
        }
    }

    /// The key, or nil where another task has it, which is reported. Empty where it is of no interest.
    private func takeKey(at place: Place, isKnown: Bool, _ builder: inout ManifestBuilder) -> TaskKey? {
        guard isKnown else {
            let digest = request.withUnsafeBufferPointer { RequestDigest(of: $0) }
            return builder.takeKey(derivedFrom: digest, at: place)
        }
        let span = line.values[slots.id].span
        // Columns count scalars. The quote before it is where the value begins.
        var column = 1
        for byte in line.line[..<(span.start - 1)] where byte & 0xC0 != 0x80 { column += 1 }
        let idPlace = Place(line: place.line, column: column)
        return builder.takeKey(line.bytes(span), at: idPlace)
    }

    private func spec(_ key: TaskKey, _ model: PlainModel, _ defaults: PlainDefaults) -> TaskSpec {
        let seconds =
            line.has(slots.duration) ? line.values[slots.duration].integer : model.durationSeconds
        return TaskSpec(
            key: key,
            shape: RequestShape(model: model.spec.id, durationSeconds: seconds, resolution: resolution(model)),
            prompt: promptText(defaults), request: CanonicalRequest(text: String(decoding: request, as: UTF8.self)),
            tags: tags(defaults),
            priority: line.has(slots.priority) ? line.values[slots.priority].integer : defaults.priority, output: nil)
    }

    private func resolution(_ model: PlainModel) -> String? {
        guard line.has(slots.resolution) else { return model.resolution }
        let bytes = line.bytes(line.values[slots.resolution].span)
        return model.spec.resolutions.first { $0.utf8.elementsEqual(bytes) }
    }

    private func promptText(_ defaults: PlainDefaults) -> String {
        guard line.has(slots.prompt) else { return defaults.prompt ?? "" }
        let span = line.values[slots.prompt].span
        return span.isEscaped ? prompt : String(decoding: line.bytes(span), as: UTF8.self)
    }

    private func tags(_ defaults: PlainDefaults) -> [TaskSpec.Tag] {
        if line.tags.isEmpty { return defaults.tags }
        var tags = line.tags.map { name, value in
            TaskSpec.Tag(
                name: String(decoding: line.bytes(name), as: UTF8.self),
                value: String(decoding: line.bytes(value), as: UTF8.self))
        }
        for tag in defaults.tags where !tags.contains(where: { $0.name.utf8.elementsEqual(tag.name.utf8) }) {
            tags.append(tag)
        }
        if tags.count > 1 { tags.sort { $0.name.precedesInUTF8($1.name) } }
        return tags
    }
}

/// Where the values of a plain line are put: the request's fields in the order of their names, then the runner's.
struct PlainSlots {
    let names: [[UInt8]]
    let requestCount: Int
    /// `"name":` of each request field.
    let prefixes: [[UInt8]]
    let model: Int
    let prompt: Int
    let duration: Int
    let resolution: Int
    let id: Int
    let priority: Int
    let tags: Int
    /// Without these there is no request.
    let needed: UInt64
    /// All but model, prompt and tags.
    let checked: UInt64

    init(_ fields: FieldTable) {
        let request = fields.requestFields.sorted { $0.precedesInUTF8($1) }
        let all = request + ["id", "priority", "tags"]
        let slot = { (name: String) in all.firstIndex(of: name) ?? 0 }
        names = all.map { Array($0.utf8) }
        requestCount = request.count
        prefixes = request.map { Array("\(JSONText.quoted($0)):".utf8) }
        model = slot("model")
        prompt = slot("prompt")
        duration = slot("duration_seconds")
        resolution = slot("resolution")
        id = slot("id")
        priority = slot("priority")
        tags = slot("tags")
        func mask(_ slots: [Int]) -> UInt64 { slots.reduce(0) { $0 | (1 << UInt64($1)) } }
        needed = mask([model, prompt, duration])
        checked = mask(Array(all.indices.prefix(64))) & ~mask([model, prompt, tags])
    }
}

/// Defaults beside which a line can be plain.
struct PlainDefaults {
    let request: [String: FieldValue]
    let model: String?
    let prompt: String?
    /// In the order of their names.
    let tags: [TaskSpec.Tag]
    let priority: Int

    /// nil: a line without its like of these is not plain.
    init?(_ defaults: RawTask) {
        guard defaults.extra.isEmpty, defaults.tags.count + PlainLine.mostTags <= ManifestBounds.mostTags else {
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

/// What a model takes, made ready for bytes.
struct PlainModel {
    enum Rule {
        case integer(ClosedRange<Int>)
        case choice([[UInt8]])
        case name
        case image
        case none
    }
    let spec: ModelSpec
    let bytes: [UInt8]
    /// By slot.
    let rules: [Rule]
    /// Slots that may have a value.
    let allowed: UInt64
    /// Slots that have one without the line's saying so, and that value as JSON.
    let given: UInt64
    let fills: [[UInt8]?]
    /// Bytes that all of them add to a request at most.
    let fillBytes: Int
    /// Of the defaults.
    let durationSeconds: Int?
    let resolution: String?

    /// nil: something in the defaults is not for this model.
    init?(_ spec: ModelSpec, rules request: RequestRules, slots: PlainSlots, defaults: PlainDefaults) {
        self.spec = spec
        bytes = Array(spec.id.text.utf8)
        var log = ProblemLog(file: "")
        var typed: [String: TypedValue] = ["model": .text(spec.id.text)]
        for (name, value) in defaults.request where name != "model" {
            typed[name] = request.check(value, name: name, model: spec.id, spec: spec, log: &log)
        }
        guard log.errorCount == 0, spec.resolutions.allSatisfy({ ProblemLog.fault(ofName: $0) == nil }) else {
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
        if case .integer(_, let value) = typed["duration_seconds"] { durationSeconds = value } else { durationSeconds = nil }
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
