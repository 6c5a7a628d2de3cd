import ArgumentParser
import DailiesCore
import Foundation
import ProviderSimulator

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run a local simulator of the provider's API.",
        discussion: """
            Prints its URL first. /simulator/bill returns the credits that the provider would have charged.

            Examples:
              dailies simulate --port 8080 --speed 60
              dailies run jobs/first.yaml --provider simulator --base-url http://127.0.0.1:8080 --speed 60
              curl http://127.0.0.1:8080/simulator/bill
            """)

    @OptionGroup var models: CatalogOptions
    @Option(help: "The port on 127.0.0.1; 0 selects a free port.")
    var port = 0
    @Option(help: "Render this many times faster than real time.")
    var speed = 1.0
    @Option(help: ArgumentHelp("Keep the state in this file across restarts (default: in memory).", valueName: "path"))
    var state: String?
    @Option(
        help: ArgumentHelp("Maximum tasks in flight; more get status 429 (default: no limit).", valueName: "n"))
    var accountConcurrency: Int?
    @Option(
        help: ArgumentHelp(
            """
            Time queued and running at speed 1: 20s-60s is uniform, 150s~20% is lognormal with this mean and spread \
            (default: from the provider's documentation).
            """, valueName: "times"))
    var renderTime: RenderTimeArgument?
    @Option(help: "Random seed for render times and outcomes.")
    var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Whether submission keys are honored or ignored.", valueName: "policy"))
    var keys = KeyPolicyArgument.honored
    @Option(
        help: ArgumentHelp(
            "Which responses echo the key: always, params (as documented), never.", valueName: "when"))
    var echo = EchoArgument.params
    @Option(help: ArgumentHelp("Account balance in credits (default: unlimited).", valueName: "credits"))
    var balance: CreditsArgument?
    @Option(
        help: ArgumentHelp(
            "Multiply prices after a number of accepted submits: 100=3 triples them after 100.",
            valueName: "after=factor"))
    var priceChange: PriceChangeArgument?
    @Option(
        help: """
            The cost of cancelling a rendering task: free; or a partial charge that is stated in the response, later, \
            or never.
            """)
    var cancellation = CancellationArgument.stated
    @Option(
        help: ArgumentHelp("Maximum deviation of a bill from its estimate, up or down.", valueName: "percent"))
    var deviation: Int64 = 0
    @Option(
        help: ArgumentHelp("Number of responses without a cost or URL when either is late.", valueName: "n"))
    var incompleteReplies = 2
    @Option(
        help: ArgumentHelp(
            "Inject faults with these probabilities: dropReply=0.05,cutDownload=0.3; all=0.05 sets all. Repeatable.",
            valueName: "kind=probability"))
    var fault: [String] = []
    @Option(
        help: ArgumentHelp("With the fault forgetKey, how long keys are remembered, at speed 1.", valueName: "time"))
    var keysForgottenAfter = DurationArgument(argument: "24h")!
    @Option(help: ArgumentHelp("With the fault dropTask, how long tasks are kept, at speed 1.", valueName: "time"))
    var tasksKeptFor = DurationArgument(argument: "48h")!
    @Option(help: ArgumentHelp("How long clip URLs are valid, at speed 1.", valueName: "time"))
    var urlLifetime: DurationArgument?
    @Option(help: ArgumentHelp("Bytes of padding in every clip.", valueName: "n"))
    var padding = 0

    @Flag(
        help: """
            Treat all API keys as one account, where each key finds the tasks of the others by task id (default: one \
            account per key).
            """)
    var oneAccount = false

    mutating func validate() throws {
        guard speed > 0, speed <= 100_000 else { throw ValidationError("--speed must be above 0 and at most 100000") }
        guard (0...65_535).contains(port) else { throw ValidationError("--port must be from 0 to 65535") }
        guard padding >= 0, padding <= 1 << 30 else { throw ValidationError("--padding must be from 0 to 2^30") }
        guard (0...100).contains(deviation) else {
            throw ValidationError("--deviation must be a percentage from 0 to 100")
        }
        guard (0...1_000_000).contains(incompleteReplies) else {
            throw ValidationError("--incomplete-replies must be from 0 to 1000000")
        }
        if let accountConcurrency, accountConcurrency < 1 {
            throw ValidationError("--account-concurrency must be at least 1")
        }
    }

    func run() async throws {
        try OpenFiles.refuseIfTooFew()
        if let state { try OutputFile.refusePart(ofStore: nil, state) }
        let server = Composition.simulator(
            try simulation(), try models.read(), port: port, stateFile: state)
        let bound: Int
        do {
            bound = try await server.start()
        } catch {
            throw Stop(.unexpected, "the simulator cannot start: \(ErrorFormatter.of(error))")
        }
        Console.out("http://127.0.0.1:\(bound)")
        let (signalStream, signalled) = AsyncStream<Void>.makeStream()
        let signals = StopSignals { signalled.yield() }
        for await _ in signalStream { break }
        await server.stop()
        signals.cancel()
    }

    private func simulation() throws -> SimulatorConfiguration {
        var simulation = SimulatorConfiguration()
        simulation.speed = speed
        simulation.seed = seed
        simulation.limits.accountConcurrency = accountConcurrency
        simulation.isOneAccount = oneAccount
        simulation.submissionKeys = keys == .ignored ? .ignored : .honored(echo: echo.policy)
        simulation.money.balance = balance?.credits
        simulation.money.priceChange = priceChange?.change
        simulation.money.cancellation = cancellation.cost
        simulation.money.deviation = -100 * deviation...100 * deviation
        simulation.faults.incompleteReplies = incompleteReplies
        simulation.faults.keysForgottenAfter = keysForgottenAfter.duration
        simulation.faults.tasksKeptFor = tasksKeptFor.duration
        simulation.assets.paddingBytes = padding
        if let renderTime { simulation.latency = renderTime.latency }
        if let urlLifetime { simulation.assets.urlLifetime = urlLifetime.duration }
        for entry in fault.flatMap({ $0.split(separator: ",") }) { try set(String(entry), in: &simulation.faults) }
        return simulation
    }

    private func set(_ entry: String, in plan: inout FaultPlan) throws {
        let parts = entry.split(separator: "=")
        guard parts.count == 2, let probability = Double(parts[1]), (0...1).contains(probability) else {
            throw ValidationError(
                "--fault takes kind=probability, such as dropReply=0.05, not \(SafeText.quoted(entry))")
        }
        if parts[0] == "all" {
            for kind in FaultKind.allCases { plan[kind] = probability }
        } else if let kind = FaultKind(rawValue: String(parts[0])) {
            plan[kind] = probability
        } else {
            let known = FaultKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("unknown fault \(SafeText.quoted(String(parts[0]))); use one of: all, \(known)")
        }
    }
}

/// `20s-60s` or `150s~20%`.
struct RenderTimeArgument: ExpressibleByArgument {
    let latency: SimulatorConfiguration.Latency

    /// In percent.
    private static let validSpreads = 0...500

    init?(argument: String) {
        if argument.hasSuffix("%") {
            let parts = argument.dropLast().split(separator: "~", omittingEmptySubsequences: false)
            guard parts.count == 2, let mean = Self.time(parts[0]), let spread = Int(parts[1]),
                Self.validSpreads.contains(spread)
            else { return nil }
            latency = .lognormal(mean: mean, variation: Double(spread) / 100)
        } else {
            let ends = argument.split(separator: "-", omittingEmptySubsequences: false).map(Self.time)
            guard ends.count == 2, let minimum = ends[0], let maximum = ends[1], minimum <= maximum else { return nil }
            latency = .uniform(queued: .zero ... .zero, running: minimum...maximum)
        }
    }

    private static func time(_ text: Substring) -> Duration? { DurationArgument(argument: String(text))?.duration }
}

/// `100=3`: three times the price after 100 accepted submits.
struct PriceChangeArgument: ExpressibleByArgument {
    let change: SimulatorConfiguration.PriceChange

    init?(argument: String) {
        let parts = argument.split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2, let after = Int(parts[0]), after >= 0, let factor = Credits.read(parts[1]),
            factor.credits <= Credits(nano: 1_000_000_000_000)
        else { return nil }
        change = .init(submits: after, factorHundredths: factor.credits.nano / 10_000_000)
    }
}

enum CancellationArgument: String, ExpressibleByArgument, CaseIterable {
    case free
    case stated
    case later
    case never

    var cost: SimulatorConfiguration.CancellationCost {
        switch self {
        case .free: .free
        case .stated: .billed(reported: true)
        case .later: .billedLater
        case .never: .billed(reported: false)
        }
    }
}

enum KeyPolicyArgument: String, ExpressibleByArgument, CaseIterable {
    case honored = "honoured"
    case ignored
}

enum EchoArgument: String, ExpressibleByArgument, CaseIterable {
    case always
    case params
    case never

    var policy: SimulatorConfiguration.Echo {
        switch self {
        case .always: .always
        case .params: .paramsOnly
        case .never: .never
        }
    }
}
