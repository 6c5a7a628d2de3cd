import DailiesCore
import Testing

@testable import DailiesStore

/// Tasks are read on one thread and written on another.
struct BoundedTaskChannelTests {
    private struct BrokenOff: Error {}

    private static func specs(_ count: Int) -> [TaskSpec] {
        // Ranges of one model and priority, of every length up to a few thousand.
        var specs: [TaskSpec] = []
        var length = 1
        while specs.count < count {
            for _ in 0..<length {
                let (model, priority) = [("veo-3", 0), ("sora-2-pro", 5), ("sora-2-pro", 0)][length % 3]
                specs.append(Rig.spec("task-\(specs.count)", model: model, priority: priority))
            }
            length = length * 2 + length % 5 % 2
        }
        return specs
    }

    @Test func `thousands of tasks arrive in order, each with its own model and priority`() throws {
        let specs = Self.specs(4000)
        let rig = try Rig(tasks: [])
        let result = try rig.importManifest(specs)
        #expect(result.new == specs.count)
        #expect(result.tasksByState == [.queued: specs.count])
        #expect(
            try rig.shell().rows("SELECT key, model, priority, state FROM task ORDER BY id")
                == specs.map { "\($0.key.text)|\($0.shape.model.text)|\($0.priority)|queued" })
        #expect(try rig.importManifest(specs).unchanged == specs.count)
    }

    @Test func `a refused batch stops reading immediately`() throws {
        let rig = try Rig(tasks: [Rig.spec("a")])
        var asked = 0
        #expect(throws: ImportError.differentPath(stored: "/m.yaml")) {
            try rig.store.importManifest(Rig.manifest(path: "/other.yaml"), at: rig.tick()) { body in
                for index in 0..<1_000_000 {
                    asked += 1
                    try body(Rig.spec("task-\(index)"))
                }
            }
        }
        #expect(asked < 10_000)
        #expect(try rig.shell().one("SELECT count(*) FROM task") == "1")
    }

    @Test func `large requests are throttled, and all arrive`() throws {
        let rig = try Rig(tasks: [])
        let prompt = String(repeating: "p", count: 100_000)
        let specs = (0..<40).map { Rig.spec("task-\($0)", prompt: prompt) }
        #expect(try rig.importManifest(specs).new == 40)
        #expect(
            try rig.shell().one("SELECT count(*), sum(length(prompt)) FROM task") == "40|\(40 * prompt.utf8.count)")
    }

    @Test func `reading that fails between two batches leaves nothing behind`() throws {
        let rig = try Rig(tasks: [Rig.spec("a")])
        for count in [0, 255, 256, 257, 2000] {
            #expect(throws: BrokenOff.self) {
                try rig.store.importManifest(Rig.manifest(), at: rig.tick()) { body in
                    for index in 0..<count { try body(Rig.spec("task-\(index)")) }
                    throw BrokenOff()
                }
            }
        }
        #expect(try rig.shell().rows("SELECT key, state FROM task") == ["a|queued"])
    }
}
