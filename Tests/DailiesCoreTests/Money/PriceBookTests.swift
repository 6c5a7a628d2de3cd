import Testing

@testable import DailiesCore

@Suite struct PriceBookTests {
    private let model = ModelID("m")

    private func shape(_ seconds: Int? = 8, _ resolution: String? = "1080p") -> RequestShape {
        RequestShape(model: model, durationSeconds: seconds, resolution: resolution)
    }

    private func catalog(_ prices: [PublishedPrice] = []) -> ModelCatalog {
        ModelCatalog(
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

    private func bill(_ nano: Int64, estimate: Int64? = nil, _ shape: RequestShape? = nil) -> ObservedPrice {
        ObservedPrice(
            shape: shape ?? self.shape(1), charged: Credits(nano: nano), estimate: estimate.map { Credits(nano: $0) },
            settledAt: .distantPast)
    }

    /// A price book with bills of one-second clips.
    private func book(_ bills: [Int64], published: Int64? = nil) -> PriceBook {
        PriceBook(catalog: catalog(published.map { [rate($0)] } ?? []), observed: bills.map { bill($0) })
    }

    /// The maximum of a one-second clip whose highest bill is this.
    private func bound(ofHighest nano: Int64) -> Credits {
        Credits(nano: nano).times(hundredths: 150).times(hundredths: 110)
    }

    // MARK: Maximum prices

    @Test func `without known prices there is no maximum`() {
        #expect(PriceBook(catalog: catalog()).bound(for: shape()) == nil)
        #expect(PriceBook(catalog: catalog()).publishedRange(for: shape()) == nil)
        #expect(PriceBook(catalog: catalog()).highestExpected(for: shape()) == nil)
    }

    @Test func `the maximum is a tenth above the highest published or user's price, or above 1.5 times the bills`() {
        for (user, perTask, published) in [(900, 100, 100), (100, 9900, 100), (100, 100, 1900)]
            as [(Int64, Int64, Int64)]
        {
            let book = PriceBook(
                catalog: catalog([rate(published)]),
                rates: [model: .init(perSecond: Credits(nano: user), fee: Credits(nano: 20))],
                maximumPerTask: Credits(nano: perTask))
            let figures = [8 * user + 20, perTask, 8 * published]
            #expect(book.bound(for: shape())?.nano == (figures.max() ?? 0) * 110 / 100)
        }
        for (billed, published) in [(400, 100), (100, 400)] as [(Int64, Int64)] {
            let book = PriceBook(
                catalog: catalog([rate(published)]), observed: [bill(8 * billed, shape())])
            #expect(book.bound(for: shape())?.nano == max(8 * billed * 150 / 100, 8 * published) * 110 / 100)
        }
    }

    @Test func `each step of a maximum rounds up, and no maximum overflows`() {
        let odd = PriceBook(catalog: catalog(), observed: [bill(81, shape())])
        // 11 per second, 88 for eight, plus half, plus a tenth.
        #expect(odd.bound(for: shape())?.nano == 146)
        let most = Credits(nano: .max)
        let book = PriceBook(
            catalog: catalog([rate(.max, fee: .max)]), rates: [model: .init(perSecond: most, fee: most)],
            observed: [bill(.max, estimate: .max, shape())])
        #expect(book.bound(for: shape()) == most && book.highestExpected(for: shape()) == most)
        #expect(PriceBook(catalog: catalog(), observed: [bill(.max)]).bound(for: shape()) == most)
    }

    @Test func `a bill counts only for its model and resolution, and a free clip does not count`() {
        var book = PriceBook(catalog: catalog())
        book.learn(.zero, estimate: .zero, for: shape())
        #expect(book.bound(for: shape()) == nil && book.kinds.isEmpty)
        book.learn(Credits(nano: 80), estimate: nil, for: shape())
        book.learn(Credits(nano: 40), estimate: nil, for: shape())
        #expect(book.bound(for: shape())?.nano == 132)
        #expect(book.bound(for: shape(4))?.nano == 66)
        #expect(book.bound(for: shape(8, "720p")) == nil && book.bound(for: shape(8, nil)) == nil)
        #expect(book.kinds == [PriceKind(shape())])
    }

    @Test func `prices of the requested resolution count, or else those of the others`() {
        let book = PriceBook(
            catalog: catalog([rate(1, resolution: "720p"), rate(5, resolution: "1080p"), rate(2)]))
        #expect(book.publishedRange(for: shape()) == Credits(nano: 16)...Credits(nano: 40))
        #expect(book.publishedRange(for: shape(8, "720p")) == Credits(nano: 8)...Credits(nano: 16))
        let others = PriceBook(catalog: catalog([rate(1, resolution: "720p"), rate(5, resolution: "1080p")]))
        #expect(others.publishedRange(for: shape(8, "4k")) == Credits(nano: 8)...Credits(nano: 40))
    }

    @Test func `an example's total applies to its own length, and its rate, rounded up, to others`() {
        let example = PublishedPrice(
            figure: .example(total: Credits(nano: 100), seconds: 3), resolution: nil, source: "")
        let book = PriceBook(catalog: catalog([example]))
        #expect(book.bound(for: shape(3))?.nano == 110 && book.bound(for: shape(6))?.nano == 225)
    }

    // MARK: User's figures

    @Test
    func `a user's figure overrides bills, reported once with both amounts, but not published prices`() {
        var rated = PriceBook(
            catalog: catalog([rate(30)]), rates: [model: .init(perSecond: Credits(nano: 20), fee: .zero)],
            observed: [bill(100), bill(100)])
        #expect(rated.bound(for: shape(1))?.nano == 33)
        let found = rated.contradiction(for: shape(2))
        #expect(found == .init(stated: Credits(nano: 40), billed: Credits(nano: 200)))
        #expect(rated.contradiction(for: shape(1)) == nil)
        var bounded = PriceBook(
            catalog: catalog(), maximumPerTask: Credits(nano: 50),
            observed: [bill(100), bill(40, shape(1, "720p"))])
        #expect(bounded.bound(for: shape(1))?.nano == 55)
        #expect(bounded.contradiction(for: shape(1)) == .init(stated: Credits(nano: 50), billed: Credits(nano: 100)))
        // 1.5 times this bill exceeds the user's figure, but no bill did.
        #expect(bounded.contradiction(for: shape(1, "720p")) == nil)
        bounded.learn(Credits(nano: 60), estimate: nil, for: shape(1, "720p"))
        #expect(
            bounded.contradiction(for: shape(1, "720p")) == .init(stated: Credits(nano: 50), billed: Credits(nano: 60)))
        var silent = book([100])
        #expect(silent.contradiction(for: shape(1)) == nil)
    }

    // MARK: Window

    @Test func `only the latest bills count, whether stored or learned in this run`() {
        var book = book([300, 300, 300] + Array(repeating: 100, count: PriceBook.windowSize - 1))
        #expect(book.bound(for: shape(1)) == bound(ofHighest: 300))
        book.learn(Credits(nano: 90), estimate: nil, for: shape(1))
        #expect(book.bound(for: shape(1)) == bound(ofHighest: 100))
        #expect(book.summary(of: PriceKind(shape()))?.bills == PriceBook.windowSize)
    }

    @Test(arguments: [nil, 100] as [Int64?])
    func `one or two absurd bills of a window are ignored, and three are the new price`(
        published: Int64?
    ) {
        var random = SplitMix64(seed: 9)
        for size in 5...PriceBook.windowSize {
            for absurd in 1...2 {
                let usual = (0..<size - absurd).map { _ in Int64.random(in: 80...120, using: &random) }
                let bills = (usual + Array(repeating: 100_000, count: absurd)).shuffled(using: &random)
                let book = book(bills, published: published)
                #expect(book.bound(for: shape(1)) == bound(ofHighest: usual.max() ?? 0), "\(bills)")
                let summary = book.summary(of: PriceKind(shape()))
                #expect(summary?.outliers.map(\.nano) == Array(repeating: 100_000, count: absurd), "\(bills)")
                #expect(summary?.range?.lowerBound.nano == usual.min(), "\(bills)")
                #expect(book.highestExpected(for: shape(1))?.nano == usual.max(), "\(bills)")
            }
            let risen = (Array(repeating: Int64(100), count: size - 3) + [600, 700, 650]).shuffled(using: &random)
            #expect(book(risen, published: published).bound(for: shape(1)) == bound(ofHighest: 700), "\(risen)")
        }
    }

    @Test func `an absurd bill is ignored even if others have risen by more than the factor`() {
        for bills in [[98, 103, 104, 700, 700, 800, 700_000], [1, 1, 1, 7, 1000, 1000]] as [[Int64]] {
            let book = book(bills, published: bills[1])
            let absurd = bills[bills.count - 1]
            #expect(book.summary(of: PriceKind(shape()))?.outliers.contains { $0.nano == absurd } == true, "\(bills)")
            #expect(book.bound(for: shape(1)).map { $0.nano < absurd } == true, "\(bills)")
        }
    }

    @Test func `a first bill is compared with the published price or the user's rate, and a second similar one counts`()
    {
        let stated: [PriceBook] = [
            book([100_000], published: 100),
            PriceBook(
                catalog: catalog(), rates: [model: .init(perSecond: Credits(nano: 90), fee: Credits(nano: 10))],
                observed: [bill(100_000)]),
        ]
        for book in stated {
            #expect(book.bound(for: shape(1))?.nano == 110)
            let summary = book.summary(of: PriceKind(shape()))
            #expect(
                summary?.range == nil && summary?.outliers.map(\.nano) == [100_000] && summary?.median.nano == 100_000)
        }
        #expect(book([100_000, 90_000], published: 100).bound(for: shape(1)) == bound(ofHighest: 100_000))
        // Without a stated price nothing shows that it is absurd until the next bill.
        #expect(book([100_000]).bound(for: shape(1)) == bound(ofHighest: 100_000))
        #expect(book([100_000, 100]).bound(for: shape(1)) == bound(ofHighest: 100))
    }

    @Test func `a price change of less than five times counts immediately`() {
        #expect(book([100, 100, 100, 500]).bound(for: shape(1)) == bound(ofHighest: 500))
        #expect(book([100, 100, 100, 501]).bound(for: shape(1)) == bound(ofHighest: 100))
        let fallen = book([100, 100, 100, 20]).summary(of: PriceKind(shape()))
        #expect(fallen?.range?.lowerBound.nano == 20)
        let absurd = book([100, 100, 100, 19]).summary(of: PriceKind(shape()))
        #expect(absurd?.range == Credits(nano: 100)...Credits(nano: 100) && absurd?.outliers.map(\.nano) == [19])
    }

    @Test func `an absurd quote is not compared with the next one`() {
        var book = PriceBook(
            catalog: catalog(),
            observed: [bill(100, estimate: 120), bill(100, estimate: 110), bill(100, estimate: 90_000)])
        #expect(book.highestExpected(for: shape(1))?.nano == 120)
        for _ in 1...2 { book.learn(Credits(nano: 100), estimate: Credits(nano: 80_000), for: shape(1)) }
        #expect(book.highestExpected(for: shape(1))?.nano == 90_000)
    }

    // MARK: Trusted estimates

    @Test func `estimates are trusted after twenty consecutive bills within a tenth of them`() {
        var book = PriceBook(catalog: catalog())
        func learn(_ charged: Int64, _ estimate: Int64?, _ resolution: String = "1080p") {
            book.learn(
                Credits(nano: charged), estimate: estimate.map { Credits(nano: $0) }, for: shape(8, resolution))
        }
        for bill in 1..<PriceBook.windowSize {
            learn(110, 100, bill % 2 == 0 ? "720p" : "1080p")
            #expect(!book.trustsEstimates(of: model))
        }
        learn(100, nil)
        learn(0, 100)
        #expect(!book.trustsEstimates(of: model))
        learn(1, 100)
        #expect(book.trustsEstimates(of: model) && !book.trustsEstimates(of: ModelID("other")))
        learn(111, 100)
        #expect(!book.trustsEstimates(of: model))
        for _ in 1..<PriceBook.windowSize { learn(100, 100) }
        #expect(!book.trustsEstimates(of: model))
        learn(100, 100)
        #expect(book.trustsEstimates(of: model))
        learn(1, 0)
        #expect(!book.trustsEstimates(of: model))
    }

    @Test func `stored bills confirm estimates like those of this run, in order`() {
        let kept = Array(repeating: bill(100, estimate: 100), count: PriceBook.windowSize)
        #expect(PriceBook(catalog: catalog(), observed: kept).trustsEstimates(of: model))
        #expect(
            !PriceBook(catalog: catalog(), observed: kept + [bill(200, estimate: 100)]).trustsEstimates(of: model))
        #expect(
            PriceBook(catalog: catalog(), observed: [bill(200, estimate: 100)] + kept).trustsEstimates(of: model))
        #expect(!PriceBook(catalog: catalog(), observed: Array(kept.dropFirst())).trustsEstimates(of: model))
    }
}
