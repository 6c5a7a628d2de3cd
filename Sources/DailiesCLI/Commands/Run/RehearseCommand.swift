import ArgumentParser
import DailiesCore
import DailiesProvider
import DailiesStore
import Foundation
import ProviderSimulator

struct RehearseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rehearse",
        abstract: "Run manifests against the built-in simulator to estimate time and cost.",
        discussion: """
            Needs no API key and no network, spends nothing and never opens the real store. It uses rehearsal.sqlite \
            and the folder rehearsal, and replaces only files from earlier rehearsals. It refuses a store that has a \
            batch of another provider, and a folder that a rehearsal did not create.

            Examples:
              dailies rehearse jobs/first.yaml
              dailies rehearse jobs/models.jsonl --concurrency 25
              dailies report --store rehearsal.sqlite
            """)

    static let storePath = "rehearsal.sqlite"
    static let folder = "rehearsal"

    @Argument(
        help: ArgumentHelp(
            "Manifest files (YAML, JSON, JSONL or CSV); use - for standard input.", valueName: "manifest"))
    var manifests: [String]
    @OptionGroup(title: "Manifests") var reading: ManifestOptions
    @Option(help: ArgumentHelp("Batch name (default: the manifest's).", valueName: "name"))
    var batch: String?
    @Option(help: ArgumentHelp("Simulator speed, as a multiple of real time.", valueName: "n"))
    var speed = 60.0
    @Option(help: "Random seed for render times.")
    var seed: UInt64 = 1
    @OptionGroup(title: "Pace") var pace: PaceOptions

    mutating func validate() throws {
        guard speed >= 1, speed <= 100_000 else { throw ValidationError("--speed must be a number from 1 to 100000") }
    }

    func run() async throws {
        EarlySignals.runBegins(json: pace.json)
        try OpenFiles.refuseIfTooFew(serving: true)
        let catalog = try reading.catalog()
        let checked = try ManifestLoading.check(
            manifests, batchName: batch, form: reading.form, catalog: catalog, json: pace.json)
        let rates = try pace.spending.prices.read()
        let lock = try RunSession.lock(Self.storePath)
        try RehearsalFiles(storePath: Self.storePath, folder: Self.folder).clear(under: lock)
        var simulation = SimulatorConfiguration()
        simulation.speed = speed
        simulation.seed = seed
        let server = Composition.simulator(simulation, catalog, port: 0, stateFile: nil)
        let port = try await server.start()
        let began = DispatchTime.now().uptimeNanoseconds
        var pace = pace
        pace.output = pace.output ?? Self.folder
        var session = RunSession(
            storePath: Self.storePath, configuration: try configuration(port), pace: pace, speed: speed,
            resumeCommand: .again,
            hint: SuggestedCommand(storePath: Self.storePath))
        session.rates = rates
        session.form = reading.form
        session.catalog = catalog
        let code = try await session.run(checked, under: lock)
        let took = Duration.nanoseconds(Int64(DispatchTime.now().uptimeNanoseconds - began))
        let bill = server.bill
        await server.stop()
        if !pace.json { printPrediction(bill.total, took) }
        throw code.asExit
    }

    private func configuration(_ port: Int) throws -> ProviderConfiguration {
        var configuration = try ProviderConfiguration(
            baseURL: "http://127.0.0.1:\(port)", keys: [ModelAPIKey(key: try APIKey("rehearsal"))])
        configuration.name = ProviderOptions.Name.simulator.rawValue
        return configuration
    }

    private func printPrediction(_ total: CreditTotal, _ took: Duration) {
        let time = PlanOutput.text(took * Int(speed))
        Console.error(
            """
            estimate: a real run would cost about \(total) credits (published prices) and take about \(time) \
            with \(pace.concurrency) in flight
            clips: \(Self.folder)/   store: \(Self.storePath)   report: dailies report --store \(Self.storePath)
            """)
    }
}
