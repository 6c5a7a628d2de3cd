import ArgumentParser
import DailiesCore
import DailiesRunner
import DailiesStore
import Foundation

struct StatusCommand: AsyncParsableCommand, PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show progress: task counts, tasks in flight, uncertain and unsaved tasks, spending and budget.",
        discussion: """
            Reads the store only; safe during a run, and never delays it. --check-files also compares every saved clip \
            with its recorded length and SHA-256.

            Tasks that need an API key other than $BYTESPIKE_API_KEY (if it is not set, other than the key used last) \
            are listed with the fingerprint of the key that they need.

            Examples:
              dailies status
              dailies status --watch
              dailies status --store campaign.sqlite --json
              dailies status --check-files
              dailies status --watch --json | jq .total.completed

            Exit codes: 0; with --check-files 9 if a saved clip is missing or changed.
            """)

    /// Minimum time between two reads; longer if reading a large store takes long.
    private static let interval = Duration.seconds(1)
    private static let readTimeFactor = 10

    @OptionGroup var store: StoreOptions
    @Flag(name: .shortAndLong, help: "Refresh every second until Ctrl-C.")
    var watch = false
    @Flag(help: "Write JSON; with --watch, one object per line whenever something changes.")
    var json = false
    @Flag(help: "Check the length and SHA-256 of every saved clip.")
    var checkFiles = false

    mutating func validate() throws {
        if watch, checkFiles { throw ValidationError("--watch and --check-files cannot be used together") }
    }

    func run() async throws {
        let reader = try store.openForReading()
        let files: ClipCheck?
        do {
            if watch { try await follow(reader) }
            let snapshot = try StatusSnapshot(of: reader, path: store.path)
            files = checkFiles ? try ClipCheck(of: reader, checksContent: true) : nil
            try reader.close()
            if json {
                Console.out((StatusOutput.json(snapshot) + (files.map { ["files": $0.json] } ?? [:])).text)
            } else {
                Console.out(StatusOutput.text(snapshot))
            }
        } catch {
            try reader.close()
            throw error
        }
        guard let files else { return }
        if !json { Console.out(files.text(SuggestedCommand(store: store))) }
        if !files.losses.isEmpty { throw ExitCode.unsaved.asExit }
    }

    /// Each read is one short transaction, so the store's log can be checkpointed during `--watch`.
    private func follow(_ reader: Store) async throws {
        let timers = DispatchClock()
        let isTerminal = isatty(STDOUT_FILENO) == 1
        var painter = TerminalRenderer()
        var seen: Int64?
        while true {
            Console.endIfReaderIsGone()
            let began = timers.now
            let version = try reader.dataVersion()
            if version != seen || (isTerminal && !json) {
                let snapshot = try StatusSnapshot(of: reader, path: store.path)
                if json {
                    JSONLine.write("status", StatusOutput.json(snapshot))
                } else if isTerminal {
                    let size = TerminalRenderer.size(of: STDOUT_FILENO)
                    // One line is left free for the cursor; without it the view would scroll.
                    let text = StatusOutput.text(snapshot, width: size.width - 1, height: size.height - 1)
                    let lines = text.split(separator: "\n").map { DisplayWidth.cut(String($0), to: size.width - 1) }
                    Console.out(painter.paint(lines, width: size.width), lineEnd: "")
                } else {
                    Console.out(StatusOutput.text(snapshot) + "\n")
                }
                seen = version
            }
            await Pause.now(for: max(Self.interval, (timers.now - began) * Self.readTimeFactor))
        }
    }
}

/// Task counts and the other store data that `status` shows.
struct StatusSnapshot {
    let summary: StatusSummary
    /// The active run, as text; nil: none.
    let runner: String?
    let controls: RunControls
    /// Tasks that need an API key other than the one in the environment, or, if there is none, the one used last.
    let keyNeeds: [MissingKey]
    let remaining: ClosedRange<Duration>?

    init(of store: Store, path: String) throws {
        summary = try store.summary()
        runner = try Store.lockOwner(of: path)
        controls = try store.runControls()
        keyNeeds = try store.keyNeeds(present: ProviderOptions.accountAtHand.map { [$0] })
        let total = summary.total
        guard runner != nil, controls.pauses.isEmpty, total.inFlight > 0 else {
            remaining = nil
            return
        }
        let sample = try store.paceSample()
        let now = DispatchClock().now
        var forecast = ETAEstimator()
        for duration in sample.durations { forecast.learn(duration) }
        remaining = forecast.range(
            waiting: total.waiting, ages: sample.sentAt.map { max(now - $0, .zero) }, slots: sample.sentAt.count)
    }
}
