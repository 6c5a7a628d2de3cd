/// All flights of a run, found by their attempt.
///
/// A million of them may be parked at once, so that a flight lies in a page once, and the table that finds it holds
/// nothing but its place. Growing moves no flight.
struct ActiveAttemptTable: Sendable {
    /// Flights in a page.
    private static let pageSize = 1024

    private var places: [AttemptID: UInt32] = [:]
    private var pages: [[ActiveAttempt?]] = []
    /// Places that a flight has left.
    private var free: [UInt32] = []

    var isEmpty: Bool { places.isEmpty }
    var count: Int { places.count }
    var keys: some Collection<AttemptID> { places.keys }

    subscript(attempt: AttemptID) -> ActiveAttempt? {
        guard let place = places[attempt] else { return nil }
        return pages[Int(place) / Self.pageSize][Int(place) % Self.pageSize]
    }

    /// Every flight, in no order that means anything.
    var values: some Sequence<ActiveAttempt> { pages.lazy.joined().compactMap { $0 } }

    /// - Returns: the flight that was there before.
    @discardableResult
    mutating func updateValue(_ flight: ActiveAttempt, forKey attempt: AttemptID) -> ActiveAttempt? {
        if let place = places[attempt] { return exchange(flight, at: place) }
        let place = free.popLast() ?? newPlace()
        places[attempt] = place
        return exchange(flight, at: place)
    }

    /// - Returns: the flight that was there.
    @discardableResult
    mutating func removeValue(forKey attempt: AttemptID) -> ActiveAttempt? {
        guard let place = places.removeValue(forKey: attempt) else { return nil }
        free.append(place)
        return exchange(nil, at: place)
    }

    private mutating func exchange(_ flight: ActiveAttempt?, at place: UInt32) -> ActiveAttempt? {
        var flight = flight
        swap(&pages[Int(place) / Self.pageSize][Int(place) % Self.pageSize], &flight)
        return flight
    }

    /// A place that no flight ever had. A new page puts the others of its places among the free ones, lowest last.
    private mutating func newPlace() -> UInt32 {
        let first = UInt32(pages.count * Self.pageSize)
        pages.append([ActiveAttempt?](repeating: nil, count: Self.pageSize))
        free.append(contentsOf: (first + 1..<first + UInt32(Self.pageSize)).reversed())
        return first
    }
}

/// A value that few have: whoever does not pays for one pointer.
final class Box<Value: Sendable>: Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
