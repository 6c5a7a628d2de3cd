import DailiesCore
import ProviderSimulator

/// What one seed draws: the work, the provider and its misbehaviour, the user, and where the plug is pulled.
struct Scenario {
    struct Batch {
        let name: String
        let tasks: [TaskSpec]
        var budget: Credits?
        var budgetMode = BudgetMode.cautious
    }

    struct PlannedCrash {
        let point: CrashPoint
        /// How many such points are passed before.
        var skips: Int
    }

    /// How much goes wrong.
    enum Mood: CaseIterable {
        case calm
        case rough
        case wild
    }

    static let baseURL = "http://127.0.0.1"
    static let start = Instant(milliseconds: 1_790_000_000_000)
    /// Amounts that no binary fraction holds.
    private static let rates = ["0.1", "0.333333333", "0.07", "1.000000001", "0.000000001", "2", "0.19", "12.3456789"]
    private static let models = ["alder", "birch", "cedar"]
    static let firstModel = ModelID("alder")

    let seed: UInt64
    let mood: Mood
    private(set) var batches: [Batch] = []
    private(set) var catalog = ModelCatalog(compiled: "2026-11-23", models: [])
    private(set) var settings = SchedulerSettings()
    private(set) var simulator = SimulatorConfiguration()
    /// Those that runs draw from: mostly one.
    private(set) var dialects = [Dialect.flat]
    var dialect: Dialect { dialects[0] }
    private(set) var accountBooks = [APIKeyRouting(byPrefix: [:])]
    /// The user's API key gives way to this one of the same account, at some time, for good; nil: it does not.
    private(set) var nextKey: APIKeyRouting?
    /// The user changes the limit of tasks in flight, between runs and in them.
    private(set) var changesItsMind = false
    /// The user sets limits for a model or a pace, or holds things up, while a run goes on.
    private(set) var turnsKnobs = false
    /// The user tells runs, from another terminal, to cancel, to try again, to pause, to do more or less at a time.
    private(set) var tellsItsRuns = false
    /// Others put things in the way of clips, write into their parts, and hold them.
    private(set) var meddlesWithClips = false
    /// Clips that were saved vanish, and are fetched again.
    private(set) var losesClips = false
    /// The folder of the clips is not there for a while, and something else is.
    private(set) var takesFolderAway = false
    private(set) var crashes: [PlannedCrash] = []
    /// Steps of a run after which Ctrl-C comes, one for each stop.
    private(set) var stops: [Int] = []
    /// Requests that meet no connection, and those whose reply comes too late.
    private(set) var unreachable = 0.0
    private(set) var timedOut = 0.0
    /// The user's bound for any task.
    private(set) var maximumPerTask: Credits?
    /// Bills of a play with another service, in percent of the prices of this one; nil: there is none.
    private(set) var play: Int64?
    /// The clock of the client against the provider's.
    private(set) var skew = Duration.zero
    /// By how much the client's clock is ahead in some of its runs, beyond that.
    private(set) var clockAhead = Duration.zero
    /// The longest time that the user stays away between two runs, in some pauses; zero: the usual.
    private(set) var absence = Duration.zero
    /// How the program was before it was mended: a control.
    private(set) var former: FormerBehavior?

    var honoursKeys: Bool {
        switch simulator.submissionKeys {
        case .honored: true
        case .ignored: false
        }
    }

    init(seed: UInt64, former: FormerBehavior? = nil) {
        self.seed = seed
        self.former = former
        var chance = TestRandom(seed: seed)
        mood = chance.pick([.calm, .rough, .rough, .wild])
        drawModels(&chance)
        drawBatches(&chance)
        drawSettings(&chance)
        drawProvider(&chance)
        drawFaults(&chance)
        drawBudgets(&chance)
        drawInterruptions(&chance)
        // A generator of its own: what the others draw for a seed stays what it was.
        var flow = TestRandom(seed: seed ^ 0x0F10_0F10_3333_CCCC)
        drawFlow(&flow)
        var prices = TestRandom(seed: seed ^ 0x9A1C_E5B1_77C0_FFEE)
        drawPrices(&prices)
        var guards = TestRandom(seed: seed ^ 0x6A5D_0000_BEEF_1234)
        drawGuards(&guards)
        var numbers = TestRandom(seed: seed ^ 0x9E1E_7E57_0A0A_5555)
        drawNumbers(&numbers)
        var clips = TestRandom(seed: seed ^ 0x00C1_1B5C_11B5_0000)
        drawClips(&clips)
        var files = TestRandom(seed: seed ^ 0xF11E_5A5A_0001_C11B)
        drawFiles(&files)
        var keys = TestRandom(seed: seed ^ 0x4B45_5953_0FA1_7E12)
        drawKeys(&keys)
    }

    private mutating func drawKeys(_ chance: inout TestRandom) {
        guard accountBooks.count == 1, let key = accountBooks[0].all.first, accountBooks[0].all.count == 1,
            let other = MachineProvider.secrets.keys.first(where: { $0 != key }), chance.happens(0.25)
        else { return }
        nextKey = APIKeyRouting(byPrefix: ["": other])
        simulator.isOneAccount = true
    }

    /// Faults that have come since, each drawn by a generator of its own: what earlier seeds drew stays what it was.
    private static let guardFaults: [FaultKind] = [
        .quoteAbovePrice, .billAboveQuote, .zeroEstimate, .rendersBeforeCancel, .silentCancelCost,
    ]
    private static let drawnApart = Set(
        guardFaults + identityFaults + wireFaults + clipFaults + fileFaults + [.absurdBill, .absurdNumbers])

    /// What a clip may cost: quotes and bills that are not what was published, and cancels that come too late.
    private mutating func drawGuards(_ chance: inout TestRandom) {
        if chance.happens(0.4) { settings.quoteTolerance = chance.pick([0, 10, 50]) }
        for index in batches.indices {
            batches[index].budgetMode = chance.pick([.cautious, .cautious, .cautious, .soft, .hard])
            if batches[index].budget == nil, chance.happens(0.2) {
                batches[index].budget = expectedCost.times(hundredths: Int64(chance.number(20...200)))
            }
        }
        guard mood != .calm else { return }
        for kind in Self.guardFaults where chance.happens(0.35) {
            simulator.faults[kind] = chance.pick([0.05, 0.3, 1])
        }
        // It needs a cancel of a task that is already rendering, which is rare, so it is drawn twice.
        if simulator.faults[.silentCancelCost] == 0, chance.happens(0.5) {
            simulator.faults[.silentCancelCost] = chance.pick([0.3, 1])
        }
    }

    private mutating func drawNumbers(_ chance: inout TestRandom) {
        guard mood != .calm, chance.happens(0.3) else { return }
        simulator.faults[.absurdNumbers] = Double.random(in: 0.01...0.3, using: &chance)
    }

    private mutating func drawPrices(_ chance: inout TestRandom) {
        if mood != .calm, chance.happens(0.3) {
            simulator.faults[.absurdBill] = Double.random(in: 0.02...0.2, using: &chance)
        }
        if chance.happens(0.2) {
            maximumPerTask = largestPrice.times(hundredths: Int64(chance.number(20...300)))
        }
        if chance.happens(0.3) { play = Int64(chance.pick([1, 50, 300, 100_000])) }
        var identity = TestRandom(seed: seed ^ 0x1DE7_717E_5EED_0001)
        drawIdentity(&identity)
    }

    /// Faults that make one task pass for another, or a fresh one for an old one, and those of the way to the service.
    private static let identityFaults: [FaultKind] = [
        .gatewayPage4xx, .sameTaskID, .startAtOnce, .unlistedSubmitState, .wrongTaskByKey, .forgetKey,
    ]
    /// Drawn after all others, so that those stay what they were.
    private static let wireFaults: [FaultKind] = [.otherSubmission, .lateAsset]

    private mutating func drawIdentity(_ chance: inout TestRandom) {
        if chance.happens(0.4) {
            for kind in Self.identityFaults where kind != .forgetKey && mood != .calm && chance.happens(0.6) {
                simulator.faults[kind] = Double.random(in: 0.02...0.3, using: &chance)
            }
        }
        switch chance.number(0...9) {
        case 0, 1:
            // A provider forgets keys no sooner than it is taken to, and the user stays away for longer than that.
            let memory = Duration.seconds(chance.pick([1800, 7200, 86_400]))
            settings.keyMemory = chance.happens(0.5) ? memory : nil
            let remembered = settings.keyMemory ?? SchedulerSettings.usualKeyMemory
            simulator.faults[.forgetKey] = Double.random(in: 0.3...1, using: &chance)
            simulator.faults.keysForgottenAfter = remembered * chance.number(10...30) / 10
            absence = simulator.faults.keysForgottenAfter * 2
        // A clock that was ahead tells nobody how old a key is.
        case 2, 3: clockAhead = .seconds(chance.number(3600...30 * 86_400))
        default: break
        }
        for kind in Self.wireFaults where mood != .calm && chance.happens(0.3) {
            simulator.faults[kind] = Double.random(in: 0.02...0.3, using: &chance)
        }
        simulator.faults.assetLateFor = .seconds(chance.number(1...300))
    }

    private static let clipFaults: [FaultKind] = [.changedAsset, .noLength, .dripDownload, .ignoredRange, .wrongRange]

    private mutating func drawClips(_ chance: inout TestRandom) {
        let (share, highest): (Double, Double) =
            switch mood {
            case .calm: (0, 0)
            case .rough: (0.5, 0.15)
            case .wild: (0.7, 0.4)
            }
        for kind in Self.clipFaults where chance.happens(share) {
            simulator.faults[kind] = Double.random(in: 0.01...highest, using: &chance)
        }
        if mood != .calm {
            // Without cuts there is nothing to go on with, and few requests have a Range at all.
            if chance.happens(0.5) { simulator.faults[.cutDownload] = Double.random(in: 0.1...0.5, using: &chance) }
            if chance.happens(0.4) { simulator.faults[.wrongRange] = Double.random(in: 0.2...0.8, using: &chance) }
            // A service that hardly ever states a length.
            if chance.happens(0.15) {
                simulator.faults[.noLength] = 0.95
                simulator.faults[.ignoredRange] = 0.3
            }
        }
        simulator.assets.validators = chance.pick([.entityTag, .entityTag, .entityTag, .lastModified, .none])
        if chance.happens(0.3) { settings.leastDownloadSpeed = chance.pick([0, 1, 1000]) }
        meddlesWithClips = mood != .calm && chance.happens(0.3)
    }

    /// What kind of file a clip is, and how long its task is kept.
    private static let fileFaults: [FaultKind] = [.otherFormat, .bytesAfterEnd, .damagedClip, .dropTask]

    private mutating func drawFiles(_ chance: inout TestRandom) {
        losesClips = chance.happens(0.4)
        takesFolderAway = mood != .calm && chance.happens(0.25)
        guard mood != .calm else { return }
        for kind in Self.fileFaults where chance.happens(0.35) {
            simulator.faults[kind] = Double.random(in: 0.05...0.4, using: &chance)
        }
        // No render and no download takes that long, whatever fails.
        simulator.faults.tasksKeptFor = .seconds(400 * 86_400)
    }

    private mutating func drawFlow(_ chance: inout TestRandom) {
        for model in Self.models where chance.happens(0.2) {
            settings.modelConcurrency[ModelID(model)] = chance.number(1...3)
        }
        if chance.happens(0.2) { settings.submitPace = SubmitRate(interval: chance.milliseconds(50...8000)) }
        turnsKnobs = chance.happens(0.25)
        if chance.happens(0.3) { settings.cadence = .adaptive(share: chance.pick([0.1, 0.325, 1])) }
        if chance.happens(0.3) { settings.maximumPolicyRejections = chance.number(1...4) }
        if chance.happens(0.4) {
            settings.retryRules.rules = [
                .init(code: "content_policy_violation", action: chance.pick([.retry, .newSeed])),
                .init(text: "Refused the prompt", action: chance.pick([.retry, .newSeed, .skip])),
            ]
        }
        // With a short poll window a slow clip counts as one that came to nothing, run after run.
        if settings.pollWindow == nil, chance.happens(0.2) {
            var canary = CanarySettings(clips: chance.number(1...5))
            canary.successRate = chance.pick([0, 50, 100])
            settings.canary = canary
        }
    }

    // MARK: The work

    private mutating func drawModels(_ chance: inout TestRandom) {
        var specs: [ModelSpec] = []
        for name in Self.models {
            let rate = Self.credits(chance.pick(Self.rates))
            simulator.money.perSecond[name] = rate
            let price = PublishedPrice(
                figure: .rate(perSecond: rate, fee: .zero), resolution: nil, source: "the simulation")
            let beat = chance.number(1...10)
            specs.append(
                ModelSpec(
                    id: ModelID(name), vendor: "grove", durationSeconds: 1...20, resolutions: ["720p", "1080p"],
                    defaultResolution: "720p", aspectRatios: [], defaultAspectRatio: nil,
                    extraFields: ["seed": .integer],
                    acceptsImageInit: false,
                    cadence: PollCadence(phases: [
                        PollCadence.Phase(interval: .seconds(beat), until: .seconds(60)),
                        PollCadence.Phase(interval: .seconds(2 * beat), until: .seconds(180)),
                    ]),
                    typicalLatency: nil, typicalLatencyForSeconds: nil, prices: [price],
                    urlLifetime: chance.happens(0.5) ? .seconds(chance.number(60...7200)) : nil, withdrawn: nil))
        }
        catalog = ModelCatalog(compiled: "2026-11-23", models: specs)
    }

    private mutating func drawBatches(_ chance: inout TestRandom) {
        let count = chance.happens(0.3) ? 2 : 1
        for number in 1...count {
            let tasks = (1...chance.number(1...(count == 1 ? 25 : 12))).map { index in
                task("shot-\(index)", in: number, &chance)
            }
            batches.append(Batch(name: "reel-\(number)", tasks: tasks, budget: nil))
        }
    }

    private func task(_ key: String, in batch: Int, _ chance: inout TestRandom) -> TaskSpec {
        let model = chance.pick(Self.models)
        let seconds = chance.number(1...12)
        let resolution = chance.pick(["720p", "1080p"])
        let prompt = "\(key) of reel \(batch), seed \(seed)"
        let request = """
            {"duration_seconds":\(seconds),"model":"\(model)","prompt":"\(prompt)\\nat dawn","resolution":"\(resolution)"}
            """
        return TaskSpec(
            key: TaskKey(key),
            shape: RequestShape(model: ModelID(model), durationSeconds: seconds, resolution: resolution),
            prompt: prompt, request: CanonicalRequest(text: request), tags: [],
            priority: chance.happens(0.2) ? chance.number(-2...2) : 0, output: nil)
    }

    private mutating func drawSettings(_ chance: inout TestRandom) {
        dialects = [chance.pick(Dialect.allCases)]
        if chance.happens(0.1) { dialects = Dialect.allCases }
        let keys = MachineProvider.secrets.keys.sorted { $0.text < $1.text }
        accountBooks = [APIKeyRouting(byPrefix: ["": keys[0]])]
        switch chance.number(0...9) {
        case 0: accountBooks.append(APIKeyRouting(byPrefix: ["": keys[1]]))
        case 1: accountBooks = [APIKeyRouting(byPrefix: ["": keys[0], "cedar": keys[1]])]
        default: break
        }
        changesItsMind = chance.happens(0.25)
        settings.concurrency = chance.number(1...8)
        settings.retries = chance.number(0...2)
        settings.downloads = chance.happens(0.85)
        settings.downloadConcurrency = chance.number(1...4)
        settings.pageSize = chance.happens(0.5) ? chance.number(1...6) : 256
        if chance.happens(0.3) { settings.pollWindow = .seconds(chance.number(20...300)) }
        if chance.happens(0.5) { settings.maximumWait = .seconds(chance.number(60...600)) }
        if chance.happens(0.3) { settings.unsavedLimit = chance.number(1...6) }
        if chance.happens(0.5) { skew = chance.milliseconds(-7_200_000...7_200_000) }
    }

    // MARK: The provider

    private mutating func drawProvider(_ chance: inout TestRandom) {
        simulator.seed = chance.next()
        simulator.baseURL = Self.baseURL
        if chance.happens(0.2) {
            simulator.submissionKeys = .ignored
        } else {
            simulator.submissionKeys = .honored(echo: chance.pick([.always, .paramsOnly, .never]))
        }
        let queued = chance.milliseconds(0...20_000)
        let running = chance.milliseconds(1000...(chance.happens(0.2) ? 600_000 : 60_000))
        simulator.latency = .uniform(queued: .zero...queued, running: .milliseconds(500)...running)
        if chance.happens(0.3) { simulator.limits.accountConcurrency = chance.number(1...settings.concurrency + 2) }
        if chance.happens(0.2) { simulator.limits.modelSlots = chance.number(1...4) }
        if chance.happens(0.3) { simulator.money.submissionFee = Self.credits("0.001") }
        simulator.money.amountStyle = chance.pick([
            .plain, .padded(decimals: 4), .exponent, .overlong(tail: "4"), .overlong(tail: "77"),
        ])
        simulator.money.cancellation = chance.pick([.free, .billed(reported: true)])
        switch chance.number(0...9) {
        case 0...4: break
        case 5...7: simulator.money.deviation = -500...500
        default: simulator.money.deviation = -5000...5000
        }
        if chance.happens(0.1) {
            simulator.money.priceChange = .init(submits: chance.number(0...10), factorHundredths: 170)
        }
        if chance.happens(0.2) {
            simulator.money.rateBucket = .init(limit: largestPrice.times(hundredths: 300), window: .seconds(120))
        }
        if chance.happens(0.15) { simulator.money.balance = expectedCost.times(hundredths: 60) }
        if chance.happens(0.4) { simulator.assets.urlLifetime = .seconds(chance.number(10...600)) }
        simulator.assets.countedFrom = chance.pick([.query, .query, .completion])
        if simulator.assets.countedFrom == .completion { simulator.assets.urlLifetime = .seconds(86_400 * 30) }
        simulator.assets.paddingBytes = chance.happens(0.3) ? chance.number(100...5000) : 0
    }

    private mutating func drawFaults(_ chance: inout TestRandom) {
        simulator.faults.seed = chance.next()
        simulator.faults.replyDelay = chance.milliseconds(500...90_000)
        // Mostly shorter than the ten minutes after which a task counts as lost.
        simulator.faults.forgottenFor = .seconds(chance.number(5...(chance.happens(0.8) ? 500 : 1500)))
        simulator.faults.walletEmptyFor = .seconds(chance.number(5...600))
        simulator.faults.throttledFor = .seconds(chance.number(1...120))
        // Beyond the questions of one run: a cost that counts as unknown, and is stated to a later one.
        simulator.faults.incompleteReplies = chance.number(1...7)
        let (share, highest): (Double, Double) =
            switch mood {
            case .calm: (0, 0)
            case .rough: (0.4, 0.06)
            case .wild: (0.6, 0.25)
            }
        for kind in FaultKind.allCases where !Self.drawnApart.contains(kind) && chance.happens(share) {
            simulator.faults[kind] = Double.random(in: 0.005...highest, using: &chance)
        }
        // A provider that denies a render for longer than a client may be asked to wait, and refuses its repeat as well,
        // cannot be told from one that never had it.
        if simulator.faults.forgottenFor >= min(.seconds(500), settings.maximumWait) {
            simulator.faults[.contentPolicy] = 0
        }
        // What the network repeats under a key that the provider ignores, no client can prevent or find out.
        if !honoursKeys { simulator.faults[.duplicateDelivery] = 0 }
        if mood != .calm, chance.happens(0.2) {
            let from = Self.start + chance.milliseconds(0...300_000)
            simulator.faults.outages = [.init(from: from, to: from + chance.milliseconds(1000...1_800_000))]
        }
        unreachable = chance.happens(share) ? Double.random(in: 0...highest, using: &chance) : 0
        timedOut = chance.happens(share) ? Double.random(in: 0...highest, using: &chance) : 0
        // The promise that this switch relies on must hold where keys are ignored.
        if chance.happens(0.2), honoursKeys || simulator.faults[.serverErrorAfter] == 0 {
            settings.trustsServerErrors = true
        }
    }

    private mutating func drawBudgets(_ chance: inout TestRandom) {
        for index in batches.indices where chance.happens(0.35) {
            batches[index].budget = expectedCost.times(hundredths: Int64(chance.number(10...250)))
        }
    }

    private mutating func drawInterruptions(_ chance: inout TestRandom) {
        let count = chance.happens(0.25) ? 0 : chance.number(1...6)
        for _ in 0..<count {
            let point = chance.pick(CrashPoint.allCases)
            let most = point == .duringEnrolment || point == .duringStart ? 1 : chance.pick([0, 2, 10, 40])
            crashes.append(PlannedCrash(point: point, skips: chance.number(0...most)))
        }
        if chance.happens(0.3) {
            for _ in 0..<chance.number(1...2) { stops.append(chance.number(1...300)) }
        }
        // A user who changes limits does not run a second source of limits: no promise covers both.
        tellsItsRuns = chance.happens(0.35) && !turnsKnobs
    }

    // MARK: Money

    static func credits(_ text: String) -> Credits {
        guard let reading = Credits.read(text) else { preconditionFailure("\(text) is not an amount") }
        return reading.credits
    }

    private func price(_ task: TaskSpec) -> Credits {
        let rate = simulator.money.perSecond[task.shape.model.text] ?? .zero
        return rate.times(hundredths: 100 * Int64(task.shape.durationSeconds ?? 1))
            .adding(simulator.money.submissionFee)
    }

    private var prices: [Credits] { batches.flatMap { $0.tasks.map(price) } }

    private var largestPrice: Credits { prices.reduce(.zero, max) }

    private var expectedCost: Credits { prices.reduce(.zero) { $0.adding($1) } }
}
