/// The store's row number of a task. Ours alone: it never leaves the machine.
public struct TaskID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// As the store numbers it.
    public let rawValue: Int64
    /// Keeps the number as it is given.
    public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public static func < (a: TaskID, b: TaskID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { "\(rawValue)" }
}

/// The store's row number of a batch.
public struct BatchID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// As the store numbers it.
    public let rawValue: Int64
    /// Keeps the number as it is given.
    public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public static func < (a: BatchID, b: BatchID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { "\(rawValue)" }
}

/// One attempt of a task: the pair that identifies one submission key. Attempts count from 1.
public struct AttemptID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The task that it is an attempt of.
    public let task: TaskID
    /// In four bytes, since every timer and every table of tasks in flight holds one.
    private let count: Int32
    /// From 1; grows only when a task is to be rendered anew.
    public var number: Int { Int(count) }
    /// What an attempt may be numbered: 1 to 2³¹ − 1.
    public static let numbers = 1...Int(Int32.max)
    /// - Precondition: `number` is one of ``numbers``.
    public init(task: TaskID, number: Int) {
        precondition(Self.numbers ~= number, "attempts count from 1, not from \(number)")
        self.task = task
        count = Int32(number)
    }
    public static func < (a: AttemptID, b: AttemptID) -> Bool { (a.task, a.number) < (b.task, b.number) }
    public var description: String { "\(task)#\(number)" }
}

/// What a user calls a task: the manifest's `id`, or one derived from the content. Unique in its batch.
public struct TaskKey: ByteExactString, Comparable, Sendable, CustomStringConvertible {
    /// As its manifest has it, or as it follows from the content.
    public let text: String
    /// Keeps the text as it is given.
    public init(_ text: String) { self.text = text }
    public var description: String { text }
}

/// A task's key and its batch: keys are unique within a batch only.
public struct TaskName: Hashable, Sendable {
    /// The batch of the task.
    public let batch: BatchID
    /// The key within the batch.
    public let key: TaskKey
    /// Creates a name.
    public init(batch: BatchID, key: TaskKey) {
        self.batch = batch
        self.key = key
    }
}

/// The provider's name of a task (`task_id`): an opaque string, at most 512 bytes are kept.
public struct RemoteTaskID: ByteExactString, Sendable, CustomStringConvertible {
    /// As the provider wrote it.
    public let text: String
    /// Keeps the text as it is given.
    public init(_ text: String) { self.text = text }
    public var description: String { text }
}

/// The provider's name of a model, sent as written and never rewritten.
public struct ModelID: ByteExactString, Comparable, Sendable, CustomStringConvertible {
    /// As the provider writes it: `sora-2-pro`.
    public let text: String
    /// Keeps the text as it is given.
    public init(_ text: String) { self.text = text }
    public var description: String { text }
}

/// A short one-way mark of an API key: enough to notice a change of key, useless to anyone who finds it.
/// Twelve lowercase hexadecimal digits of the key's SHA-256.
public struct KeyFingerprint: ByteExactString, Sendable, CustomStringConvertible {
    /// The digits.
    public let text: String
    /// Keeps the text as it is given.
    public init(_ text: String) { self.text = text }
    public var description: String { text }
}

/// The two shapes in which the provider's pages describe the same three endpoints.
public enum Dialect: String, Hashable, Sendable, CaseIterable {
    /// Model fields at top level, query by GET. The default, since the model's own page uses it.
    case flat
    /// Model fields inside `params`, query by POST.
    case params
}
