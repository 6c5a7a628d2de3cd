import DailiesCore

/// Turns source nodes of any format into tasks: header, defaults, matrix, keys.
struct ManifestBuilder {
    enum Purpose {
        /// Only validate.
        case check
        /// Pass each task to the closure; it returns false to stop.
        case emit((TaskSpec) -> Bool)
    }

    var log: Diagnostics
    let rules: RequestValidator
    let claims: any KeyRegistry
    private let path: String
    private let reader: RawTaskReader
    let images: ImageFiles
    private let purpose: Purpose
    private let bounds: TaskBounds
    private(set) var batchName: String?
    private(set) var defaults = RawTask(place: .start)
    private(set) var isFirstLine = true
    /// Valid tasks so far.
    private(set) var count = 0
    private var bytes = 0
    private var isOverLimit = false
    /// Whether the consumer has stopped accepting tasks.
    private(set) var isStopped = false
    /// Task nodes so far, valid or not.
    private var seenTasks = 0
    private var usedVariables: Set<ByteKey> = []

    init(
        path: String, rules: RequestValidator, claims: any KeyRegistry, purpose: Purpose, bounds: TaskBounds,
        images: ImageFiles.Known = [:]
    ) {
        self.path = path
        self.rules = rules
        self.claims = claims
        self.purpose = purpose
        self.bounds = bounds
        reader = RawTaskReader(fields: rules.fields)
        self.images = ImageFiles(besides: path, known: images)
        log = Diagnostics(file: path)
    }

    /// Whether reading can stop.
    var isDone: Bool { log.isFull || isStopped || isOverLimit }

    // MARK: Input from the formats

    /// The root of a JSON or YAML manifest: a list of tasks, or an object with `tasks`.
    mutating func document(_ root: SourceNode) {
        switch root.content {
        case .list(let nodes): all(nodes)
        case .map(let fields): document(fields, at: root.place)
        case .nothing: break
        case .scalar:
            log.error(root.place, "file", "is a single value", "write a list of tasks, or an object with tasks")
        }
    }

    private mutating func document(_ fields: [SourceField], at place: SourcePosition) {
        let fields = log.unique(fields)
        header(fields.filter { $0.name != "tasks" }, besides: ["tasks"])
        guard let list = fields.first(where: { $0.name == "tasks" }) else {
            log.error(place, "tasks", "is missing", "write the list of tasks")
            return
        }
        switch list.value.content {
        case .list(let nodes): all(nodes)
        case .nothing: break
        case .scalar, .map:
            log.error(list.value.place, "tasks", "is \(list.value.content.name)", "write a list of tasks")
        }
    }

    private mutating func all(_ nodes: [SourceNode]) {
        for node in nodes where !isDone { task(node) }
    }

    /// One line of JSONL; the first may be a header.
    mutating func line(_ line: Result<SourceNode, SourceError>) {
        defer { isFirstLine = false }
        switch line {
        case .failure(let sourceError):
            seenTasks += 1
            log.error(sourceError)
        case .success(let node):
            guard case .map(let fields) = node.content, Self.isHeader(fields) else { return task(node) }
            if isFirstLine {
                header(log.unique(fields), besides: [])
            } else {
                log.error(node.place, "file", "only the first line may contain batch and defaults", "move it there")
            }
        }
    }

    private static func isHeader(_ fields: [SourceField]) -> Bool {
        fields.contains { $0.name == "batch" || $0.name == "defaults" }
            && !fields.contains { $0.name == "prompt" || $0.name == "model" }
    }

    private mutating func header(_ fields: [SourceField], besides: [String]) {
        for field in fields {
            let value = FieldValue(label: field.name, node: field.value)
            switch field.name {
            case "batch":
                if !value.isNothing { batchName = name(ofBatch: value) ?? batchName }
            case "defaults":
                readDefaults(value)
            default:
                let names = ["batch", "defaults"] + besides
                let near = SpellingSuggestion.nearest(to: field.name, in: names)
                log.error(
                    field.place, field.name, "is not a known field",
                    near.map { "did you mean \($0)?" } ?? "only \(names.joined(separator: ", ")) are allowed here")
            }
        }
    }

    /// The name exactly as written: submission keys are derived from it.
    private mutating func name(ofBatch value: FieldValue) -> String? {
        guard let name = log.text(value, isName: true) else { return nil }
        if let fault = Diagnostics.fault(ofName: name) {
            log.refuse(value, fault.message, fault.fix)
            return nil
        }
        if let first = OuterCharacters.first(of: name) {
            log.warn(
                value,
                "\(first.isAtStart ? "begins" : "ends") with \(OuterCharacters.name(of: first.scalar)), which is part of the name",
                "remove it unless tasks were already submitted under this name")
        }
        return name
    }

    private mutating func readDefaults(_ value: FieldValue) {
        switch value.node.content {
        case .nothing: break
        case .map(let fields):
            defaults = reader.read(fields, at: value.place, isDefaults: true, log: &log)
            let spec = defaults.request["model"].flatMap { rules.spec(namedIn: $0) }
            // Check the types here too, to report an error in a default that no task uses.
            for (name, value) in defaults.request.sorted(by: { $0.key.precedesInUTF8($1.key) }) {
                if let kind = rules.fields.kind(of: name, for: nil) {
                    _ = log.typed(
                        value, as: kind, fix: rules.advice(name, kind, spec), isFree: rules.fields.isFree(name))
                }
            }
        case .scalar, .list:
            log.refuse(value, "is \(value.node.content.name)", "write fields and values, such as model: sora-2-pro")
        }
    }

    // MARK: Tasks

    mutating func task(_ node: SourceNode) {
        seenTasks += 1
        guard case .map(let fields) = node.content else {
            log.error(node.place, "file", "this task is \(node.content.name)", "write an object with model and prompt")
            return
        }
        let own = reader.read(fields, at: node.place, isDefaults: false, log: &log)
        let id = own.id.flatMap { log.name($0) }
        let output = output(of: own)
        let task = own.merged(with: defaults)
        var used: Set<ByteKey> = []
        defer { warnAboutUnused(own, used) }
        guard own.isMultiple else {
            member(of: task, Matrix.Member(), id: id, isMember: false, output: output, used: &used)
            return
        }
        guard let matrix = Matrix(of: own, merged: task, fields: rules.fields, log: &log) else { return }
        matrix.forEachMember { member in
            self.member(of: task, member, id: id, isMember: true, output: output, used: &used)
            return !isDone
        }
    }

    private mutating func member(
        of task: RawTask, _ member: Matrix.Member, id: String?, isMember: Bool, output: String?,
        used: inout Set<ByteKey>
    ) {
        // Claim the id of a rejected task too, so that a duplicate is reported now and not in the next run.
        let given = task.id == nil ? nil : id.flatMap { key(of: task, $0, isMember ? member.suffix : nil) }
        var request = task.request.merging(member.request) { _, axis in axis }
        let variables = task.variables.merging(member.variables) { _, axis in axis }
        guard fill(&request, with: variables, of: task, used: &used) else { return }
        guard let checked = rules.check(request, extra: task.extra, images: images, at: task.place, log: &log) else {
            return
        }
        guard hasRoom(for: checked.request, at: task.place) else { return }
        let derived = task.id == nil ? claimKey(derivedFrom: RequestDigest(of: checked.request), at: task.place) : nil
        guard let key = given ?? derived else { return }
        count += 1
        guard case .emit(let take) = purpose else { return }
        let tags = task.tags.map { TaskSpec.Tag(name: $0.key.text, value: $0.value) }
        isStopped = !take(
            TaskSpec(
                key: key, isKeyDerived: task.id == nil, shape: checked.shape, prompt: checked.prompt,
                request: checked.request,
                tags: tags.sorted { $0.name.precedesInUTF8($1.name) }, priority: task.priority ?? 0, output: output,
                image: checked.image))
    }

    var isChecking: Bool { if case .check = purpose { true } else { false } }

    /// Adds a valid task with a key that was read without ``task(_:)``.
    mutating func accept(bytes: Int, _ task: @autoclosure () -> TaskSpec) {
        count += 1
        self.bytes += bytes
        if case .emit(let take) = purpose { isStopped = !take(task()) }
    }

    /// Whether one more task, with a request of `more` bytes, is within the bounds.
    func hasRoom(forBytes more: Int) -> Bool { count < bounds.maximumTasks && bytes + more <= bounds.maximumBytes }

    private mutating func hasRoom(for request: CanonicalRequest, at place: SourcePosition) -> Bool {
        if isOverLimit { return false }
        bytes += request.text.utf8.count
        isOverLimit = count >= bounds.maximumTasks || bytes > bounds.maximumBytes
        if isOverLimit {
            let limit =
                bytes > bounds.maximumBytes
                ? "\(bounds.maximumBytes >> 30) GiB of requests, the limit for a manifest in memory"
                : "\(bounds.maximumTasks) tasks"
            log.error(place, "file", "contains more than \(limit)", "split it")
        }
        return !isOverLimit
    }

    // MARK: Variables

    /// Fills in the variables of the prompt. Returns false after reporting an error.
    private mutating func fill(
        _ request: inout [String: FieldValue], with variables: [ByteKey: Variable], of task: RawTask,
        used: inout Set<ByteKey>
    ) -> Bool {
        guard let prompt = request["prompt"], case .scalar(let scalar) = prompt.node.content,
            PromptTemplate.isTemplate(scalar.text)
        else { return true }
        do throws(PromptTemplate.TemplateError) {
            let text = try PromptTemplate.filled(scalar.text, with: variables) { used.insert($0) }
            usedVariables.formUnion(used)
            let node = SourceNode(place: prompt.place, content: .scalar(Scalar(text: text, form: scalar.form)))
            request["prompt"] = FieldValue(label: prompt.label, node: node)
            return true
        } catch {
            usedVariables.formUnion(used)
            refuse(prompt, error, variables, task)
            return false
        }
    }

    private mutating func refuse(
        _ prompt: FieldValue, _ fault: PromptTemplate.TemplateError, _ variables: [ByteKey: Variable], _ task: RawTask
    ) {
        switch fault {
        case .malformed(let text):
            log.refuse(
                prompt, "has braces without a variable name at \(SafeText.quoted(text))",
                "write {{name}} for a variable, or {{{{ for two literal braces")
        case .tooLong:
            log.refuse(
                prompt, "has more than \(ManifestLimits.maximumRequestBytes) bytes with its variables", "shorten it")
        case .unknown(let name):
            let near = SpellingSuggestion.nearest(to: name.text, in: variables.keys.map(\.text))
            let fix = near.map { "did you mean \($0)?" } ?? "add it to vars, or write {{{{ for two literal braces"
            if prompt.label.hasPrefix("defaults.") {
                log.error(
                    task.place, "vars.\(name.text)",
                    "is missing: the default prompt at \(prompt.place.line):\(prompt.place.column) uses it",
                    fix
                )
            } else {
                log.refuse(prompt, "uses the variable \(name.text), which this task does not have", fix)
            }
        }
    }

    private mutating func warnAboutUnused(_ task: RawTask, _ used: Set<ByteKey>) {
        for (name, variable) in task.variables where !used.contains(name) { warnAboutUnused(name, variable) }
    }

    private mutating func warnAboutUnused(_ name: ByteKey, _ variable: Variable) {
        log.warn(
            variable.value.label, variable.value.place, variable.value.label, "is not used in any prompt",
            "write {{\(name.text)}} in the prompt, or remove it")
    }

    // MARK: Keys and files

    /// The key of a task with an `id`; nil after reporting a conflict.
    private mutating func key(of task: RawTask, _ id: String, _ suffix: String?) -> TaskKey? {
        let place = task.id?.place ?? task.place
        var text = suffix.map { "\(id)/\($0)" } ?? id
        if let fault = Diagnostics.fault(ofName: text) {
            log.error(
                place, "id",
                "its \(task.matrix == nil ? "repeat" : "matrix member") \(SafeText.quoted(text)) \(fault.message)",
                "write out these tasks, each with a unique id")
            return nil
        }
        return text.withUTF8 { claimKey($0, at: place) }
    }

    /// The key of a task without an `id`; nil after reporting a conflict.
    mutating func claimKey(derivedFrom digest: RequestDigest, at place: SourcePosition) -> TaskKey? {
        let (ordinal, earlier) = claims.claimKey(derivedFrom: digest, at: place)
        guard let earlier else { return isChecking ? Self.placeholderKey : digest.key(ordinal) }
        log.error(
            place, "id",
            "the derived key \(digest.key(ordinal)) of this task is already the id of the task at "
                + "\(earlier.place.line):\(earlier.place.column)", "give this task an id")
        return nil
    }

    /// Claims a valid explicit key; nil after reporting a conflict.
    mutating func claimKey(_ text: UnsafeBufferPointer<UInt8>, at place: SourcePosition) -> TaskKey? {
        guard let earlier = claims.claimKey(text, at: place) else {
            return isChecking ? Self.placeholderKey : TaskKey(String(decoding: text, as: UTF8.self))
        }
        let whose = earlier.isDerived ? "the derived key" : "the id"
        log.error(
            place, "id",
            "\(SafeText.quoted(String(decoding: text, as: UTF8.self))) is already \(whose) of the task at "
                + "\(earlier.place.line):\(earlier.place.column)", "give each task a unique id")
        return nil
    }

    /// Placeholder for all keys when only validating.
    private static let placeholderKey = TaskKey("")

    /// The requested file name, validated and claimed.
    private mutating func output(of task: RawTask) -> String? {
        guard let value = task.output, let name = log.name(value) else { return nil }
        if name == "." || name == ".." || name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0x5C }) {
            log.refuse(
                value, "\(SafeText.quoted(name)) is not a file name", "write a name without folders, such as dolly.mp4")
        } else if task.isMultiple {
            let message = task.matrix == nil ? "repeats" : "tasks of the matrix"
            log.refuse(value, "would be the same file for all \(message)", "remove it; files are then named by key")
        } else if let earlier = claims.claimOutput(name, at: value.place) {
            log.refuse(
                value, "\(SafeText.quoted(name)) is already the output at \(earlier.line):\(earlier.column)",
                "give each task a different file name")
        }
        return name
    }

    // MARK: The end

    /// Checks the manifest as a whole, after all tasks were read.
    ///
    /// - Parameter givenName: a batch name from the caller, which replaces the manifest's own.
    mutating func finish(givenName: String? = nil) -> String {
        if seenTasks == 0, log.errorCount == 0 {
            log.error(.start, "file", "contains no tasks", "write at least one")
        }
        for (name, variable) in defaults.variables where !usedVariables.contains(name) {
            warnAboutUnused(name, variable)
        }
        if let name = givenName ?? batchName { return name }
        let name = Self.batchName(from: path)
        if path == ManifestSource.standardInputName {
            log.error(.start, "batch", "is missing, and standard input has no name", "add batch, or use --batch")
        } else if let fault = Diagnostics.fault(ofName: name) {
            log.error(.start, "batch", "the file's name \(fault.message)", "add batch, or rename the file")
        }
        return name
    }

    /// `shots/misty.forest.yaml` → `misty.forest`.
    private static func batchName(from path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return String(name) }
        return String(name[..<dot])
    }
}

struct TaskBounds {
    let maximumTasks: Int
    /// Total bytes of all requests.
    let maximumBytes: Int

    /// For tasks kept in memory.
    static let inMemory = TaskBounds(
        maximumTasks: ManifestLimits.maximumTasksInMemory, maximumBytes: ManifestLimits.maximumBytesInMemory)
    /// For streamed tasks.
    static let streamed = TaskBounds(maximumTasks: ManifestLimits.maximumTasks, maximumBytes: .max)
}
