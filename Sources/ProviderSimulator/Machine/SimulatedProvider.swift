import DailiesCore
import DequeModule
import ExactJSON
import HeapModule
import ProviderWire

/// The provider as a pure state machine: requests and times in, responses out. No clock, threads or I/O.
///
/// With the same configuration, the same requests at the same times give the same responses, byte for byte. The work
/// per request does not grow with the number of tasks: ids and keys are in tables, counts are kept up to date, and
/// state changes come from a heap of times (`log n` each). An earlier time than the last counts as the last.
package struct SimulatedProvider: Sendable {
    /// Maximum body size; larger ones get 413. Source: the dispatcher reference.
    package static let maximumBodyBytes = 1 << 20

    /// The behavior; controls override parts of it at run time.
    package internal(set) var configuration: SimulatorConfiguration
    let catalog: ModelCatalog

    /// The charges up to the last request's time. See ``advance(to:)``.
    package internal(set) var bill = Bill()
    var now = Instant.distantPast
    /// Draws the faults of requests.
    var generator: SplitMix64
    var controls: RuntimeControls

    var tasks: [SimulatedTask] = []
    var ordinalByID: [String: Int] = [:]
    var ordinalByKey: [OwnedKey: Int] = [:]
    /// The latest task of each owner that its client has queried by ID, which proves that the client knows its owner.
    var lastAskedByID: [UInt64: Int] = [:]
    /// The times at which tasks change state by themselves.
    var events = Heap<TimedEvent>()
    /// Tasks whose wait is over but that have no free slot, by model, in order.
    var waiting: [String: Deque<Int>] = [:]
    var runningByModel: [String: Int] = [:]
    var inFlight = 0
    var running = 0
    /// Sum of the estimates of tasks in flight.
    var held = CreditTotal.zero
    var bucket = SpendWindow()
    var walletEmptyUntil = Instant.distantPast
    /// Asset requests with an API key, which clients must not send.
    var keysSentToAssets = 0
    /// Queries since this instance was created, whatever the response.
    var questions = 0

    /// Whether ``handle(_:at:)`` records changes for a journal.
    var recordsChanges = false
    var changes: [[UInt8]] = []

    /// Creates a provider without tasks.
    package init(configuration: SimulatorConfiguration, catalog: ModelCatalog) {
        precondition(configuration.speed > 0, "a speed of \(configuration.speed) is not positive")
        self.configuration = configuration
        self.catalog = catalog
        generator = SplitMix64(seed: configuration.faults.seed)
        controls = RuntimeControls(configuration)
    }

    /// Tasks queued or running at the last request's time.
    package var tasksInFlight: Int { inFlight }

    /// Processes a request at the given time.
    package mutating func handle(_ request: SimulatedRequest, at time: Instant) -> SimulatedResponse {
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

    /// The speed as written in responses: `60`, `0.5`.
    var speedText: String {
        let speed = configuration.speed
        return speed == speed.rounded() && speed < 1e15 ? "\(Int64(speed))" : "\(speed)"
    }

    /// Converts a duration at speed 1 to real time.
    func scaled(_ duration: Duration) -> Duration { duration.divided(bySpeed: configuration.speed) }
}

/// Submission keys are scoped to the API key they came with.
struct OwnedKey: Hashable, Sendable {
    let owner: UInt64
    let key: String
}

/// A task that changes state by itself. At equal times the older task is first.
struct TimedEvent: Hashable, Comparable, Sendable {
    let at: Instant
    let ordinal: Int
    static func < (a: TimedEvent, b: TimedEvent) -> Bool { (a.at, a.ordinal) < (b.at, b.ordinal) }
}

/// Spending in the current window of the spend limit.
struct SpendWindow: Hashable, Sendable {
    /// Number of the window since the epoch.
    var window: Int64 = 0
    var spent = CreditTotal.zero
}
