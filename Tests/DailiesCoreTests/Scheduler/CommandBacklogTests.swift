import Testing

@testable import DailiesCore

@Suite struct CommandBacklogTests {
    private static let attempts = (1...2).map { AttemptID(task: TaskID($0), number: 1) }

    private static func command(_ id: Int64, _ attempt: AttemptID) -> UserCommand {
        UserCommand(
            id: CommandID(id), order: .reconcile, attempt: attempt,
            queue: TaskQueueID(batch: SchedulerHarness.batch, model: SchedulerHarness.model))
    }

    @Test func `commands of an attempt come in order, each once the attempt is free, and are read again`() {
        let (first, second) = (Self.attempts[0], Self.attempts[1])
        var backlog = CommandBacklog()
        #expect(backlog.isEmpty && backlog.next(isBusy: { _ in false }) == nil)
        var read = Self.command(1, first)
        read.isRead = true
        backlog.add(read)
        backlog.add(Self.command(2, first))
        backlog.add(Self.command(3, second))
        #expect(backlog.next(isBusy: { _ in false }) == nil, "no attempt is free")
        backlog.free(first)
        #expect(backlog.next(isBusy: { _ in false }) == Self.command(1, first))
        #expect(backlog.next(isBusy: { $0 == first }) == nil, "it carries out the first one")
        backlog.free(first)
        #expect(backlog.next(isBusy: { _ in false })?.id == CommandID(2))
        #expect(!backlog.isEmpty && backlog.next(isBusy: { _ in false }) == nil)
        backlog.free(second)
        #expect(backlog.next(isBusy: { _ in false })?.id == CommandID(3) && backlog.isEmpty)
    }
}
