import Testing

@testable import DailiesCore

@Suite struct BudgetGuardTests {
    private func position(cap: Int64?, settled: Int64 = 0, reserved: Int64 = 0) -> BudgetPosition {
        BudgetPosition(
            cap: cap.map { Credits(nano: $0) }, settled: CreditTotal(Credits(nano: settled)),
            reserved: CreditTotal(Credits(nano: reserved)))
    }

    @Test func `a bound that fits to the last billionth is granted, one billionth more is not`() {
        let guarded = BudgetGuard(position: position(cap: 10, settled: 4, reserved: 3))
        #expect(guarded.verdict(for: Credits(nano: 3)) == .granted)
        #expect(guarded.verdict(for: Credits(nano: 4)) == .wait)
        #expect(guarded.verdict(for: Credits(nano: 6)) == .wait)
        #expect(guarded.verdict(for: Credits(nano: 7)) == .reached)
        #expect(BudgetGuard(position: position(cap: 10, settled: 8)).verdict(for: Credits(nano: 3)) == .reached)
        #expect(guarded.verdict(for: nil) == .unknownPrice)
    }

    @Test func `without a cap everything is granted, also at an unknown price, and no bill breaks it`() {
        var free = BudgetGuard(position: position(cap: nil))
        #expect(free.verdict(for: nil) == .granted && free.verdict(for: Credits(nano: .max)) == .granted)
        let isAbove = free.settle(Credits(nano: 9), reserved: nil)
        #expect(!isAbove && free.verdict(for: Credits(nano: 1)) == .granted)
        #expect(free.allows(changing: nil, to: Credits(nano: .max)))
    }

    @Test func `a bill above its reservation is booked, and ends submission`() {
        var guarded = BudgetGuard(position: position(cap: 100))
        guarded.reserve(Credits(nano: 5))
        let isAbove = guarded.settle(Credits(nano: 6), reserved: Credits(nano: 5))
        #expect(isAbove && guarded.isBroken && guarded.position == position(cap: 100, settled: 6))
        #expect(guarded.verdict(for: Credits(nano: 1)) == .reached)
    }

    @Test func `settled and reserved stay under the cap whatever happens, as long as no bill exceeds its reservation`()
    {
        for seed in UInt64(0)..<100 {
            var random = SplitMix64(seed: seed)
            let cap = Credits(nano: Int64.random(in: 0...1000, using: &random))
            var guarded = BudgetGuard(position: BudgetPosition(cap: cap, settled: .zero, reserved: .zero))
            var held: [Credits] = []
            var settled: Int64 = 0
            for step in 0..<60 {
                let amount = Credits(nano: Int64.random(in: 0...300, using: &random))
                let choice = Int.random(in: 0..<4, using: &random)
                if choice == 0 || held.isEmpty {
                    if guarded.verdict(for: amount) == .granted {
                        guarded.reserve(amount)
                        held.append(amount)
                    }
                } else {
                    let index = Int.random(in: 0..<held.count, using: &random)
                    if choice == 1 {
                        guarded.release(held.remove(at: index))
                    } else if choice == 2 {
                        let old = held.remove(at: index)
                        let bill = Credits(nano: Int64.random(in: 0...old.nano, using: &random))
                        let isAbove = guarded.settle(bill, reserved: old)
                        #expect(!isAbove, "seed \(seed), step \(step)")
                        settled += bill.nano
                    } else if guarded.allows(changing: held[index], to: amount) {
                        guarded.release(held[index])
                        guarded.reserve(amount)
                        held[index] = amount
                    }
                }
                let reserved = held.reduce(Int64(0)) { $0 + $1.nano }
                #expect(
                    guarded.position == position(cap: cap.nano, settled: settled, reserved: reserved),
                    "seed \(seed), step \(step)")
                #expect(settled + reserved <= cap.nano, "seed \(seed), step \(step)")
            }
        }
    }

    // MARK: prices

    private let model = ModelID("m")
    private func shape(_ seconds: Int? = 8, _ resolution: String? = "1080p") -> RequestShape {
        RequestShape(model: model, durationSeconds: seconds, resolution: resolution)
    }
    private func catalogue(_ prices: [PublishedPrice]) -> ModelCatalogue {
        ModelCatalogue(
            compiled: "",
            models: [
                ModelSpec(
                    id: model, vendor: "", durationSeconds: 1...20, resolutions: [], defaultResolution: nil,
                    aspectRatios: [], defaultAspectRatio: nil, extraFields: [:], acceptsImageInit: false,
                    cadence: .fallback, typicalLatency: nil, typicalLatencyForSeconds: nil, prices: prices,
                    urlLifetime: nil, withdrawn: nil)
            ])
    }
    private func rate(_ perSecond: Int64, fee: Int64 = 0, resolution: String? = nil) -> PublishedPrice {
        PublishedPrice(
            figure: .rate(perSecond: Credits(nano: perSecond), fee: Credits(nano: fee)), resolution: resolution,
            source: "")
    }

    @Test func `nothing known is no bound`() {
        #expect(PriceBook(catalogue: catalogue([])).bound(for: shape()) == nil)
        #expect(PriceBook(catalogue: catalogue([])).publishedRange(for: shape()) == nil)
    }

    @Test func `the bound is the largest of the user's, of half above the highest settled, and of the published`() {
        for (user, perTask, settled, published) in [(9, 1, 1, 1), (1, 99, 1, 1), (1, 1, 9, 1), (1, 1, 1, 19)]
            as [(Int64, Int64, Int64, Int64)]
        {
            let book = PriceBook(
                catalogue: catalogue([rate(published)]),
                rates: [model: .init(perSecond: Credits(nano: user), fee: Credits(nano: 2))],
                maximumPerTask: Credits(nano: perTask),
                settled: [SettledPrice(model: model, resolution: "1080p", highestPerSecond: Credits(nano: settled))])
            let figures = [8 * user + 2, perTask, (8 * settled * 150 + 99) / 100, 8 * published]
            #expect(book.bound(for: shape())?.nano == figures.max())
        }
    }

    @Test func `a bill teaches, rounded up a second, and only for its model and resolution`() {
        var book = PriceBook(catalogue: catalogue([]))
        book.learn(Credits(nano: 81), for: shape())
        book.learn(Credits(nano: 8), for: shape())
        #expect(book.bound(for: shape())?.nano == 132)
        #expect(book.bound(for: shape(4))?.nano == 66)
        #expect(book.bound(for: shape(8, "720p")) == nil)
    }

    @Test func `prices of the asked resolution count, and where there are none those of the others`() {
        let book = PriceBook(
            catalogue: catalogue([rate(1, resolution: "720p"), rate(5, resolution: "1080p"), rate(2)]))
        #expect(book.publishedRange(for: shape()) == Credits(nano: 16)...Credits(nano: 40))
        #expect(book.publishedRange(for: shape(8, "720p")) == Credits(nano: 8)...Credits(nano: 16))
        let others = PriceBook(catalogue: catalogue([rate(1, resolution: "720p"), rate(5, resolution: "1080p")]))
        #expect(others.publishedRange(for: shape(8, "4k")) == Credits(nano: 8)...Credits(nano: 40))
    }

    @Test func `an example's total holds for its own length, and its rate, rounded up, for another`() {
        let example = PublishedPrice(
            figure: .example(total: Credits(nano: 10), seconds: 3), resolution: nil, source: "")
        let book = PriceBook(catalogue: catalogue([example]))
        #expect(book.bound(for: shape(3))?.nano == 10 && book.bound(for: shape(6))?.nano == 24)
    }

    @Test func `no bound overflows`() {
        let most = Credits(nano: .max)
        let book = PriceBook(
            catalogue: catalogue([rate(.max, fee: .max)]), rates: [model: .init(perSecond: most, fee: most)],
            settled: [SettledPrice(model: model, resolution: "1080p", highestPerSecond: most)])
        #expect(book.bound(for: shape()) == most)
    }
}
