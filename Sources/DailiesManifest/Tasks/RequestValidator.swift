import DailiesCore

struct ValidatedRequest {
    let request: CanonicalRequest
    let shape: RequestShape
    let prompt: String
    let image: TaskImage?
}

/// The published limits of the API and its models.
struct RequestValidator: Sendable {
    /// Valid durations of an unknown model: up to a day.
    private static let anyDuration = 1...86_400

    let catalog: ModelCatalog
    let identity: IdentityDefaults
    let today: String?
    let fields: FieldSchema

    init(catalog: ModelCatalog, identity: IdentityDefaults, today: String?) {
        self.catalog = catalog
        self.identity = identity
        self.today = today
        fields = FieldSchema(catalog: catalog)
    }

    /// - Parameter place: the task's position, for missing fields.
    /// - Returns: nil after reporting an error.
    func check(
        _ request: [String: FieldValue], extra: [ByteKey: FieldValue], images: ImageFiles, at place: SourcePosition,
        log: inout Diagnostics
    ) -> ValidatedRequest? {
        let before = log.errorCount
        var request = request
        let image = image(of: &request, images, log: &log)
        for name in ["model", "prompt", "duration_seconds"] where request[name] == nil {
            log.error(place, name, "is missing", "set it on the task or in defaults")
        }
        let model = request["model"].flatMap { log.name($0, isFree: false) }.map { ModelID($0) }
        let spec = model.flatMap { catalog[$0] }
        if let model, let value = request["model"] { warn(about: model, spec, value, log: &log) }
        var typed: [String: TypedValue] = [:]
        for (name, value) in request.sorted(by: { $0.key.precedesInUTF8($1.key) }) where name != "model" {
            if name == "image_init", let image {
                if takesImage(value, spec, log: &log) { typed[name] = .text(image.reference) }
            } else {
                typed[name] = check(value, name: name, model: model, spec: spec, log: &log)
            }
        }
        var members = typed.map { (name: $0.key, json: $0.value.json) }
        addExtra(extra, spec: spec, to: &members, log: &log)
        guard log.errorCount == before, let model, case .text(let prompt) = typed["prompt"] else { return nil }
        members.append(("model", TypedValue.text(model.text).json))
        fillDefaults(of: model, into: &typed, &members)
        let text = ExtraValue.object(members)
        guard hasRoom(for: image, beside: text, request["image_init"], log: &log) else { return nil }
        guard text.utf8.count <= ManifestLimits.maximumRequestBytes else {
            log.error(
                request["prompt"]?.place ?? place, "prompt",
                "makes a request of \(text.utf8.count) bytes, more than \(ManifestLimits.maximumRequestBytes)",
                "shorten it, and give image_init as a URL")
            return nil
        }
        return ValidatedRequest(
            request: CanonicalRequest(text: text), shape: shape(model, typed), prompt: prompt, image: image)
    }

    // MARK: Images

    /// The image given as a path. If it cannot be read, the field is removed.
    private func image(
        of request: inout [String: FieldValue], _ images: ImageFiles, log: inout Diagnostics
    ) -> TaskImage? {
        guard let value = request["image_init"], case .scalar(let scalar) = value.node.content else { return nil }
        let path = OuterCharacters.removed(from: scalar.text) ?? scalar.text
        guard scalar.form != .jsonNumber, scalar.form != .jsonLiteral, !path.isEmpty, ImageReference.isPath(path),
            !path.unicodeScalars.contains(where: SafeText.isControl)
        else { return nil }
        do throws(ImageFiles.ReadError) {
            return try images.image(path)
        } catch {
            log.refuse(value, error.message, error.fix)
            request["image_init"] = nil
            return nil
        }
    }

    private func hasRoom(
        for image: TaskImage?, beside text: String, _ value: FieldValue?, log: inout Diagnostics
    ) -> Bool {
        guard let image, let value, case .scalar(let scalar) = value.node.content else { return true }
        let rest = text.utf8.count - image.reference.utf8.count
        let length = TaskImage.lengthOfDataURL(bytes: image.byteCount, mediaType: image.mediaType)
        guard rest + length > ManifestLimits.maximumRequestBytes else { return true }
        let head = TaskImage.lengthOfDataURL(bytes: 0, mediaType: image.mediaType)
        let limit = max(0, ManifestLimits.maximumRequestBytes - rest - head) / 4 * 3
        let fault = ImageFiles.tooLarge(scalar.text, bytes: image.byteCount, limit: limit)
        log.refuse(value, fault.message, fault.fix)
        return false
    }

    private func shape(_ model: ModelID, _ typed: [String: TypedValue]) -> RequestShape {
        var seconds: Int?
        if case .integer(_, let value) = typed["duration_seconds"] { seconds = value }
        return RequestShape(model: model, durationSeconds: seconds, resolution: typed["resolution"]?.plain)
    }

    private func fillDefaults(
        of model: ModelID, into typed: inout [String: TypedValue], _ members: inout [(name: String, json: String)]
    ) {
        guard let entry = identity[model] else { return }
        for (name, text) in [("resolution", entry.resolution), ("aspect_ratio", entry.aspectRatio)]
        where typed[name] == nil {
            typed[name] = .text(text)
            members.append((name, TypedValue.text(text).json))
        }
    }

    private func addExtra(
        _ extra: [ByteKey: FieldValue], spec: ModelSpec?, to members: inout [(name: String, json: String)],
        log: inout Diagnostics
    ) {
        for (name, value) in extra.sorted(by: { $0.key.text.precedesInUTF8($1.key.text) }) {
            if let spec {
                log.warn(
                    "field \(spec.id.text) \(name.text)", value.place, value.label,
                    "is not a published field of \(spec.id)", "it is sent unchanged")
            }
            if let json = ExtraValue.json(value, log: &log) { members.append((name.text, json)) }
        }
    }

    // MARK: Models

    /// The catalog entry for a model name; does not validate the name.
    func spec(namedIn value: FieldValue) -> ModelSpec? {
        guard case .scalar(let scalar) = value.node.content else { return nil }
        return catalog[ModelID(OuterCharacters.removed(from: scalar.text) ?? scalar.text)]
    }

    private func warn(about model: ModelID, _ spec: ModelSpec?, _ value: FieldValue, log: inout Diagnostics) {
        let kind = Self.warningName(model)
        guard let spec else {
            return log.warn(
                kind, value.place, value.label, "\(SafeText.quoted(model.text)) is not a known model",
                suggestion(for: model))
        }
        if warns(about: spec), let withdrawn = spec.withdrawn {
            log.warn(
                kind, value.place, value.label, "\(model) was withdrawn by \(spec.vendor) on \(withdrawn)",
                "choose another model, or expect the task to fail")
        }
    }

    /// Whether tasks of this model give a warning.
    func warns(about spec: ModelSpec) -> Bool {
        guard let today, let withdrawn = spec.withdrawn else { return false }
        return !today.precedesInUTF8(withdrawn)
    }

    static func warningName(_ model: ModelID) -> String { "model " + model.text }

    private func suggestion(for model: ModelID) -> String {
        if let meant = catalog.aliases[model.text] {
            return "this is its id elsewhere; did you mean \(meant)?"
        }
        let ids = catalog.models.keys.map(\.text)
        if let near = SpellingSuggestion.nearest(to: model.text, in: ids) { return "did you mean \(near)?" }
        if let near = SpellingSuggestion.nearest(to: model.text, in: catalog.aliases.keys),
            let meant = catalog.aliases[near]
        {
            return "did you mean \(meant)?"
        }
        return "it is sent unchanged and unchecked"
    }

    // MARK: Fields

    func check(
        _ value: FieldValue, name: String, model: ModelID?, spec: ModelSpec?, log: inout Diagnostics
    ) -> TypedValue? {
        if let spec, FieldSchema.common[name] == nil, spec.extraFields[name] == nil {
            log.refuse(value, "is not a field of \(spec.id)", "remove it, or choose a model that has it")
            return nil
        }
        guard let kind = fields.kind(of: name, for: spec),
            let typed = log.typed(value, as: kind, fix: advice(name, kind, spec), isFree: fields.isFree(name))
        else { return nil }
        switch (name, typed) {
        case ("prompt", .text(let text)): checkPrompt(text, value, log: &log)
        case ("duration_seconds", .integer(_, let seconds)):
            let range = spec?.durationSeconds ?? (model == nil ? Int.min...Int.max : Self.anyDuration)
            if !(range ~= seconds) {
                log.refuse(
                    value, "\(seconds) is not supported by \(SafeText.cut(model?.text ?? ""))",
                    Self.range(range))
            }
        case ("image_init", .text(let text)): checkImage(text, value, spec, log: &log)
        case ("resolution", .text(let text)): checkChoice(text, spec?.resolutions, value, spec, log: &log)
        case ("aspect_ratio", .text(let text)): checkChoice(text, spec?.aspectRatios, value, spec, log: &log)
        case (_, .text(let text)):
            var choices: [String]?
            if case .text(let allowed) = kind { choices = allowed }
            checkChoice(text, choices, value, spec, log: &log)
        case (_, .integer): break
        }
        return typed
    }

    /// The values that the catalog allows.
    func advice(_ name: String, _ kind: ExtraField, _ spec: ModelSpec?) -> String? {
        guard let spec else { return nil }
        switch (name, kind) {
        case ("duration_seconds", _): return Self.range(spec.durationSeconds)
        case ("resolution", _): return Self.choice(spec.resolutions)
        case ("aspect_ratio", _): return Self.choice(spec.aspectRatios)
        case (_, .text(let allowed?)): return Self.choice(allowed)
        case (_, .text(nil)), (_, .integer): return nil
        }
    }

    private static func range(_ range: ClosedRange<Int>) -> String {
        "write \(range.lowerBound) to \(range.upperBound)"
    }
    private static func choice(_ choices: [String]) -> String { "write \(choices.joinedWithOr)" }

    private func checkPrompt(_ text: String, _ value: FieldValue, log: inout Diagnostics) {
        if text.allSatisfy(\.isWhitespace) {
            log.refuse(value, "is empty", "describe the clip")
        } else {
            log.warnAboutAccident(in: text, value)
        }
    }

    private func checkChoice(
        _ text: String, _ choices: [String]?, _ value: FieldValue, _ spec: ModelSpec?, log: inout Diagnostics
    ) {
        if let choices, let spec {
            guard !choices.contains(where: { $0.utf8.elementsEqual(text.utf8) }) else { return }
            log.refuse(
                value, "\(SafeText.quoted(text)) is not supported by \(spec.id)",
                Self.choice(choices))
        } else if let fault = Diagnostics.fault(ofName: text) {
            log.refuse(value, fault.message, fault.fix)
        }
    }

    private func checkImage(_ text: String, _ value: FieldValue, _ spec: ModelSpec?, log: inout Diagnostics) {
        if takesImage(value, spec, log: &log), let fault = ImageReference.fault(text) {
            log.refuse(value, fault.message, fault.fix)
        }
    }

    private func takesImage(_ value: FieldValue, _ spec: ModelSpec?, log: inout Diagnostics) -> Bool {
        guard let spec, !spec.acceptsImageInit else { return true }
        log.refuse(value, "is not a field of \(spec.id)", "remove it, or choose a model that has it")
        return false
    }
}

extension [String] {
    fileprivate var joinedWithOr: String {
        guard let last, count > 1 else { return first ?? "" }
        return dropLast().joined(separator: ", ") + " or " + last
    }
}
