import ArgumentParser
import DailiesCore

struct ModelsCommand: PrintingCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "List known models with their limits, published prices and polling intervals.",
        discussion: """
            Also shows which models were withdrawn. The credits are the published price of a clip of the maximum \
            duration. `dailies prices` shows the prices of actual bills. To use a model that is not listed, give \
            --max-credits-per-task or --rates.

            Examples:
              dailies models
              dailies models --json
              dailies models --catalog my-models.json
            """)

    @Flag(help: "Print JSON.")
    var json = false
    @OptionGroup var models: CatalogOptions

    func run() throws {
        let catalog = try models.read()
        Console.out(json ? ModelsOutput.json(catalog).text : ModelsOutput.table(catalog))
    }
}

/// The catalog as a table or JSON.
enum ModelsOutput {
    static func table(_ catalog: ModelCatalog) -> String {
        var table = TextTable(
            ["model", "seconds", "sizes", "aspect ratios", "credits, longest clip", "polled every", "withdrawn"],
            rightAligned: [1, 4, 5])
        for spec in sorted(catalog) {
            table.add([
                SafeText.escaped(spec.id.text),
                "\(spec.durationSeconds.lowerBound) – \(spec.durationSeconds.upperBound)", list(spec.resolutions),
                list(spec.aspectRatios), price(of: spec, in: catalog).map(range) ?? "-",
                spec.cadence.phases.first.map { "\($0.interval.inSeconds.formatted()) s" } ?? "-",
                spec.withdrawn.map { "since \(SafeText.escaped($0))" } ?? "",
            ])
        }
        return table.text
    }

    static func json(_ catalog: ModelCatalog) -> JSONObject {
        ["compiled": catalog.compiled, "models": sorted(catalog).map { json($0, catalog) }]
    }

    private static func json(_ spec: ModelSpec, _ catalog: ModelCatalog) -> JSONObject {
        let price = price(of: spec, in: catalog)
        func seconds(_ duration: Duration) -> JSONNumber {
            JSONNumber(text: duration.inSeconds.formatted(.number.grouping(.never)))
        }
        let polls = spec.cadence.phases.map { phase -> JSONObject in
            ["every_seconds": seconds(phase.interval), "until_seconds": phase.until.map(seconds)]
        }
        return [
            "model": spec.id.text,
            "vendor": spec.vendor,
            "shortest_seconds": spec.durationSeconds.lowerBound,
            "longest_seconds": spec.durationSeconds.upperBound,
            "resolutions": spec.resolutions,
            "aspect_ratios": spec.aspectRatios,
            "default_resolution": spec.defaultResolution,
            "default_aspect_ratio": spec.defaultAspectRatio,
            "takes_image": spec.acceptsImageInit,
            "lowest_credits": price?.lowerBound,
            "highest_credits": price?.upperBound,
            "polls": polls,
            "withdrawn": spec.withdrawn,
        ]
    }

    /// Available models first, then withdrawn ones, both by id.
    private static func sorted(_ catalog: ModelCatalog) -> [ModelSpec] {
        catalog.models.values.sorted { a, b in
            (a.withdrawn == nil ? 0 : 1, a.id) < (b.withdrawn == nil ? 0 : 1, b.id)
        }
    }

    /// The published price of the longest clip, over all resolutions.
    private static func price(of spec: ModelSpec, in catalog: ModelCatalog) -> ClosedRange<Credits>? {
        let book = PriceBook(catalog: catalog)
        let ranges = (spec.resolutions.isEmpty ? [nil] : spec.resolutions.map { $0 }).compactMap { resolution in
            book.publishedRange(
                for: RequestShape(
                    model: spec.id, durationSeconds: spec.durationSeconds.upperBound, resolution: resolution))
        }
        guard let lowest = ranges.map(\.lowerBound).min(), let highest = ranges.map(\.upperBound).max() else {
            return nil
        }
        return lowest...highest
    }

    private static func range(_ range: ClosedRange<Credits>) -> String {
        range.lowerBound == range.upperBound
            ? "\(range.lowerBound)" : "\(range.lowerBound) – \(range.upperBound)"
    }

    private static func list(_ values: [String]) -> String {
        values.isEmpty ? "-" : values.map(SafeText.escaped).joined(separator: ", ")
    }
}
