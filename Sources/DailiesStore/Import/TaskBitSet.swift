import DailiesCore

/// A set of tasks by row number. Numbers are usually close together and take a few bits each, never more than about 40
/// bytes.
struct TaskBitSet {
    private var words: [Int64: UInt64] = [:]

    mutating func insert(_ task: TaskID) { words[task.rawValue >> 6, default: 0] |= Self.bit(task) }

    func contains(_ task: TaskID) -> Bool { words[task.rawValue >> 6, default: 0] & Self.bit(task) != 0 }

    private static func bit(_ task: TaskID) -> UInt64 { 1 << UInt64(task.rawValue & 63) }
}
