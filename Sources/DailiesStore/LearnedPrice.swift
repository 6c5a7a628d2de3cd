import DailiesCore

/// What clips of one kind have cost in this store.
public struct LearnedPrice: Hashable, Sendable {
    /// The model that was billed.
    public let model: ModelID
    /// nil: none was asked for.
    public let resolution: String?
    /// Per second of output asked for, rounded up to a billionth; per clip where no duration was asked for.
    public let perSecond: ClosedRange<Credits>
    /// When the latest of these bills was settled.
    public let at: Instant
}

extension Store {
    /// The lowest and the highest price settled in this store, by model and resolution.
    public func learnedPrices() throws(StoreError) -> [LearnedPrice] {
        try reading { database throws(StoreError) in
            try database.rows(
                """
                SELECT model, resolution, lowest_per_second_nano, highest_per_second_nano, at_ms
                FROM price_seen ORDER BY model, resolution
                """
            ) { row in
                LearnedPrice(
                    model: ModelID(row.text(0)), resolution: row.text(1).isEmpty ? nil : row.text(1),
                    perSecond: Credits(nano: row.integer(2))...Credits(nano: row.integer(3)), at: row.instant(4))
            }
        }
    }
}
