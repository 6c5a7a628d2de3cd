import DailiesCore

/// A provider at a base URL.
package struct Service: Hashable, Comparable, Sendable {
    /// The provider's name, such as `bytespike`.
    package let provider: String
    package let baseURL: String
    package init(provider: String, baseURL: String) {
        self.provider = provider
        self.baseURL = baseURL
    }
    package static func < (a: Service, b: Service) -> Bool { (a.provider, a.baseURL) < (b.provider, b.baseURL) }
}

extension Store {
    /// The services of this store's batches.
    package func services() throws(StoreError) -> [Service] {
        try reading { database throws(StoreError) in
            try database.rows("SELECT provider, base_url FROM service") { row in
                Service(provider: row["provider"], baseURL: row["base_url"])
            }
        }.sorted()
    }

    /// The latest bills of a service, up to ``PriceBook/windowSize`` per kind of clip, in submission order, without
    /// forgotten ones.
    ///
    /// Reads the price index: the cost depends on the number of kinds, not of bills.
    package func observedPrices(of service: Service) throws(StoreError) -> [ObservedPrice] {
        let bills = try reading { database throws(StoreError) in
            var bills: [(id: Int64, price: ObservedPrice)] = []
            guard let id = try database.id(of: service) else { return bills }
            for kind in try database.billedKinds(at: id) { bills += try database.latestBills(of: kind, at: id) }
            return bills
        }
        return bills.sorted { $0.id < $1.id }.map(\.price)
    }

    /// Forgets a model's prices at a service: bills of clips submitted until now no longer count. Logged.
    ///
    /// - Parameter resolution: the clips' resolution, empty for clips without one; nil: all resolutions.
    /// - Returns: the kinds of clips whose bills were dropped; empty if none counted.
    package func forgetPrices(
        of model: ModelID, resolution: String? = nil, at service: Service, at now: Instant
    ) throws(StoreError) -> [PriceKind] {
        try transaction { database throws(StoreError) in
            var forgotten: [PriceKind] = []
            guard let id = try database.id(of: service) else { return forgotten }
            for kind in try database.billedKinds(at: id) where kind.model == model {
                guard resolution == nil || resolution == kind.resolution ?? "",
                    try !database.latestBills(of: kind, at: id).isEmpty
                else { continue }
                forgotten.append(kind)
                try database.run(
                    """
                    INSERT INTO price_forgotten (service_id, model, resolution, last_attempt, at_ms)
                    VALUES ($1, $2, $3, (SELECT max(id) FROM attempt), $4)
                    ON CONFLICT (service_id, model, resolution) DO UPDATE
                    SET last_attempt = excluded.last_attempt, at_ms = excluded.at_ms
                    """, SQLValue(id), .text(kind.model.text), .text(kind.resolution ?? ""), SQLValue(now))
                var row = NewEvent("prices_forgotten", at: now, batch: nil)
                row.source = "user"
                row.message = "\(kind) at \(service.provider), \(service.baseURL)"
                try database.log(row)
            }
            return forgotten
        }
    }
}

extension SQLiteConnection {
    fileprivate func id(of service: Service) throws(StoreError) -> Int64? {
        try value(
            "SELECT id FROM service WHERE provider = $1 AND base_url = $2", .text(service.provider),
            .text(service.baseURL))
    }

    static let nextBilledKind = """
        SELECT model, resolution FROM attempt
        WHERE service_id = $1 AND (model, resolution) > ($2, $3)
            AND state = 'completed' AND credits_nano > 0 AND seconds IS NOT NULL
        ORDER BY model, resolution LIMIT 1
        """

    static let latestBills = """
        SELECT id, seconds, credits_nano, estimated_credits_nano, settled_at_ms
        FROM attempt
        WHERE service_id = $1 AND model = $2 AND resolution = $3
            AND state = 'completed' AND credits_nano > 0 AND seconds IS NOT NULL
            AND id > coalesce((SELECT last_attempt FROM price_forgotten
                WHERE service_id = $1 AND model = $2 AND resolution = $3), 0)
        ORDER BY id DESC LIMIT $4
        """

    /// Jumps from kind to kind in the index.
    fileprivate func billedKinds(at service: Int64) throws(StoreError) -> [PriceKind] {
        var kinds: [PriceKind] = []
        var next: PriceKind?
        repeat {
            next = try first(
                Self.nextBilledKind, SQLValue(service), .text(next?.model.text ?? ""), .text(next?.resolution ?? "")
            ) { row in
                let resolution: String = row["resolution"]
                return PriceKind(model: row["model"], resolution: resolution.isEmpty ? nil : resolution)
            }
            if let next { kinds.append(next) }
        } while next != nil
        return kinds
    }

    fileprivate func latestBills(
        of kind: PriceKind, at service: Int64
    ) throws(StoreError) -> [(id: Int64, price: ObservedPrice)] {
        try rows(
            Self.latestBills, SQLValue(service), .text(kind.model.text), .text(kind.resolution ?? ""),
            SQLValue(PriceBook.windowSize)
        ) { row in
            let shape = RequestShape(
                model: kind.model, durationSeconds: row["seconds"], resolution: kind.resolution)
            return (
                row["id"],
                ObservedPrice(
                    shape: shape, charged: row["credits_nano"], estimate: row["estimated_credits_nano"],
                    settledAt: row["settled_at_ms"])
            )
        }
    }
}
