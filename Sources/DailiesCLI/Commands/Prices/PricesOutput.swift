import DailiesCore
import DailiesStore
import ExactJSON

/// The output of `prices`, as tables or JSON.
enum PricesOutput {
    static func name(of service: Service) -> String {
        "\(SafeText.escaped(service.provider)) at \(SafeText.escaped(service.baseURL))"
    }

    static func text(_ known: [KnownPrices]) -> String { known.map(text).joined(separator: "\n\n") }

    private static func text(_ known: KnownPrices) -> String {
        var table = TextTable(
            [
                "model", "size", "published", "your rate", "bills", "lowest", "median", "highest", "outliers", "latest",
                "estimates",
            ], rightAligned: Set(2...8))
        for line in known.lines { table.add(cells(line)) }
        return name(of: known.service) + "\n" + table.text
            + "\npublished prices as of \(SafeText.escaped(known.compiled)); all prices in credits per second of output"
    }

    private static func cells(_ line: KnownPrices.Line) -> [String] {
        let rate = line.rate.map { entry in
            "\(entry.rate.perSecond)" + (entry.rate.fee > .zero ? " + \(entry.rate.fee) per clip" : "")
        }
        let bills = line.bills
        let outliers = bills.map { $0.outliers.map(\.description).joined(separator: ", ") } ?? ""
        return [
            SafeText.escaped(line.kind.model.text), SafeText.escaped(line.kind.resolution ?? "-"),
            line.published.map(range) ?? "-", rate ?? "-", bills.map { "\($0.bills)" } ?? "-",
            bills?.range.map { "\($0.lowerBound)" } ?? "-", bills.map { "\($0.median)" } ?? "-",
            bills?.range.map { "\($0.upperBound)" } ?? "-", outliers.isEmpty ? "-" : outliers,
            line.settledAt.map(Composition.Calendar.day) ?? "-", line.trustsEstimates ? "trusted" : "-",
        ]
    }

    private static func range(_ range: ClosedRange<Credits>) -> String {
        range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "\(range.lowerBound) – \(range.upperBound)"
    }

    static func forgotten(_ kind: PriceKind, at service: Service) -> String {
        "forgot the bills of \(SafeText.escaped(kind.description)) at \(name(of: service)); bills of clips submitted "
            + "from now on count"
    }

    // MARK: JSON

    static func write(_ known: [KnownPrices], to writer: inout JSONWriter) {
        writer.name("services")
        writer.array { array in
            for known in known {
                array.object { writer in
                    write(known.service, to: &writer)
                    writer.name("prices")
                    writer.array { array in
                        for line in known.lines { array.object { write(line, compiled: known.compiled, to: &$0) } }
                    }
                }
            }
        }
    }

    static func write(_ forgotten: [PriceKind], at service: Service, to writer: inout JSONWriter) {
        write(service, to: &writer)
        writer.name("forgotten")
        writer.array { array in
            for kind in forgotten { array.object { write(kind, to: &$0) } }
        }
    }

    private static func write(_ service: Service, to writer: inout JSONWriter) {
        writer.member("provider", service.provider)
        writer.member("base_url", service.baseURL)
    }

    private static func write(_ kind: PriceKind, to writer: inout JSONWriter) {
        writer.member("model", kind.model.text)
        writer.member("resolution", optional: kind.resolution)
    }

    /// Amounts are credits per second of output.
    private static func write(_ line: KnownPrices.Line, compiled: String, to writer: inout JSONWriter) {
        write(line.kind, to: &writer)
        writer.name("published")
        if let published = line.published {
            writer.object { writer in
                writer.member("lowest", credits: published.lowerBound)
                writer.member("highest", credits: published.upperBound)
                writer.member("source", optional: line.publishedBy)
                writer.member("date", compiled)
            }
        } else {
            writer.null()
        }
        writer.name("rate")
        if let entry = line.rate {
            writer.object { writer in
                writer.member("per_second", credits: entry.rate.perSecond)
                writer.member("fee", credits: entry.rate.fee)
                writer.member("source", optional: entry.source)
                writer.member("date", optional: entry.date)
            }
        } else {
            writer.null()
        }
        writer.name("bills")
        if let bills = line.bills {
            writer.object { writer in
                writer.member("count", bills.bills)
                writer.member("lowest", credits: bills.range?.lowerBound)
                writer.member("median", credits: bills.median)
                writer.member("highest", credits: bills.range?.upperBound)
                writer.member("highest_quote", credits: bills.highestQuote)
                writer.name("outliers")
                writer.array { array in for outlier in bills.outliers { array.number(outlier.description) } }
                writer.member("settled_at", time: line.settledAt)
            }
        } else {
            writer.null()
        }
        writer.member("trusts_estimates", line.trustsEstimates)
    }
}
