import DailiesCore

/// Turns the common tree into tasks: header, defaults, matrix, keys.
struct ManifestBuilder {
    static let mostTasks = 10_000_000
    /// Requests of one manifest together: 8 GiB. Reached only through copies (matrix, aliases, defaults).
    private static let mostBytes = 8 << 30

    var log: ProblemLog
    private let path: String
    private let rules: RequestRules
    private let reader: RawTaskReader
    private var batchName: String?
    private var defaults = RawTask(place: .start)
    private var isFirstLine = true
    private var tasks: [TaskSpec] = []
    private var bytes = 0
    private var isOverflown = false
    private var keys = KeyRing()
    /// Task nodes that were seen, good or bad.
    private var seenTasks = 0

    init(path: String, rules: RequestRules) {
        self.path = path
        self.rules = rules
        reader = RawTaskReader(fields: rules.fields)
        log = ProblemLog(file: path)
    }

    // MARK: What formats bring

    /// JSON or YAML: a list of tasks, or an object with `tasks`.
    mutating func document(_ root: SourceNode) {
        switch root.content {
        case .list(let nodes): all(nodes)
        case .map(let fields): document(fields, at: root.place)
        case .nothing: break
        case .scalar:
            log.error(root.place, "file", "is a single value", "write a list of tasks, or an object with tasks")
        }
    }

    private mutating func document(_ fields: [SourceField], at place: Place) {
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
        for node in nodes where !log.isFull { task(node) }
    }

    /// A line of JSONL: the first may be a header.
    mutating func line(_ line: Result<SourceNode, SourceTrouble>) {
        defer { isFirstLine = false }
        switch line {
        case .failure(let trouble):
            seenTasks += 1
            log.error(trouble)
        case .success(let node):
            guard case .map(let fields) = node.content, Self.isHeader(fields) else { return task(node) }
            if isFirstLine {
                header(log.unique(fields), besides: [])
            } else {
                log.error(node.place, "file", "only the first line may hold batch and defaults", "move it there")
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
                if !value.isNothing { batchName = log.name(value) ?? batchName }
            case "defaults":
                readDefaults(value)
            default:
                let names = ["batch", "defaults"] + besides
                let near = Suggestion.nearest(to: field.name, in: names)
                log.error(
                    field.place, field.name, "is no known field",
                    near.map { "did you mean \($0)?" } ?? "only \(names.joined(separator: ", ")) may stand here")
            }
        }
    }

    private mutating func readDefaults(_ value: FieldValue) {
        switch value.node.content {
        case .nothing: break
        case .map(let fields):
            defaults = reader.read(fields, at: value.place, isDefaults: true, log: &log)
            // Types are looked at here too, or an error in a default that no task uses would go unseen.
            for (name, value) in defaults.request.sorted(by: { $0.key.precedesInUTF8($1.key) }) {
                if let kind = rules.fields.kind(of: name, for: nil) { _ = log.typed(value, as: kind) }
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
        guard let value = own.matrix else {
            member(of: task, request: task.request, id: id, suffix: nil, output: output)
            return
        }
        guard let matrix = Matrix(value, of: own, fields: rules.fields, log: &log) else { return }
        matrix.forEachMember { fields, suffix in
            let request = task.request.merging(fields) { _, axis in axis }
            member(of: task, request: request, id: id, suffix: suffix, output: output)
            return !log.isFull && !isOverflown
        }
    }

    private mutating func member(
        of task: RawTask, request: [String: FieldValue], id: String?, suffix: String?, output: String?
    ) {
        guard let checked = rules.check(request, extra: task.extra, at: task.place, log: &log) else { return }
        guard hasRoom(for: checked.request, at: task.place) else { return }
        guard let key = key(of: task, checked.request, id: id, suffix: suffix) else { return }
        let tags = task.tags.map { TaskSpec.Tag(name: $0.key.text, value: $0.value) }
        tasks.append(
            TaskSpec(
                key: key, shape: checked.shape, prompt: checked.prompt, request: checked.request,
                tags: tags.sorted { $0.name.precedesInUTF8($1.name) }, priority: task.priority ?? 0, output: output))
    }

    private mutating func hasRoom(for request: CanonicalRequest, at place: Place) -> Bool {
        if isOverflown { return false }
        bytes += request.text.utf8.count
        isOverflown = tasks.count >= Self.mostTasks || bytes > Self.mostBytes
        if isOverflown {
            log.error(
                place, "file", "holds more than \(Self.mostTasks) tasks, or more than 8 GiB of requests", "split it")
        }
        return !isOverflown
    }

    // MARK: Keys and files

    private mutating func key(
        of task: RawTask, _ request: CanonicalRequest, id: String?, suffix: String?
    ) -> TaskKey? {
        // An id that is refused is reported; a key of its own keeps the task from looking like another one.
        if task.id != nil, id == nil { return nil }
        let place = task.id?.place ?? task.place
        guard let id else {
            let key = keys.derivedKey(of: request)
            if let earlier = keys.take(key, at: place, isDerived: true) {
                log.error(
                    place, "id",
                    "the key \(key) of this task without an id is the id of the task at "
                        + "\(earlier.place.line):\(earlier.place.column)", "give this task an id")
                return nil
            }
            return key
        }
        let text = suffix.map { "\(id)/\($0)" } ?? id
        if let fault = ProblemLog.fault(ofName: text) {
            log.error(
                place, "id", "its matrix member \(SafeText.quoted(text)) \(fault.what)",
                "write these tasks out, each with an id of its own")
            return nil
        }
        if let earlier = keys.take(TaskKey(text), at: place, isDerived: false) {
            let whose = earlier.isDerived ? "the derived key" : "the id"
            log.error(
                place, "id",
                "\(SafeText.quoted(text)) is \(whose) of the task at "
                    + "\(earlier.place.line):\(earlier.place.column) already", "give each task an id of its own")
            return nil
        }
        return TaskKey(text)
    }

    /// The file name asked for, checked and taken.
    private mutating func output(of task: RawTask) -> String? {
        guard let value = task.output, let name = log.name(value) else { return nil }
        if name == "." || name == ".." || name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0x5C }) {
            log.refuse(
                value, "\(SafeText.quoted(name)) is no file name", "write one without folders, such as dolly.mp4")
        } else if task.matrix != nil {
            log.refuse(value, "would be one file for all tasks of the matrix", "remove it: files are named by key")
        } else if let earlier = keys.takeOutput(name, at: value.place) {
            log.refuse(
                value, "\(SafeText.quoted(name)) is the output at \(earlier.line):\(earlier.column) already",
                "give each task a file of its own")
        }
        return name
    }

    // MARK: The end

    func finish() throws(ManifestFailure) -> Manifest {
        var log = log
        if seenTasks == 0, log.errorCount == 0 {
            log.error(.start, "file", "holds no tasks", "write at least one")
        }
        let name = batchName ?? Self.batchName(from: path)
        if batchName == nil, let fault = ProblemLog.fault(ofName: name) {
            log.error(.start, "batch", "the file's name \(fault.what)", "write batch, or rename the file")
        }
        var problems = ProblemLog.sorted(log.problems)
        if log.isFull, let last = problems.last {
            problems.append(
                ManifestProblem(
                    file: path, line: last.line, column: last.column, field: "file",
                    what: "reading stopped after \(ProblemLog.limit) problems", todo: "mend those first"))
        }
        guard problems.isEmpty else { throw ManifestFailure(problems: problems) }
        return Manifest(batchName: name, tasks: tasks, warnings: ProblemLog.sorted(log.warnings), path: path)
    }

    /// `shots/misty.forest.yaml` → `misty.forest`.
    private static func batchName(from path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return String(name) }
        return String(name[..<dot])
    }
}
