import DailiesCore
import ExactJSON
import ProviderWire

/// The provider as a pure machine: requests and times in, replies out. No clock, no thread, no input or output.
///
/// For one configuration, the same requests at the same times bring the same replies, byte for byte. Work per request
/// does not grow with the number of tasks: ids and keys are looked up in tables, counts are kept as they change, and
/// tasks move on by a heap of moments (`log n` for each move). A time before an earlier one counts as the earlier one.
public struct SimulatedProvider: Sendable {
    /// Larger bodies meet 413. Source: the dispatcher reference.
    public static let maximumBodyBytes = 1 << 20

    /// How it behaves; its controls change parts of it while it runs.
    public internal(set) var configuration: SimulatorConfiguration
    let catalogue: ModelCatalogue

    /// What was charged up to the last request's time. See ``advance(to:)``.
    public internal(set) var bill = Bill()
    var now = Instant.distantPast
    /// Draws the faults of requests.
    var generator: SplitMix64
    var controls: RuntimeControls

    var tasks: [SimulatedTask] = []
    var ordinalByID: [String: Int] = [:]
    var ordinalByKey: [OwnedKey: Int] = [:]
    /// The latest task of each owner that its client has asked for by its ID: surely the client knows whose it is.
    var lastAskedByID: [UInt64: Int] = [:]
    var events = EventHeap()
    /// Tasks whose wait is over and that found no free slot, by model, in order.
    var waiting: [String: WaitingQueue] = [:]
    var runningByModel: [String: Int] = [:]
    var inFlight = 0
    var running = 0
    /// Sum of the estimates of tasks in flight.
    var held = CreditTotal.zero
    var bucket = SpentBucket()
    var walletEmptyUntil = Instant.distantPast
    /// Asset requests that carried an API key, which no client should send there.
    var keysSentToAssets = 0
    /// Questions about tasks since this machine was made, whatever they were answered with.
    var questions = 0

    /// The journal's side of what ``handle(_:at:)`` does; kept only where someone takes the lines.
    var recordsChanges = false
    var changes: [[UInt8]] = []

    /// A provider without tasks.
    public init(configuration: SimulatorConfiguration, catalogue: ModelCatalogue) {
        precondition(configuration.speed > 0, "a speed of \(configuration.speed) never gets anywhere")
        self.configuration = configuration
        self.catalogue = catalogue
        generator = SplitMix64(seed: configuration.faults.seed)
        controls = RuntimeControls(configuration)
    }

    /// Tasks queued or running at the last request's time.
    public var tasksInFlight: Int { inFlight }

    /// Carries out one request at the given time.
    public mutating func handle(_ request: SimulatedRequest, at time: Instant) -> SimulatedResponse {
        advance(to: time)
        let (path, query) = Endpoint.split(request.path)
        var response: SimulatedResponse
        if path.hasPrefix("/simulator/") {
            response = own(request, path: path, query: query)
        } else {
            response = api(request, path: path, query: query)
        }
        response.headers += [.init("Date", HTTPDate.format(now)), .init("X-Simulator-Speed", speedText)]
        if case .endUnannounced = response.action {
        } else {
            response.headers.append(.init("Content-Length", "\(response.body.count)"))
        }
        if request.method == "HEAD" {
            response.body = []
            response.action = .deliver
        }
        return response
    }

    /// Speed as replies state it: `60`, `0.5`.
    var speedText: String {
        let speed = configuration.speed
        return speed == speed.rounded() && speed < 1e15 ? "\(Int64(speed))" : "\(speed)"
    }

    /// A duration at speed 1 as real time.
    func scaled(_ duration: Duration) -> Duration { duration.divided(bySpeed: configuration.speed) }
}

/// A submission key belongs to the API key it came with.
struct OwnedKey: Hashable, Sendable {
    let owner: UInt64
    let key: String
}

/// First in, first out.
struct WaitingQueue: Hashable, Sendable {
    private(set) var ordinals: [Int] = []
    private var head = 0

    init(_ ordinals: [Int] = []) { self.ordinals = ordinals }

    var rest: ArraySlice<Int> { ordinals[head...] }

    mutating func append(_ ordinal: Int) { ordinals.append(ordinal) }

    mutating func next() -> Int? {
        guard head < ordinals.count else { return nil }
        head += 1
        let ordinal = ordinals[head - 1]
        if head == ordinals.count || head > 1024 {
            ordinals.removeFirst(head)
            head = 0
        }
        return ordinal
    }
}

/// What the current window of the spend limit has seen.
struct SpentBucket: Hashable, Sendable {
    /// Number of the window, counted from the epoch.
    var window: Int64 = 0
    var spent = CreditTotal.zero
}
