import DailiesCore
import ExactJSON
import Foundation

/// The fast path for plain lines of JSONL: from bytes to a task without building a tree.
///
/// It accepts a line only if the slow path would, with the same result; a test compares both paths on many lines. A
/// model is used here only after the slow path has met it and given its warnings.
struct FastLineParser: ~Copyable {
    private let rules: RequestValidator
    private var line: FastLineScanner
    private let slots: FieldSlots
    private var models: [FastModelRules] = []
    private var lastModel = 0
    /// A model that the slow path will meet next.
    private var unknownModel: ModelID?
    /// Models that these defaults do not fit.
    private var refusedModels: [ModelID] = []
    /// Whether the defaults make the fast path impossible.
    private var isDisabled: Bool
    private var defaults: FastDefaults?
    private var request: [UInt8] = []
    /// The unescaped prompt, if it has escapes.
    private var prompt = ""

    init(_ rules: RequestValidator) {
        self.rules = rules
        slots = FieldSlots(rules.fields)
        isDisabled = slots.names.count > 64
        line = FastLineScanner(names: isDisabled ? [] : slots.names, tagSlot: slots.tags)
    }

    /// Reads the line if it is plain.
    mutating func take(_ text: UnsafeBufferPointer<UInt8>, _ number: Int, _ builder: inout ManifestBuilder) -> Bool {
        // The first line may be a header, which sets the defaults.
        guard !isDisabled, !builder.isFirstLine, let defaults = defaults(builder) else { return false }
        guard let start = line.split(text), let model = model(defaults) else { return false }
        guard line.present & ~model.allowed == 0, (line.present | model.given) & slots.needed == slots.needed,
            areValuesValid(model), takePrompt(), text.count + model.fillBytes <= ManifestLimits.maximumRequestBytes
        else { return false }
        let isKnown = line.has(slots.id)
        request.removeAll(keepingCapacity: true)
        if !isKnown || !builder.isChecking { writeRequest(model) }
        guard builder.hasRoom(forBytes: request.count) else { return false }
        let place = SourcePosition(line: number, column: start + 1)
        guard let key = claimKey(at: place, isKnown: isKnown, &builder) else { return true }
        if let warning = model.warning { builder.log.warnAgain(warning) }
        builder.accept(bytes: request.count, spec(key, model, defaults))
        return true
    }

    /// Call after reading a line on the slow path.
    mutating func learn(from builder: ManifestBuilder) {
        guard let id = unknownModel else { return }
        unknownModel = nil
        guard let defaults, let spec = rules.catalog[id], !refusedModels.contains(id) else { return }
        if rules.warns(about: spec), !builder.log.hasWarned(RequestValidator.warningName(id)) { return }
        if let model = FastModelRules(spec, rules: rules, slots: slots, defaults: defaults) {
            models.append(model)
        } else {
            refusedModels.append(id)
        }
    }

    private mutating func defaults(_ builder: ManifestBuilder) -> FastDefaults? {
        if defaults == nil { defaults = FastDefaults(builder.defaults) }
        isDisabled = defaults == nil
        return defaults
    }

    // MARK: Checks

    private mutating func model(_ defaults: FastDefaults) -> FastModelRules? {
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

    private mutating func model(_ id: ModelID) -> FastModelRules? {
        if let model = models.first(where: { $0.spec.id == id }) { return model }
        unknownModel = id
        return nil
    }

    private func areValuesValid(_ model: FastModelRules) -> Bool {
        var rest = line.present & slots.checked
        while rest != 0 {
            let slot = rest.trailingZeroBitCount
            rest &= rest - 1
            let value = line.values[slot]
            guard !value.span.isEscaped, isValid(value, model.rules[slot]) else { return false }
        }
        return true
    }

    private func isValid(_ value: FastLineScanner.Value, _ rule: FastModelRules.Rule) -> Bool {
        switch rule {
        case .integer(let range): return !value.isText && range ~= value.integer
        case .choice(let choices):
            let bytes = line.bytes(value.span)
            return value.isText && choices.contains { bytes.elementsEqual($0) }
        case .name:
            let bytes = line.bytes(value.span)
            return value.isText && 1...ManifestLimits.maximumNameBytes ~= bytes.count
                && FastLineScanner.hasPlainEnds(bytes)
        case .image:
            return value.isText
                && ImageReference.fault(String(decoding: line.bytes(value.span), as: UTF8.self)) == nil
        case .none: return false
        }
    }

    /// Checks the prompt, if any, and unescapes it into ``prompt`` if needed.
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
            // The slow path reports the error.
            return false
        }
    }

    /// Whether it has no variables, is not blank, and gives no warning.
    private static func isPrompt(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        if let base = text.baseAddress, var brace = memchr(base, 0x7B, text.count) {
            let end = UnsafeRawPointer(base) + text.count
            while UnsafeRawPointer(brace) + 1 < end {
                if (brace + 1).load(as: UInt8.self) == 0x7B { return false }
                guard let next = memchr(brace + 1, 0x7B, end - UnsafeRawPointer(brace) - 1) else { break }
                brace = next
            }
        }
        guard let first = text.first(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }) else {
            return false
        }
        guard first < 0x80 || !String(decoding: text, as: UTF8.self).allSatisfy(\.isWhitespace) else { return false }
        return PromptAccident.fault(in: text) == nil
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

    // MARK: Results

    /// Writes the canonical request: members by name, which is the order of the slots.
    private mutating func writeRequest(_ model: FastModelRules) {
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

    private mutating func write(_ value: FastLineScanner.Value, isPrompt: Bool) {
        guard value.isText else { return request.append(contentsOf: line.bytes(value.span)) }
        if isPrompt, value.span.isEscaped {
            JSONText.appendQuoted(prompt, to: &request)
        } else {
            // Without a backslash, the text between the quotes is already in canonical form.
            request.append(contentsOf: line.bytes(value.span.quoted))
        }
    }

    /// The key; nil after reporting a conflict. Empty if keys are not needed.
    private func claimKey(at place: SourcePosition, isKnown: Bool, _ builder: inout ManifestBuilder) -> TaskKey? {
        guard isKnown else {
            // Only the prompt may have escapes here, and CR requires an escape.
            let hasEscapes = line.values[slots.prompt].span.isEscaped
            let digest = request.withUnsafeBufferPointer {
                hasEscapes ? RequestDigest(of: $0) : RequestDigest(ofLineFeeds: $0)
            }
            return builder.claimKey(derivedFrom: digest, at: place)
        }
        let span = line.values[slots.id].span
        // Columns count scalars. The value starts at the quote before it.
        var column = 1
        for byte in line.line[..<(span.start - 1)] where byte & 0xC0 != 0x80 { column += 1 }
        let idPlace = SourcePosition(line: place.line, column: column)
        return builder.claimKey(line.bytes(span), at: idPlace)
    }

    private func spec(_ key: TaskKey, _ model: FastModelRules, _ defaults: FastDefaults) -> TaskSpec {
        let seconds =
            line.has(slots.duration) ? line.values[slots.duration].integer : model.durationSeconds
        return TaskSpec(
            key: key, isKeyDerived: !line.has(slots.id),
            shape: RequestShape(model: model.spec.id, durationSeconds: seconds, resolution: resolution(model)),
            prompt: promptText(defaults), request: CanonicalRequest(text: String(decoding: request, as: UTF8.self)),
            tags: tags(defaults),
            priority: line.has(slots.priority) ? line.values[slots.priority].integer : defaults.priority, output: nil)
    }

    private func resolution(_ model: FastModelRules) -> String? {
        guard line.has(slots.resolution) else { return model.resolution }
        let bytes = line.bytes(line.values[slots.resolution].span)
        return model.spec.resolutions.first { $0.utf8.elementsEqual(bytes) }
    }

    private func promptText(_ defaults: FastDefaults) -> String {
        guard line.has(slots.prompt) else { return defaults.prompt ?? "" }
        let span = line.values[slots.prompt].span
        return span.isEscaped ? prompt : String(decoding: line.bytes(span), as: UTF8.self)
    }

    private func tags(_ defaults: FastDefaults) -> [TaskSpec.Tag] {
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
