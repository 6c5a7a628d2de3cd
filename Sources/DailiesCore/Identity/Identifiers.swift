/// The store's row number of a task. It never leaves the machine.
public struct TaskID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The row number.
    public let rawValue: Int64
    /// Wraps a row number.
    public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public static func < (a: TaskID, b: TaskID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { "\(rawValue)" }
}

/// The store's row number of a batch.
public struct BatchID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The row number.
    public let rawValue: Int64
    /// Wraps a row number.
    public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public static func < (a: BatchID, b: BatchID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { "\(rawValue)" }
}

/// One attempt of a task. Each has one submission key. Attempts count from 1.
public struct AttemptID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The task.
    public let task: TaskID
    /// Four bytes, since every timer and every table of tasks in flight stores one.
    private let count: Int32
    /// The attempt number, from 1. It grows only when a task is to be rendered again.
    public var number: Int { Int(count) }
    /// Valid attempt numbers: 1 to 2³¹ − 1.
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

/// The name of a task: the manifest's `id`, or one derived from the content. Unique in its batch.
public struct TaskKey: ByteExactString, Comparable, Sendable, CustomStringConvertible {
    /// The key as text.
    public let text: String
    /// Wraps the text unchanged.
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

/// The provider's `task_id`: an opaque string of up to 512 bytes.
public struct RemoteTaskID: ByteExactString, Sendable, CustomStringConvertible {
    /// The ID as the provider wrote it.
    public let text: String
    /// Wraps the text unchanged.
    public init(_ text: String) { self.text = text }
    public var description: String { text }
}

/// The provider's name of a model, sent as written.
public struct ModelID: ByteExactString, Comparable, Sendable, CustomStringConvertible {
    /// The name, such as `sora-2-pro`.
    public let text: String
    /// Wraps the text unchanged.
    public init(_ text: String) { self.text = text }
    public var description: String { text }
}

/// A one-way fingerprint of an API key. It shows that the key changed but does not reveal it.
/// Twelve lowercase hexadecimal digits of the key's SHA-256.
public struct KeyFingerprint: ByteExactString, Sendable, CustomStringConvertible {
    /// The hexadecimal digits.
    public let text: String
    /// Wraps the text unchanged.
    public init(_ text: String) { self.text = text }
    public var description: String { text }
}

/// The two request formats in which the provider documents the same three endpoints.
public enum Dialect: String, Hashable, Sendable, CaseIterable {
    /// Model fields at top level, query by GET. The default, since the model's own page uses it.
    case flat
    /// Model fields inside `params`, query by POST.
    case params
}
