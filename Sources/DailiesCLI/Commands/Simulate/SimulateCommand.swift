import ArgumentParser
import DailiesCore
import Foundation
import ProviderSimulator

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Be the provider: the whole tasks API on this machine, without a render and without a bill.",
        discussion: """
            The first line it prints is its URL. What it would have charged stands at /simulator/bill.

            Examples:
              dailies simulate --port 8080 --speed 60
              dailies run jobs/first.yaml --provider simulator --base-url http://127.0.0.1:8080 --speed 60
              curl http://127.0.0.1:8080/simulator/bill
            """)

    @OptionGroup var models: CatalogueOptions
    @Option(help: "The port on 127.0.0.1; 0 for any that is free.")
    var port = 0
    @Option(help: "How much faster than real time it renders.")
    var speed = 1.0
    @Option(help: ArgumentHelp("Keep its state in this file, so that it survives its own restart.", valueName: "path"))
    var state: String?
    @Option(help: ArgumentHelp("Tasks in flight beyond which it answers 429.", valueName: "n"))
    var accountConcurrency: Int?
    @Option(
        help: ArgumentHelp(
            "How long renders take at speed 1, queued and running together: 20s-60s evenly between two times, 150s~20% lognormal with this mean and spread. Default: what the model's page says.",
            valueName: "times"))
    var renderTime: RenderTimeArgument?
    @Option(help: "Decides how long each render takes and what it comes to.")
    var seed: UInt64 = 1
    @Option(help: ArgumentHelp("What becomes of submission keys: honoured, or ignored.", valueName: "policy"))
    var keys = KeyPolicyArgument.honoured
    @Option(
        help: ArgumentHelp(
            "Which replies echo the key: always, params (as the pages show it), never.", valueName: "when"))
    var echo = EchoArgument.params
    @Option(help: ArgumentHelp("Credits in the wallet; without it, no end of them.", valueName: "credits"))
    var balance: CreditsArgument?
    @Option(
        help: ArgumentHelp(
            "Another price after so many accepted submits, as 100=3: three times as much.", valueName: "after=factor"))
    var priceChange: PriceChangeArgument?
    @Option(help: "What cancelling a rendering task costs: free; its part, as the reply says; later, or never.")
    var cancellation = CancellationArgument.stated
    @Option(help: ArgumentHelp("How far a bill may lie from its estimate, either way.", valueName: "percent"))
    var deviation: Int64 = 0
    @Option(help: ArgumentHelp("Replies without it where a cost or a URL is late.", valueName: "n"))
    var incompleteReplies = 2
    @Option(
        help: ArgumentHelp(
            "Faults and how likely each is, as dropReply=0.05,cutDownload=0.3. May be repeated. `all=0.05` sets every one.",
            valueName: "kind=probability"))
    var fault: [String] = []
    @Option(help: ArgumentHelp("How long keys are remembered where forgetKey strikes, at speed 1.", valueName: "time"))
    var keysForgottenAfter = DurationArgument(argument: "24h")!
    @Option(help: ArgumentHelp("How long tasks are kept where dropTask strikes, at speed 1.", valueName: "time"))
    var tasksKeptFor = DurationArgument(argument: "48h")!
    @Option(help: ArgumentHelp("How long the URLs of clips live, at speed 1.", valueName: "time"))
    var urlLifetime: DurationArgument?
    @Option(help: ArgumentHelp("Bytes of padding in every clip.", valueName: "n"))
    var padding = 0

    @Flag(
        help: """
            All API keys are of one account: each finds what any of them submitted, by its task id. Else each key is an \
            account.
            """)
    var oneAccount = false

    mutating func validate() throws {
        guard speed > 0, speed <= 100_000 else { throw ValidationError("--speed is a number above 0, to 100000") }
        guard (0...65_535).contains(port) else { throw ValidationError("--port is a number from 0 to 65535") }
        guard padding >= 0, padding <= 1 << 30 else { throw ValidationError("--padding is a number from 0 to 2^30") }
        guard (0...100).contains(deviation) else { throw ValidationError("--deviation is a percentage from 0 to 100") }
        guard (0...1_000_000).contains(incompleteReplies) else {
            throw ValidationError("--incomplete-replies is a number from 0 to 1000000")
        }
        if let accountConcurrency, accountConcurrency < 1 {
            throw ValidationError("--account-concurrency is at least 1")
        }
    }

    func run() async throws {
        try OpenFiles.refuseIfTooFew()
        if let state { try OutputFile.refusePart(ofStore: nil, state) }
        let server = Composition.simulator(
            try simulation(), try models.catalogue(), port: port, stateFile: state)
        let bound: Int
        do {
            bound = try await server.start()
        } catch {
            throw Stop(.unexpected, "the simulator cannot start: \(ErrorFormatter.of(error))")
        }
        Console.out("http://127.0.0.1:\(bound)")
        let (stops, stop) = AsyncStream<Void>.makeStream()
        let signals = StopSignals { stop.yield() }
        for await _ in stops { break }
        await server.stop()
        signals.cancel()
    }

    private func simulation() throws -> SimulatorConfiguration {
        var simulation = SimulatorConfiguration()
        simulation.speed = speed
        simulation.seed = seed
        simulation.limits.accountConcurrency = accountConcurrency
        simulation.isOneAccount = oneAccount
        simulation.submissionKeys = keys == .ignored ? .ignored : .honoured(echo: echo.policy)
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
        for word in fault.flatMap({ $0.split(separator: ",") }) { try set(String(word), in: &simulation.faults) }
        return simulation
    }

    private func set(_ word: String, in plan: inout FaultPlan) throws {
        let parts = word.split(separator: "=")
        guard parts.count == 2, let probability = Double(parts[1]), (0...1).contains(probability) else {
            throw ValidationError(
                "--fault takes kind=probability, such as dropReply=0.05; not \(SafeText.quoted(word))")
        }
        if parts[0] == "all" {
            for kind in FaultKind.allCases { plan[kind] = probability }
        } else if let kind = FaultKind(rawValue: String(parts[0])) {
            plan[kind] = probability
        } else {
            let known = FaultKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("there is no fault \(SafeText.quoted(String(parts[0]))); there are: all, \(known)")
        }
    }
}

/// `20s-60s`, or `150s~20%`.
struct RenderTimeArgument: ExpressibleByArgument {
    let latency: SimulatorConfiguration.Latency

    private static let widestSpread = 0...500

    init?(argument: String) {
        if argument.hasSuffix("%") {
            let parts = argument.dropLast().split(separator: "~", omittingEmptySubsequences: false)
            guard parts.count == 2, let mean = Self.time(parts[0]), let spread = Int(parts[1]),
                Self.widestSpread.contains(spread)
            else { return nil }
            latency = .lognormal(mean: mean, variation: Double(spread) / 100)
        } else {
            let ends = argument.split(separator: "-", omittingEmptySubsequences: false).map(Self.time)
            guard ends.count == 2, let least = ends[0], let most = ends[1], least <= most else { return nil }
            latency = .uniform(queued: .zero ... .zero, running: least...most)
        }
    }

    private static func time(_ text: Substring) -> Duration? { DurationArgument(argument: String(text))?.duration }
}

/// `100=3`: from the submit after a hundred accepted ones on, three times the price.
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
    case honoured
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
