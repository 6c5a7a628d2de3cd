import DailiesCore
import ExactJSON
import Testing

@testable import DailiesCLI
@testable import DailiesStore

/// Numbers at and beyond the limits of every type, in arguments and in output.
struct NumberEdgeTests {
    private static let reals: [Double] = [
        .nan, -.infinity, .infinity, -.greatestFiniteMagnitude, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
        .leastNonzeroMagnitude * 2024,
        0, -0.0, -1, 0.5, 8, 1e18, 0x1p63, 1e300,
    ]
    private static let wholes: [Int64] = [.min, -1, 0, 1, .max - 1, .max]

    // MARK: Reports

    @Test func `a report of any seconds and sums is written in every format`() throws {
        for delivered in Self.reals {
            for known in Self.reals {
                for whole in Self.wholes {
                    var figures = SpendFigures()
                    figures.secondsDelivered = delivered
                    figures.secondsOfKnownCost = known
                    figures.charged = CreditTotal(whole: whole, billionths: 5)
                    figures.estimated = figures.charged
                    figures.unknownAtMost = figures.charged
                    let row = SpendReport.Row(values: ["sora-2-pro"], figures: figures)
                    let report = SpendReport(dimensions: [.model], rows: [row], total: figures)
                    let dollars = USDRate(argument: "9223372036.854775807")
                    let json = try JSONValue.parse(ReportOutput.json(report, dollars: dollars).text.utf8)
                    #expect(json["total"]?["credits"]?.number == figures.charged.description)
                    #expect(json["total"]?["seconds_delivered"]?.isNull != delivered.isFinite)
                    for text in [
                        ReportOutput.table(report, dollars: dollars), ReportOutput.csv(report, dollars: dollars),
                    ] {
                        #expect(text.contains(figures.charged.description))
                    }
                    #expect(ReportOutput.rate(figures).flatMap { Double($0) }?.isFinite != false)
                    let page = ReportHTML(
                        report: report, byDay: report, byModel: report, batches: [], since: nil, until: .distantFuture,
                        madeAt: .distantPast, dollars: dollars)
                    #expect(page.page.contains("credits charged"))
                }
            }
        }
    }

    @Test func `a clip without a length has no rate, and JSON has null`() throws {
        var figures = SpendFigures()
        (figures.secondsDelivered, figures.secondsOfKnownCost) = (.leastNonzeroMagnitude, .leastNonzeroMagnitude)
        figures.charged = CreditTotal(whole: 1, billionths: 0)
        let report = SpendReport(dimensions: [], rows: [], total: figures)
        let json = try JSONValue.parse(ReportOutput.json(report, dollars: nil).text.utf8)
        #expect(json["total"]?["credits_per_second"]?.isNull == true)
        #expect(ReportOutput.cells(figures, dollars: nil).last == "-")
    }

    // MARK: Arguments

    @Test func `an argument with a number of any size is accepted or refused`() {
        let numbers = [
            "0", "-1", "1", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1e400", "1e-320",
            "nan",
            "inf", "1e-9223372036854775808", "31536000", "31536001", String(repeating: "9", count: 100_000), "",
        ]
        for number in numbers {
            for unit in ["", "s", "min", "h", "d"] {
                let duration = DurationArgument(argument: number + unit)?.duration ?? .zero
                #expect(.zero ... .seconds(365 * 86_400) ~= duration)
                let many = String(repeating: number + (unit.isEmpty ? "s" : unit), count: 2000)
                #expect(.zero ... .seconds(365 * 86_400) ~= DurationArgument(argument: many)?.duration ?? .zero)
            }
            for unit in ["s", "min", "h", ""] {
                #expect(RateArgument(argument: "\(number)/\(unit)").map { $0.pace.interval > .zero } ?? true)
            }
            _ = ConcurrencyArgument(argument: number)
            _ = ConcurrencyArgument(argument: "model:m=\(number)")
            _ = CadenceArgument(argument: "adaptive:\(number)")
            _ = USDRate(argument: number)
            _ = RenderTimeArgument(argument: "\(number)s-\(number)s")
            _ = RenderTimeArgument(argument: "\(number)s~\(number)%")
            _ = PriceChangeArgument(argument: "\(number)=\(number)")
            for moment in ["\(number)-01-01", "\(number)-01-01T00:00:00Z", "2026-01-01T00:00:00+\(number)"] {
                _ = TimeArgument(argument: moment)
            }
        }
        for moment in [
            "0000-01-01", "0001-01-01", "1677-01-01", "2263-01-01", "9999-12-31", "292277026596-12-04T15:30:08Z",
        ] {
            _ = TimeArgument(argument: moment)
        }
    }

    // MARK: Plans

    @Test(arguments: wholes)
    func `a plan with prices and times of any size is written`(edge: Int64) throws {
        let credits = Credits(nano: max(edge, 0))
        let longest = 366 * 86_400
        let model = ModelID("m")
        let spec = ModelSpec(
            id: model, vendor: "v", durationSeconds: 0...longest, resolutions: [], defaultResolution: nil,
            aspectRatios: [], defaultAspectRatio: nil, extraFields: [:], acceptsImageInit: false, cadence: .fallback,
            typicalLatency: .seconds(longest) ... .seconds(longest), typicalLatencyForSeconds: 0,
            prices: [.init(figure: .rate(perSecond: credits, fee: credits), resolution: nil, source: "s")],
            urlLifetime: nil, withdrawn: nil)
        let catalog = ModelCatalog(compiled: "2026-11-23", models: [spec])
        let shape = RequestShape(model: model, durationSeconds: Int(edge), resolution: nil)
        let observed = ObservedPrice(shape: shape, charged: credits, estimate: credits, settledAt: .distantFuture)
        let prices = PlanPrices(catalog: catalog, rates: nil, maximumPerTask: nil, observed: [observed])
        #expect(prices.estimate(for: shape) != nil)
        let service = Service(provider: "simulator", baseURL: "http://127.0.0.1")
        let known = KnownPrices(service: service, catalog: catalog, rates: nil, observed: [observed])
        #expect(!PricesOutput.text([known]).isEmpty)
        var time = PlanDuration(SubmissionLimits(concurrency: 1, byModel: [model: 1]))
        for _ in 0..<1000 { time.add(shape, in: catalog) }
        let range = try #require(time.range)
        #expect(range.lowerBound > .zero && range.upperBound <= .nanoseconds(Int64.max))
        #expect(!PlanOutput.text(range.upperBound).isEmpty)
        #expect(range.upperBound.components.seconds > 0)
    }
}
